//! Principals and their roles.

use entente_model::PrincipalName;

use super::*;

fn principal(id: &str) -> PrincipalName {
    format!("principals/{id}").parse().unwrap()
}

async fn create(bed: &Bed, id: &str, role: ApiRole) -> Peer {
    let (_, csr) = create_key_and_csr().unwrap();
    let made = bed.app.create_principal(&admin(), &principal(id), role, &csr, &options()).await.unwrap();
    peer(&made.certificate_pem)
}

#[tokio::test]
async fn a_principal_that_is_stored_as_operator_is_an_editor() {
    let bed = Bed::with_sample().await;
    let sam = create(&bed, "sam", ApiRole::Editor).await;
    let key = crate::rows::principal(&principal("sam"));
    let bed = bed
        .restart(async |store, _| {
            let row = store.get(&key).await.unwrap().unwrap().value;
            let row = String::from_utf8(row.to_vec()).unwrap().replace("\"editor\"", "\"operator\"");
            assert!(row.contains("operator"));
            store.commit(entente_store::Commit::new().put(key.clone(), row)).await.unwrap();
        })
        .await;
    assert_eq!(bed.app.principal_of(&sam).unwrap().role, ApiRole::Editor);
}
