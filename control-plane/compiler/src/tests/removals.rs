//! What a change names for removal, and what ends that.

use entente_model::intent::OperatorState;
use entente_model::revocation::Subject;
use expect_test::{Expect, expect};

use super::*;
use crate::Sighting;

/// Every removal that stands, one a line.
fn rows(fleet: &Fleet) -> String {
    let rows = fleet.intent().revocations.values().map(|row| {
        let tenants: Vec<&str> = row.tenants.keys().map(TenantName::id).collect();
        let subject = if row.subject == Subject::Person { "PERSON" } else { "MEMBERSHIP" };
        format!("{} {subject} {} by {} in {}\n", row.id, row.cause.word(), row.actor, tenants.join(" "))
    });
    rows.collect()
}

fn check(fleet: &Fleet, edit: &Edit, expected: Expect) -> Fleet {
    let fleet = advance(fleet, edit).fleet;
    expected.assert_eq(&rows(&fleet));
    fleet
}

const MAYA_LEFT: (&str, &str) = ("displayName: Maya Berg", "displayName: Maya Berg\nstate: LEFT");
pub(super) const LI_SUSPENDED: (&str, &str) = ("displayName: Li Chen", "displayName: Li Chen\nstate: SUSPENDED");
pub(super) const LI_DROPPED: (&str, &str) = ("\n  - {operator: operators/li, until: 2027-01-31}", "");

/// The sample's edit without an operator, who is deleted.
fn deleting(operator: &str, edit: Edit) -> Edit {
    let puts = edit.puts.into_iter().filter(|it| it.name().to_string() != operator).collect();
    Edit { puts, deletes: vec![operator.parse().unwrap()], ..edit }
}

/// Li's account, as Tailspin's agent reports it.
fn li_in_tailspin() -> Sighting {
    let object_id = "0b0de000-0000-4000-8000-000000000005".parse().unwrap();
    Sighting { tenant: tenant("tailspin"), home: "homeTenants/nordwall".parse().unwrap(), object_id }
}

#[test]
fn whoever_leaves_is_removed_account_by_account_where_they_were() {
    check(
        &sample(),
        &with(&[MAYA_LEFT]),
        expect![[r#"
            maya/user/nordwall/0b0de000-0000-4000-8000-000000000003@12 PERSON LEFT by principals/jonas in contoso tailspin
            maya/user/nordwall/0b0de000-0000-4000-8000-000000000004@12 PERSON LEFT by principals/jonas in contoso
        "#]],
    );
}

#[test]
fn a_suspension_is_a_removal_that_ends_when_it_does() {
    let fleet = check(
        &sample(),
        &with(&[LI_SUSPENDED]),
        expect![[r#"
            li/user/nordwall/0b0de000-0000-4000-8000-000000000005@12 PERSON SUSPENDED by principals/jonas in contoso tailspin
        "#]],
    );
    assert_eq!(check(&fleet, &with(&[]), expect![[""]]), sample());
}

#[test]
fn leaving_outranks_a_suspension_and_deleting_does_not_outrank_leaving() {
    let fleet = advance(&sample(), &with(&[LI_SUSPENDED])).fleet;
    let left = ("displayName: Li Chen", "displayName: Li Chen\nstate: LEFT");
    let by_sam = Edit { actor: "principals/sam".into(), ..with(&[left]) };
    let fleet = check(
        &fleet,
        &by_sam,
        expect![[r#"
            li/user/nordwall/0b0de000-0000-4000-8000-000000000005@12 PERSON SUSPENDED by principals/jonas in contoso tailspin
        "#]],
    );
    check(
        &fleet,
        &deleting("operators/li", with(&[LI_DROPPED])),
        expect![[r#"
            li/user/nordwall/0b0de000-0000-4000-8000-000000000005@12 PERSON SUSPENDED by principals/jonas in contoso tailspin
        "#]],
    );
}

#[test]
fn who_leaves_again_is_removed_anew_also_where_the_first_removal_is_still_open() {
    let left = ("displayName: Li Chen", "displayName: Li Chen\nstate: LEFT");
    let narrower = ("except: [tenants/fabrikam], expect: 2", "except: [tenants/fabrikam, tenants/tailspin], expect: 1");
    let fleet = advance(&sample(), &with(&[left])).fleet;
    let back = Edit { rejoins: vec!["operators/li".parse().unwrap()], ..with(&[narrower]) };
    let fleet = check(
        &fleet,
        &at(13, back),
        expect![[r#"
        li/user/nordwall/0b0de000-0000-4000-8000-000000000005@12 PERSON LEFT by principals/jonas in tailspin
    "#]],
    );
    let fleet = check(
        &fleet,
        &at(14, with(&[narrower, left])),
        expect![[r#"
        li/user/nordwall/0b0de000-0000-4000-8000-000000000005@14 PERSON LEFT by principals/jonas in contoso tailspin
    "#]],
    );
    let lines: String = shown(&fleet, "contoso").lines().filter(|line| line.contains("0005")).collect();
    expect![[r#"user/nordwall/0b0de000-0000-4000-8000-000000000005 ABSENT LEFT by principals/jonas at 2026-12-24T14:00:00Z also li@nordwall.example operators/li "Li Chen" li@nordwall.example li@nordwall.example guest of 0a0de000-0000-4000-8000-000000000001"#]].assert_eq(&lines);
}

#[test]
fn an_account_that_its_operator_has_no_more_is_removed_whole() {
    let other = ("objectId: 0b0de000-0000-4000-8000-000000000005", "objectId: 0b0de000-0000-4000-8000-000000000009");
    let replaced = check(
        &sample(),
        &with(&[other]),
        expect![[r#"
        li/user/nordwall/0b0de000-0000-4000-8000-000000000005@12 PERSON IDENTITY_DROPPED by principals/jonas in contoso tailspin
    "#]],
    );
    // Listed again, it has access again; the other account has none.
    check(
        &replaced,
        &with(&[]),
        expect![[r#"
        li/user/nordwall/0b0de000-0000-4000-8000-000000000009@12 PERSON IDENTITY_DROPPED by principals/jonas in contoso tailspin
    "#]],
    );
    let left = ("displayName: Li Chen", "displayName: Li Chen\nstate: LEFT");
    let still_there = vec![Sighting { tenant: tenant("fabrikam"), ..li_in_tailspin() }];
    check(
        &sample(),
        &Edit { still_there, ..with(&[other, left]) },
        expect![[r#"
        li/user/nordwall/0b0de000-0000-4000-8000-000000000005@12 PERSON LEFT by principals/jonas in contoso fabrikam tailspin
    "#]],
    );
}

#[test]
fn a_suspended_person_who_comes_back_elsewhere_is_still_removed_where_not() {
    let fleet = advance(&sample(), &with(&[LI_SUSPENDED])).fleet;
    let narrower =
        with(&[("except: [tenants/fabrikam], expect: 2", "except: [tenants/fabrikam, tenants/tailspin], expect: 1")]);
    check(
        &fleet,
        &narrower,
        expect![[r#"
            li/user/nordwall/0b0de000-0000-4000-8000-000000000005@12 PERSON SUSPENDED by principals/jonas in tailspin
        "#]],
    );
}

#[test]
fn a_dropped_member_loses_the_membership_by_name() {
    let fleet = check(
        &sample(),
        &with(&[LI_DROPPED]),
        expect![[r#"
            li/member/l1-analyst/standard/nordwall/0b0de000-0000-4000-8000-000000000005@12 MEMBERSHIP MEMBER_DROPPED by principals/jonas in contoso tailspin
        "#]],
    );
    let lines: String = shown(&fleet, "contoso").lines().filter(|line| line.contains("0005")).collect();
    expect!["member/l1-analyst/standard/nordwall/0b0de000-0000-4000-8000-000000000005 ABSENT MEMBER_DROPPED by principals/jonas at 2026-12-24T12:00:00Z also li@nordwall.example"].assert_eq(&lines);
    assert_eq!(check(&fleet, &with(&[]), expect![[""]]), sample());
}

#[test]
fn a_deleted_assignment_removes_its_memberships_by_name() {
    let puts = with(&[]).puts;
    let edit = Edit { deletes: vec!["assignments/nordic-l1".parse().unwrap()], ..edit(vec![]) };
    let fleet = check(
        &sample(),
        &edit,
        expect![[r#"
            li/member/l1-analyst/standard/nordwall/0b0de000-0000-4000-8000-000000000005@12 MEMBERSHIP ASSIGNMENT_DELETED by principals/jonas in contoso tailspin
            maya/member/l1-analyst/standard/nordwall/0b0de000-0000-4000-8000-000000000003@12 MEMBERSHIP ASSIGNMENT_DELETED by principals/jonas in contoso tailspin
        "#]],
    );
    assert_eq!(puts.len(), 12);
    assert_eq!(touched(&advance(&fleet, &super::edit(puts))), ["contoso", "tailspin"]);
}

#[test]
fn a_deleted_operator_is_removed_as_a_person() {
    check(
        &sample(),
        &deleting("operators/li", with(&[LI_DROPPED])),
        expect![[r#"
            li/user/nordwall/0b0de000-0000-4000-8000-000000000005@12 PERSON OPERATOR_DELETED by principals/jonas in contoso tailspin
        "#]],
    );
}

#[test]
fn an_assignment_that_names_another_operator_drops_the_first() {
    let identity = "class: privileged, objectId: 0b0de000-0000-4000-8000-000000000007, upn: adm-jonas@nordwall.example, mail: adm-jonas@nordwall.example}";
    let jonas = "upn: jonas@nordwall.example, mail: jonas@nordwall.example}";
    let other = with(&[
        ("operator: operators/maya\nrole", "operator: operators/jonas\nrole"),
        (jonas, &format!("{jonas}\n  - {{home: homeTenants/nordwall, {identity}")),
    ]);
    check(
        &sample(),
        &other,
        expect![[r#"
            maya/member/engineer/privileged/nordwall/0b0de000-0000-4000-8000-000000000004@12 MEMBERSHIP MEMBER_DROPPED by principals/jonas in contoso
        "#]],
    );
}

#[test]
fn edits_of_labels_names_and_except_only_imply() {
    for narrower in [
        with(&[("except: [tenants/fabrikam], expect: 2", "except: [tenants/fabrikam, tenants/contoso], expect: 1")]),
        with(&[("labels: {region: nordic, ring: \"1\"}", "labels: {ring: \"1\"}"), ("expect: 2", "expect: 1")]),
        with(&[("customer: contoso", "customer: contoso\nstate: ONBOARDING")]),
        with(&[("tenants: {names: [tenants/contoso]}", "tenants: {names: [tenants/tailspin]}")]),
    ] {
        let advance = advance(&sample(), &narrower);
        assert_eq!(rows(&advance.fleet), "");
        let contoso = advance.batch.tenants.iter().find(|touched| touched.tenant == tenant("contoso")).unwrap();
        assert!(!contoso.delta.removed.is_empty());
    }
}

#[test]
fn another_squad_in_its_place_only_implies() {
    let south = "kind: Squad\nname: squads/south\nowner: operators/jonas\nmembers: [{operator: operators/jonas}]";
    let mut replaced = with(&[("squad: squads/nordic\nrole", "squad: squads/south\nrole")]);
    replaced.puts.extend(manifests(south));
    check(&sample(), &replaced, expect![[""]]);
}

#[test]
fn a_membership_that_another_assignment_still_grants_is_not_lost() {
    let cover = r#"
kind: Assignment
name: assignments/li-cover
operator: operators/li
role: socRoles/l1-analyst@3
tenants: {names: [tenants/contoso]}
justification: Cover
owner: operators/jonas"#;
    let fleet = advance(&sample(), &edit(manifests(cover))).fleet;
    check(
        &fleet,
        &with(&[LI_DROPPED]),
        expect![[r#"
            li/member/l1-analyst/standard/nordwall/0b0de000-0000-4000-8000-000000000005@12 MEMBERSHIP MEMBER_DROPPED by principals/jonas in tailspin
        "#]],
    );
}

#[test]
fn a_leaver_is_removed_also_where_only_an_agent_still_sees_the_account() {
    let narrower =
        with(&[("except: [tenants/fabrikam], expect: 2", "except: [tenants/fabrikam, tenants/tailspin], expect: 1")]);
    let fleet = advance(&sample(), &narrower).fleet;
    let mut left = narrower;
    for manifest in &mut left.puts {
        if let Manifest::Operator(operator) = manifest
            && operator.name.id() == "li"
        {
            operator.state = OperatorState::Left;
        }
    }
    left.still_there = vec![li_in_tailspin()];
    check(
        &fleet,
        &left,
        expect![[r#"
            li/user/nordwall/0b0de000-0000-4000-8000-000000000005@12 PERSON LEFT by principals/jonas in contoso tailspin
        "#]],
    );
}

#[test]
fn whom_an_agent_sees_after_they_have_left_is_removed_there_too() {
    let left = ("displayName: Li Chen", "displayName: Li Chen\nstate: LEFT");
    let fleet = advance(&sample(), &with(&[left])).fleet;
    let seen = |name: &str| {
        let still_there = vec![Sighting { tenant: tenant(name), ..li_in_tailspin() }];
        at(13, Edit { still_there, actor: "control-plane".into(), ..Edit::default() })
    };
    check(
        &fleet,
        &seen("tailspin"),
        expect![[r#"
        li/user/nordwall/0b0de000-0000-4000-8000-000000000005@12 PERSON LEFT by principals/jonas in contoso tailspin
    "#]],
    );
    let late = check(
        &fleet,
        &seen("fabrikam"),
        expect![[r#"
        li/user/nordwall/0b0de000-0000-4000-8000-000000000005@12 PERSON LEFT by principals/jonas in contoso tailspin
        li/user/nordwall/0b0de000-0000-4000-8000-000000000005@13 PERSON LEFT by control-plane in fabrikam
    "#]],
    );
    assert_eq!(advance(&late, &seen("fabrikam")).revocation_puts, []);
    // Also when the operator is no more, as long as the removal is open elsewhere.
    let deleted = advance(&fleet, &with(&[left, LI_DROPPED])).fleet;
    let deleted = advance(&deleted, &delete(&["operators/li"])).fleet;
    check(
        &deleted,
        &seen("fabrikam"),
        expect![[r#"
        li/user/nordwall/0b0de000-0000-4000-8000-000000000005@12 PERSON LEFT by principals/jonas in contoso tailspin
        li/user/nordwall/0b0de000-0000-4000-8000-000000000005@13 PERSON LEFT by control-plane in fabrikam
    "#]],
    );
    // Who is back is back, also while the removal is open where they are not meant any more.
    let narrower = ("except: [tenants/fabrikam], expect: 2", "except: [tenants/fabrikam, tenants/tailspin], expect: 1");
    let back = Edit { rejoins: vec!["operators/li".parse().unwrap()], ..with(&[narrower]) };
    let back = advance(&fleet, &back).fleet;
    assert!(!back.intent().revocations.is_empty());
    assert_eq!(advance(&back, &seen("fabrikam")).revocation_puts, []);
    // Whoever works may be seen.
    assert_eq!(advance(&sample(), &seen("fabrikam")).revocation_puts, []);
}

#[test]
fn whoever_leaves_after_being_dropped_is_still_removed_as_a_person() {
    let fleet = advance(&sample(), &with(&[LI_DROPPED])).fleet;
    let left = ("displayName: Li Chen", "displayName: Li Chen\nstate: LEFT");
    check(
        &fleet,
        &with(&[LI_DROPPED, left]),
        expect![[r#"
            li/member/l1-analyst/standard/nordwall/0b0de000-0000-4000-8000-000000000005@12 MEMBERSHIP MEMBER_DROPPED by principals/jonas in contoso tailspin
            li/user/nordwall/0b0de000-0000-4000-8000-000000000005@12 PERSON LEFT by principals/jonas in contoso tailspin
        "#]],
    );
}

#[test]
fn an_account_that_passes_to_another_operator_by_the_same_change_stays() {
    let renamed = manifests(&SAMPLE.replace("operators/li", "operators/li-chen"));
    let seen = Sighting { tenant: tenant("contoso"), ..li_in_tailspin() };
    let edit = Edit { deletes: vec!["operators/li".parse().unwrap()], still_there: vec![seen], ..edit(renamed) };
    check(&sample(), &edit, expect![[""]]);
}

#[test]
fn an_account_that_passes_to_another_operator_with_less_loses_just_that() {
    let more = r#"
kind: SocRole
name: socRoles/triage
version: 1
items: [{plane: defender_urbac, permissions: [alerts.manage]}]
---
kind: Assignment
name: assignments/li-triage
operator: operators/li
role: socRoles/triage@1
tenants: {names: [tenants/contoso]}
justification: Triage
owner: operators/jonas"#;
    let fleet = advance(&sample(), &edit(manifests(more))).fleet;
    let renamed = manifests(&SAMPLE.replace("operators/li", "operators/li-chen"));
    check(
        &fleet,
        &Edit { puts: renamed, ..delete(&["operators/li", "assignments/li-triage"]) },
        expect![[r#"
        li/member/triage/standard/nordwall/0b0de000-0000-4000-8000-000000000005@12 MEMBERSHIP ASSIGNMENT_DELETED by principals/jonas in contoso
    "#]],
    );
}

#[test]
fn a_removal_stays_open_in_a_tenant_that_is_deleted() {
    let fleet = advance(&sample(), &with(&[MAYA_LEFT])).fleet;
    let elsewhere = with(&[
        MAYA_LEFT,
        ("labels: {region: nordic}\nnamePrefix", "labels: {region: south}\nnamePrefix"),
        ("expect: 2", "expect: 1"),
    ]);
    let fleet = advance(&fleet, &at(13, elsewhere)).fleet;
    let gone = advance(&fleet, &at(14, delete(&["tenants/tailspin"])));
    let left = expect![[r#"
        maya/user/nordwall/0b0de000-0000-4000-8000-000000000003@12 PERSON LEFT by principals/jonas in contoso tailspin
        maya/user/nordwall/0b0de000-0000-4000-8000-000000000004@12 PERSON LEFT by principals/jonas in contoso
    "#]];
    left.assert_eq(&rows(&gone.fleet));
    assert_eq!(gone.batch.gone, [tenant("tailspin")]);
    let lines = |yaml: &str| {
        let tailspin = manifests(yaml).into_iter().filter(|it| it.name().to_string() == "tenants/tailspin").collect();
        let back = advance(&gone.fleet, &at(15, edit(tailspin))).fleet;
        shown(&back, "tailspin").lines().filter(|line| line.contains("ABSENT")).count()
    };
    let south = SAMPLE.replace("labels: {region: nordic}\nnamePrefix", "labels: {region: south}\nnamePrefix");
    assert_eq!(lines(&south), 1, "the same tenant is ours again");
    let other = south.replace("0c0de000-0000-4000-8000-000000000002", "0c0de000-0000-4000-8000-00000000000a");
    assert_eq!(lines(&other), 0, "another tenant of that name has nothing to do with it");
}
