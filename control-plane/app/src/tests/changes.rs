//! Answers to changes: what a deletion ends, and who leaves by a manifest.

use super::*;

async fn dry_run(bed: &Bed, names: &[&str]) -> Impact {
    let deletes = names.iter().map(|it| Delete { name: name(it), etag: None }).collect();
    let only = Options { validate_only: true, ..options() };
    bed.app.intents().change(&admin(), Change { puts: Vec::new(), deletes }, &only).await.unwrap().impact
}

fn left(id: &str, number: u32) -> Manifest {
    let mut person = serde_json::to_value(person(id, number)).unwrap();
    person["state"] = json!("LEFT");
    manifest(person)
}

#[tokio::test]
async fn users_delete_a_deletion_says_whom_it_takes_what_from() {
    let bed = Bed::with_sample().await;
    let people = ["operators/li", "operators/maya"].map(|it| it.parse().unwrap());
    let both = [tenant("contoso"), tenant("fabrikam")];
    let all = ["assignments/nordic-l1", "squads/nordic", "socRoles/l1@1"];
    for names in [&all[..1], &all] {
        let impact = dry_run(&bed, names).await;
        assert_eq!(impact.operator_names, people, "{names:?}");
        assert!(impact.items_removed >= 4 && impact.items_added == 0, "{names:?}: {impact:?}");
        let [change] = impact.rights.as_slice() else { panic!("{names:?}: {:?}", impact.rights) };
        assert_eq!((change.added.len(), change.removed[0].capability.as_str()), (0, "manageAlerts"));
        assert_eq!((change.operator_names.as_slice(), change.tenant_names.as_slice()), (&people[..], &both[..]));
    }
}

#[tokio::test]
async fn users_delete_a_tenant_does_not_go_with_what_gives_access_there() {
    let bed = Bed::with_sample().await;
    let deletes = ["assignments/nordic-l1", "tenants/contoso"].map(|it| Delete { name: name(it), etag: None }).to_vec();
    let refused = bed
        .app
        .intents()
        .change(&admin(), Change { puts: Vec::new(), deletes }, &options())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("tenants/contoso: name: is selected by assignments/nordic-l1 until this change"),
        "{refused}"
    );
    bed.delete("assignments/nordic-l1").await.unwrap();
    bed.delete("tenants/contoso").await.unwrap();
    let maya = "operators/maya".parse().unwrap();
    let named = bed.app.removals().list_removals(&viewer(), Some(&maya), &page()).await.unwrap().items;
    assert!(named.iter().any(|it| it.tenant == tenant("contoso")), "what ended before is named: {named:?}");
}

#[tokio::test]
async fn users_delete_what_is_removed_already_is_not_removed_again_with_its_tenant() {
    let bed = Bed::with_sample().await;
    bed.apply(vec![squad(&["li"])]).await.unwrap();
    bed.leave("operators/li").await;
    bed.relabel("fabrikam", 2).await;
    let impact = dry_run(&bed, &["tenants/fabrikam"]).await;
    assert_eq!((impact.items_removed, impact.rights.len()), (0, 0), "{impact:?}");
}

#[tokio::test]
async fn users_leave_by_a_manifest_names_its_removals_as_the_command_does() {
    let bed = Bed::with_sample().await;
    let by_file = bed.apply(vec![left("maya", 3)]).await.unwrap();
    let maya = "operators/maya".parse().unwrap();
    let all = bed.app.removals().list_removals(&viewer(), Some(&maya), &page()).await.unwrap().items;
    assert_eq!(all.len(), 2, "a tenant each");
    assert!(all.iter().all(|it| it.cause.word() == "LEFT" && by_file.removals.contains(&it.id)), "{by_file:?}");
    assert_eq!(bed.apply(vec![left("maya", 3)]).await.unwrap().removals, Vec::<String>::new(), "nobody leaves by it");
    assert_eq!(bed.leave("operators/maya").await.removals, by_file.removals);
    let refused = bed.apply(vec![person("maya", 3)]).await.unwrap_err().to_string();
    assert!(
        refused.ends_with(
            "operators/maya: state: has left; write state: LEFT in the manifest, or run `entente operators rejoin maya`"
        ),
        "{refused}"
    );
}

#[tokio::test]
async fn users_leave_that_is_repeated_names_nothing_of_an_earlier_one() {
    let bed = Bed::with_sample().await;
    let first = bed.leave("operators/maya").await.removals;
    bed.relabel("fabrikam", 2).await;
    bed.delete("tenants/fabrikam").await.unwrap();
    let maya = "operators/maya".parse().unwrap();
    bed.app.intents().rejoin_operator(&editor(), &maya, &options()).await.unwrap();
    bed.sleep(DAY);
    let second = bed.leave("operators/maya").await.removals;
    assert!(second.iter().all(|id| !first.contains(id)) && second.len() == 1, "{first:?} {second:?}");
    let stays = bed.app.removals().list_removals(&viewer(), Some(&maya), &page()).await.unwrap().items;
    assert!(stays.iter().any(|it| first.contains(&it.id)), "of the deleted tenant nobody knows: {stays:?}");
    assert_eq!(bed.leave("operators/maya").await.removals, second);
}
