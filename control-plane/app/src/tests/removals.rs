//! The first promise: a leaver is provably gone everywhere.

use entente_model::desired::{ItemKey, UserKey};
use entente_model::report::{ItemState, Reason, RevokeAll, RevokeAllState, Standing};

use super::agent::Agent;
use super::*;

pub(super) async fn fleet(bed: &Bed) -> [Agent; 2] {
    let mut agents = [Agent::enrol(bed, "contoso").await, Agent::enrol(bed, "fabrikam").await];
    for agent in &mut agents {
        agent.connect(bed).await;
        agent.hear(bed).await;
        agent.report_applied().await;
    }
    agents
}

pub(super) async fn removals(bed: &Bed, of: Option<&str>) -> Vec<(String, ItemState, bool)> {
    let of = of.map(|name| name.parse().unwrap());
    let found = bed.app.removals().list_removals(&viewer(), of.as_ref(), &page()).await.unwrap().items;
    found.into_iter().map(|it| (it.tenant.to_string(), it.state, it.complete)).collect()
}

#[tokio::test]
async fn a_leaver_is_absent_everywhere_until_every_tenant_has_proven_it_and_the_receipts_stay() {
    let bed = Bed::with_sample().await;
    let [mut contoso, mut fabrikam] = fleet(&bed).await;
    bed.leave("operators/maya").await;
    for agent in [&mut contoso, &mut fabrikam] {
        assert_eq!(agent.hear(&bed).await, ["ack 1", "delta"]);
        let absent = agent.absent();
        assert!(absent.iter().any(|key| key.to_string().starts_with("user/")), "{absent:?}");
    }
    assert_eq!(removals(&bed, None).await.len(), 2);
    assert!(removals(&bed, None).await.iter().all(|(_, _, complete)| !complete));

    contoso.report_removed().await;
    bed.app.parts().removals.settle_told().await.unwrap();
    let open = removals(&bed, None).await;
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(open[0].0, "tenants/fabrikam");
    assert!(!contoso.absent().is_empty(), "named until it is proven everywhere");

    fabrikam.report_removed().await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    assert!(removals(&bed, None).await.is_empty());
    // It is watched until nothing can be restored any more.
    bed.sleep(35 * DAY - Duration::from_secs(1));
    bed.app.parts().removals.settle_removals().await.unwrap();
    assert_eq!(contoso.hear(&bed).await, ["ack 2"]);
    assert!(!contoso.absent().is_empty());
    bed.sleep(Duration::from_secs(1));
    bed.app.parts().removals.settle_removals().await.unwrap();
    assert!(bed.app.snapshot().fleet.intent().revocations.is_empty());
    for agent in [&mut contoso, &mut fabrikam] {
        assert_eq!(agent.hear(&bed).await.last().unwrap(), "delta");
        assert!(agent.absent().is_empty());
    }
    let complete = |tenant: &str| (format!("tenants/{tenant}"), ItemState::Removed, true);
    let receipts = [complete("contoso"), complete("fabrikam")];
    assert_eq!(removals(&bed, Some("operators/maya")).await, receipts);

    drop((contoso, fabrikam));
    let bed = bed.restart(async |_, _| {}).await;
    assert_eq!(removals(&bed, Some("operators/maya")).await, receipts);
}

#[tokio::test]
async fn a_proof_of_an_earlier_removal_proves_nothing_for_a_later_one() {
    let bed = Bed::with_sample().await;
    let [mut contoso, _fabrikam] = fleet(&bed).await;
    bed.leave("operators/maya").await;
    contoso.hear(&bed).await;
    contoso.report_removed().await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    bed.sleep(Duration::from_secs(600));
    let maya = "operators/maya".parse().unwrap();
    bed.app.intents().rejoin_operator(&editor(), &maya, &options()).await.unwrap();
    bed.leave("operators/maya").await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    let open = removals(&bed, None).await;
    assert_eq!(open.len(), 2, "{open:?}");
    contoso.hear(&bed).await;
    contoso.report_removed().await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    assert_eq!(removals(&bed, None).await.len(), 1);
}

/// Fabrikam's removal stays open: its agent is away, and then the tenant is no longer meant.
#[tokio::test]
async fn who_leaves_again_while_the_first_leave_is_open_elsewhere_is_proven_gone_again() {
    let bed = Bed::with_sample().await;
    let [mut contoso, mut fabrikam] = fleet(&bed).await;
    fabrikam.disconnect();
    bed.leave("operators/maya").await;
    contoso.hear(&bed).await;
    contoso.report_removed().await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    bed.relabel("fabrikam", 2).await;
    bed.sleep(Duration::from_secs(600));
    let maya = "operators/maya".parse().unwrap();
    bed.app.intents().rejoin_operator(&editor(), &maya, &options()).await.unwrap();
    assert_eq!(removals(&bed, None).await, [("tenants/fabrikam".into(), ItemState::Pending, false)]);
    bed.sleep(Duration::from_secs(600));
    bed.leave("operators/maya").await;

    bed.app.parts().removals.settle_removals().await.unwrap();
    let open = |tenant: &str| (format!("tenants/{tenant}"), ItemState::Pending, false);
    assert_eq!(removals(&bed, None).await, [open("contoso"), open("fabrikam")]);
    contoso.hear(&bed).await;
    assert!(contoso.absent().iter().any(|key| key.to_string().starts_with("user/")), "{:?}", contoso.absent());
    contoso.report_removed().await;
    fabrikam.connect(&bed).await;
    fabrikam.hear(&bed).await;
    fabrikam.report_removed().await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    assert!(removals(&bed, None).await.is_empty());
    let receipts = removals(&bed, Some("operators/maya")).await;
    let tenants: Vec<_> = receipts.iter().map(|(tenant, _, complete)| (tenant.as_str(), *complete)).collect();
    assert_eq!(tenants, [("tenants/contoso", true), ("tenants/contoso", true), ("tenants/fabrikam", true)]);
}

#[tokio::test]
async fn an_account_that_its_operator_has_no_more_is_removed_where_an_agent_still_sees_it() {
    let bed = Bed::with_sample().await;
    let [_contoso, mut fabrikam] = fleet(&bed).await;
    // Fabrikam is no longer meant by any assignment, but its agent has not removed anybody yet.
    bed.relabel("fabrikam", 2).await;
    fabrikam.hear(&bed).await;
    assert!(fabrikam.absent().is_empty());
    let mut maya = serde_json::to_value(person("maya", 33)).unwrap();
    maya["identities"][0]["mail"] = json!("maya.berg@nordwall.example");
    bed.apply(vec![manifest(maya)]).await.unwrap();
    fabrikam.hear(&bed).await;
    assert!(!fabrikam.absent().is_empty());
}

#[tokio::test]
async fn proofs_survive_a_restart_in_the_middle() {
    let bed = Bed::with_sample().await;
    let [mut contoso, mut fabrikam] = fleet(&bed).await;
    bed.leave("operators/maya").await;
    for agent in [&mut contoso, &mut fabrikam] {
        agent.hear(&bed).await;
    }
    contoso.report_removed().await;
    let held = (contoso.held.clone(), fabrikam.held.clone());
    contoso.disconnect();
    fabrikam.disconnect();
    let bed = bed.restart(async |_, _| {}).await;
    assert_eq!((contoso.held.clone(), fabrikam.held.clone()), held);
    bed.app.parts().removals.settle_removals().await.unwrap();
    assert_eq!(removals(&bed, None).await.len(), 1, "the proof was in the report's rows");
    fabrikam.connect(&bed).await;
    fabrikam.hear(&bed).await;
    fabrikam.report_removed().await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    assert!(removals(&bed, None).await.is_empty());
    assert_eq!(removals(&bed, Some("operators/maya")).await.len(), 2);
}

#[tokio::test]
async fn a_leaver_is_removed_also_where_only_an_agent_still_sees_the_account() {
    let bed = Bed::with_sample().await;
    let [mut contoso, mut fabrikam] = fleet(&bed).await;
    // Fabrikam is no longer meant by any assignment, but its agent has not removed anybody yet.
    bed.relabel("fabrikam", 2).await;
    fabrikam.hear(&bed).await;
    assert!(fabrikam.items.is_empty());
    bed.leave("operators/maya").await;
    for agent in [&mut contoso, &mut fabrikam] {
        agent.hear(&bed).await;
        assert!(!agent.absent().is_empty(), "{}", agent.tenant);
    }
}

#[tokio::test]
async fn who_is_seen_only_after_they_have_left_is_removed_there_too() {
    let bed = Bed::with_sample().await;
    let mut agents = [Agent::enrol(&bed, "contoso").await, Agent::enrol(&bed, "fabrikam").await];
    for agent in &mut agents {
        agent.connect(&bed).await;
        agent.hear(&bed).await;
    }
    let [_contoso, mut fabrikam] = agents;
    let maya = fabrikam.desired().into_iter().find(|item| item.key.to_string().contains("000000000003")).unwrap().key;
    // Fabrikam's agent lets Maya in, and says so when neither the tenant nor Maya is meant any more.
    bed.relabel("fabrikam", 2).await;
    bed.leave("operators/maya").await;
    fabrikam.hear(&bed).await;
    assert!(fabrikam.absent().is_empty());
    let user = maya.person().map(|(home, object_id)| ItemKey::User(UserKey { home: home.clone(), object_id })).unwrap();
    fabrikam.report(vec![fabrikam.item(user.clone(), ItemState::Pending)], Vec::new(), false).await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    fabrikam.hear(&bed).await;
    assert_eq!(fabrikam.absent(), [user]);
    fabrikam.report_removed().await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    assert!(removals(&bed, None).await.iter().all(|(tenant, ..)| tenant == "tenants/contoso"));
}

#[tokio::test]
async fn the_background_tasks_prove_a_removal_and_lease_what_follows() {
    let bed = Bed::with_sample().await;
    bed.app.start();
    let [mut contoso, mut fabrikam] = fleet(&bed).await;
    bed.leave("operators/maya").await;
    for agent in [&mut contoso, &mut fabrikam] {
        agent.hear(&bed).await;
        agent.report_removed().await;
    }
    let mut heard = Vec::new();
    let ended = async {
        while !(heard.ends_with(&["lease".to_owned()]) && removals(&bed, None).await.is_empty()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
            heard.extend(contoso.hear(&bed).await);
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ended).await.unwrap();
}

#[tokio::test]
async fn a_leave_of_which_an_agent_under_revoke_all_says_nothing_says_why_and_whose_move_it_is() {
    let bed = Bed::with_sample().await;
    let [mut contoso, _fabrikam] = fleet(&bed).await;
    bed.leave("operators/maya").await;
    contoso.hear(&bed).await;
    let revoke_all = Some(RevokeAll { state: RevokeAllState::Done.into(), since: Timestamp::from_unix(1) });
    let ended = Standing { paused: true, revoke_all, ..contoso.standing() };
    let keys = contoso.desired().into_iter().map(|item| item.key).collect();
    contoso.report_with(Vec::new(), keys, false, ended).await;
    let found = bed.app.removals().list_removals(&viewer(), None, &page()).await.unwrap().items;
    let it = found.iter().find(|it| it.tenant == tenant("contoso")).unwrap();
    assert_eq!((it.state, it.reason), (ItemState::Pending, Some(Reason::RevokeAll)));
    assert!(it.detail.contains("`entente-agent resume`"), "{}", it.detail);
}
