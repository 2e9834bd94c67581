//! The recycle bin over real HTTPS: thirty days, complete restore, purge.
#![allow(clippy::unwrap_used)] // tests fail by panicking

mod common;

use std::time::Duration;

use common::{AGENT_PERMISSIONS, APP, RESPONDER, SCOPE, TENANT, World, agent, contoso, world};
use entente_simulator::control::seed::TenantSeed;
use entente_simulator::control::types::Tamper;
use reqwest::Method;
use serde_json::{Value, json};

const MAYA: &str = "maya@nordwall.example";
const DELETED: &str = "/v1.0/directory/deletedItems/microsoft.graph.user";
const DAY: Duration = Duration::from_secs(24 * 3600);

fn wide() -> TenantSeed {
    let mut seed = contoso();
    seed.apps = vec![agent(&[AGENT_PERMISSIONS, &["Group.ReadWrite.All", "User.ReadWrite.All"]].concat())];
    seed
}

async fn delete(world: &World, path: &str) {
    assert_eq!(world.call(Method::DELETE, path, Value::Null).await.0, 204);
}

async fn ids(world: &World, path: &str) -> String {
    let (status, body, _) = world.get(path).await;
    assert_eq!(status, 200, "{body}");
    body["value"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect::<Vec<_>>().join(",")
}

#[tokio::test]
async fn what_was_deleted_is_gone_for_good_after_thirty_days() {
    let mut world = world(wide()).await;
    let (maya, group) = (world.invite(MAYA).await, world.create_group("ent-l1").await);
    world.add_member(&group, &maya).await;
    delete(&world, &format!("/v1.0/users/{maya}")).await;
    world.control.advance_clock(29 * DAY).await.unwrap();
    world.sign_in().await;
    delete(&world, &format!("/v1.0/groups/{group}")).await;
    assert_eq!(ids(&world, DELETED).await, maya);
    world.control.advance_clock(DAY).await.unwrap();
    world.sign_in().await;
    assert!(ids(&world, DELETED).await.is_empty());
    let restore = format!("/v1.0/directory/deletedItems/{maya}/restore");
    assert_eq!(world.call(Method::POST, &restore, Value::Null).await.0, 404);
    let truth = world.control.truth(TENANT).await.unwrap();
    assert!(truth.users.iter().all(|user| user.id != maya));
    let waiting = truth.groups.iter().find(|one| one.id == group).unwrap();
    assert!(waiting.deleted && waiting.members.is_empty(), "a day in the bin, and the member is gone: {waiting:?}");
}

#[tokio::test]
async fn a_restored_group_has_its_members_and_its_roles_again() {
    let world = world(wide()).await;
    let (maya, group) = (world.invite(MAYA).await, world.create_group("ent-l1").await);
    world.add_member(&group, &maya).await;
    let assignment = Tamper::AddAzureAssignment {
        scope: SCOPE.into(),
        role: RESPONDER.into(),
        principal: group.clone(),
        principal_type: "Group".into(),
    };
    world.control.tamper(TENANT, &assignment).await.unwrap();
    delete(&world, &format!("/v1.0/groups/{group}")).await;
    let rights = world.control.rights(TENANT, MAYA).await.unwrap();
    assert_eq!((rights.users[0].memberships.len(), rights.users[0].azure_roles.len()), (0, 0));
    let restore = Tamper::RestoreGroup { group: "ent-l1".into() };
    assert_eq!(world.control.tamper(TENANT, &restore).await.unwrap(), Some(group.clone()));
    assert_eq!(ids(&world, &format!("/v1.0/groups/{group}/members")).await, maya);
    let rights = world.control.rights(TENANT, MAYA).await.unwrap();
    assert_eq!((rights.users[0].memberships.len(), rights.users[0].azure_roles.len()), (1, 1));
}

#[tokio::test]
async fn a_deleted_guest_is_found_and_a_new_invitation_makes_another() {
    let world = world(wide()).await;
    let group = world.create_group("ent-l1").await;
    let maya = world.invite(MAYA).await;
    world.add_member(&group, &maya).await;
    world.control.tamper(TENANT, &Tamper::DeleteUser { user: maya.clone() }).await.unwrap();
    let name = "maya_nordwall.example%23EXT%23@contoso.onmicrosoft.com";
    for filter in [format!("mail eq '{MAYA}'"), format!("id eq '{maya}'"), format!("userPrincipalName eq '{name}'")] {
        assert_eq!(ids(&world, &format!("{DELETED}?$filter={filter}&$select=id")).await, maya, "{filter}");
    }
    let again = world.invite(MAYA).await;
    assert_ne!(again, maya);
    let figures = world.control.figures(TENANT, Some(APP)).await.unwrap();
    assert_eq!((figures.duplicate_invitations, figures.invitations_of_deleted), (0, 1));
    let rights = world.control.rights(TENANT, MAYA).await.unwrap();
    assert_eq!((rights.users.len(), rights.accounts.len()), (1, 2));
    let binned = rights.accounts.iter().find(|one| one.in_bin).unwrap();
    assert_eq!(binned.memberships.join(","), group, "what comes back with it");
    world.control.tamper(TENANT, &Tamper::RestoreUser { user: MAYA.into() }).await.unwrap();
    assert_eq!(ids(&world, &format!("/v1.0/groups/{group}/members")).await, maya);
    world.control.tamper(TENANT, &Tamper::DeleteUser { user: maya.clone() }).await.unwrap();
    world.control.tamper(TENANT, &Tamper::Purge { object: maya.clone() }).await.unwrap();
    assert_eq!(world.control.rights(TENANT, MAYA).await.unwrap().accounts.len(), 1);
    let gone = world.control.tamper(TENANT, &Tamper::RestoreUser { user: maya }).await.unwrap_err();
    assert!(gone.to_string().contains("deleted user"), "{gone}");
}

#[tokio::test]
async fn the_bin_is_read_by_permissions_of_its_kind() {
    let mut world = world(wide()).await;
    let maya = world.invite(MAYA).await;
    world.control.tamper(TENANT, &Tamper::DeleteUser { user: maya.clone() }).await.unwrap();
    let one = format!("/v1.0/directory/deletedItems/{maya}");
    for (permission, allowed) in [("User.Read.All", 200), ("User.ReadBasic.All", 403), ("Group.Read.All", 403)] {
        let permissions = vec![permission.into()];
        world.control.tamper(TENANT, &Tamper::SetAppPermissions { app: APP.into(), permissions }).await.unwrap();
        world.sign_in().await;
        assert_eq!(world.get(DELETED).await.0, allowed, "{permission}");
        assert_eq!(world.get(&one).await.0, allowed, "{permission}");
    }
    let groups = "/v1.0/directory/deletedItems/microsoft.graph.group";
    assert_eq!(world.get(groups).await.0, 200);
}

#[tokio::test]
async fn a_deleted_users_name_may_gain_the_id_and_lose_it_again() {
    let world = world(wide()).await;
    world.control.set_switch(TENANT, "deleted_user_name", "prefixed").await.unwrap();
    let maya = world.invite(MAYA).await;
    let name = |body: &Value| body["userPrincipalName"].as_str().unwrap().to_owned();
    let before = name(&world.get(&format!("/v1.0/users/{maya}")).await.1);
    delete(&world, &format!("/v1.0/users/{maya}")).await;
    let (_, deleted, _) = world.get(&format!("/v1.0/directory/deletedItems/{maya}")).await;
    assert_eq!(name(&deleted), format!("{}{before}", maya.replace('-', "")));
    assert_eq!(world.control.rights(TENANT, MAYA).await.unwrap().accounts.len(), 1);
    let (status, restored, _) =
        world.call(Method::POST, &format!("/v1.0/directory/deletedItems/{maya}/restore"), json!({})).await;
    assert_eq!((status.as_u16(), name(&restored)), (200, before));
}
