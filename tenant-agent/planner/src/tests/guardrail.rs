//! The file itself: read whole, refused by field; the permissions and the consent text that follow from it.

use entente_model::report::Reason;
use expect_test::expect;

use super::world::{CONTOSO, GUARDRAIL, World};
use crate::guardrail::Guardrail;
use crate::permission;

/// A file as a customer writes it, with everything in it.
pub const WHOLE: &str = r#"
guardrail: 1
customer: {name: Contoso, entraTenant: 0c0de000-0000-4000-8000-000000000001}
owner: ciso@contoso.example      # a detached signature may stand beside this file
reviewBy: 2027-03-31             # past it: no new access; removals continue
provider:
  homeTenant: 0a0de000-0000-4000-8000-000000000002
  mailDomains: [nordwall.example]
  identityProof: entraOnly       # after redemption, else block
  stateKey: "ed25519:7f3c7f3c7f3c7f3c7f3c7f3c7f3c7f3c7f3c7f3c7f3c7f3c7f3c7f3c7f3c7f3c"    # the provider's root key, pinned
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
  allow: [readIncidents, manageAlerts, respond, runPlaybooks, readLogs, readAuthorization]
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
        MISSING people.maxOperators: is missing; there is no default
    "#]].assert_eq(&faults(&WHOLE.replace("maxOperators", "maxOperator")));
    expect![[r#"
        MALFORMED guardrail, line 42, column 17: "long" is not a length of time: write 45m, 24h or 180d
    "#]]
    .assert_eq(&faults(&WHOLE.replace("longestGrant: 180d", "longestGrant: long")));
    expect![[r#"
        MALFORMED guardrail, line 28, column 11: unknown variant `readEverything`, expected one of readIncidents, manageAlerts, respond, runPlaybooks, liveResponseBasic, liveResponseAdvanced, collectFiles, manageQuarantine, manageEmail, readEmailMetadata, readEmailContent, useCopilot, readPosture, managePosture, tuneDetections, authorPlaybooks, editWorkbooks, readLogs, manageData, readResources, readSettings, manageSettings, readAuthorization, readDirectory, readSignIns, readRecoveryKeys
    "#]].assert_eq(&faults(&WHOLE.replace("readIncidents, ", "readEverything, ")));
    expect![[r#"
        MISSING customer: is missing; there is no default
        MISSING owner: is missing; there is no default
        MISSING reviewBy: is missing; there is no default
        MISSING provider: is missing; there is no default
        MISSING planes: is missing; there is no default
        MISSING people: is missing; there is no default
        MISSING limits: is missing; there is no default
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

/// P10 of a review: small slips that were taken.
#[test]
fn attacks_p10_what_is_no_domain_no_key_no_day_and_no_plain_number_is_refused() {
    for (from, to, says) in [
        ("[nordwall.example]", "[\".\"]", "provider.mailDomains"),
        ("[nordwall.example]", "[\"example.\"]", "provider.mailDomains"),
        ("[nordwall.example]", "[.example]", "provider.mailDomains"),
        ("[nordwall.example]", "[nord..example]", "provider.mailDomains"),
        ("[nordwall.example]", "[-x.example]", "provider.mailDomains"),
        ("[nordwall.example]", "[example]", "provider.mailDomains"),
        ("owner: ciso@contoso.example", "owner: !!binary Y2lzbw==", "line 4, column 8: is a tag"),
        ("name: Contoso", "name: !!str Contoso", "is a tag"),
        ("maxOperators: 25", "maxOperators: 0o14", "\"0o14\" is not a number"),
        ("groups: 12", "groups: 0x0c", "is not a number"),
        ("joiners: 5", "joiners: 1_000", "is not a number"),
        ("joiners: 5", "joiners: 5.0", "is not a number"),
        ("joiners: 5", "joiners: -5", "is not a number"),
        ("joiners: 5", "joiners: 05", "is not a number"),
        ("guardrail: 1", "guardrail: 0b1", "is not a number"),
        ("reviewBy: 2027-03-31", "reviewBy: 9999-12-31", "reviewBy: is 9999-12-31"),
        ("7f3c7f3c\"", "7f3c...\"", "provider.stateKey"),
        ("ed25519:7f3c", "ed25519:7F3C", "provider.stateKey"),
        ("7f3c7f3c\"", "7f3c\"", "provider.stateKey"),
    ] {
        assert!(WHOLE.contains(from), "{from}");
        let found = faults(&WHOLE.replacen(from, to, 1));
        assert!(found.contains(says), "{to}: {found:?}");
    }
    assert_eq!(faults(&WHOLE.replace("reviewBy: 2027-03-31", "reviewBy: 2099-12-31")), "");
    assert_eq!(faults(&WHOLE.replace("[nordwall.example]", "[soc.nord-wall.example, xn--nrd-0na.example]")), "");
}

#[test]
fn field_kind_15_a_guardrail_has_the_rule_of_a_manifest_for_scopes() {
    for wrong in ["resource_groups/rg-sentinel", "resourceGroups", "resourceGroups/rg/workspaces/law"] {
        let found = faults(&WHOLE.replacen("resourceGroups/rg-sentinel", wrong, 1));
        assert!(found.contains("azure.scopes: "), "{wrong}: {found:?}");
    }
    assert_eq!(faults(&WHOLE.replacen("rg-sentinel", "rg-Überwachung", 1)), "");
}

#[test]
fn no_action_that_gives_access_is_allowed_by_name() {
    let with = |action: &str| WHOLE.replace("  ask: [liveResponseBasic]", &format!("  actions: [\"{action}\"]"));
    assert_eq!(faults(&with("Microsoft.SecurityInsights/alertRules/write")), "");
    assert_eq!(faults(&with("Microsoft.Authorization/roleAssignments/read")), "");
    for action in [
        "*",
        "*/read",
        "Microsoft.SecurityInsights/*",
        "Microsoft.Authorization/roleAssignments/write",
        "microsoft.authorization/elevateAccess/action",
        "Microsoft.ManagedServices/registrationAssignments/write",
        "write",
        "a//b",
        "",
    ] {
        assert!(faults(&with(action)).contains("capabilities.actions"), "{action}");
    }
}

#[test]
fn sections_that_cannot_be_read_are_named_together() {
    let text = WHOLE
        .replace("reviewBy: 2027-03-31", "reviewBy: soon")
        .replace("maxOperators", "maxOperator")
        .replace("capabilities:", "capability:")
        .replace("groups: 12", "groups: many")
        .replace("owner: ciso@contoso.example", "");
    expect![[r#"
        MALFORMED guardrail, line 5, column 11: "soon" is not a date: write 2027-03-31
        MALFORMED guardrail, line 23, column 3: unknown field `maxOperator`, expected one of userTypes, maxOperators, barred, adoptExisting, onLeave, recycleBin
        MALFORMED guardrail, line 27, column 1: unknown field `capability`, expected one of guardrail, customer, owner, reviewBy, provider, planes, people, capabilities, azure, entra, protected, limits, approvers, freeze, providerSilent
        MALFORMED guardrail, line 41, column 11: "many" is not a number: write decimal digits, such as 25
        MISSING owner: is missing; there is no default
        MISSING people.maxOperators: is missing; there is no default
    "#]].assert_eq(&faults(&text));
    // What only shows in the whole.
    let twice = format!("{WHOLE}owner: somebody@else.example\n");
    assert!(faults(&twice).contains("owner"), "{}", faults(&twice));
    assert!(!faults(&WHOLE.replace("planes:  ", "planes: [")).is_empty());
    // As many keys as fit: one fault, and no more memory than the file takes.
    assert_eq!(faults(&"a:\n".repeat(20_000)).lines().count(), 1);
}

#[test]
fn an_account_of_another_domain_is_given_nothing_under_another_address_of_its_item() {
    let domains = ("mailDomains: [nordwall.example]", "mailDomains: [other.example]");
    let mut world = World::joined(&["sam"], "l1").guardrail(domains.0, domains.1);
    // The item names an address that the narrower file allows; the account that its id leads to has another.
    world.rename("sam", "sam@other.example");
    world.member("sam", "l2");
    world.rename("sam", "sam@other.example");
    world.settle();
    assert_eq!(world.user_state("sam"), "REFUSED GUARDRAIL_PERSON");
    assert!(!world.is_member("sam", "l2"));
    let key = world.user_key("sam");
    let listed = world.not_allowed().into_iter().find(|it| it.key == key).unwrap();
    assert_eq!(listed.reason, Reason::GuardrailPerson);
}

#[test]
fn one_who_is_barred_is_barred_by_the_address_that_the_upn_shows() {
    let barred = ("barred: []", "barred: [sam@nordwall.example]");
    let mut world = World::joined(&["sam"], "l1").guardrail(barred.0, barred.1);
    for user in world.tenant.state.users.values_mut() {
        (user.mail, user.addresses) = ("other@nordwall.example".into(), ["other@nordwall.example".into()].into());
    }
    world.rename("sam", "other@nordwall.example");
    world.upn("sam", "other@nordwall.example");
    world.member("sam", "l2");
    world.rename("sam", "other@nordwall.example");
    world.upn("sam", "other@nordwall.example");
    world.settle();
    assert_eq!(world.user_state("sam"), "REFUSED GUARDRAIL_PERSON");
    assert!(!world.is_member("sam", "l2"));
}

#[test]
fn one_who_is_barred_is_barred_under_another_address_of_their_item() {
    let barred = ("barred: []", "barred: [sam@nordwall.example]");
    let mut world = World::joined(&["sam"], "l1").guardrail(barred.0, barred.1);
    world.rename("sam", "samuel@nordwall.example");
    world.upn("sam", "samuel@nordwall.example");
    world.settle();
    assert_eq!(world.user_state("sam"), "REFUSED GUARDRAIL_PERSON");
    assert!(!world.is_member("sam", "l1"));
}

#[test]
fn users_d10_a_key_that_is_none_is_a_fault() {
    let key = format!("ed25519:{}", "7f3c".repeat(16));
    assert!(WHOLE.contains(&key));
    for wrong in ["ed25519:...".to_owned(), format!("ed25519:{}", "zz".repeat(32)), "ed25519:7f3c".into()] {
        let said = faults(&WHOLE.replace(&key, &wrong));
        assert!(said.contains("provider.stateKey") || said.contains("stateKey"), "{wrong}: {said:?}");
    }
}

#[test]
fn users_d25_every_slip_of_a_file_is_named_at_once() {
    let text = WHOLE
        .replace("maxOperators", "maxOperator")
        .replace("longestGrant: 180d", "longestGrant: long")
        .replace("readIncidents, ", "readEverything, ");
    let said = faults(&text);
    for slip in ["maxOperator", "\"long\"", "readEverything"] {
        assert!(said.contains(slip), "{slip} is not named:\n{said}");
    }
}

#[test]
fn every_placeholder_of_the_sample_is_named_in_one_look_and_none_is_taken() {
    let sample = include_str!("../../../src/commands/init/guardrail.yaml");
    let said = faults(sample);
    let named = [
        "customer.name:",
        "owner:",
        "\"TENANT\"",
        "\"REVIEW\"",
        "\"HOME_TENANT\"",
        "\"MAIL_DOMAIN\" is not a domain",
        "provider.stateKey:",
    ];
    for it in named {
        assert!(said.contains(it), "{it} is not named:\n{said}");
    }
    assert_eq!(said.lines().count(), named.len(), "{said}");
    let kept = WHOLE.replace("name: Contoso", "name: NAME").replace("owner: ciso@contoso.example", "owner: OWNER");
    assert_eq!(faults(&kept).lines().count(), 2, "{}", faults(&kept));
}

#[test]
fn what_mending_the_first_faults_would_show_is_said_with_them() {
    let text = WHOLE
        .replace("homeTenant: 0a0de000", "homeTenant: x")
        .replace("[nordwall.example]", "[nordwall]")
        .replace("maxOperators: 25", "maxOperator: 25")
        .replace("onLeave: [revokeSessions, block]", "onLeave: [revoke]")
        .replace("  stateKey: ", "  # stateKey: ")
        .replace("groups: 12", "groups: 1_2")
        .replace("longestGrant: 180d", "longestGrant: long")
        .replace("ask: [liveResponseBasic]", "ask: [respond]");
    expect![[r#"
        MALFORMED guardrail, line 7, column 15: "x-0000-4000-8000-000000000002" is not a GUID: write 8-4-4-4-12 hexadecimal digits
        MALFORMED guardrail, line 23, column 3: unknown field `maxOperator`, expected one of userTypes, maxOperators, barred, adoptExisting, onLeave, recycleBin
        MALFORMED guardrail, line 41, column 11: "1_2" is not a number: write decimal digits, such as 25
        MISSING provider.stateKey: is missing; there is no default
        MISSING people.maxOperators: is missing; there is no default
        MALFORMED guardrail, line 42, column 17: "long" is not a length of time: write 45m, 24h or 180d
        MALFORMED guardrail, line 26, column 12: unknown variant `revoke`, expected one of revokeSessions, block, delete
        MALFORMED provider.mailDomains: "nordwall" is not a domain; write nordwall.example
        CONFLICT capabilities.ask: respond is allowed and asked; keep it in one list
    "#]].assert_eq(&faults(&text));
}
