//! Exemptions: rights of a role that a tenant does without for a time.

use entente_model::report::Reason;
use expect_test::expect;

use super::world::{RESPONDER, World};
use crate::observed::AzureAssignment;

#[test]
fn what_an_exemption_withholds_is_not_given_and_is_taken_away_where_it_was() {
    let mut world = World::new();
    world.azure_role("l1", RESPONDER);
    world.defender_role("l1", &["secdata.basics.read"]);
    world.withhold("2026-12-01T00:00:00Z");
    world.settle();
    assert_eq!(world.tenant.state.azure, []);
    expect![[r#"
        = group/l1/standard APPLIED
        = azureRole/l1/standard/rg-sentinel/Microsoft Sentinel Responder WAITING NOT_YET_STARTED
        = defenderRole/l1 WAITING NOT_YET_STARTED
        = defenderAssignment/l1/standard WAITING NOT_YET_STARTED
    "#]]
    .assert_eq(&world.step());
    world.wait(9 * 86_400);
    world.settle();
    assert_eq!(world.tenant.state.azure.len(), 1, "it comes when the exemption is over");
    world.withhold("2027-01-31T00:00:00Z");
    expect![[r#"
        ALLOWED OTHER_REMOVAL: delete role assignment fd61354c-64af-5e08-948f-00067a770af5 at rg-sentinel
        ALLOWED OTHER_REMOVAL: delete Defender assignment 00e00000-0000-4000-8000-000000000003
        = group/l1/standard APPLIED
        = azureRole/l1/standard/rg-sentinel/Microsoft Sentinel Responder PENDING
        = defenderRole/l1 WAITING DEPENDENCY
        = defenderAssignment/l1/standard PENDING
    "#]]
    .assert_eq(&world.step());
    world.settle();
    assert_eq!(world.tenant.state.azure, []);
}

#[test]
fn a_right_of_others_that_an_exemption_withholds_is_named() {
    let mut world = World::new();
    world.azure_role("l1", RESPONDER);
    world.settle();
    let ours = world.tenant.state.azure[0].clone();
    world.withhold("2027-01-31T00:00:00Z");
    for _ in 0..3 {
        world.wait(600);
        world.settle();
    }
    let name = world.tenant.id();
    world.tenant.state.azure.push(AzureAssignment { name, ..ours });
    world.wait(600);
    world.step();
    let plan = world.last.clone().unwrap();
    assert_eq!(plan.findings.iter().map(|it| it.reason).collect::<Vec<_>>(), [Reason::DriftExtra]);
}
