//! What is refused, and how it is said.

use entente_model::intent::OperatorState;
use expect_test::{Expect, expect};

use super::*;

fn refused(fleet: &Fleet, edit: &Edit, expected: Expect) {
    let faults = fleet.advance(edit).map(|advance| touched(&advance).join(" ")).unwrap_err();
    expected.assert_eq(&text(&faults));
}

#[test]
fn the_sample_itself_is_taken_from_nothing() {
    let advance = advance(&Fleet::default(), &with(&[]));
    assert_eq!(touched(&advance), ["contoso", "fabrikam", "tailspin"]);
    assert_eq!(advance.fleet, sample());
}

#[test]
fn what_is_named_must_exist() {
    let edit = with(&[
        (
            "home: homeTenants/nordwall\nlabels: {region: nordic, ring: \"1\"}",
            "home: homeTenants/wingtip\nlabels: {region: nordic}",
        ),
        ("owner: operators/jonas\nmembers", "owner: operators/sam\nmembers"),
        ("{operator: operators/li, until", "{operator: operators/ida, until"),
        ("role: socRoles/l1-analyst@3\n", "role: socRoles/l1-analyst@4\n"),
        ("except: [tenants/fabrikam], expect: 2", "except: [tenants/fabrikan], expect: 3"),
        ("tenants: {names: [tenants/contoso]}", "tenants: {names: [tenants/contosi]}"),
        ("{role: socRoles/l1-analyst, drop", "{role: socRoles/l1, drop"),
    ]);
    refused(
        &sample(),
        &edit,
        expect![[r#"
            NOT_FOUND tenants/contoso: home: homeTenants/wingtip does not exist; create it, or name another
            NOT_FOUND tenants/contoso: exemptions[0].role: socRoles/l1 does not exist in any version; name another, or end the exemption
            NOT_FOUND squads/nordic: owner: operators/sam does not exist; create it, or name another
            NOT_FOUND squads/nordic: members[1].operator: operators/ida does not exist; create it, or name another
            NOT_FOUND assignments/nordic-l1: role: socRoles/l1-analyst@4 does not exist; did you mean socRoles/l1-analyst@3?
            NOT_FOUND assignments/nordic-l1: tenants.except[0]: tenants/fabrikan does not exist; did you mean tenants/fabrikam?
            NOT_FOUND assignments/maya-engineer: tenants.names[0]: tenants/contosi does not exist; did you mean tenants/contoso?
        "#]],
    );
}

#[test]
fn what_is_used_stays() {
    let all = [
        "homeTenants/nordwall",
        "tenants/contoso",
        "tenants/tailspin",
        "tenants/fabrikam",
        "operators/maya",
        "operators/jonas",
        "squads/nordic",
        "socRoles/l1-analyst@3",
    ];
    refused(
        &sample(),
        &delete(&all),
        expect![[r#"
            IN_USE homeTenants/nordwall: name: is named by operators/li; change or delete what names it first
            IN_USE tenants/contoso: name: is named by assignments/maya-engineer; change or delete what names it first
            IN_USE tenants/tailspin: name: is selected by assignments/nordic-l1; change its labels, or except the tenant, first
            IN_USE tenants/fabrikam: name: is named by assignments/nordic-l1; change or delete what names it first
            IN_USE operators/maya: name: is named by assignments/maya-engineer; change or delete what names it first
            IN_USE operators/jonas: name: is named by assignments/maya-engineer and 1 more; change or delete what names it first
            IN_USE squads/nordic: name: is named by assignments/nordic-l1; change or delete what names it first
            IN_USE socRoles/l1-analyst@3: name: is named by assignments/nordic-l1; change or delete what names it first
            CONFLICT assignments/nordic-l1: tenants.expect: is 2, but region=nordic (1 excepted) matches no tenant; correct the selection
        "#]],
    );
}

#[test]
fn what_is_not_there_cannot_be_deleted_and_nothing_is_named_twice() {
    refused(
        &sample(),
        &delete(&["squads/south", "assignments/nordic-l1", "assignments/nordic-l1"]),
        expect![[r#"
        NOT_FOUND squads/south: name: does not exist
        CONFLICT assignments/nordic-l1: name: is changed or deleted twice at once; do one of them
    "#]],
    );
    let twice = edit([manifests(SAMPLE), manifests(SAMPLE)].concat());
    assert_eq!(sample().advance(&twice).unwrap_err().len(), manifests(SAMPLE).len());
}

#[test]
fn a_version_of_a_role_never_changes() {
    refused(
        &sample(),
        &with(&[("secdata.basics.read, ", "")]),
        expect![[r#"
        IMMUTABLE socRoles/l1-analyst@3: version: is stored with other content, and a version never changes; write socRoles/l1-analyst@4
    "#]],
    );
    assert!(advance(&sample(), &with(&[])).changed.is_empty(), "the same content is no change");
}

#[test]
fn a_tenant_keeps_its_entra_id_and_no_other_has_it() {
    let edit = with(&[("8000-000000000003\nhome", "8000-000000000002\nhome")]);
    refused(
        &sample(),
        &edit,
        expect![[r#"
        IMMUTABLE tenants/fabrikam: entraTenant: cannot change: an agent is bound to it; delete the tenant and create another
        CONFLICT tenants/fabrikam: entraTenant: 0c0de000-0000-4000-8000-000000000002 is tenants/tailspin already; keep one of the two
    "#]],
    );
}

#[test]
fn the_expected_count_guards_labels_on_both_sides() {
    refused(
        &sample(),
        &with(&[("expect: 2", "expect: 3")]),
        expect![[r#"
            CONFLICT assignments/nordic-l1: tenants.expect: is 3, but region=nordic (1 excepted) matches 2 tenants; correct the selection, or write 2 or {atLeast: 2}
        "#]],
    );
    refused(
        &sample(),
        &with(&[("labels: {region: nordic}\nnamePrefix", "labels: {region: south}\nnamePrefix")]),
        expect![[r#"
            CONFLICT assignments/nordic-l1: tenants.expect: is 2, but region=nordic (1 excepted) matches 1 tenant; correct the selection, or write 1 or {atLeast: 1}
        "#]],
    );
    let both = with(&[
        ("labels: {region: nordic}\nnamePrefix", "labels: {region: south}\nnamePrefix"),
        ("expect: 2", "expect: 1"),
    ]);
    assert_eq!(touched(&advance(&sample(), &both)), ["tailspin"]);
}

#[test]
fn users_expect_at_least_lets_tenants_come_and_none_go() {
    advance(&sample(), &with(&[("expect: 2", "expect: {atLeast: 1}")]));
    let least = ("expect: 2", "expect: {atLeast: 2}");
    let fleet = advance(&sample(), &with(&[least])).fleet;
    refused(
        &fleet,
        &with(&[least, ("labels: {region: nordic}\nnamePrefix", "labels: {region: south}\nnamePrefix")]),
        expect![[r#"
            CONFLICT assignments/nordic-l1: tenants.expect: is at least 2, but region=nordic (1 excepted) matches 1 tenant; correct the selection, or write 1 or {atLeast: 1}
        "#]],
    );
    let selects = |labels: &str| format!("tenants: {{labels: {labels}");
    for (labels, text) in [
        ("{region: nordc}", "is 2, but region=nordc (1 excepted) matches no tenant (region=nordic matches 2)"),
        ("{regon: nordic}", "is 2, but regon=nordic (1 excepted) matches no tenant (region=nordic matches 2)"),
        ("{region: south}", "is 2, but region=south (1 excepted) matches no tenant; correct the selection"),
    ] {
        let faults = fleet.advance(&with(&[(&selects("{region: nordic}"), &selects(labels))])).unwrap_err();
        assert_eq!(faults[0].to_string(), format!("assignments/nordic-l1: tenants.expect: {text}"));
    }
}

#[test]
fn users_a_name_that_nothing_has_is_told_with_the_nearest() {
    let faults = |from: &str, to: &str| text(&sample().advance(&with(&[(from, to)])).unwrap_err());
    let found = faults("- {operator: operators/maya", "- {operator: operators/mya");
    assert!(found.contains("].operator: operators/mya does not exist; did you mean operators/maya?"), "{found}");
    let found = faults("role: socRoles/engineer@1", "role: socRoles/engineer@2");
    assert!(found.contains("did you mean socRoles/engineer@1?"), "{found}");
    assert!(faults("owner: operators/jonas", "owner: operators/zz").contains("create it, or name another"));
}

#[test]
fn users_what_is_beyond_a_hundred_faults_is_counted() {
    let squad = |at: u32| format!("kind: Squad\nname: squads/s{at}\nowner: operators/nobody");
    let faults =
        sample().advance(&edit(manifests(&(0..123).map(squad).collect::<Vec<_>>().join("\n---\n")))).unwrap_err();
    assert_eq!(faults.len(), 101);
    let last = faults.last().unwrap();
    assert_eq!((last.field.as_str(), last.description.as_str()), ("", "and 23 more; the first 100 are shown"));
}

#[test]
fn labels_are_no_part_of_a_role_version() {
    let labelled =
        advance(&sample(), &with(&[("name: socRoles/engineer\n", "name: socRoles/engineer\nlabels: {part: a}\n")]));
    assert_eq!((labelled.changed.len(), touched(&labelled).len()), (1, 0));
}

#[test]
fn two_versions_of_a_role_do_not_meet_in_a_tenant() {
    let more = r#"
kind: SocRole
name: socRoles/l1-analyst
version: 4
items: [{plane: defender_urbac, permissions: [alerts.manage]}]
---
kind: Assignment
name: assignments/trial
operator: operators/li
role: socRoles/l1-analyst@4
tenants: {names: [tenants/contoso, tenants/fabrikam]}
justification: Trial of the next version
owner: operators/jonas"#;
    refused(
        &sample(),
        &edit(manifests(more)),
        expect![[r#"
        CONFLICT assignments/trial: role: tenants/contoso has socRoles/l1-analyst@3 by assignments/nordic-l1; pin one version of a role in a tenant
    "#]],
    );
    let elsewhere = more.replace("tenants/contoso, ", "");
    assert_eq!(touched(&advance(&sample(), &edit(manifests(&elsewhere)))), ["fabrikam"]);
}

#[test]
fn a_tenant_has_the_scopes_that_its_roles_need() {
    refused(
        &sample(),
        &with(&[(", except: [tenants/fabrikam], expect: 2", "")]),
        expect![[r#"
        NOT_FOUND tenants/fabrikam: scopes.sentinel: is missing, and socRoles/l1-analyst@3 needs it in assignments/nordic-l1; write its ARM scopes, or except the tenant
    "#]],
    );
}

#[test]
fn whoever_is_assigned_has_the_account_that_the_role_asks_for() {
    refused(
        &sample(),
        &with(&[("operator: operators/maya\nrole", "operator: operators/li\nrole")]),
        expect![[r#"
        NOT_FOUND operators/li: identities: has no privileged identity in homeTenants/nordwall, which assignments/maya-engineer needs in tenants/contoso; add one
    "#]],
    );
    let without = with(&[(
        "  - {home: homeTenants/nordwall, objectId: 0b0de000-0000-4000-8000-000000000005, upn: li@nordwall.example, mail: li@nordwall.example}",
        "  []",
    )]);
    refused(
        &sample(),
        &without,
        expect![[r#"
        NOT_FOUND operators/li: identities: has no standard identity in homeTenants/nordwall, which assignments/nordic-l1 needs in tenants/tailspin; add one
    "#]],
    );
    let mut left = without;
    left.puts = manifests(&SAMPLE.replace("displayName: Li Chen", "displayName: Li Chen\nstate: LEFT"));
    assert_eq!(touched(&advance(&sample(), &left)), ["contoso", "tailspin"]);
}

#[test]
fn accounts_and_addresses_belong_to_one_person() {
    let edit = with(&[
        (
            "000000000006, upn: jonas@nordwall.example, mail: jonas@",
            "000000000005, upn: jonas@nordwall.example, mail: Maya@",
        ),
        ("mail: adm-maya@", "mail: maya@"),
    ]);
    refused(
        &sample(),
        &edit,
        expect![[r#"
        CONFLICT operators/maya: identities[0].mail: maya@nordwall.example belongs to operators/jonas; give each account an address of its own
        CONFLICT operators/maya: identities[1].mail: maya@nordwall.example belongs to another identity here; give each account an address of its own
        CONFLICT operators/jonas: identities[0].objectId: 0b0de000-0000-4000-8000-000000000005 belongs to operators/li; an account is one person's, and of one class
        CONFLICT operators/jonas: identities[0].mail: Maya@nordwall.example belongs to operators/maya; give each account an address of its own
    "#]],
    );
}

#[test]
fn a_leaver_comes_back_by_rejoining_only() {
    let fleet = advance(&sample(), &with(&[("displayName: Maya Berg", "displayName: Maya Berg\nstate: LEFT")])).fleet;
    refused(
        &fleet,
        &with(&[]),
        expect![[r#"
            CONFLICT operators/maya: state: has left; write state: LEFT in the manifest, or run `entente operators rejoin maya`
        "#]],
    );
    refused(
        &fleet,
        &with(&[("displayName: Maya Berg", "displayName: Maya Berg\nstate: SUSPENDED")]),
        expect![[r#"
            CONFLICT operators/maya: state: has left; write state: LEFT in the manifest, or run `entente operators rejoin maya`
        "#]],
    );
    let rejoin = Edit { rejoins: vec!["operators/maya".parse().unwrap()], ..with(&[]) };
    assert_eq!(advance(&fleet, &rejoin).fleet, sample());
}

#[test]
fn a_leaver_does_not_come_back_under_another_name() {
    let fleet = advance(&sample(), &with(&[("displayName: Li Chen", "displayName: Li Chen\nstate: LEFT")])).fleet;
    let gone = with(&[("\n  - {operator: operators/li, until: 2027-01-31}", "")]);
    let puts = gone.puts.into_iter().filter(|it| it.name().to_string() != "operators/li").collect();
    let fleet = advance(&fleet, &Edit { deletes: vec!["operators/li".parse().unwrap()], ..edit(puts) }).fleet;
    let li = r#"
kind: Operator
name: operators/li-chen
displayName: Li Chen
identities: [{home: homeTenants/nordwall, objectId: 0b0de000-0000-4000-8000-000000000005, upn: li@nordwall.example, mail: li@nordwall.example}]"#;
    refused(
        &fleet,
        &edit(manifests(li)),
        expect![[r#"
            CONFLICT operators/li-chen: state: has left and is not proven gone everywhere; wait for that, or use `operators rejoin`
        "#]],
    );
}

#[test]
fn a_leaver_comes_back_neither_by_detours_nor_through_somebody_elses_account() {
    let li = "0b0de000-0000-4000-8000-000000000005, upn: li@nordwall.example, mail: li@nordwall.example";
    let dropped = ("\n  - {operator: operators/li, until: 2027-01-31}", "");
    let left =
        advance(&sample(), &with(&[("displayName: Li Chen", "displayName: Li Chen\nstate: LEFT"), dropped])).fleet;
    let deleted = advance(&left, &delete(&["operators/li"])).fleet;
    let suspended = with(&[dropped, ("displayName: Li Chen", "displayName: Li Chen\nstate: SUSPENDED")]);
    let suspended = advance(&deleted, &suspended).fleet;
    refused(
        &suspended,
        &with(&[dropped]),
        expect![[r#"
        CONFLICT operators/li: state: has left and is not proven gone everywhere; wait for that, or use `operators rejoin`
    "#]],
    );
    let jonas = "0b0de000-0000-4000-8000-000000000006, upn: jonas@nordwall.example, mail: jonas@nordwall.example";
    let mut taken = with(&[
        dropped,
        (li, "0b0de000-0000-4000-8000-000000000009, upn: l@nordwall.example, mail: l@nordwall.example"),
        (jonas, li),
    ]);
    taken.puts.retain(|it| it.name().to_string() == "operators/jonas");
    let jonas_is = |state| {
        let mut edit = taken.clone();
        for manifest in &mut edit.puts {
            if let Manifest::Operator(operator) = manifest {
                operator.state = state;
            }
        }
        edit
    };
    let gone = advance(&deleted, &jonas_is(OperatorState::Left)).fleet;
    let rejoin = Edit { rejoins: vec!["operators/jonas".parse().unwrap()], ..jonas_is(OperatorState::Active) };
    refused(
        &gone,
        &rejoin,
        expect![[r#"
            CONFLICT operators/jonas: state: has an account of somebody who left and is not proven gone everywhere; wait for that
        "#]],
    );
    refused(
        &deleted,
        &taken,
        expect![[r#"
        CONFLICT operators/jonas: state: has left and is not proven gone everywhere; wait for that, or use `operators rejoin`
    "#]],
    );
}

#[test]
fn a_tenant_holds_no_more_than_an_agent_takes() {
    // 26 scopes by 1,000 role definitions, each list within its own bound.
    let scope = |at: usize| format!("/subscriptions/33333333-3333-4333-8333-{at:012}");
    let scopes: Vec<String> = (1..=26).map(scope).collect();
    let roles: Vec<String> = (1..=1_000).map(|at| format!("44444444-4444-4444-8444-{at:012}")).collect();
    let wide = format!(
        "kind: SocRole\nname: socRoles/wide\nversion: 1\nitems: [{{plane: azure_rbac, at: sentinel, roles: [{}]}}]",
        roles.join(", ")
    );
    let assignment = r#"
kind: Assignment
name: assignments/wide
operator: operators/li
role: socRoles/wide@1
tenants: {names: [tenants/fabrikam]}
justification: Far too much
owner: operators/jonas"#;
    let mut edit = with(&[(
        "8000-000000000003\nhome",
        &format!("8000-000000000003\nscopes: {{sentinel: [{}]}}\nhome", scopes.join(", ")),
    )]);
    edit.puts.extend(manifests(&format!("{wide}\n---\n{assignment}")));
    refused(
        &sample(),
        &edit,
        expect![[r#"
        TOO_LARGE tenants/fabrikam: items: would hold 26003 items; at most 25000 are taken: assign fewer people or roles
    "#]],
    );
}

#[test]
fn what_stays_as_it_is_stored_is_not_refused_for_a_rule_that_came_later() {
    let mut intent = sample().intent().clone();
    let (name, squad) = intent.squads.iter().next().map(|(name, squad)| (name.clone(), (**squad).clone())).unwrap();
    let mut twice = squad.clone();
    twice.members.push(twice.members[0].clone());
    let twice = Manifest::Squad(twice);
    assert!(!twice.check().is_empty(), "the rule is there");
    intent.put(twice.clone());
    let fleet = Fleet::compile_all(intent);
    assert!(fleet.advance(&edit(vec![twice.clone()])).is_ok());
    let Manifest::Squad(mut changed) = twice else { unreachable!("a squad") };
    changed.labels.insert("ring".into(), "2".into());
    assert!(
        fleet.advance(&edit(vec![Manifest::Squad(changed)])).is_err(),
        "{name}: what is written anew keeps the rule"
    );
}
