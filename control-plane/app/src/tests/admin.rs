//! Tokens, agents, principals.

use super::*;

async fn token(bed: &Bed, id: &str) -> (EnrollmentToken, String) {
    let created = bed.app.create_token(&editor(), &tenant(id), Duration::ZERO, false, &options()).await.unwrap();
    let secret = secret(created.file.expose());
    (created.token, secret)
}

async fn enrol(bed: &Bed, token: &str, csr_pem: &str, id: &str) -> Result<Enrolled, AppError> {
    let entra = bed.entra(&tenant(id));
    bed.app.enroll(&EnrollRequest { token, csr_pem, entra_tenant: &entra }).await
}

#[tokio::test]
async fn a_token_enrols_one_key_and_the_same_key_gets_the_same_certificate() {
    let bed = Bed::with_sample().await;
    let (token, secret) = token(&bed, "contoso").await;
    let ((_, one), (_, other)) = (create_key_and_csr().unwrap(), create_key_and_csr().unwrap());
    let first = enrol(&bed, &secret, &one, "contoso").await.unwrap();
    assert_eq!(enrol(&bed, &secret, &one, "contoso").await.unwrap(), first);
    assert_eq!(first.root_key, *bed.root.public().as_bytes());
    assert_eq!(enrol(&bed, &secret, &other, "contoso").await.unwrap_err().reason(), "ENROLMENT_REFUSED");
    let listed = bed.app.list_tokens(&viewer(), &page()).unwrap().items;
    assert_eq!((listed[0].name.clone(), listed[0].agent.clone()), (token.name, Some(first.agent)));
}

#[tokio::test]
async fn every_token_that_does_not_fit_gets_the_same_answer() {
    let bed = Bed::with_sample().await;
    let (made, secret) = token(&bed, "contoso").await;
    let (_, csr) = create_key_and_csr().unwrap();
    let mut answers = Vec::new();
    for wrong in ["", "nonsense", "00000000.abc", &format!("{}.{}", made.name.id(), "0".repeat(64))] {
        answers.push(enrol(&bed, wrong, &csr, "contoso").await.unwrap_err().to_string());
    }
    answers.push(enrol(&bed, &secret, &csr, "fabrikam").await.unwrap_err().to_string());
    bed.sleep(4 * DAY);
    answers.push(enrol(&bed, &secret, &csr, "contoso").await.unwrap_err().to_string());
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let deleted = bed.app.delete_token(&editor(), &made.name, &options()).await;
    assert!(deleted.is_ok());
    assert_eq!(bed.app.delete_token(&editor(), &made.name, &options()).await.unwrap_err().reason(), "NOT_FOUND");
}

#[tokio::test]
async fn a_token_file_holds_what_an_agent_needs_and_pins_who_it_trusts() {
    let bed = Bed::with_sample().await;
    let created = bed.app.create_token(&editor(), &tenant("contoso"), Duration::ZERO, false, &options()).await.unwrap();
    let lines: Vec<&str> = created.file.expose().lines().filter(|line| !line.starts_with('#')).collect();
    let id = created.token.name.id();
    let pinned = [
        format!("ca_sha256 = \"{}\"", hex::encode(bed.app.parts().ca.sha256())),
        format!("root_key = \"{}\"", bed.root.id()),
    ];
    assert_eq!(
        lines[..3],
        [
            "address = \"soc.example:7444\"",
            "tenant = \"tenants/contoso\"",
            "entra_tenant = \"0c0de000-0000-4000-8000-000000000001\"",
        ]
    );
    assert!(lines[3].starts_with(&format!("token = \"{id}.")));
    assert_eq!(lines[4..], pinned);
}

#[tokio::test]
async fn a_repeated_creation_shows_the_token_and_not_its_secret() {
    let bed = Bed::with_sample().await;
    let once = Options { request_id: Some(Uuid::new_v4()), ..options() };
    let contoso = tenant("contoso");
    let first = bed.app.create_token(&editor(), &contoso, Duration::ZERO, false, &once).await.unwrap();
    let again = bed.app.create_token(&editor(), &contoso, Duration::ZERO, false, &once).await.unwrap();
    assert_eq!(again.token, first.token);
    assert!(again.file.expose().is_empty() && !first.file.expose().is_empty());
    assert_eq!(format!("{:?}", first.file), "TokenFile(..)");
    let secret = secret(first.file.expose());
    let (_, plain) = secret.split_once('.').unwrap();
    let stored = bed.app.parts().history.store.scan("", None, 1_000).await.unwrap();
    let holds = |value: &[u8]| String::from_utf8_lossy(value).contains(plain);
    assert!(!stored.entries.iter().any(|(_, entry)| holds(&entry.value)), "the secret is stored nowhere");
}

#[tokio::test]
async fn another_enrolment_ends_the_former_agent() {
    let bed = Bed::with_sample().await;
    let first = bed.enrol(&tenant("contoso")).await;
    bed.app.check_agent(&first).unwrap();
    let second = bed.enrol(&tenant("contoso")).await;
    assert_eq!(bed.app.check_agent(&first).unwrap_err().reason(), "UNAUTHENTICATED");
    bed.app.check_agent(&second).unwrap();
    let agents = bed.app.list_agents(&viewer(), Some(&tenant("contoso")), &page()).unwrap().items;
    assert_eq!(agents.iter().filter(|agent| agent.row.revoked.is_none()).count(), 1);
}

#[tokio::test]
async fn a_certificate_is_renewed_in_the_second_half_of_its_life_and_again_if_the_answer_was_lost() {
    let bed = Bed::with_sample().await;
    let first = bed.enrol(&tenant("contoso")).await;
    let (_, csr) = create_key_and_csr().unwrap();
    let early = bed.app.renew(&first, &csr).await.unwrap_err();
    // From five minutes before the start, for thirty days.
    assert_eq!(
        reason_and_text(&early),
        (
            "RENEWAL_EARLY",
            "the certificate is renewed from 2026-12-16T11:57:30Z on; until then it is good as it is".into()
        )
    );
    bed.sleep(16 * DAY);
    let lost = peer(&bed.app.renew(&first, &csr).await.unwrap().certificate_pem);
    let at_once = bed.app.renew(&first, &csr).await.unwrap_err();
    assert_eq!(at_once.reason(), "RENEWAL_EARLY");
    bed.sleep(Duration::from_secs(150));
    let second = peer(&bed.app.renew(&first, &csr).await.unwrap().certificate_pem);
    assert!(bed.app.check_agent(&lost).is_err(), "nobody has it");
    bed.app.check_agent(&second).unwrap();
    assert_eq!(bed.app.renew(&second, &csr).await.unwrap_err().reason(), "RENEWAL_EARLY", "it is new");
}

#[tokio::test]
async fn a_second_revocation_is_answered_under_its_own_id() {
    let bed = Bed::with_sample().await;
    let first = bed.enrol(&tenant("contoso")).await;
    let second = bed.enrol(&tenant("contoso")).await;
    let (pki::Who::Agent(first), pki::Who::Agent(second)) = (first.who, second.who) else { panic!("agents") };
    let once = Options { request_id: Some(Uuid::new_v4()), ..options() };
    assert!(
        bed.app.revoke_agent(&admin(), &first, &once).await.unwrap().row.revoked.is_some(),
        "by the second enrolment"
    );
    let other = bed.app.revoke_agent(&admin(), &second, &once).await.unwrap_err();
    assert_eq!(other.reason(), "REQUEST_ID_REUSED");
}

fn reason_and_text(error: &AppError) -> (&'static str, String) {
    (error.reason(), error.to_string())
}

#[tokio::test]
async fn a_renewed_certificate_and_the_one_before_are_good_and_older_ones_are_not() {
    let bed = Bed::with_sample().await;
    let first = bed.enrol(&tenant("contoso")).await;
    let (_, csr) = create_key_and_csr().unwrap();
    bed.sleep(20 * DAY);
    let second = peer(&bed.app.renew(&first, &csr).await.unwrap().certificate_pem);
    bed.app.check_agent(&first).unwrap();
    bed.sleep(20 * DAY);
    let third = peer(&bed.app.renew(&second, &csr).await.unwrap().certificate_pem);
    bed.app.check_agent(&second).unwrap();
    bed.app.check_agent(&third).unwrap();
    assert!(bed.app.check_agent(&first).is_err());
    assert!(bed.app.renew(&first, &csr).await.is_err());
    bed.sleep(31 * DAY);
    assert!(bed.app.check_agent(&third).is_err(), "it has ended");
}

#[tokio::test]
async fn principals_come_and_go_but_for_the_last_admin() {
    let bed = Bed::with_sample().await;
    let (_, csr) = create_key_and_csr().unwrap();
    let create = async |id: &str, role| {
        let name = format!("principals/{id}").parse().unwrap();
        let new = NewPrincipal { name: &name, role, operator: None, csr_pem: &csr };
        bed.app.create_principal(&admin(), new, &options()).await
    };
    let maya = create("maya", ApiRole::Admin).await.unwrap();
    let li = create("li", ApiRole::Viewer).await.unwrap();
    assert_eq!(create("li", ApiRole::Admin).await.unwrap_err().reason(), "ALREADY_EXISTS");
    let caller = bed.app.principal_of(&peer(&li.certificate_pem)).unwrap();
    assert_eq!((caller.principal.clone(), caller.role), (li.name.clone(), ApiRole::Viewer));
    assert!(bed.app.check_agent(&peer(&li.certificate_pem)).is_err());
    assert_eq!(bed.app.get_principal(&caller, &caller.principal).unwrap().certificate_pem, "");

    bed.app.delete_principal(&admin(), &admin().principal, &options()).await.unwrap();
    let own = bed.app.principal_of(&peer(&maya.certificate_pem)).unwrap();
    let last = bed.app.delete_principal(&own, &maya.name, &options()).await.unwrap_err();
    assert_eq!(last.reason(), "LAST_ADMIN");
    bed.app.delete_principal(&own, &li.name, &options()).await.unwrap();
    assert_eq!(bed.app.principal_of(&peer(&li.certificate_pem)).unwrap_err().reason(), "UNAUTHENTICATED");
    assert_eq!(bed.app.list_principals(&own, &page()).unwrap().items.len(), 3);
    let new = NewPrincipal { name: &li.name, role: ApiRole::Viewer, operator: None, csr_pem: &csr };
    bed.app.create_principal(&own, new, &options()).await.unwrap();
    assert!(bed.app.principal_of(&peer(&li.certificate_pem)).is_err(), "a former certificate stays dead");
}
