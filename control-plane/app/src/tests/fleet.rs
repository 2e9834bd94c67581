//! How the fleet stands: items, access, watches, plans.

use entente_model::plan::{ChangeClass, PlannedChange, Verdict};
use entente_model::report::{ItemReport, ItemState, Reason};
use futures::{FutureExt, StreamExt};

use super::agent::Agent;
use super::*;

async fn connected(bed: &Bed) -> Agent {
    let mut agent = Agent::enrol(bed, "contoso").await;
    agent.connect(bed).await;
    agent.hear(bed).await;
    agent
}

#[tokio::test]
async fn phases_follow_what_is_reported() {
    let bed = Bed::with_sample().await;
    let contoso = tenant("contoso");
    let phase = |bed: &Bed| bed.status(&contoso).phase;
    assert_eq!(phase(&bed), TenantPhase::Unenrolled);
    let mut agent = connected(&bed).await;
    assert_eq!(phase(&bed), TenantPhase::Converging);
    agent.report_applied().await;
    assert_eq!(phase(&bed), TenantPhase::Converged);
    assert_eq!(bed.status(&contoso).explanation, "");
    let key = agent.desired()[0].key.clone();
    for (state, expected) in [
        (ItemState::Waiting, TenantPhase::Waiting),
        (ItemState::Drifted, TenantPhase::Partial),
        (ItemState::of("SHINING"), TenantPhase::Partial),
        (ItemState::Pending, TenantPhase::Converging),
        (ItemState::Applied, TenantPhase::Converged),
    ] {
        let item = agent.item(key.clone(), state);
        agent.report(vec![item], Vec::new(), false).await;
        assert_eq!(phase(&bed), expected, "{state:?}");
    }
    // Newer content is on the agent's disk; what it last said is of the older one.
    bed.leave("operators/maya").await;
    assert_eq!(agent.hear(&bed).await.last().unwrap(), "delta");
    assert_eq!(phase(&bed), TenantPhase::Converging);
    agent.report_removed().await;
    assert_eq!(phase(&bed), TenantPhase::Converged);
    agent.disconnect();
    assert_eq!(phase(&bed), TenantPhase::Offline);
}

#[tokio::test]
async fn what_a_report_says_twice_is_kept_once() {
    let bed = Bed::with_sample().await;
    let mut agent = connected(&bed).await;
    agent.report_applied().await;
    let keys: Vec<_> = agent.desired().into_iter().map(|item| item.key).collect();
    let twice = agent.item(keys[0].clone(), ItemState::Drifted);
    let forgotten = keys.iter().cycle().take(3 * keys.len()).cloned().collect();
    agent.report(vec![twice.clone(), twice], forgotten, false).await;
    let counts = bed.status(&tenant("contoso")).counts;
    assert_eq!(counts.get(&ItemState::Drifted), Some(&1), "{counts:?}");
    assert_eq!(counts.get(&ItemState::Applied), None, "{counts:?}");
}

#[tokio::test]
async fn what_would_not_fit_into_a_receipt_is_refused_with_its_report() {
    let bed = Bed::with_sample().await;
    let mut agent = connected(&bed).await;
    let key = agent.desired()[0].key.clone();
    let proof = |unseen| entente_model::report::RemovalProof {
        named: bed.app.now(),
        first_empty_read: bed.app.now(),
        second_empty_read: bed.app.now(),
        effective_by: bed.app.now(),
        unseen,
        ..entente_model::report::RemovalProof::default()
    };
    for (lines, is_taken) in [(8, true), (40, false)] {
        let proof = Some(proof(vec!["x".repeat(1_000); lines]));
        let item = entente_model::report::ItemReport { proof, ..agent.item(key.clone(), ItemState::Removed) };
        let report = entente_model::report::Report { number: 1, items: vec![item], ..Default::default() };
        let taken = agent.say(crate::Incoming::Report { report, full: false }).await;
        assert_eq!(taken.is_ok(), is_taken, "{taken:?}");
    }
}

#[tokio::test]
async fn a_report_that_says_nothing_new_writes_no_item_and_a_full_one_replaces_all() {
    let bed = Bed::with_sample().await;
    let mut agent = connected(&bed).await;
    agent.report_applied().await;
    let rows = async || bed.app.parts().history.store.scan("status/contoso/", None, 100).await.unwrap().entries;
    let before = rows().await;
    agent.report_applied().await;
    assert_eq!(rows().await, before, "rows keep the revision at which they were written");
    let one = agent.item(agent.desired()[0].key.clone(), ItemState::Applied);
    agent.report(vec![one], Vec::new(), true).await;
    assert_eq!(rows().await.len(), 1);
    let key = agent.desired()[0].key.clone();
    agent.report(Vec::new(), vec![key], false).await;
    assert!(rows().await.is_empty());
    assert_eq!(agent.hear(&bed).await, ["ack 1", "ack 2", "ack 3", "ack 4"]);
}

#[tokio::test]
async fn a_report_over_its_bounds_ends_the_stream() {
    let bed = Bed::with_sample().await;
    let mut agent = connected(&bed).await;
    let long =
        ItemReport { detail: "x".repeat(5_000), ..agent.item(agent.desired()[0].key.clone(), ItemState::Failed) };
    let report = entente_model::report::Report { number: 1, items: vec![long], ..Default::default() };
    assert!(agent.say(Incoming::Report { report, full: false }).await.is_err());
    assert_eq!(agent.hear(&bed).await, ["away: protocol"]);
    assert!(bed.status(&tenant("contoso")).counts.keys().all(|state| *state == ItemState::Pending));
}

#[tokio::test]
async fn items_are_listed_with_who_they_are_about() {
    let bed = Bed::with_sample().await;
    let mut agent = connected(&bed).await;
    agent.report_applied().await;
    let list = |states: &[ItemState], page: PageRequest| {
        bed.app.reports().list_item_statuses(&viewer(), &tenant("contoso"), states, &page).unwrap()
    };
    let all = list(&[], page()).items;
    assert_eq!(all.len(), agent.items.len() as usize);
    let maya = all.iter().find(|it| it.display.starts_with("user maya")).unwrap();
    assert_eq!(maya.operator, Some("operators/maya".parse().unwrap()));
    assert!(list(&[ItemState::Failed], page()).items.is_empty());
    let first = list(&[], PageRequest { size: 2, token: String::new() });
    let second = list(&[], PageRequest { size: 1_000, token: first.next });
    assert_eq!([first.items, second.items].concat(), all);
}

#[tokio::test]
async fn access_names_who_where_by_which_assignment_and_how_it_stands() {
    let bed = Bed::with_sample().await;
    let mut agent = connected(&bed).await;
    let user =
        agent.desired().into_iter().map(|item| item.key).find(|key| key.to_string().starts_with("user/")).unwrap();
    let waiting = ItemReport {
        reason: Some(Reason::Redemption),
        redeem_url: Some("https://login.example/redeem".into()),
        ..agent.item(user.clone(), ItemState::Waiting)
    };
    agent.report(vec![waiting], Vec::new(), true).await;
    let who = |tenant: Option<&TenantName>, operator: Option<&str>, page: &PageRequest| {
        let operator = operator.map(|it| it.parse().unwrap());
        let filter = AccessFilter { tenant: tenant.cloned(), operator, ..Default::default() };
        bed.app.reports().list_access(&viewer(), &filter, page).unwrap()
    };
    let all = who(None, None, &page()).items;
    let lines: Vec<_> = all.iter().map(|it| format!("{} {} {}", it.tenant, it.operator, it.role)).collect();
    assert_eq!(
        lines,
        [
            "tenants/contoso operators/li socRoles/l1",
            "tenants/contoso operators/maya socRoles/l1",
            "tenants/fabrikam operators/li socRoles/l1",
            "tenants/fabrikam operators/maya socRoles/l1",
        ]
    );
    assert!(all.iter().all(|it| it.assignments == ["assignments/nordic-l1".parse().unwrap()]));
    assert!(all.iter().all(|it| it.redeem_url.is_none()), "a link is its person's alone");
    let mut pages = Vec::new();
    let mut token = String::new();
    loop {
        let page = who(None, None, &PageRequest { size: 1, token });
        pages.extend(page.items);
        token = page.next;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(pages, all);
    let of_li = who(Some(&tenant("contoso")), Some("operators/li"), &page()).items;
    let without: Vec<_> = of_li.iter().cloned().map(|it| Access { redeem_url: None, ..it }).collect();
    assert_eq!(without, all[..1]);
    bed.leave("operators/maya").await;
    assert_eq!(who(None, Some("operators/maya"), &page()).items, []);
}

#[tokio::test]
async fn a_watch_tells_each_tenant_once_and_then_what_changes_coalesced() {
    let bed = Bed::with_sample().await;
    let (_, csr) = create_key_and_csr().unwrap();
    let maya = "principals/maya".parse().unwrap();
    let new = NewPrincipal { name: &maya, role: ApiRole::Viewer, operator: None, csr_pem: &csr };
    bed.app.create_principal(&admin(), new, &options()).await.unwrap();
    let caller = Caller { principal: maya.clone(), role: ApiRole::Viewer, operator: None };
    let mut watch = bed.app.reports().watch_tenant_statuses(&caller, Vec::new()).unwrap();
    let mut other = bed.app.reports().watch_tenant_statuses(&admin(), Vec::new()).unwrap();
    let mut next = || watch.next().now_or_never();
    let name = |event: Option<Option<WatchEvent>>| match event {
        Some(Some(WatchEvent::Status(status))) => status.tenant.to_string(),
        Some(Some(WatchEvent::InitialComplete)) => "complete".into(),
        Some(Some(WatchEvent::Gone(tenant))) => format!("{tenant} is gone"),
        Some(None) => "over".into(),
        None => "nothing".into(),
    };
    assert_eq!(
        [name(next()), name(next()), name(next()), name(next())],
        ["tenants/contoso", "tenants/fabrikam", "complete", "nothing"]
    );
    let mut agent = connected(&bed).await;
    agent.report_applied().await;
    assert_eq!([name(next()), name(next())], ["tenants/contoso", "nothing"]);
    bed.apply(vec![squad(&["maya"])]).await.unwrap();
    assert_eq!([name(next()), name(next()), name(next())], ["tenants/contoso", "tenants/fabrikam", "nothing"]);
    bed.relabel("fabrikam", 2).await;
    assert_eq!([name(next()), name(next())], ["tenants/fabrikam", "nothing"]);
    bed.delete("tenants/fabrikam").await.unwrap();
    assert_eq!([name(next()), name(next())], ["tenants/fabrikam is gone", "nothing"]);
    bed.app.delete_principal(&admin(), &maya, &options()).await.unwrap();
    assert_eq!(name(next()), "over", "its principal is gone");
    agent.disconnect();
    assert_eq!(name(other.next().now_or_never()), "tenants/contoso");
    bed.app.shutdown(Duration::from_secs(10)).await;
    assert_eq!(name(other.next().now_or_never()), "over");
    let unknown = bed.app.reports().watch_tenant_statuses(&viewer(), vec![tenant("none")]).unwrap_err();
    assert_eq!(unknown.reason(), "NOT_FOUND");
}

#[tokio::test]
async fn a_plan_is_asked_of_the_agent_and_shared_by_those_who_ask() {
    let bed = Bed::with_sample().await;
    let contoso = tenant("contoso");
    let offline = bed.app.plan_tenant(&viewer(), &contoso).await.unwrap_err();
    assert_eq!(offline.reason(), "AGENT_OFFLINE");
    let mut agent = connected(&bed).await;
    let change = PlannedChange {
        key: agent.desired()[0].key.clone(),
        class: ChangeClass::Grant.into(),
        verdict: Verdict::Allowed.into(),
        reason: None,
        action: "create".into(),
        before: String::new(),
        after: String::new(),
    };
    let caller = viewer();
    let ask = || bed.app.plan_tenant(&caller, &contoso);
    let answer = async {
        let Some(Outgoing::PlanRequest { nonce }) = agent.next() else { panic!("a request") };
        assert!(agent.next().is_none(), "one request for both");
        agent.say(Incoming::PlanResult { nonce: nonce + 1, result: Ok(Vec::new()) }).await.unwrap();
        agent.say(Incoming::PlanResult { nonce, result: Ok(vec![change.clone()]) }).await.unwrap();
    };
    let (one, other, ()) = tokio::join!(ask(), ask(), answer);
    assert_eq!(one.unwrap().changes, std::slice::from_ref(&change));
    assert_eq!(other.unwrap().changes, [change]);
    let fail = async {
        let Some(Outgoing::PlanRequest { nonce }) = agent.next() else { panic!("a request") };
        agent.say(Incoming::PlanResult { nonce, result: Err("no guardrail".into()) }).await.unwrap();
    };
    let (failed, ()) = tokio::join!(ask(), fail);
    assert_eq!(failed.unwrap_err().reason(), "NO_PLAN");
    bed.app.compare_tenant(&editor(), &contoso).await.unwrap();
    assert_eq!(agent.hear(&bed).await, ["compare"]);
    let newest = bed.app.audit(&viewer(), &page(), None).await.unwrap().items.remove(0);
    assert_eq!((newest.actor.as_str(), newest.method.as_str()), ("principals/editor", "CompareTenant"));
    assert_eq!(newest.resources, ["tenants/contoso"]);
    // Three plans and a comparison so far.
    for _ in 4..12 {
        bed.app.compare_tenant(&editor(), &contoso).await.unwrap();
    }
    let often = bed.app.compare_tenant(&editor(), &contoso).await.unwrap_err();
    assert_eq!(often.reason(), "TOO_OFTEN");
    bed.sleep(Duration::from_secs(60));
    bed.app.compare_tenant(&editor(), &contoso).await.unwrap();
}

#[tokio::test]
async fn field_kind_12_a_name_that_nothing_has_is_an_error_and_names_the_nearest() {
    let bed = Bed::with_sample().await;
    let (viewer, page) = (viewer(), page());
    let (nobody, nowhere) = ("operators/mayaa".parse().unwrap(), tenant("contosoo"));
    let (maya, contoso) = ("operators/maya".parse().unwrap(), tenant("contoso"));
    let access = |tenant: Option<&TenantName>, operator: Option<&entente_model::OperatorName>| {
        let filter = AccessFilter { tenant: tenant.cloned(), operator: operator.cloned(), ..Default::default() };
        bed.app.reports().list_access(&viewer, &filter, &page).unwrap_err()
    };
    let never = name("squads/nordicc");
    let errors = [
        ("operator", "operators/maya", access(None, Some(&nobody))),
        ("operator", "operators/maya", access(Some(&contoso), Some(&nobody))),
        ("tenant", "tenants/contoso", access(Some(&nowhere), None)),
        ("tenant", "tenants/contoso", access(Some(&nowhere), Some(&maya))),
        (
            "operator",
            "operators/maya",
            bed.app.removals().list_removals(&viewer, Some(&nobody), &page).await.unwrap_err(),
        ),
        ("parent", "tenants/contoso", bed.app.list_agents(&viewer, Some(&nowhere), &page).unwrap_err()),
        ("name", "squads/nordic", bed.app.audit(&viewer, &page, Some(&never)).await.unwrap_err()),
        ("name", "squads/nordic", bed.app.get(&viewer, &never).unwrap_err()),
        ("tenant", "tenants/contoso", bed.app.reports().tenant_status(&viewer, &nowhere).unwrap_err()),
        ("tenant", "tenants/contoso", bed.app.reports().list_item_statuses(&viewer, &nowhere, &[], &page).unwrap_err()),
        (
            "tenants",
            "tenants/contoso",
            bed.app.reports().watch_tenant_statuses(&viewer, vec![nowhere.clone()]).unwrap_err(),
        ),
        ("tenant", "tenants/contoso", bed.app.plan_tenant(&viewer, &nowhere).await.unwrap_err()),
        ("name", "operators/maya", bed.app.intents().leave_operator(&editor(), &nobody, &options()).await.unwrap_err()),
    ];
    for (expected, near, error) in errors {
        let AppError::NotFound { field, nearest, .. } = &error else { panic!("{error:?}") };
        assert_eq!((*field, nearest.as_deref()), (expected, Some(near)), "{error}");
        assert!(error.to_string().ends_with(&format!("does not exist; is {near} meant?")), "{error}");
    }
}

#[tokio::test]
async fn who_and_what_is_deleted_is_still_told() {
    let bed = Bed::with_sample().await;
    let [mut contoso, mut fabrikam] = super::removals::fleet(&bed).await;
    bed.apply(vec![squad(&["li"])]).await.unwrap();
    bed.delete("operators/maya").await.unwrap();
    let maya = "operators/maya".parse().unwrap();
    assert!(!bed.app.removals().list_removals(&viewer(), Some(&maya), &page()).await.unwrap().items.is_empty());
    for agent in [&mut contoso, &mut fabrikam] {
        agent.hear(&bed).await;
        agent.report_removed().await;
    }
    bed.app.parts().removals.settle_removals().await.unwrap();
    bed.sleep(40 * DAY);
    bed.app.parts().removals.settle_removals().await.unwrap();
    assert!(bed.app.snapshot().fleet.intent().revocations.is_empty());
    assert!(!bed.app.removals().list_removals(&viewer(), Some(&maya), &page()).await.unwrap().items.is_empty());
    assert!(!bed.app.audit(&viewer(), &page(), Some(&name("operators/maya"))).await.unwrap().items.is_empty());
    let filter = AccessFilter { operator: Some(maya), ..Default::default() };
    bed.app.reports().list_access(&viewer(), &filter, &page()).unwrap_err();
}

#[tokio::test]
async fn tenants_are_selected_by_name_label_and_phase_and_a_wrong_name_is_an_error() {
    let bed = Bed::with_sample().await;
    let list = |selected: &TenantSelection| {
        let page = bed.app.reports().list_tenant_statuses(&admin(), selected, &PageRequest::default());
        page.map(|page| page.items.into_iter().map(|it| it.tenant.to_string()).collect::<Vec<_>>())
    };
    let all = list(&TenantSelection::default()).unwrap();
    assert!(all.contains(&"tenants/contoso".to_owned()), "{all:?}");
    let label = |value: &str| TenantSelection {
        labels: [("region".to_owned(), value.to_owned())].into(),
        ..TenantSelection::default()
    };
    assert!(list(&label("nordic")).unwrap().contains(&"tenants/contoso".to_owned()));
    assert!(list(&label("nordc")).unwrap().is_empty());
    let phases = |phase| TenantSelection { phases: [phase].into(), ..TenantSelection::default() };
    assert_eq!(list(&phases(TenantPhase::Unenrolled)).unwrap(), all);
    assert!(list(&phases(TenantPhase::Converged)).unwrap().is_empty());
    let named = |name: &str| TenantSelection { tenants: [tenant(name)].into(), ..TenantSelection::default() };
    assert_eq!(list(&named("contoso")).unwrap(), ["tenants/contoso"]);
    assert!(matches!(list(&named("nowhere")).unwrap_err(), AppError::NotFound { .. }));
}
