//! Our tables and texts, held against what Microsoft publishes: role definitions, tiers of Graph permissions, the
//! permissions reference. These copies are no part of the product; where they are absent, the tests say so and skip.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use entente_model::{Plane, PlaneMode, catalog};
use serde_json::Value;

use entente_planner::capability::{self, Beside, Capability, Definition, judge};
use entente_planner::consent;
use entente_planner::guardrail::Guardrail;
use entente_planner::permission::{self, System};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/reference");

/// The customers whose consent texts are kept beside their files.
const CUSTOMERS: [(&str, &str); 5] = [
    ("triage", include_str!("customers/triage.yaml")),
    ("verifies", include_str!("customers/verifies.yaml")),
    ("users-alone", include_str!("customers/users-alone.yaml")),
    ("withholds-logs", include_str!("customers/withholds-logs.yaml")),
    ("everything", include_str!("customers/everything.yaml")),
];

/// The text of a copy; none, and a loud word, where it is absent.
fn copy(file: &str) -> Option<String> {
    let path = format!("{FOLDER}/{file}");
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        // Past the test's own capture: a skip that nobody sees is a test that nobody runs.
        let _ = writeln!(std::io::stderr(), "\n!!! SKIPPED: {path} is absent; nothing was held against it !!!\n");
    }
    text
}

fn json(file: &str) -> Option<Value> {
    copy(file).map(|text| serde_json::from_str(&text).unwrap())
}

fn words(value: &Value) -> BTreeSet<String> {
    value.as_array().into_iter().flatten().filter_map(|it| it.as_str().map(str::to_string)).collect()
}

/// A built-in role as published.
struct Role {
    definition: Definition,
    id: entente_model::Guid,
    /// What matching its actions shows that it can do.
    can: BTreeSet<String>,
}

fn roles() -> Option<Vec<Role>> {
    let all = json("azure-role-definitions.json")?;
    let role = |it: &Value| Role {
        definition: Definition {
            role_name: it["name"].as_str().unwrap().into(),
            actions: words(&it["actions"]),
            data_actions: words(&it["dataActions"]),
        },
        id: it["id"].as_str().unwrap().parse().unwrap(),
        can: words(&it["derived_true"]),
    };
    Some(all["roles"].as_array().unwrap().iter().map(role).collect())
}

#[test]
fn what_our_table_says_of_an_azure_role_follows_from_its_definition() {
    let Some(roles) = roles() else { return };
    let mut held = 0;
    for ours in catalog::AZURE_ROLES {
        let published = roles.iter().find(|role| role.id == ours.id).unwrap_or_else(|| panic!("{}", ours.name));
        let judged = judge(&published.definition);
        let Some(row) = capability::azure_role(ours.id) else {
            assert!(
                !judged.unknown.is_empty(),
                "{} is never assigned, and every action of it has a meaning",
                ours.name
            );
            continue;
        };
        held += 1;
        assert_eq!(judged.unknown, BTreeSet::new(), "{}", ours.name);
        let sorted: BTreeSet<Capability> = row.capabilities.iter().copied().collect();
        assert_eq!(judged.set(), sorted, "{}", ours.name);
        assert_eq!(judged.beside, row.beside.iter().copied().collect::<BTreeSet<Beside>>(), "{}", ours.name);
    }
    assert_eq!(held, 12);
}

/// What a consent text says of it, in our words. None is never to be given.
fn said(can: &str) -> Option<&'static str> {
    Some(match can {
        "reads_every_workspace_table_by_action"
        | "reads_workspace_tables_by_data_action"
        | "reads_confidential_watchlist_table" => "read all logs of a workspace",
        "reads_role_assignments" => "read who has access",
        "runs_playbook_on_incident" => "playbooks that Sentinel may run",
        "gets_logic_app_trigger_url" => "run playbooks",
        "updates_sentinel_incidents" => "manage alerts",
        "edits_sentinel_automation_rules" => "automation rules",
        "edits_sentinel_analytics_rules" => "tune detections",
        "removes_sentinel_from_workspace" => "take Sentinel off its workspace",
        "creates_support_ticket" => "open support tickets",
        "creates_arm_deployment" => "deploy what they may make anyway",
        "edits_diagnostic_settings" => "manage monitoring",
        "gets_workspace_shared_keys" => "the keys of a workspace",
        "changes_defender_for_cloud_settings" | "edits_policy_assignments" => "change security settings and policies",
        // Only that a wildcard covers an old action; whether it still shows keys is not known.
        "matches_workspace_shared_keys_read" => "",
        _ => return None,
    })
}

#[test]
fn fidelity_p3_no_consent_text_denies_what_its_roles_let_people_do() {
    let Some(roles) = roles() else { return };
    let mut held = 0;
    for (name, file) in CUSTOMERS {
        let guardrail = Guardrail::parse(file).unwrap();
        // Where Azure roles are none, nobody is given one.
        if guardrail.mode(Plane::AzureRoles) == PlaneMode::None {
            continue;
        }
        let text = consent::text(&guardrail, "41c9d2f0a7b3").split_whitespace().collect::<Vec<_>>().join(" ");
        let may = &text[text.find(" may: ").unwrap()..];
        let may = may.split("Never assigned").next().unwrap();
        for (role, id) in &guardrail.azure.roles {
            let is_given = !text.contains(&format!("{role} (it lets people"));
            let published = roles.iter().find(|published| published.id == *id).unwrap();
            for can in published.can.iter().filter(|_| is_given) {
                let words = said(can).unwrap_or_else(|| panic!("{name} gives {role}, which {can}"));
                assert!(may.contains(words), "{name} gives {role}, which {can}, and does not say {words:?}: {may}");
                held += 1;
            }
        }
    }
    assert!(held > 40, "{held}");
}

#[test]
fn a_customer_who_withholds_logs_is_heeded() {
    let Some(roles) = roles() else { return };
    let readers = roles.iter().filter(|role| role.can.contains("reads_every_workspace_table_by_action"));
    let mut held = 0;
    for role in readers {
        let lists = capability::of_azure_role(role.id);
        assert!(lists.is_none_or(|all| all.contains(&Capability::ReadLogs)), "{}", role.definition.role_name);
        held += usize::from(lists.is_some());
    }
    assert_eq!(held, 7);
}

#[test]
fn fidelity_p2_the_left_column_says_what_the_agents_own_azure_roles_read() {
    let Some(roles) = roles() else { return };
    for row in permission::table().filter(|row| row.system == System::Arm) {
        let published = roles.iter().find(|role| role.definition.role_name == row.name).unwrap();
        assert!(published.definition.actions.contains("*/read"), "{}", row.name);
        assert!(row.reach.contains("all logs of every workspace"), "{}", row.reach);
        let assigns = published.can.contains("assigns_azure_roles");
        assert_eq!(assigns, row.reach.contains("any role there"), "{}", row.reach);
    }
}

#[test]
fn fidelity_p8_the_left_column_says_what_a_thief_can_do_with_a_graph_permission() {
    let Some(tiers) = json("graph-app-permission-tiers.json") else { return };
    let tiers = tiers["permissions"].as_array().unwrap();
    let worst = [
        ("User.Invite.All", "any number"),
        ("User.Invite.All", "dynamic group"),
        ("GroupMember.ReadWrite.All", "Global Administrator"),
        ("RoleManagement.ReadWrite.Defender", "live response"),
        ("User.EnableDisableAccount.All", "lock out everyone"),
        ("User.DeleteRestore.All", "bring back"),
        ("Group.Create", "look like yours"),
        ("User.Read.All", "whole profile"),
    ];
    // Not in that list.
    let tiered = |row: &&permission::Permission| row.system == System::Graph && row.name != "Group.ReadBasic.All";
    for row in permission::table().filter(tiered) {
        let tier = tiers.iter().find(|tier| tier["permission"] == row.name).unwrap_or_else(|| panic!("{}", row.name));
        assert_eq!(tier["exists_as_application_permission"]["value"], true, "{}", row.name);
        let kind = tier["shortest_path_to_global_administrator"]["kind"].as_str().unwrap();
        if matches!(kind, "direct" | "indirect") {
            assert!(row.reach.contains("Global Administrator"), "{} leads there {kind}ly: {}", row.name, row.reach);
        }
        for (_, words) in worst.iter().filter(|(name, _)| *name == row.name) {
            assert!(row.reach.contains(words), "{} does not say {words}", row.name);
        }
    }
}

/// The reference's operation for what a row is asked for.
fn operation(name: &str) -> Option<&'static str> {
    Some(match name {
        "User.Invite.All" => "POST /invitations",
        "User.Read.All" => "GET /users",
        "User.RevokeSessions.All" => "POST /users/{id}/revokesigninsessions",
        "User.DeleteRestore.All" => "DELETE /users/{id}",
        "Group.Create" => "POST /groups",
        "Group.ReadBasic.All" => "GET /groups",
        "GroupMember.ReadBasic.All" => "GET /groups/{id}/members",
        "GroupMember.ReadWrite.All" => "DELETE /groups/{id}/members/{id}",
        "RoleManagement.Read.Defender" => "GET /rolemanagement/defender/roledefinitions",
        "RoleManagement.ReadWrite.Defender" => "POST /rolemanagement/defender/roledefinitions",
        _ => return None,
    })
}

/// Listed there, and too narrow for what we read: the fields of a guest's state (Graph: user).
const TOO_NARROW: &[(&str, &str)] = &[("User.Read.All", "User.ReadBasic.All")];

/// Not listed there, and wider than one that is.
const INCLUDED: &[(&str, &str)] = &[
    ("GroupMember.ReadBasic.All", "Directory.ReadWrite.All"),
    // Writes roles, and so reads them.
    ("RoleManagement.Read.Defender", "RoleManagement.ReadWrite.Defender"),
];

#[test]
fn fidelity_p5_every_wider_permission_of_the_reference_counts() {
    let Some(contract) = copy("graph-contract.md") else { return };
    let mut held = 0;
    for row in permission::table() {
        let Some(operation) = operation(row.name) else { continue };
        let line = contract.lines().find(|line| line.starts_with(&format!("|`{operation}`|"))).unwrap();
        let listed = line.split('|').skip(2).flat_map(|cell| cell.split(", ")).map(str::trim);
        for other in listed.filter(|it| it.contains('.') && *it != row.name) {
            let counts = row.wider.contains(&other) || TOO_NARROW.contains(&(row.name, other));
            assert!(counts, "{} of {operation} does not do for {}", other, row.name);
            held += 1;
        }
        for wider in row.wider {
            let counts = line.contains(wider) || INCLUDED.contains(&(row.name, wider));
            assert!(counts, "{wider} is not in the reference for {operation}");
        }
    }
    assert!(held > 30, "{held}");
}

/// A directory role as published.
struct EntraRole {
    name: String,
    actions: BTreeSet<String>,
    /// Names of the roles whose actions it has too.
    inherits: BTreeSet<String>,
}

fn entra_roles() -> Option<BTreeMap<entente_model::Guid, EntraRole>> {
    let all = json("entra-role-definitions.json")?;
    let role = |it: &Value| {
        let (actions, inherits) = (words(&it["allowedResourceActions"]), words(&it["inherits_from"]));
        let name = it["display_name"].as_str().unwrap().to_owned();
        (it["template_id"].as_str().unwrap().parse().unwrap(), EntraRole { name, actions, inherits })
    };
    Some(all["roles"].as_array().unwrap().iter().map(role).collect())
}

#[test]
fn the_closed_list_of_directory_roles_is_whole_and_no_role_on_it_may_be_asked_for() {
    let (Some(published), Some(all)) = (entra_roles(), json("entra-role-definitions.json")) else { return };
    let closed = all["closed_list"].as_array().unwrap();
    let mut leading = BTreeSet::new();
    for it in closed {
        let ours = catalog::closed_entra_role(it["template_id"].as_str().unwrap());
        let leads_to = match it["leads_to"].as_str().unwrap() {
            "global_administrator" => Some(catalog::LeadsTo::GlobalAdministrator),
            "authentication_control" => Some(catalog::LeadsTo::Authentication),
            _ => None,
        };
        assert_eq!(ours.map(|role| role.leads_to), leads_to, "{it}");
        leading.extend(ours.map(|role| role.id));
        // Of the others on that list, those alone may be asked for that only read.
        let asked = catalog::entra_role(it["template_id"].as_str().unwrap());
        assert!(asked.is_none() || it["strength"] == "read only", "{it}");
    }
    assert_eq!(leading.len(), catalog::CLOSED_ENTRA_ROLES.len());
    let ours = catalog::CLOSED_ENTRA_ROLES.iter().map(|role| (role.id, role.name));
    for (id, name) in ours.chain(catalog::ENTRA_ROLES.iter().map(|role| (role.id, role.name))) {
        assert_eq!(published[&id].name, name);
    }
}

/// What an action of a directory role means, by a part of it. All must be reads.
const MEANS: &[(&str, Capability)] = &[
    ("directory/bitlockerKeys/", Capability::ReadRecoveryKeys),
    ("directory/signInReports/", Capability::ReadSignIns),
    ("directory/auditLogs/", Capability::ReadSignIns),
    ("directory/provisioningLogs/", Capability::ReadSignIns),
    ("usageReports/", Capability::ReadSignIns),
    ("directory/conditionalAccessPolicies/", Capability::ReadSettings),
    ("directory/policies/", Capability::ReadSettings),
    ("directory/identityProtection/", Capability::ReadIncidents),
    ("protectionCenter/", Capability::ReadIncidents),
    ("directory/privilegedIdentityManagement/", Capability::ReadAuthorization),
    ("directory/entitlementManagement/", Capability::ReadAuthorization),
    ("directory/accessReviews/", Capability::ReadAuthorization),
    ("directory/roleAssignments/", Capability::ReadAuthorization),
    ("directory/users/", Capability::ReadDirectory),
    ("directory/groups/", Capability::ReadDirectory),
    ("directory/devices/", Capability::ReadDirectory),
    ("directory/applications/", Capability::ReadDirectory),
];

#[test]
fn what_our_table_says_of_a_directory_role_follows_from_its_definition() {
    let Some(published) = entra_roles() else { return };
    for ours in catalog::ENTRA_ROLES {
        let own = &published[&ours.id];
        let parents = published.values().filter(|role| own.inherits.contains(&role.name));
        let inherited = parents.flat_map(|role| &role.actions);
        let row = capability::of_entra_role(ours.id).unwrap();
        for action in own.actions.iter().chain(inherited) {
            // Health of services may be configured by whoever may see it.
            let reads = action.ends_with("/read") || action.contains("serviceHealth/");
            assert!(reads, "{} does more than read: {action}", ours.name);
            let means = MEANS.iter().filter(|(part, _)| action.contains(part)).map(|(_, capability)| capability);
            for capability in means {
                assert!(row.contains(capability), "{} does not say {capability}, which {action} is", ours.name);
            }
        }
    }
}

#[test]
fn every_directory_role_that_a_job_asks_for_may_be_asked_for_or_is_closed() {
    let Some(jobs) = json("soc-role-catalog.json") else { return };
    let asked = jobs["roles"].as_array().unwrap().iter().flat_map(|job| job["entra"].as_array().into_iter().flatten());
    let ids: BTreeSet<&str> = asked.map(|it| it["role_template_id"].as_str().unwrap()).collect();
    for id in &ids {
        assert!(catalog::entra_role(id).is_some() != catalog::closed_entra_role(id).is_some(), "{id}");
    }
    let may = ids.iter().filter(|id| catalog::entra_role(id).is_some()).count();
    assert_eq!(may, catalog::ENTRA_ROLES.len());
}
