//! The file itself: read whole, refused by field; the permissions and the consent text that follow from it.

use expect_test::expect;

use super::world::{CONTOSO, GUARDRAIL};
use crate::guardrail::Guardrail;
use crate::{consent, permission};

/// A file as a customer writes it, with everything in it.
const WHOLE: &str = r#"
guardrail: 1
customer: {name: Contoso, entraTenant: 0c0de000-0000-4000-8000-000000000001}
owner: ciso@contoso.example      # a detached signature may stand beside this file
reviewBy: 2027-03-31             # past it: no new access; removals continue
provider:
  homeTenant: 0a0de000-0000-4000-8000-000000000002
  mailDomains: [nordwall.example]
  identityProof: entraOnly       # after redemption, else block
  stateKey: "ed25519:7f3c..."    # the provider's root key, pinned
planes:                          # none | verify | manage
  users: manage
  groups: manage
  memberships: manage
  azureRoles: manage
  defenderRoles: verify
  crossTenantTrust: none
  entraRoles: none
  pim: none
  lighthouse: none
people:
  userTypes: [guest]
  maxOperators: 25
  barred: []
  adoptExisting: ask
  onLeave: [revokeSessions, block]
capabilities:                    # what a role lets people do, judged across planes; the table ships with the agent
  allow: [readIncidents, manageAlerts, respond, runPlaybooks]
  ask: [liveResponseBasic]       # all else never
azure:
  scopes: [/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-sentinel]
  roles:
    Microsoft Sentinel Responder: 3e150937-b8fe-4cfb-8069-0eaf05ecd056
    Microsoft Sentinel Playbook Operator: 51d6186e-6489-4900-b93f-92e23144cca5
protected:
  users: [emergency-1-id, emergency-2-id]
  groups: [ca-exclusions-id, azure-owners-id]
  agentHome: /subscriptions/99999999-9999-4999-8999-999999999999/resourceGroups/rg-entente
limits:
  namePrefix: ent-
  groups: 12
  longestGrant: 180d
  perDay: {joiners: 5, otherChanges: 40, impliedRemovals: 10}   # leavers uncapped
approvers: {need: 1, keys: [ciso.pub, secops.pub], expires: 24h}
freeze: [{from: 2026-12-20, to: 2027-01-04, except: removals}]
providerSilent: {after: 7d, then: alarm}
"#;

fn faults(text: &str) -> String {
    match Guardrail::load(text, CONTOSO) {
        Ok(_) => String::new(),
        Err(unreadable) => unreadable.faults.iter().map(|it| format!("{} {it}\n", it.reason.word())).collect(),
    }
}

#[test]
fn a_whole_file_is_read() {
    assert_eq!(faults(WHOLE), "");
    assert_eq!(faults(GUARDRAIL), "");
}

#[test]
fn the_consent_text_has_both_columns() {
    let guardrail = Guardrail::load(WHOLE, CONTOSO).unwrap();
    expect![[r#"
        CONTOSO: consent to Entente (nordwall.example)   file sha256:41c9d2f0a7b3   review 2027-03-31
        MICROSOFT LETS THE AGENT                                              THIS FILE LETS IT
        User.Invite.All: invite anyone                                        25 guests of nordwall.example, 5 a day
        Group.Create: any group                                               12 named ent-*, and ent-anchor
        GroupMember.ReadWrite.All: all groups not role-assignable             its own groups only
        User.EnableDisableAccount.All: block or unblock any non-admin         its guests, on leaving; lifts only its own block
        User.RevokeSessions.All: sign out all                                 its guests, on leaving
        RBAC Administrator: any role there, unless a condition limits it      at rg-sentinel, by condition: Microsoft Sentinel Playbook Operator, Microsoft Sentinel Responder
        Reads: User.Read.All, Group.ReadBasic.All, RoleManagement.Read.Defender
        A thief of the agent gets the LEFT column.
        nordwall.example may: read incidents, manage alerts, respond, run playbooks. Waits for your approval, which this version cannot take: basic live response. Never: the rest.
        A day: 5 people let in, 40 other changes, 10 removals of what is no longer wanted; leavers and end dates at once. Longest grant 180d.
        You do: 1 partner MFA trust  2 defenderRoles (script)  3 at the end, delete empty groups
        End dates hold only while the agent runs.
        Leaves your tenant: operators' and objects' names and ids, findings. No logs, no mail.
        Look: entente-agent status | entente-agent plan | entente-agent check-guardrail
        Stop: entente-agent pause | entente-agent revoke-all | without us: stop the agent, disable its identity. Removing permissions alone can lag 24 h.
    "#]].assert_eq(&consent::text(&guardrail, "41c9d2f0a7b3c4d5e6f7"));
}

#[test]
fn what_cannot_be_enforced_is_refused_by_field() {
    expect![[r#"
        UNIMPLEMENTED planes.crossTenantTrust: is verify, which is not yet enforceable; write none
    "#]]
    .assert_eq(&faults(&WHOLE.replace("crossTenantTrust: none", "crossTenantTrust: verify")));
    expect![[r#"
        UNIMPLEMENTED planes.pim: is manage, which is not yet enforceable; write none
        UNIMPLEMENTED people.userTypes: names member, which is not carried out by this version; write [guest]
    "#]]
    .assert_eq(&faults(&WHOLE.replace("pim: none", "pim: manage").replace("[guest]", "[member]")));
    expect![[r#"
        MALFORMED guardrail, line 46, column 35: unknown variant `revoke`, expected one of alarm
    "#]]
    .assert_eq(&faults(&WHOLE.replace("then: alarm", "then: revoke")));
}

#[test]
fn a_slip_is_named_with_its_line() {
    expect![[r#"
        MALFORMED guardrail, line 23, column 3: unknown field `maxOperator`, expected one of userTypes, maxOperators, barred, adoptExisting, onLeave, recycleBin
    "#]].assert_eq(&faults(&WHOLE.replace("maxOperators", "maxOperator")));
    expect![[r#"
        MALFORMED guardrail, line 42, column 17: "long" is not a length of time: write 45m, 24h or 180d
    "#]]
    .assert_eq(&faults(&WHOLE.replace("longestGrant: 180d", "longestGrant: long")));
    expect![[r#"
        MALFORMED guardrail, line 28, column 11: unknown variant `readEverything`, expected one of readIncidents, manageAlerts, respond, runPlaybooks, liveResponseBasic, liveResponseAdvanced, collectFiles, manageQuarantine, manageEmail, readEmailMetadata, readEmailContent, useCopilot, readPosture, managePosture, tuneDetections, authorPlaybooks, editWorkbooks, readLogs, manageData, readResources, readSettings, manageSettings, readAuthorization
    "#]].assert_eq(&faults(&WHOLE.replace("readIncidents, ", "readEverything, ")));
    expect![[r#"
        MALFORMED guardrail, line 1, column 1: missing field `customer`
    "#]]
    .assert_eq(&faults("guardrail: 1\n"));
}

#[test]
fn contradictions_are_named() {
    let text = WHOLE
        .replace("need: 1", "need: 3")
        .replace("ask: [liveResponseBasic]", "ask: [respond]")
        .replace("from: 2026-12-20", "from: 2027-12-20")
        .replace(
            "Microsoft Sentinel Responder: 3e150937-b8fe-4cfb-8069-0eaf05ecd056",
            "Owner: 8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
        );
    expect![[r#"
        CONFLICT capabilities.ask: respond is allowed and asked; keep it in one list
        CONFLICT approvers.need: is 3 of 2 keys; write a number between 1 and that
        CONFLICT azure.roles.Owner: can never be assigned: it is custom, unknown, or lets people change access; leave it out
        CONFLICT freeze[0].to: 2027-01-04 is before from; write a later day
    "#]].assert_eq(&faults(&text));
}

#[test]
fn the_file_of_another_tenant_is_no_file() {
    expect![[r#"
        CONFLICT customer.entraTenant: is 0c0de009-0000-4000-8000-000000000001; this agent works in 0c0de000-0000-4000-8000-000000000001
    "#]].assert_eq(&faults(&WHOLE.replace("0c0de000", "0c0de009")));
}

#[test]
fn a_bomb_is_refused() {
    let bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n";
    assert!(!faults(bomb).is_empty());
    assert!(faults(&" ".repeat(70_000)).contains("at most 65536"));
    assert!(!faults(&"[".repeat(5_000)).is_empty());
}

#[test]
fn the_least_permissions_follow_from_the_file() {
    let guardrail = Guardrail::load(WHOLE, CONTOSO).unwrap();
    let names: Vec<_> = permission::needed(&guardrail).iter().map(|row| row.name).collect();
    expect![[r#"
        User.Read.All
        User.Invite.All
        Group.Create
        Group.ReadBasic.All
        GroupMember.ReadWrite.All
        User.EnableDisableAccount.All
        User.RevokeSessions.All
        Role Based Access Control Administrator
        RoleManagement.Read.Defender"#]]
    .assert_eq(&names.join("\n"));
    let have = ["User.Read.All", "Group.ReadWrite.All", "User.Invite.All"].map(String::from).into();
    let missing: Vec<_> = permission::missing(&guardrail, &have).iter().map(|row| row.name).collect();
    expect![[r#"
        User.EnableDisableAccount.All
        User.RevokeSessions.All
        RoleManagement.Read.Defender"#]]
    .assert_eq(&missing.join("\n"));
}

#[test]
fn the_document_of_permissions_is_the_table() {
    let document = include_str!("../../../PERMISSIONS.md");
    let (_, table) = document.split_once("\n\n|").expect("a table after the introduction");
    assert_eq!(format!("|{table}"), permission::markdown());
}
