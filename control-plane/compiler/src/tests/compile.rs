//! What intent compiles to, as people read it.

use expect_test::{Expect, expect};

use super::*;

fn check(fleet: &Fleet, tenant: &str, expected: Expect) {
    expected.assert_eq(&shown(fleet, tenant));
}

#[test]
fn a_tenant_holds_groups_rights_people_and_when() {
    check(
        &sample(),
        "contoso",
        expect![[r#"
            azureRole/engineer/privileged/subscriptions/11111111-1111-4111-8111-111111111111/resourcegroups/rg-sentinel/ab8e14d6-4a74-4a29-9ba8-549422addade PRESENT always "Microsoft Sentinel Contributor" at /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-sentinel
            azureRole/l1-analyst/standard/subscriptions/11111111-1111-4111-8111-111111111111/resourcegroups/rg-sentinel/3e150937-b8fe-4cfb-8069-0eaf05ecd056 PRESENT always "Microsoft Sentinel Responder" at /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-sentinel
            azureRole/l1-analyst/standard/subscriptions/11111111-1111-4111-8111-111111111111/resourcegroups/rg-sentinel/51d6186e-6489-4900-b93f-92e23144cca5 PRESENT 2027-07-01T00:00:00Z.. "Microsoft Sentinel Playbook Operator" at /subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-sentinel
            defenderAssignment/l1-analyst/standard PRESENT always ent-l1-analyst [all]
            defenderRole/l1-analyst PRESENT always ent-l1-analyst "Made for Entente as defenderRole/l1-analyst. Changes by hand are reported, and undone where the guardrail says manage." [alerts.manage, emailmetadata.read (withheld until 2027-07-01T00:00:00Z), secdata.basics.read]
            group/engineer/privileged PRESENT always ent-engineer-privileged "Made for Entente as group/engineer/privileged. Changes by hand are reported, and undone where the guardrail says manage."
            group/l1-analyst/standard PRESENT always ent-l1-analyst-standard "Made for Entente as group/l1-analyst/standard. Changes by hand are reported, and undone where the guardrail says manage."
            member/engineer/privileged/nordwall/0b0de000-0000-4000-8000-000000000004 PRESENT 2027-01-01T00:00:00Z..2027-02-01T00:00:00Z by maya-engineer
            member/l1-analyst/standard/nordwall/0b0de000-0000-4000-8000-000000000003 PRESENT 2026-12-15T00:00:00Z..2027-04-01T00:00:00Z by nordic-l1
            member/l1-analyst/standard/nordwall/0b0de000-0000-4000-8000-000000000005 PRESENT 2026-12-01T00:00:00Z..2027-02-01T00:00:00Z by nordic-l1
            user/nordwall/0b0de000-0000-4000-8000-000000000003 PRESENT 2026-12-15T00:00:00Z..2027-04-01T00:00:00Z operators/maya "Maya Berg" maya@nordwall.example maya@nordwall.example guest of 0a0de000-0000-4000-8000-000000000001
            user/nordwall/0b0de000-0000-4000-8000-000000000004 PRESENT 2027-01-01T00:00:00Z..2027-02-01T00:00:00Z operators/maya "Maya Berg" adm-maya@nordwall.example adm-maya@nordwall.example guest of 0a0de000-0000-4000-8000-000000000001
            user/nordwall/0b0de000-0000-4000-8000-000000000005 PRESENT 2026-12-01T00:00:00Z..2027-02-01T00:00:00Z operators/li "Li Chen" li@nordwall.example li@nordwall.example guest of 0a0de000-0000-4000-8000-000000000001
        "#]],
    );
}

#[test]
fn a_directory_role_hangs_on_a_second_group_with_the_same_people_in_it() {
    let items = "    permissions: [secdata.basics.read, alerts.manage, emailmetadata.read]";
    let more = format!("{items}\n  - plane: entra\n    role: Security Reader\n    when: userType == guest");
    let fleet =
        advance(&sample(), &with(&[(items, more.as_str()), ("version: 3", "version: 4"), ("analyst@3", "analyst@4")]))
            .fleet;
    let shown = shown(&fleet, "tailspin");
    let of_entra = |line: &&str| line.contains("roleAssignable") || line.starts_with("entraRole");
    let lines: Vec<String> = shown.lines().filter(of_entra).map(|line| format!("{line}\n")).collect();
    expect![[r#"
        entraRole/l1-analyst/standard/5d6b6bb7-de71-4623-b4af-96380a352509 PRESENT always "Security Reader"
        group/l1-analyst/standard/roleAssignable PRESENT always soc-l1-analyst-standard-entra "Made for Entente as group/l1-analyst/standard/roleAssignable. Changes by hand are reported, and undone where the guardrail says manage."
        member/l1-analyst/standard/roleAssignable/nordwall/0b0de000-0000-4000-8000-000000000003 PRESENT 2026-12-15T00:00:00Z..2027-04-01T00:00:00Z by nordic-l1
        member/l1-analyst/standard/roleAssignable/nordwall/0b0de000-0000-4000-8000-000000000005 PRESENT 2026-12-01T00:00:00Z..2027-02-01T00:00:00Z by nordic-l1
    "#]].assert_eq(&lines.concat());
    let never = more.replace("guest", "member");
    let fleet =
        advance(&sample(), &with(&[(items, never.as_str()), ("version: 3", "version: 4"), ("analyst@3", "analyst@4")]))
            .fleet;
    assert!(
        !super::shown(&fleet, "tailspin").contains("roleAssignable"),
        "no second group where it would carry nothing"
    );
}

#[test]
fn another_tenant_differs_by_prefix_workspaces_and_exemptions() {
    check(
        &sample(),
        "tailspin",
        expect![[r#"
            azureRole/l1-analyst/standard/subscriptions/22222222-2222-4222-8222-222222222222/resourcegroups/rg-sentinel/51d6186e-6489-4900-b93f-92e23144cca5 PRESENT always "Microsoft Sentinel Playbook Operator" at /subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/rg-sentinel
            defenderAssignment/l1-analyst/standard PRESENT always soc-l1-analyst [all]
            defenderRole/l1-analyst PRESENT always soc-l1-analyst "Made for Entente as defenderRole/l1-analyst. Changes by hand are reported, and undone where the guardrail says manage." [alerts.manage, emailmetadata.read, secdata.basics.read]
            group/l1-analyst/standard PRESENT always soc-l1-analyst-standard "Made for Entente as group/l1-analyst/standard. Changes by hand are reported, and undone where the guardrail says manage."
            member/l1-analyst/standard/nordwall/0b0de000-0000-4000-8000-000000000003 PRESENT 2026-12-15T00:00:00Z..2027-04-01T00:00:00Z by nordic-l1
            member/l1-analyst/standard/nordwall/0b0de000-0000-4000-8000-000000000005 PRESENT 2026-12-01T00:00:00Z..2027-02-01T00:00:00Z by nordic-l1
            user/nordwall/0b0de000-0000-4000-8000-000000000003 PRESENT 2026-12-15T00:00:00Z..2027-04-01T00:00:00Z operators/maya "Maya Berg" maya@nordwall.example maya@nordwall.example guest of 0a0de000-0000-4000-8000-000000000001
            user/nordwall/0b0de000-0000-4000-8000-000000000005 PRESENT 2026-12-01T00:00:00Z..2027-02-01T00:00:00Z operators/li "Li Chen" li@nordwall.example li@nordwall.example guest of 0a0de000-0000-4000-8000-000000000001
        "#]],
    );
}

#[test]
fn a_tenant_that_no_assignment_selects_holds_nothing() {
    check(&sample(), "fabrikam", expect![[""]]);
    assert_eq!(sample().tenant(&tenant("fabrikam")).unwrap().len(), 0);
}

#[test]
fn a_tenant_that_is_being_onboarded_holds_nothing_yet() {
    let fleet = advance(&sample(), &with(&[("customer: contoso", "customer: contoso\nstate: ONBOARDING")])).fleet;
    check(&fleet, "contoso", expect![[""]]);
}

#[test]
fn a_leaver_is_named_for_removal_and_holds_nothing_else() {
    let left = with(&[("displayName: Maya Berg", "displayName: Maya Berg\nstate: LEFT")]);
    let fleet = advance(&sample(), &left).fleet;
    let people: String = shown(&fleet, "contoso").lines().filter(|line| line.contains("000000000003")).collect();
    expect![[r#"user/nordwall/0b0de000-0000-4000-8000-000000000003 ABSENT LEFT by principals/jonas at 2026-12-24T12:00:00Z also maya@nordwall.example operators/maya "Maya Berg" maya@nordwall.example maya@nordwall.example guest of 0a0de000-0000-4000-8000-000000000001"#]].assert_eq(&people);
}

#[test]
fn a_removal_beats_what_is_granted() {
    let left = with(&[("displayName: Maya Berg", "displayName: Maya Berg\nstate: LEFT")]);
    let mut intent = sample().intent().clone();
    for row in advance(&sample(), &left).fleet.intent().revocations.values() {
        intent.put_revocation((**row).clone());
    }
    let shown = render(&compile(&intent, &tenant("contoso")));
    let people: Vec<&str> = shown.lines().filter(|line| line.contains("0003") || line.contains("0004")).collect();
    assert!(people.len() == 2 && people.iter().all(|line| line.contains(" ABSENT LEFT ")), "{people:#?}");
}

/// What of the sample's Azure roles is left in Contoso with these workspaces.
fn azure_roles(workspaces: &str) -> Vec<String> {
    let fleet =
        advance(&sample(), &with(&[("  - {name: law-contoso, permissionSource: azure_rbac}", workspaces)])).fleet;
    let names = ["Responder", "Playbook Operator"];
    let shown = shown(&fleet, "contoso");
    names.into_iter().filter(|name| shown.contains(&format!("Microsoft Sentinel {name}"))).map(Into::into).collect()
}

#[test]
fn a_condition_on_workspaces_is_judged_within_the_scope() {
    const GROUP: &str = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/RG-Sentinel";
    let workspace = |group: &str, source: &str| {
        format!(
            "  - {{name: w, permissionSource: {source}, id: {group}/providers/Microsoft.OperationalInsights/workspaces/w}}"
        )
    };
    let (rbac, urbac) = (workspace(GROUP, "azure_rbac"), workspace(GROUP, "urbac"));
    let beside = workspace(&format!("{GROUP}-2"), "urbac");
    let anywhere = "  - {name: w, permissionSource: urbac}".to_owned();
    let (both, one) = (vec!["Responder".to_owned(), "Playbook Operator".into()], vec!["Playbook Operator".to_owned()]);
    assert_eq!(azure_roles(&rbac), both);
    assert_eq!(azure_roles(&urbac), one);
    assert_eq!(azure_roles(&format!("{rbac}\n{urbac}")), one, "all of them must agree");
    assert_eq!(azure_roles(&format!("{rbac}\n{beside}")), both, "a group whose name goes on is another group");
    assert_eq!(azure_roles(&format!("{rbac}\n{anywhere}")), one, "one without an id counts everywhere");
    assert_eq!(azure_roles(&beside), one, "no workspace in the scope, no reason to think it holds");
}

#[test]
fn windows_of_several_assignments_are_merged() {
    let more = r#"
kind: Assignment
name: assignments/li-extra
operator: operators/li
role: socRoles/l1-analyst@3
tenants: {names: [tenants/contoso]}
start: 2027-02-01
end: 2027-02-28
justification: Holiday cover
owner: operators/jonas"#;
    let fleet = advance(&sample(), &edit(manifests(more))).fleet;
    let lines: String =
        shown(&fleet, "contoso").lines().filter(|line| line.contains("0005")).map(|line| format!("{line}\n")).collect();
    expect![[r#"
        member/l1-analyst/standard/nordwall/0b0de000-0000-4000-8000-000000000005 PRESENT 2026-12-01T00:00:00Z..2027-03-01T00:00:00Z by li-extra, nordic-l1
        user/nordwall/0b0de000-0000-4000-8000-000000000005 PRESENT 2026-12-01T00:00:00Z..2027-03-01T00:00:00Z operators/li "Li Chen" li@nordwall.example li@nordwall.example guest of 0a0de000-0000-4000-8000-000000000001
    "#]].assert_eq(&lines);
}

#[test]
fn whoever_is_never_in_both_windows_gets_nothing() {
    let late = with(&[("start: 2026-12-01", "start: 2027-02-01")]);
    let fleet = advance(&sample(), &late).fleet;
    assert!(!shown(&fleet, "contoso").contains("operators/li"));
}

#[test]
fn the_same_intent_gives_the_same_bytes() {
    let (one, other) = (sample(), sample());
    for (name, items) in one.tenants() {
        assert_eq!(items.digest(), other.tenant(name).unwrap().digest());
        let compiled = compile(one.intent(), name);
        let opened: Vec<_> = items.sorted().iter().map(|item| item.open().unwrap()).collect();
        assert_eq!(opened, compiled);
    }
}
