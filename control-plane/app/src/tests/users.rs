//! What somebody who works with it for a day reads, and what must be true of it.

use entente_model::desired::ItemKey;
use entente_model::report::{ItemReport, ItemState, Reason};

use super::agent::Agent;
use super::*;

fn put(manifests: Vec<Manifest>) -> Change {
    let puts = manifests.into_iter().map(|manifest| Put::Set { manifest, etag: None }).collect();
    Change { puts, deletes: Vec::new() }
}

async fn dry_run(bed: &Bed, manifests: Vec<Manifest>) -> Impact {
    let only = Options { validate_only: true, ..options() };
    bed.app.intents().change(&editor(), put(manifests), &only).await.unwrap().impact
}

fn role_with(version: u32, items: Value) -> Manifest {
    manifest(json!({"kind": "SocRole", "name": "socRoles/l1", "version": version, "items": items}))
}

fn defender(permissions: &[&str]) -> Value {
    json!({"plane": "defenderRoles", "permissions": permissions})
}

fn azure(roles: &[&str], at: &str) -> Value {
    json!({"plane": "azureRoles", "roles": roles, "at": at})
}

/// The assignment of the sample, to another version of its role.
fn assigned(version: u32) -> Manifest {
    let mut assignment = serde_json::to_value(sample().pop().unwrap()).unwrap();
    assignment["role"] = json!(format!("socRoles/l1@{version}"));
    manifest(assignment)
}

/// A customer with two Azure scopes, one within the other.
fn with_scopes(id: &str, number: u32) -> Manifest {
    let mut tenant = serde_json::to_value(customer(id, number)).unwrap();
    let subscription = format!("/subscriptions/11111111-1111-4111-8111-{number:012}");
    let group = format!("{subscription}/resourceGroups/rg-sentinel");
    tenant["scopes"] = json!({"whole": [subscription], "sentinel": [group]});
    manifest(tenant)
}

fn words(rights: &[Right]) -> Vec<(&str, bool)> {
    rights.iter().map(|right| (right.capability.as_str(), right.in_part)).collect()
}

#[tokio::test]
async fn users_d04_a_version_of_a_role_that_gives_more_counts_its_items_and_its_people_and_says_what() {
    let bed = Bed::with_sample().await;
    let more =
        role_with(2, json!([defender(&["alerts.manage", "liveresponse.basic.manage", "filecollection.manage"])]));
    let impact = dry_run(&bed, vec![more.clone(), assigned(2)]).await;
    assert_eq!((impact.items_added, impact.items_changed, impact.items_removed), (0, 2, 0), "a Defender role in each");
    assert_eq!((impact.tenants, impact.people), (2, 2));
    assert_eq!(impact.operator_names, ["operators/li".parse().unwrap(), "operators/maya".parse().unwrap()]);
    let [change] = impact.rights.as_slice() else { panic!("{:?}", impact.rights) };
    assert_eq!(words(&change.added), [("liveResponseBasic", false), ("collectFiles", false)]);
    assert_eq!(change.added[0].phrase, "basic live response");
    assert_eq!((change.removed.len(), change.people, change.tenants), (0, 2, 2));
    assert_eq!(change.operator_names, impact.operator_names);
    assert_eq!(change.tenant_names, [tenant("contoso"), tenant("fabrikam")]);

    bed.apply(vec![more, assigned(2)]).await.unwrap();
    let back = dry_run(&bed, vec![assigned(1)]).await;
    let [change] = back.rights.as_slice() else { panic!("{:?}", back.rights) };
    assert_eq!(words(&change.removed), [("liveResponseBasic", false), ("collectFiles", false)]);
    assert_eq!((change.added.len(), back.items_changed, back.people), (0, 2, 2));
}

#[tokio::test]
async fn a_directory_role_is_told_like_any_other_right_and_of_the_people_of_the_roles_other_group() {
    let bed = Bed::with_sample().await;
    let more =
        role_with(2, json!([defender(&["alerts.manage"]), {"plane": "entraRoles", "role": "Directory Readers"}]));
    let impact = dry_run(&bed, vec![more.clone(), assigned(2)]).await;
    // A group, a role and two people in it, in each of two tenants.
    assert_eq!((impact.items_added, impact.items_changed, impact.items_removed), (8, 0, 0));
    let [change] = impact.rights.as_slice() else { panic!("{:?}", impact.rights) };
    assert_eq!(words(&change.added), [("readAuthorization", false), ("readDirectory", false)]);
    assert_eq!((change.removed.len(), change.people, change.tenants), (0, 2, 2));
    bed.apply(vec![more, assigned(2)]).await.unwrap();
    let back = dry_run(&bed, vec![assigned(1)]).await;
    let [change] = back.rights.as_slice() else { panic!("{:?}", back.rights) };
    assert_eq!(words(&change.removed), [("readAuthorization", false), ("readDirectory", false)]);
    assert_eq!((back.items_removed, back.people), (8, 2));
}

#[tokio::test]
async fn users_d04_joiners_leavers_and_ends_are_told_in_the_same_words() {
    let bed = Bed::with_sample().await;
    let joiner = dry_run(&bed, vec![squad(&["maya", "li", "jonas"])]).await;
    let [change] = joiner.rights.as_slice() else { panic!("{:?}", joiner.rights) };
    assert_eq!((words(&change.added), change.people, change.tenants), (vec![("manageAlerts", false)], 1, 2));
    assert_eq!(change.operator_names, ["operators/jonas".parse().unwrap()]);
    let only = Options { validate_only: true, ..options() };
    let left =
        bed.app.intents().leave_operator(&editor(), &"operators/maya".parse().unwrap(), &only).await.unwrap().impact;
    let [change] = left.rights.as_slice() else { panic!("{:?}", left.rights) };
    assert_eq!((words(&change.removed), change.people, change.tenants), (vec![("manageAlerts", false)], 1, 2));
    // Her access is the same until its new end; her items are not.
    let mut until = serde_json::to_value(squad(&["maya", "li"])).unwrap();
    until["members"][0]["until"] = json!("2026-12-31");
    let ends = dry_run(&bed, vec![manifest(until)]).await;
    assert_eq!((ends.items_added, ends.items_changed, ends.items_removed, ends.people), (0, 4, 0, 1), "{ends:?}");
    assert_eq!(ends.rights, []);
}

#[tokio::test]
async fn users_d04_more_of_a_tenant_is_told_and_what_no_table_knows_is_not_passed_over() {
    let bed = Bed::with_sample().await;
    bed.apply(vec![with_scopes("contoso", 1), with_scopes("fabrikam", 2)]).await.unwrap();
    let narrow = role_with(2, json!([azure(&["Microsoft Sentinel Playbook Operator"], "sentinel")]));
    bed.apply(vec![narrow, assigned(2)]).await.unwrap();
    let wide = role_with(3, json!([azure(&["Microsoft Sentinel Playbook Operator", "Contributor"], "whole")]));
    let impact = dry_run(&bed, vec![wide.clone(), assigned(3)]).await;
    let [change] = impact.rights.as_slice() else { panic!("{:?}", impact.rights) };
    assert_eq!(words(&change.added), [("runPlaybooks", true), ("", false)]);
    assert_eq!(change.added[1].phrase, "what the Azure role Contributor lets people do");
    assert_eq!(
        change.tenant_names,
        [tenant("contoso"), tenant("fabrikam")],
        "scopes differ, and the change is the same"
    );
    bed.apply(vec![wide, assigned(3)]).await.unwrap();
    let back = dry_run(&bed, vec![assigned(2)]).await;
    let [change] = back.rights.as_slice() else { panic!("{:?}", back.rights) };
    assert_eq!((words(&change.removed), words(&change.added)), (vec![("runPlaybooks", true), ("", false)], vec![]));
}

#[tokio::test]
async fn users_d04_a_start_takes_away_until_then_and_gives_from_then_on() {
    let bed = Bed::with_sample().await;
    let items = json!([azure(&["Microsoft Sentinel Playbook Operator"], "sentinel")]);
    let starting = |day: &str| {
        let mut it = serde_json::to_value(assigned(2)).unwrap();
        it["start"] = json!(day);
        manifest(it)
    };
    let role = role_with(2, items);
    let scopes = || [with_scopes("contoso", 1), with_scopes("fabrikam", 2)].into_iter();
    bed.apply(scopes().chain([role, assigned(2)]).collect()).await.unwrap();
    let put_off = dry_run(&bed, vec![starting("2027-02-01")]).await;
    let [change] = put_off.rights.as_slice() else { panic!("{:?}", put_off.rights) };
    assert_eq!((words(&change.removed), words(&change.added)), (vec![("runPlaybooks", false)], vec![]));
    assert_eq!(put_off.people, 2);
    bed.apply(vec![starting("2027-02-01")]).await.unwrap();
    let sooner = dry_run(&bed, vec![starting("2027-01-01")]).await;
    let from: Vec<_> = sooner.rights.iter().flat_map(|it| &it.added).map(|it| it.from.unwrap().to_string()).collect();
    assert_eq!(from, ["2027-01-01T00:00:00Z"]);
    let now = dry_run(&bed, vec![assigned(2)]).await;
    assert_eq!(now.rights.iter().flat_map(|it| &it.added).map(|it| it.from).collect::<Vec<_>>(), [None]);
}

#[tokio::test]
async fn users_d05_a_leave_names_its_own_removals_and_a_movers_are_others() {
    let bed = Bed::with_sample().await;
    let [mut contoso, mut fabrikam] = super::removals::fleet(&bed).await;
    bed.apply(vec![squad(&["li"])]).await.unwrap();
    for agent in [&mut contoso, &mut fabrikam] {
        agent.hear(&bed).await;
        agent.report_removed().await;
    }
    bed.app.parts().removals.settle_removals().await.unwrap();
    bed.sleep(Duration::from_secs(180));
    let left = bed.leave("operators/maya").await;
    let maya = "operators/maya".parse().unwrap();
    let all = bed.app.removals().list_removals(&viewer(), Some(&maya), &page()).await.unwrap().items;
    let theirs: Vec<_> = all.iter().filter(|it| left.removals.contains(&it.id)).collect();
    assert!(theirs.iter().all(|it| it.cause.word() == "LEFT" && !it.complete), "{theirs:?}");
    assert_eq!(theirs.len(), 2);
    assert_eq!(all.iter().filter(|it| it.complete).count(), 2, "the receipts of the move: {all:?}");
    let again = bed.leave("operators/maya").await;
    assert_eq!(again.removals, left.removals, "a leave that is repeated is the same leave");
}

#[tokio::test]
async fn users_d13_where_no_agent_ever_enrolled_nothing_is_to_be_removed_and_only_there() {
    let bed = Bed::with_sample().await;
    let mut contoso = Agent::enrol(&bed, "contoso").await;
    contoso.connect(&bed).await;
    contoso.hear(&bed).await;
    contoso.report_applied().await;
    bed.leave("operators/maya").await;
    let maya = "operators/maya".parse().unwrap();
    let stands = async || {
        let all = bed.app.removals().list_removals(&viewer(), Some(&maya), &page()).await.unwrap().items;
        all.into_iter().map(|it| (it.tenant.to_string(), it.complete)).collect::<Vec<_>>()
    };
    let [c, f] = ["tenants/contoso", "tenants/fabrikam"].map(String::from);
    assert_eq!(stands().await, [(c.clone(), false), (f.clone(), true)]);
    contoso.hear(&bed).await;
    contoso.report_removed().await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    assert_eq!(stands().await, [(c.clone(), true), (f.clone(), true)]);
    let _fabrikam = Agent::enrol(&bed, "fabrikam").await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    assert_eq!(stands().await, [(c, true), (f, false)], "somebody looks there now");
}

#[tokio::test]
async fn users_d15_a_set_of_deletions_is_carried_out_whole_or_not_at_all() {
    let bed = Bed::with_sample().await;
    bed.apply(vec![person("sam", 9), person("kim", 10)]).await.unwrap();
    let delete = |names: &[&str]| Change {
        puts: Vec::new(),
        deletes: names.iter().map(|it| Delete { name: name(it), etag: None }).collect(),
    };
    let refused =
        bed.app.intents().change(&admin(), delete(&["operators/sam", "operators/none"]), &options()).await.unwrap_err();
    assert_eq!(refused.reason(), "NOT_FOUND");
    bed.app.get(&viewer(), &name("operators/sam")).unwrap();
    bed.app.intents().change(&admin(), delete(&["operators/sam", "operators/kim"]), &options()).await.unwrap();
    bed.app.get(&viewer(), &name("operators/kim")).unwrap_err();
}

/// An agent of contoso with everything applied, where the role has one Defender role and two Azure roles.
async fn analyst(bed: &Bed) -> Agent {
    let items = json!([
        defender(&["alerts.manage"]),
        azure(&["Microsoft Sentinel Responder", "Microsoft Sentinel Playbook Operator"], "sentinel")
    ]);
    let tenants = [with_scopes("contoso", 1), with_scopes("fabrikam", 2)];
    bed.apply(tenants.into_iter().chain([role_with(2, items), assigned(2)]).collect()).await.unwrap();
    let mut agent = Agent::enrol(bed, "contoso").await;
    agent.connect(bed).await;
    agent.hear(bed).await;
    agent.report_applied().await;
    agent
}

fn key(agent: &Agent, part: &str) -> ItemKey {
    let mut keys = agent.desired().into_iter().map(|item| item.key);
    keys.find(|key| key.to_string().contains(part)).unwrap()
}

async fn say(agent: &mut Agent, part: &str, state: ItemState, reason: Option<Reason>) {
    let item = ItemReport { reason, ..agent.item(key(agent, part), state) };
    agent.report(vec![item], Vec::new(), false).await;
}

#[tokio::test]
async fn users_d09_who_says_how_much_of_a_role_there_is() {
    const PLAYBOOK: &str = "51d6186e-6489-4900-b93f-92e23144cca5";
    let bed = Bed::with_sample().await;
    let mut agent = analyst(&bed).await;
    let who = || {
        let filter = AccessFilter { tenant: Some(tenant("contoso")), ..Default::default() };
        let all = bed.app.reports().list_access(&viewer(), &filter, &page()).unwrap().items;
        let it = all.into_iter().find(|it| it.operator.to_string() == "operators/maya").unwrap();
        (it.state, it.reason, it.rights_applied, it.rights)
    };
    assert_eq!(who(), (ItemState::Applied, None, 3, 3));
    let refused = Some(Reason::GuardrailCapability);
    say(&mut agent, PLAYBOOK, ItemState::Refused, refused).await;
    assert_eq!(who(), (ItemState::Partial, refused, 2, 3));
    say(&mut agent, "defenderRole/", ItemState::Refused, refused).await;
    assert_eq!(who(), (ItemState::Partial, refused, 1, 3));
    say(&mut agent, PLAYBOOK, ItemState::Applied, None).await;
    say(&mut agent, "defenderRole/", ItemState::Applied, None).await;
    say(&mut agent, "defenderAssignment/", ItemState::Waiting, Some(Reason::Propagation)).await;
    assert_eq!(who(), (ItemState::Waiting, Some(Reason::Propagation), 2, 3), "it comes by waiting");
    let member = key(&agent, "member/l1/standard/nordwall/0b0de000-0000-4000-8000-000000000003").to_string();
    say(&mut agent, &member, ItemState::Waiting, Some(Reason::Redemption)).await;
    assert_eq!(who(), (ItemState::Waiting, Some(Reason::Redemption), 0, 3), "who is in no group has nothing");
}

#[tokio::test]
async fn who_has_a_role_has_both_of_its_groups() {
    const SECOND: &str = "member/l1/standard/roleAssignable/nordwall/0b0de000-0000-4000-8000-000000000003";
    let bed = Bed::with_sample().await;
    let items = json!([defender(&["alerts.manage"]), {"plane": "entraRoles", "role": "Security Reader"}]);
    bed.apply(vec![role_with(2, items), assigned(2)]).await.unwrap();
    let mut agent = Agent::enrol(&bed, "contoso").await;
    agent.connect(&bed).await;
    agent.hear(&bed).await;
    agent.report_applied().await;
    let who = || {
        let all = bed.app.reports().list_access(&viewer(), &AccessFilter::default(), &page()).unwrap().items;
        let it = all.into_iter().find(|it| it.operator.to_string() == "operators/maya").unwrap();
        (it.state, it.reason, it.rights_applied, it.rights)
    };
    assert_eq!(who(), (ItemState::Applied, None, 2, 2));
    say(&mut agent, SECOND, ItemState::Waiting, Some(Reason::PersonTask)).await;
    assert_eq!(who(), (ItemState::Waiting, Some(Reason::PersonTask), 1, 2), "not in the second group yet");
    say(&mut agent, SECOND, ItemState::Refused, Some(Reason::GuardrailRole)).await;
    assert_eq!(who(), (ItemState::Partial, Some(Reason::GuardrailRole), 1, 2));
    say(&mut agent, SECOND, ItemState::Applied, None).await;
    say(&mut agent, "entraRole/", ItemState::Refused, Some(Reason::GuardrailCapability)).await;
    assert_eq!(who(), (ItemState::Partial, Some(Reason::GuardrailCapability), 1, 2));
}

#[tokio::test]
async fn users_d09_a_right_that_was_there_before_is_not_counted_as_gone() {
    const PLAYBOOK: &str = "51d6186e-6489-4900-b93f-92e23144cca5";
    let bed = Bed::with_sample().await;
    let mut agent = analyst(&bed).await;
    let rights = || {
        let all = bed.app.reports().list_access(&viewer(), &AccessFilter::default(), &page()).unwrap().items;
        let it = all.into_iter().find(|it| it.operator.to_string() == "operators/maya").unwrap();
        (it.rights_applied, it.rights_unknown, it.rights)
    };
    let there = |agent: &Agent, part: &str, reason| ItemReport {
        reason: Some(reason),
        object_id: Some("7d1e0000-0000-4000-8000-000000000001".into()),
        ..agent.item(key(agent, part), ItemState::Refused)
    };
    let refused = there(&agent, PLAYBOOK, Reason::GuardrailCapability);
    agent.report(vec![refused], Vec::new(), false).await;
    assert_eq!(rights(), (2, 1, 3));
    let member = "member/l1/standard/nordwall/0b0de000-0000-4000-8000-000000000003";
    let refused = there(&agent, member, Reason::GuardrailPlane);
    agent.report(vec![refused], Vec::new(), false).await;
    assert_eq!(rights(), (0, 3, 3), "a membership that nobody looks at");
    let missing = ItemReport { state: ItemState::Drifted, ..there(&agent, member, Reason::DriftMissing) };
    let applied = agent.item(key(&agent, member), ItemState::Applied);
    agent.report(vec![missing], Vec::new(), false).await;
    assert_eq!(rights(), (0, 0, 3), "it was looked at, and is not there");
    let there = agent.item(key(&agent, PLAYBOOK), ItemState::Applied);
    agent.report(vec![applied, there], Vec::new(), false).await;
    let mut withheld = serde_json::to_value(with_scopes("contoso", 1)).unwrap();
    withheld["exemptions"] = json!([{
        "role": "socRoles/l1", "drop": ["Microsoft Sentinel Playbook Operator"], "reason": "x", "until": "2027-01-31"
    }]);
    bed.apply(vec![manifest(withheld)]).await.unwrap();
    assert_eq!(rights(), (2, 1, 2), "what is to go is there until it is said to be gone");
}

#[tokio::test]
async fn users_d18_a_link_is_in_no_list_but_its_persons_own() {
    let bed = Bed::with_sample().await;
    let mut agent = analyst(&bed).await;
    let redeem_url = Some("https://login.example/redeem".to_owned());
    let user = key(&agent, "user/nordwall/0b0de000-0000-4000-8000-000000000003");
    let waits = agent.item(user, ItemState::Waiting);
    let waits = ItemReport { reason: Some(Reason::Redemption), redeem_url: redeem_url.clone(), ..waits };
    let accounts = || {
        let maya = AccessFilter { operator: Some("operators/maya".parse().unwrap()), ..Default::default() };
        bed.app
            .reports()
            .list_access(&viewer(), &maya, &page())
            .unwrap()
            .items
            .into_iter()
            .map(|it| it.account)
            .collect::<Vec<_>>()
    };
    let unsaid = (ItemState::Pending, None);
    assert_eq!(accounts(), [(ItemState::Applied, None), unsaid], "nobody has said anything of the other");
    agent.report(vec![waits], Vec::new(), false).await;
    assert_eq!(accounts(), [(ItemState::Waiting, Some(Reason::Redemption)), unsaid]);
    let links = |filter: AccessFilter| -> Vec<Option<String>> {
        let all = bed.app.reports().list_access(&viewer(), &filter, &page()).unwrap().items;
        all.into_iter().map(|it| it.redeem_url).filter(Option::is_some).collect()
    };
    assert_eq!(links(AccessFilter::default()), []);
    assert_eq!(links(AccessFilter { tenant: Some(tenant("contoso")), ..Default::default() }), []);
    let maya = Some("operators/maya".parse().unwrap());
    assert_eq!(links(AccessFilter { operator: maya, ..Default::default() }), [redeem_url]);
    let li = Some("operators/li".parse().unwrap());
    assert_eq!(links(AccessFilter { operator: li, ..Default::default() }), []);
}

#[tokio::test]
async fn access_is_chosen_by_role_assignment_and_end_and_says_why() {
    let bed = Bed::with_sample().await;
    let mut ends = serde_json::to_value(assigned(1)).unwrap();
    ends["end"] = json!("2026-12-31");
    ends["ticket"] = json!("T-12");
    bed.apply(vec![manifest(ends)]).await.unwrap();
    let count =
        |filter: AccessFilter| bed.app.reports().list_access(&viewer(), &filter, &page()).map(|page| page.items.len());
    let [role, none] = ["socRoles/l1", "socRoles/l2"].map(|role| Some(role.parse().unwrap()));
    assert_eq!(count(AccessFilter { role, ..Default::default() }).unwrap(), 4);
    let missing = count(AccessFilter { role: none, ..Default::default() }).unwrap_err();
    assert_eq!(missing.to_string(), "socRoles/l2 does not exist; is socRoles/l1 meant?");
    let assignment = Some("assignments/nordic-l2".parse().unwrap());
    let missing = count(AccessFilter { assignment, ..Default::default() }).unwrap_err();
    assert_eq!(missing.to_string(), "assignments/nordic-l2 does not exist; is assignments/nordic-l1 meant?");
    let by = |text: &str| Some(text.parse::<Timestamp>().unwrap());
    assert_eq!(count(AccessFilter { ends_by: by("2026-12-31T23:59:59Z"), ..Default::default() }).unwrap(), 0);
    assert_eq!(count(AccessFilter { ends_by: by("2027-01-01T00:00:00Z"), ..Default::default() }).unwrap(), 4);
    let one = bed.app.reports().list_access(&viewer(), &AccessFilter::default(), &page()).unwrap().items.remove(0);
    let said: Vec<_> = one.grounds.iter().map(|it| (it.justification.as_str(), it.ticket.as_deref())).collect();
    assert_eq!(said, [("Nordic L1", Some("T-12"))]);
}

#[tokio::test]
async fn users_d08_settled_is_what_does_not_come_by_waiting() {
    let bed = Bed::with_sample().await;
    let settled = |bed: &Bed| bed.status(&tenant("contoso")).settled;
    assert!(!settled(&bed), "nobody looks");
    let mut agent = analyst(&bed).await;
    assert!(settled(&bed));
    const USER: &str = "user/nordwall/0b0de000-0000-4000-8000-000000000003";
    const MEMBER: &str = "member/l1/standard/nordwall/0b0de000-0000-4000-8000-000000000003";
    for (state, reason, expected) in [
        (ItemState::Pending, None, false),
        (ItemState::Waiting, Some(Reason::Propagation), false),
        (ItemState::Waiting, Some(Reason::Throttled), false),
        (ItemState::Waiting, Some(Reason::Redemption), true),
        (ItemState::NeedsApproval, Some(Reason::AdoptionApproval), true),
        (ItemState::Failed, Some(Reason::CloudUnavailable), false),
        (ItemState::Refused, Some(Reason::GuardrailPerson), true),
        (ItemState::Waiting, Some(Reason::of("WONDERING")), false),
        (ItemState::Held, Some(Reason::Frozen), true),
        (ItemState::Held, Some(Reason::LeaseOver), false),
        (ItemState::Unproven, Some(Reason::Unread), false),
        (ItemState::Residual, Some(Reason::CameBack), false),
        (ItemState::Residual, Some(Reason::NotOurs), true),
    ] {
        say(&mut agent, USER, state, reason).await;
        assert_eq!(settled(&bed), expected, "{state:?} {reason:?}");
    }
    // What waits for its own dependency comes, unless that waits for a person.
    say(&mut agent, MEMBER, ItemState::Waiting, Some(Reason::Dependency)).await;
    for (state, reason, expected) in [
        (ItemState::Waiting, Some(Reason::Redemption), true),
        (ItemState::Applied, None, false),
        (ItemState::Waiting, Some(Reason::Propagation), false),
    ] {
        say(&mut agent, USER, state, reason).await;
        assert_eq!(settled(&bed), expected, "{state:?} {reason:?}");
    }
    agent.report_applied().await;
    assert!(settled(&bed));
    // A joiner: the newest state is not accepted, then not compared, then not begun.
    bed.apply(vec![squad(&["maya", "li", "jonas"])]).await.unwrap();
    assert!(!settled(&bed));
    agent.hear(&bed).await;
    assert!(!settled(&bed));
    agent.report(Vec::new(), Vec::new(), false).await;
    assert!(!settled(&bed), "nothing was said of the joiner");
    agent.report_applied().await;
    assert!(settled(&bed));
    agent.disconnect();
    assert!(!settled(&bed));
}

#[tokio::test]
async fn users_d04_a_dry_run_says_what_agents_refused_and_what_nobody_knows() {
    const PLAYBOOK: &str = "51d6186e-6489-4900-b93f-92e23144cca5";
    let bed = Bed::with_sample().await;
    let mut agent = analyst(&bed).await;
    let refused = Some(Reason::GuardrailCapability);
    say(&mut agent, PLAYBOOK, ItemState::Refused, refused).await;
    say(&mut agent, "user/nordwall/0b0de000-0000-4000-8000-000000000003", ItemState::Held, Some(Reason::OverCap)).await;
    let role = role_with(1, json!([azure(&["Microsoft Sentinel Playbook Operator"], "sentinel")]));
    let [mut l2, mut second] = [role, assigned(1)].map(|it| serde_json::to_value(it).unwrap());
    l2["name"] = json!("socRoles/l2");
    (second["name"], second["role"]) = (json!("assignments/nordic-l2"), json!("socRoles/l2@1"));
    let only = Options { validate_only: true, ..options() };
    let asked = put(vec![manifest(l2), manifest(second)]);
    let outlook = bed.app.intents().change(&editor(), asked.clone(), &only).await.unwrap().outlook.unwrap();
    // In each tenant a group, an Azure role and two memberships: of one Azure role the like was refused.
    assert_eq!((outlook.refused, outlook.unknown, outlook.more_tenants), (1, 7, 0), "{outlook:?}");
    let [contoso, fabrikam] = outlook.tenants.as_slice() else { panic!("{outlook:?}") };
    assert_eq!(contoso.obstacle, None);
    let obstacle = fabrikam.obstacle.as_ref().unwrap();
    assert_eq!(obstacle.phase, "UNENROLLED");
    assert!(obstacle.explanation.contains("entente tokens create fabrikam"), "{obstacle:?}");
    assert_eq!((contoso.tenant.clone(), contoso.refused, contoso.over_cap), (tenant("contoso"), 1, 1));
    assert_eq!(contoso.reasons, ["GUARDRAIL_CAPABILITY"]);
    assert_eq!(contoso.last_seen, Some(bed.app.now()));
    let done = bed.app.intents().change(&editor(), asked, &options()).await.unwrap();
    assert_eq!(done.outlook, None, "what is done is reported, and not foretold");
}
