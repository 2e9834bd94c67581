//! What is said of a change: of what a deletion ends.

use super::*;

async fn dry_run(bed: &Bed, names: &[&str]) -> Impact {
    let deletes = names.iter().map(|it| Delete { name: name(it), etag: None }).collect();
    let only = Options { validate_only: true, ..options() };
    bed.app.change(&admin(), Change { puts: Vec::new(), deletes }, &only).await.unwrap().impact
}

#[tokio::test]
async fn users_delete_a_deletion_says_whom_it_takes_what_from() {
    let bed = Bed::with_sample().await;
    let people = ["operators/li", "operators/maya"].map(|it| it.parse().unwrap());
    let both = [tenant("contoso"), tenant("fabrikam")];
    let all = ["assignments/nordic-l1", "squads/nordic", "socRoles/l1@1"];
    for names in [&all[..1], &all, &["assignments/nordic-l1", "tenants/contoso", "tenants/fabrikam"]] {
        let impact = dry_run(&bed, names).await;
        assert_eq!(impact.operator_names, people, "{names:?}");
        assert!(impact.items_removed >= 4 && impact.items_added == 0, "{names:?}: {impact:?}");
        let [change] = impact.rights.as_slice() else { panic!("{names:?}: {:?}", impact.rights) };
        assert_eq!((change.added.len(), change.removed[0].capability.as_str()), (0, "manageAlerts"));
        assert_eq!((change.operator_names.as_slice(), change.tenant_names.as_slice()), (&people[..], &both[..]));
    }
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
