//! The customer narrows the guardrail, and takes away what it allowed before.

use std::collections::BTreeSet;

use entente_model::desired::ItemKey;

use super::*;
use crate::receipt::{About, Receipt};
use crate::status_file::{AgentStatus, StatusFile};
use crate::testing::{analysts, guardrail, scaffold};

fn status(world: &World) -> AgentStatus {
    StatusFile::read(&world.config.state_dir).unwrap().unwrap_or_default()
}

fn receipt(world: &World) -> Receipt {
    Receipt::read(&world.config.state_dir, About::NotAllowed).unwrap().unwrap_or_default()
}

fn confirmed(world: &World) -> BTreeSet<ItemKey> {
    status(world).not_allowed.items.into_iter().map(|it| it.key).collect()
}

/// Two analysts; then a file that takes this for that.
async fn narrowed(from: &str, to: &str) -> (World, crate::steward::Steward) {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0, 1]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    assert_eq!(status(&world).not_allowed.items, []);
    let text = guardrail("manage");
    assert!(text.contains(from), "{text}");
    world.write_guardrail(&text.replace(from, to));
    (world, steward)
}

#[tokio::test]
async fn who_is_no_longer_allowed_is_listed_and_goes_when_the_customer_confirms_it() {
    let (world, mut steward) = narrowed("[nordwall.example]", "[other.example]").await;
    let writes = world.writes().await;
    world.settle(&mut steward).await;
    let list = status(&world).not_allowed;
    assert_eq!(list.items.len(), 4, "two accounts and two memberships: {list:?}");
    assert!(list.items.iter().any(|it| it.line() == "the account of maya@nordwall.example (GUARDRAIL_PERSON)"));
    assert_eq!(world.writes().await, writes, "nobody has said so yet");
    world.switches().revoke(&confirmed(&world)).unwrap();
    // A kill in between changes nothing.
    drop(steward);
    let mut world = world;
    kill_at(&mut world, on("PATCH", "^/v1.0/users/"), When::After, Release::Abandon).await;
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    let receipt = receipt(&world);
    assert!(receipt.is_complete() && receipt.second_empty_read > receipt.first_empty_read, "{}", receipt.text());
    assert!(!world.switches().positions().revokes, "done once");
    for n in [0, 1] {
        assert!(world.is_gone(n).await, "{}", receipt.text());
    }
    assert_eq!(world.truth().await.azure_assignments.len(), 2, "the group keeps its role");
    assert_eq!(status(&world).not_allowed.items, []);
    // Nothing comes back by itself, and all of it with the wider file.
    let writes = world.writes().await;
    world.settle(&mut steward).await;
    assert_eq!(world.writes().await, writes);
    world.write_guardrail(&guardrail("manage"));
    world.settle(&mut steward).await;
    assert!(!world.is_gone(0).await && world.figures().await.writes_to_unowned == 0, "{}", world.told());
}

#[tokio::test]
async fn a_role_on_a_plane_that_was_closed_goes_and_people_stay() {
    let (world, mut steward) = narrowed("azureRoles: manage", "azureRoles: none").await;
    world.settle(&mut steward).await;
    let keys = confirmed(&world);
    assert_eq!(keys, [scaffold()[1].key.clone()].into());
    world.switches().revoke(&keys).unwrap();
    world.settle(&mut steward).await;
    assert!(receipt(&world).is_complete(), "{}", receipt(&world).text());
    assert_eq!(world.truth().await.azure_assignments.len(), 1, "the agent's own is left");
    assert!(!world.is_gone(0).await);
}

#[tokio::test]
async fn what_is_allowed_again_when_it_is_to_go_stays() {
    let (world, mut steward) = narrowed("[nordwall.example]", "[other.example]").await;
    world.settle(&mut steward).await;
    let (keys, writes) = (confirmed(&world), world.writes().await);
    world.write_guardrail(&guardrail("manage"));
    world.switches().revoke(&keys).unwrap();
    world.settle(&mut steward).await;
    assert!(!world.switches().positions().revokes);
    assert_eq!(world.writes().await, writes);
    assert_eq!(receipt(&world).left.iter().filter(|line| line.contains("is allowed again")).count(), 4);
}

#[tokio::test]
async fn an_account_that_the_file_keeps_enabled_is_said_to_be_left_and_not_waited_for() {
    let (world, mut steward) = narrowed("[nordwall.example]", "[other.example]").await;
    let text = guardrail("manage").replace("[nordwall.example]", "[other.example]");
    world.write_guardrail(&text.replace("[revokeSessions, block]", "[]"));
    world.settle(&mut steward).await;
    world.switches().revoke(&confirmed(&world)).unwrap();
    world.settle(&mut steward).await;
    let receipt = receipt(&world);
    assert!(receipt.stuck && !receipt.is_complete() && !world.switches().positions().revokes, "{}", receipt.text());
    assert!(receipt.text().contains("may not or cannot end what is open"), "{}", receipt.text());
    let users = world.control.rights(TENANT, &crate::testing::mail(0)).await.unwrap().users;
    assert!(users[0].enabled && users[0].azure_roles.is_empty(), "{users:?}");
}
