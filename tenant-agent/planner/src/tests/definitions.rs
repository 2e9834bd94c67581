//! Microsoft moves role definitions: what has come to hold more than the file allows is given to nobody more.

use entente_model::report::Reason;

use super::tenant::definition;
use super::world::{RESPONDER, World};
use crate::capability::Definition;

/// Maya works with the role; then its definition changes, and Li joins.
fn after_the_definition_changed(change: impl FnOnce(&mut Definition)) -> World {
    let mut world = World::joined(&["maya"], "l1");
    world.azure_role("l1", RESPONDER);
    world.settle();
    let mut now = definition(RESPONDER);
    change(&mut now);
    world.tenant.state.definitions.insert(RESPONDER, Some(now));
    world.member("li", "l1");
    world.wait(300);
    world.settle();
    world.redeem("li");
    world.wait(300);
    world.settle();
    world
}

fn role_state(world: &World) -> String {
    let key = world.items.keys().find(|key| key.to_string().starts_with("azureRole")).unwrap().clone();
    world.state(&key)
}

fn findings(world: &World) -> String {
    let of_roles = |it: &&entente_model::report::Finding| it.reason == Reason::GuardrailCapability;
    world.last.as_ref().unwrap().findings.iter().filter(of_roles).map(|it| it.detail.clone()).collect()
}

#[test]
fn a_definition_that_grows_is_given_to_nobody_more_and_named_with_its_action() {
    for action in [
        "Microsoft.SecurityInsights/alertRules/write",
        "Microsoft.KeyVault/vaults/read",
        "Microsoft.Entirely/new/action",
        "Microsoft.Authorization/roleAssignments/write",
        "*",
    ] {
        let mut world = after_the_definition_changed(|it| _ = it.actions.insert(action.into()));
        assert_eq!(world.member_state("li", "l1"), "REFUSED GUARDRAIL_CAPABILITY", "{action}");
        assert!(!world.is_member("li", "l1"), "{action}");
        // What is there stays, and is said.
        assert!(world.is_member("maya", "l1"), "{action}");
        assert_eq!(world.tenant.state.azure.len(), 1, "{action}");
        assert_eq!(role_state(&world), "REFUSED GUARDRAIL_CAPABILITY");
        let said = findings(&world);
        assert!(said.contains("Microsoft Sentinel Responder") && said.contains(action), "{said}");
    }
}

#[test]
fn data_actions_count_too() {
    let action = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
    let mut world = after_the_definition_changed(|it| _ = it.data_actions.insert(action.into()));
    assert_eq!(world.member_state("li", "l1"), "REFUSED GUARDRAIL_CAPABILITY");
    assert!(findings(&world).contains(action));
}

#[test]
fn a_definition_that_grows_within_the_file_is_nobodys_trouble() {
    for action in ["Microsoft.SecurityInsights/incidents/tasks/*", "Microsoft.Insights/workbooks/read"] {
        let mut world = after_the_definition_changed(|it| _ = it.actions.insert(action.into()));
        assert_eq!(world.member_state("li", "l1"), "APPLIED", "{action}");
        assert_eq!(findings(&world), "", "{action}");
    }
}

#[test]
fn a_role_is_given_again_once_the_customer_has_consented_anew() {
    let action = "Microsoft.SecurityInsights/alertRules/write";
    let mut world = after_the_definition_changed(|it| _ = it.actions.insert(action.into()));
    let wider = "readAuthorization, tuneDetections, manageSettings]";
    world.guardrail = World::new().guardrail("readAuthorization]", wider).guardrail;
    world.wait(300);
    world.settle();
    assert_eq!(world.member_state("li", "l1"), "APPLIED");
    assert_eq!(findings(&world), "");
}

#[test]
fn the_customer_consents_to_one_action_by_its_name() {
    for action in ["Microsoft.Entirely/new/action", "Microsoft.SecurityInsights/alertRules/write"] {
        let mut world = after_the_definition_changed(|it| _ = it.actions.insert(action.into()));
        assert_eq!(world.member_state("li", "l1"), "REFUSED GUARDRAIL_CAPABILITY", "{action}");
        let named = format!("  actions: [{}]\n  ask: [liveResponseBasic]", action.to_lowercase());
        world.guardrail = World::new().guardrail("  ask: [liveResponseBasic]", &named).guardrail;
        world.wait(300);
        world.settle();
        assert_eq!(world.member_state("li", "l1"), "APPLIED", "{action}");
        assert_eq!(findings(&world), "", "{action}");
    }
}

#[test]
fn a_new_assignment_of_a_role_that_grew_is_refused_and_says_why() {
    let mut world = World::new();
    let mut now = definition(RESPONDER);
    now.actions.insert("Microsoft.Logic/workflows/write".into());
    world.tenant.state.definitions.insert(RESPONDER, Some(now));
    world.azure_role("l1", RESPONDER);
    world.settle();
    assert_eq!(role_state(&world), "REFUSED GUARDRAIL_CAPABILITY");
    assert!(world.tenant.state.azure.is_empty());
    let reports = &world.last.as_ref().unwrap().reports;
    assert!(reports.iter().any(|it| it.detail.contains("Microsoft.Logic/workflows/write")), "{reports:?}");
}

#[test]
fn without_a_look_at_the_definition_nothing_is_given_and_nothing_taken() {
    let mut world = World::joined(&["maya"], "l1");
    world.azure_role("l1", RESPONDER);
    world.settle();
    world.tenant.unread.insert("definitions", Reason::CloudUnavailable);
    world.member("li", "l1");
    for _ in 0..20 {
        world.step();
        world.wait(10);
    }
    world.redeem("li");
    for _ in 0..20 {
        world.step();
        world.wait(10);
    }
    assert_eq!(world.member_state("li", "l1"), "HELD UNREAD");
    assert_eq!(role_state(&world), "APPLIED");
    assert!(world.is_member("maya", "l1") && !world.is_member("li", "l1"));
    world.tenant.unread.clear();
    world.settle();
    assert_eq!(world.member_state("li", "l1"), "APPLIED");
}

#[test]
fn a_role_that_azure_no_longer_shows_is_given_to_nobody() {
    let mut world = World::new();
    world.tenant.state.definitions.insert(RESPONDER, None);
    world.azure_role("l1", RESPONDER);
    world.settle();
    assert_eq!(role_state(&world), "REFUSED GUARDRAIL_CAPABILITY");
    assert!(findings(&world).contains("no definition"));
}
