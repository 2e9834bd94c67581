//! The consent texts of six customers, whole; what they say is held against Microsoft's definitions in `tests/reference.rs`.

use expect_test::expect_file;

use super::guardrail::WHOLE;
use super::world::{CONTOSO, RESPONDER, World};
use crate::guardrail::Guardrail;
use crate::{condition, consent, permission};

const PLANES: &str =
    "  users: manage\n  groups: manage\n  memberships: manage\n  azureRoles: manage\n  defenderRoles: verify\n";

/// A file of its own from the whole one.
fn file(changes: &[(&str, &str)]) -> Guardrail {
    let mut text = WHOLE.to_string();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    Guardrail::load(&text, CONTOSO).unwrap_or_else(|unreadable| panic!("{unreadable}"))
}

/// Customers by name; `tests/reference.rs` has those with Azure roles.
fn customers() -> [(&'static str, Guardrail); 6] {
    [
        ("triage", include_str!("../../tests/customers/triage.yaml")),
        ("verifies", include_str!("../../tests/customers/verifies.yaml")),
        ("users-alone", include_str!("../../tests/customers/users-alone.yaml")),
        ("withholds-logs", include_str!("../../tests/customers/withholds-logs.yaml")),
        ("directory", include_str!("../../tests/customers/directory.yaml")),
        ("everything", include_str!("../../tests/customers/everything.yaml")),
    ]
    .map(|(name, text)| (name, Guardrail::load(text, CONTOSO).unwrap_or_else(|why| panic!("{name}: {why}"))))
}

fn text(guardrail: &Guardrail) -> String {
    consent::text(guardrail, "41c9d2f0a7b3c4d5e6f7")
}

#[test]
fn the_consent_texts_of_the_customers() {
    for (name, guardrail) in customers() {
        expect_file![format!("{}/tests/customers/{name}.txt", env!("CARGO_MANIFEST_DIR"))].assert_eq(&text(&guardrail));
    }
}

fn names(guardrail: &Guardrail) -> Vec<&'static str> {
    permission::needed(guardrail).iter().map(|row| row.name).collect()
}

fn has(text: &str, words: &str) -> bool {
    text.split_whitespace().collect::<Vec<_>>().join(" ").contains(words)
}

#[test]
fn fidelity_p1_what_has_no_effect_on_guests_is_said_and_its_permission_asked_for_only_by_name() {
    let with = file(&[]);
    let without = file(&[("onLeave: [revokeSessions, block]", "onLeave: [block]")]);
    assert!(has(&text(&with), "onLeave revokeSessions ends no guest's session"));
    assert!(names(&with).contains(&"User.RevokeSessions.All") && !names(&without).contains(&"User.RevokeSessions.All"));
    assert!(!text(&without).contains("essions"));
}

#[test]
fn fidelity_p2_the_left_column_says_that_the_agents_azure_role_reads_everything() {
    let reads = "read everything there: all logs of every workspace, who has access, all settings";
    let of = |name: &str| permission::table().find(|row| row.name == name).unwrap().reach;
    assert!(of("Reader").contains(reads));
    assert!(of("Role Based Access Control Administrator").contains(&format!("in any case {reads}")));
    assert!(text(&file(&[])).contains("limits it; and in any case read everything there"));
}

#[test]
fn fidelity_p3_who_withholds_logs_gives_no_role_that_reads_them() {
    let withholds = file(&[(", readLogs, readAuthorization]", "]")]);
    let text = text(&withholds);
    assert!(has(&text, "Never assigned, though the file names it: Microsoft Sentinel Responder (it lets people"));
    assert!(has(&text, "allow readLogs, readAuthorization"), "{text}");
    let condition = condition::text(&withholds).unwrap();
    let (write, delete) = condition.split_once("AND\n(").unwrap();
    assert!(!write.contains("3e150937") && delete.contains("3e150937"), "{condition}");
    let mut world = World::new().guardrail(", readLogs, readAuthorization]", "]");
    world.azure_role("l1", RESPONDER);
    world.settle();
    assert!(world.tenant.state.azure.is_empty());
    let key = world.items.keys().find(|key| key.to_string().starts_with("azureRole")).unwrap().clone();
    assert_eq!(world.state(&key), "REFUSED GUARDRAIL_CAPABILITY");
}

#[test]
fn fidelity_p5_wider_permissions_count() {
    let lacks = |guardrail: &Guardrail, has: &[&str]| -> Vec<&str> {
        let roles = has.iter().map(ToString::to_string).collect();
        permission::missing(guardrail, &roles).iter().map(|row| row.name).collect()
    };
    let verifies = file(&[(PLANES, &PLANES.replace("manage", "verify"))]);
    assert_eq!(lacks(&verifies, &["Directory.ReadWrite.All"]), ["RoleManagement.Read.Defender"]);
    let members = file(&[(PLANES, "  memberships: verify\n")]);
    for one in ["Group.ReadBasic.All", "GroupMember.ReadBasic.All", "GroupMember.Read.All", "Directory.ReadWrite.All"] {
        assert!(lacks(&members, &[one]).is_empty(), "{one}");
    }
    let deletes = file(&[("[revokeSessions, block]", "[delete]")]);
    assert!(lacks(&deletes, &["Directory.ReadWrite.All"]).contains(&"User.DeleteRestore.All"));
    assert!(!lacks(&deletes, &["User.ReadWrite.All"]).contains(&"User.DeleteRestore.All"));
}

#[test]
fn fidelity_p8_the_left_column_says_what_a_thief_can_do() {
    let (_, everything) = customers().into_iter().next_back().unwrap();
    let text = text(&everything);
    assert!(text.contains("whatever hangs on it"), "{text}");
    assert!(has(&text, "live response on all machines"), "{text}");
    assert!(text.contains("Conditional Access") && text.contains("Global Administrator"), "{text}");
}

#[test]
fn fidelity_p7_nothing_is_written_to_groups_for_a_label() {
    let users = file(&[(PLANES, "  users: manage\n")]);
    assert_eq!(
        names(&users),
        [
            "User.Read.All",
            "User.Invite.All",
            "GroupMember.Read.All",
            "User.EnableDisableAccount.All",
            "User.RevokeSessions.All"
        ]
    );
    assert!(!text(&users).contains("anchor"));
    assert!(text(&file(&[])).contains("ent-anchor"));
}

#[test]
fn fidelity_p9_hidden_groups_are_named_as_not_looked_at() {
    for (name, guardrail) in customers() {
        assert!(has(&text(&guardrail), "Receipts claim nothing of: groups of hidden membership"), "{name}");
    }
}

#[test]
fn fidelity_p10_verifying_asks_for_the_least() {
    let members = file(&[(PLANES, "  memberships: verify\n")]);
    assert_eq!(names(&members), ["GroupMember.ReadBasic.All"]);
    let both = file(&[(PLANES, "  users: verify\n  memberships: verify\n")]);
    assert_eq!(names(&both), ["User.Read.All", "GroupMember.Read.All"]);
}

#[test]
fn fidelity_p11_the_condition_for_write_and_delete_is_printed_ready_to_use() {
    let guardrail = file(&[]);
    let condition = condition::text(&guardrail).unwrap();
    let ids = "{51d6186e-6489-4900-b93f-92e23144cca5, 3e150937-b8fe-4cfb-8069-0eaf05ecd056}";
    for (of, action) in [("Request", "write"), ("Resource", "delete")] {
        assert!(condition.contains(&format!("!(ActionMatches{{'Microsoft.Authorization/roleAssignments/{action}'}})")));
        let roles = format!("@{of}[Microsoft.Authorization/roleAssignments:RoleDefinitionId]");
        assert!(condition.contains(&format!("{roles} ForAnyOfAnyValues:GuidEquals {ids}")), "{condition}");
    }
    assert_eq!(condition.matches('(').count(), condition.matches(')').count());
    let text = text(&guardrail);
    assert!(text.contains(&condition) && text.contains("--condition \"$CONDITION\" --condition-version 2.0"));
    assert_eq!(condition::text(&file(&[("azureRoles: manage", "azureRoles: verify")])), None);
}

#[test]
fn fidelity_p12_what_the_customer_has_to_do_is_complete() {
    let text = text(&file(&[]));
    for task in [
        "activate unified RBAC for each workload",
        "external collaboration settings: invitations not for administrators alone",
        "has an Entra role from you",
        "partner MFA trust",
        "Azure role with the condition below",
        "defenderRoles (script)",
        "delete empty groups",
    ] {
        assert!(has(&text, task), "{task}: {text}");
    }
    assert!(has(&self::text(&file(&[("[revokeSessions, block]", "[]")])), "block leavers' accounts"));
}

/// Each row's words follow "to".
#[test]
fn fidelity_p13_what_a_permission_is_for_begins_with_a_verb() {
    for row in permission::table() {
        let verb = row.why.split(' ').next().unwrap();
        let verbs = ["find", "see", "invite", "make", "mark", "block", "ask", "delete", "put", "read", "assign"];
        assert!(verbs.contains(&verb), "{}: to {}", row.name, row.why);
    }
}

#[test]
fn attacks_p05_an_adoption_says_that_it_takes_whatever_is_held() {
    let allows = text(&file(&[("adoptExisting: ask", "adoptExisting: allow")]));
    assert!(allows.contains("with whatever they hold") && allows.contains("also Entra roles"), "{allows}");
    assert!(!text(&file(&[])).contains("takes over"));
}
