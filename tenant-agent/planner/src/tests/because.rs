//! What is said of a refused right: the line of the file that refuses it.

use super::world::{RESPONDER, World};

fn said(from: &str, to: &str, defender: &[&str]) -> Vec<String> {
    let mut world = World::new().guardrail(from, to);
    world.azure_role("l1", RESPONDER);
    if !defender.is_empty() {
        world.defender_role("l1", defender);
    }
    world.settle();
    let reports = &world.last.as_ref().unwrap().reports;
    let right = reports.iter().filter(|it| {
        !it.detail.is_empty()
            && it.reason.is_some_and(|it| it.word().starts_with("GUARDRAIL") || it.word() == "CAPABILITY_APPROVAL")
    });
    right.map(|it| it.detail.clone()).collect()
}

#[test]
fn a_refusal_names_the_line_of_the_file() {
    let scope = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-sentinel";
    assert_eq!(said("manageAlerts, respond,", "manageAlerts,", &[]), ["capabilities.allow lacks respond"]);
    let elsewhere = scope.replace("rg-sentinel", "rg-other");
    assert_eq!(
        said(&format!("scopes: [{scope}]"), &format!("scopes: [{elsewhere}]"), &[]),
        [format!("azure.scopes holds neither {scope} nor a scope above it")]
    );
    assert_eq!(
        said("    Microsoft Sentinel Responder: 3e150937-b8fe-4cfb-8069-0eaf05ecd056\n", "", &[]),
        ["azure.roles does not list Microsoft Sentinel Responder (3e150937-b8fe-4cfb-8069-0eaf05ecd056)"]
    );
    let defender = said("manageAlerts, ", "", &["alerts.manage"]);
    assert!(defender.contains(&"capabilities.allow lacks manageAlerts".to_owned()), "{defender:?}");
}
