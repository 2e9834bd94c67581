//! Manifests as people write them, and the errors for wrong ones.

use super::*;

fn manifest(yaml: &str) -> Manifest {
    serde_saphyr::from_str(yaml).unwrap()
}

/// The faults of one manifest, one on each line, as people see them.
fn faults(yaml: &str) -> String {
    manifest(yaml).check().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

const TENANT: &str = r#"
kind: Tenant
name: tenants/contoso
customer: contoso
entraTenant: 0c0de000-0000-4000-8000-000000000001
cloud: global
home: homeTenants/nordwall
labels: {region: nordic, ring: "1"}
delivery: b2b_invitation
userType: guest
namePrefix: ent-
scopes:
  sentinel_resource_group: [/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-sentinel]
workspaces:
  - {name: law-contoso, permissionSource: azure_rbac}
attested: {defenderWorkloads: [mde, mdi], by: kari@contoso.example, date: 2026-11-20}
exemptions:
  - {role: socRoles/l1-analyst, drop: [emailmetadata.read], reason: works council, until: 2027-06-30}
"#;

const ROLE: &str = r#"
kind: SocRole
name: socRoles/l1-analyst
version: 3
identityClass: standard
items:
  - plane: defender_urbac
    permissions: [secdata.basics.read, alerts.manage]
    mode: active
  - plane: azure_rbac
    roles: [Microsoft Sentinel Responder]
    at: sentinel_resource_group
    when: workspace.permissionSource == azure_rbac
"#;

#[test]
fn a_full_tenant_is_read_and_found_well_formed() {
    assert_eq!(faults(TENANT), "");
    assert_eq!(manifest(TENANT).name().to_string(), "tenants/contoso");
}

#[test]
fn a_role_may_say_its_planes_in_microsofts_words() {
    assert_eq!(faults(ROLE), "");
    let Manifest::SocRole(role) = manifest(ROLE) else { panic!("a role") };
    assert_eq!(role.items[1].plane().word(), "azureRoles");
    assert_eq!(role.pinned().to_string(), "socRoles/l1-analyst@3");
}

#[test]
fn what_is_written_reads_back_the_same() {
    for yaml in [TENANT, ROLE] {
        let first = manifest(yaml);
        let json = serde_json::to_string(&first).unwrap();
        assert_eq!(serde_json::from_str::<Manifest>(&json).unwrap(), first);
    }
}

#[test]
fn unknown_fields_are_refused_by_name() {
    let error = serde_saphyr::from_str::<Manifest>(&format!("{TENANT}colour: blue\n")).unwrap_err().to_string();
    assert!(error.contains("colour"), "{error}");
}

#[test]
fn what_this_version_does_not_carry_out_is_refused_by_field() {
    let yaml = TENANT.replace("userType: guest", "userType: member").replace("b2b_invitation", "access_package");
    assert_eq!(
        faults(&yaml),
        "tenants/contoso: delivery: only b2b_invitation is supported by this version\n\
         tenants/contoso: userType: only guest is supported by this version"
    );
    let yaml = ROLE.replace("mode: active", "mode: eligible").replace("plane: azure_rbac", "plane: pim");
    assert!(faults(&yaml).contains("items[1].plane: pim is not carried out by this version"), "{}", faults(&yaml));
}

#[test]
fn scopes_that_could_leave_their_subscription_are_refused() {
    for scope in
        ["subscriptions/x", "/subscriptions/x", "/subscriptions/11111111-1111-4111-8111-111111111111/../y", "/"]
    {
        let yaml =
            TENANT.replace("/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-sentinel", scope);
        assert!(faults(&yaml).contains("is not an ARM scope"), "{scope}");
    }
}

#[test]
fn addresses_that_cannot_be_invited_are_refused() {
    for mail in
        ["maya", "maya+soc@nordwall.example", ".maya@nordwall.example", "maya@nordwall", "ma ya@nordwall.example"]
    {
        let yaml = format!(
            "kind: Operator\nname: operators/maya\ndisplayName: Maya\nidentities:\n  - {{home: homeTenants/nordwall, objectId: 0b0de000-0000-4000-8000-000000000003, upn: m, mail: {mail:?}}}\n"
        );
        assert!(faults(&yaml).contains("is not an address"), "{mail}");
    }
}

#[test]
fn field_kind_15_a_manifest_is_refused_for_a_scope_or_an_address_that_microsoft_refuses_later() {
    for (wrong, why) in
        [("resource_groups/rg-sentinel", "where ARM has resourceGroups"), ("resourceGroups", "ends in the middle")]
    {
        let yaml = TENANT.replace("resourceGroups/rg-sentinel", wrong);
        assert!(faults(&yaml).starts_with("tenants/contoso: scopes.sentinel_resource_group: "), "{}", faults(&yaml));
        assert!(faults(&yaml).contains(why), "{}", faults(&yaml));
        let id = format!("law-contoso, id: /subscriptions/11111111-1111-4111-8111-111111111111/{wrong}");
        let yaml = TENANT.replace("law-contoso", &id);
        assert!(faults(&yaml).starts_with("tenants/contoso: workspaces[0].id: "), "{}", faults(&yaml));
    }
    let operator = |mail: &str| {
        faults(&format!(
            "kind: Operator\nname: operators/maya\ndisplayName: Maya\nidentities:\n  - {{home: homeTenants/nordwall, objectId: 0b0de000-0000-4000-8000-000000000003, upn: m, mail: {mail:?}}}\n"
        ))
    };
    assert_eq!(operator("m.o'brien@nordwall.example"), "");
    for mail in
        ["maya..berg@nordwall.example", "maya@nordwall..example", &format!("{}@nordwall.example", "x".repeat(65))]
    {
        assert!(operator(mail).contains("is not an address that Entra ID invites"), "{mail}");
    }
}

#[test]
fn conditions_take_a_closed_list() {
    assert_eq!("userType==guest".parse::<Condition>().unwrap().to_string(), "userType == guest");
    for text in ["userType", "planet == mars", "userType == robot", ""] {
        assert!(text.parse::<Condition>().is_err(), "{text}");
    }
}

#[test]
fn attacks_s03_no_text_of_intent_breaks_a_line_or_hides() {
    const OPERATOR: &str = "kind: Operator\nname: operators/maya\ndisplayName: Maya\nidentities:\n  - {home: homeTenants/nordwall, objectId: 0b0de000-0000-4000-8000-000000000003, upn: UPN, mail: maya@nordwall.example}\n";
    const ASSIGNMENT: &str = "kind: Assignment\nname: assignments/a\noperator: operators/maya\nrole: socRoles/l1@1\ntenants: {labels: {region: nordic}}\njustification: because\nticket: T-1\nowner: operators/li\n";
    let eligible = ROLE.replace("at: sentinel_resource_group", "at: ring");
    for yaml in [OPERATOR, ASSIGNMENT, TENANT, &eligible] {
        assert_eq!(faults(yaml), "");
    }
    for bad in ["\\n", "\\u001b[2J", "\\u202e", "\\u200b", "\\u2028"] {
        for (yaml, from, field) in [
            (OPERATOR, "Maya\n", "displayName"),
            (OPERATOR, "UPN", "identities[0].upn"),
            (ASSIGNMENT, "because", "justification"),
            (ASSIGNMENT, "T-1", "ticket"),
            (ASSIGNMENT, "region", "tenants.labels"),
            (ASSIGNMENT, "nordic", "tenants.labels"),
            (TENANT, "contoso\nentra", "customer"),
            (TENANT, "nordic", "labels.region"),
            (TENANT, "sentinel_resource_group", "scopes"),
            (TENANT, "ent-", "namePrefix"),
            (TENANT, "law-contoso", "workspaces[0].name"),
            (TENANT, "kari@contoso.example", "attested.by"),
            (TENANT, "mde", "attested.defenderWorkloads"),
            (TENANT, "emailmetadata.read", "exemptions[0].drop"),
            (TENANT, "works council", "exemptions[0].reason"),
            (&eligible, "ring", "items[1].at"),
        ] {
            let (word, rest) = from.split_once('\n').map_or((from, ""), |(word, rest)| (word, rest));
            let broken = format!("\"{word}{bad}\"{}{rest}", if from.contains('\n') { "\n" } else { "" });
            assert!(yaml.contains(from), "{from}");
            let found = faults(&yaml.replacen(from, &broken, 1));
            assert!(found.contains(&format!(": {field}: ")), "{field} with {bad}: {found:?}");
        }
    }
}

#[test]
fn users_d16_a_role_or_permission_of_no_such_name_is_refused_with_the_nearest() {
    let role = |plane: &str| faults(&format!("kind: SocRole\nname: socRoles/l1\nversion: 1\nitems:\n  - {plane}\n"));
    let azure = |text: &str| role(&format!("{{plane: azureRoles, at: ring, roles: [{text:?}]}}"));
    assert_eq!(azure("Microsoft Sentinel Responder"), "");
    assert_eq!(azure("51d6186e-6489-4900-b93f-92e23144cca5"), "");
    assert_eq!(azure("0b0de000-0000-4000-8000-000000000003"), "", "any definition, by its id");
    for text in ["Microsoft Sentinel Responderr", "microsoft sentinel responder"] {
        let found = azure(text);
        assert!(
            found.starts_with(&format!("socRoles/l1@1: items[0].roles: {text:?} is not a known Azure role; ")),
            "{found}"
        );
        assert!(
            found.contains("did you mean \"Microsoft Sentinel Responder\"? Else write its display name, or"),
            "{found}"
        );
    }
    assert!(azure("Owner").ends_with("is not a known Azure role; write its display name, or its role definition id"));
    let found = role("{plane: defenderRoles, permissions: [alert.manage]}");
    assert!(found.contains("did you mean \"alerts.manage\"?"), "{found}");
}

#[test]
fn a_person_is_in_a_squad_once_at_a_time() {
    let squad =
        |members: &str| format!("kind: Squad\nname: squads/triage\nowner: operators/astrid\nmembers:\n{members}");
    let twice = squad(
        "  - operator: operators/maya\n  - operator: operators/li\n  - {operator: operators/maya, until: 2026-12-31}\n",
    );
    assert_eq!(
        faults(&twice),
        "squads/triage: members[2].operator: is operators/maya, as members[0].operator is, for some of the same days; keep one \
         of the two, or let one end before the other begins"
    );
    let apart = "  - {operator: operators/maya, until: 2026-12-31}\n  - {operator: operators/maya, from: 2027-01-01}\n";
    assert_eq!(faults(&squad(apart)), "", "somebody who comes again");
}
