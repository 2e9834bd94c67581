//! A guest's life over real HTTPS: invited, found, added to a group with a role, blocked, deleted; and the truth about
//! it.
#![allow(clippy::unwrap_used)] // tests fail by panicking

mod common;

use std::time::Duration;

use common::{APP, RESPONDER, SCOPE, SUBSCRIPTION, TENANT, World, contoso, invitation, world};
use entente_simulator::control::seed::SettingsPatch;
use entente_simulator::control::types::{Identity, Tamper};
use reqwest::Method;
use serde_json::{Value, json};

async fn assign(world: &World, name: &str, principal: &str, kind: &str, role: &str) -> common::Outcome {
    let path = format!("{SCOPE}/providers/Microsoft.Authorization/roleAssignments/{name}?api-version=2022-04-01");
    let role = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}");
    world
        .call(
            Method::PUT,
            &path,
            json!({"properties": {"roleDefinitionId": role, "principalId": principal, "principalType": kind}}),
        )
        .await
}

#[tokio::test]
async fn a_guest_gets_rights_and_loses_them() {
    let world = world(contoso()).await;
    let user = world.invite("maya@nordwall.example").await;
    let (_, found, _) = world
        .get("/v1.0/users?$filter=mail%20eq%20'maya@nordwall.example'&$select=id,externalUserState,userType")
        .await;
    assert_eq!(found["value"][0]["id"], json!(user), "{found}");
    assert_eq!(found["value"][0]["externalUserState"], "PendingAcceptance");
    world.control.redeem(TENANT, &user, Identity::Entra).await.unwrap();
    let (_, redeemed, _) = world.get(&format!("/v1.0/users/{user}?$select=externalUserState,identities")).await;
    assert_eq!(redeemed["identities"][0]["issuer"], "ExternalAzureAD");

    let group = world.create_group("ent-l1-analyst").await;
    assert_eq!(world.add_member(&group, &user).await.0, 204);
    let (status, body, _) = world.add_member(&group, &user).await;
    assert_eq!(status, 400);
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .contains("already exist for the following modified properties: 'members'")
    );
    let (status, body, _) = assign(&world, "5e1f0000-0000-4000-8000-000000000001", &group, "Group", RESPONDER).await;
    assert_eq!(status, 201, "{body}");

    let rights = world.control.rights(TENANT, "maya@nordwall.example").await.unwrap();
    assert_eq!((rights.count(), rights.users[0].azure_roles.len()), (3, 1), "{rights:?}");

    let disable = json!({"accountEnabled": false});
    assert_eq!(world.call(Method::PATCH, &format!("/v1.0/users/{user}"), disable).await.0, 204);
    let path = format!("/v1.0/groups/{group}/members/{user}/$ref");
    assert_eq!(world.call(Method::DELETE, &path, Value::Null).await.0, 204);
    assert_eq!(world.call(Method::DELETE, &path, Value::Null).await.0, 404);
    assert_eq!(world.call(Method::POST, &format!("/v1.0/users/{user}/revokeSignInSessions"), json!({})).await.0, 200);
    assert!(world.control.rights(TENANT, "maya@nordwall.example").await.unwrap().none());

    let truth = world.control.truth(TENANT).await.unwrap();
    let maya = truth.users.iter().find(|one| one.id == user).unwrap();
    assert_eq!(
        (maya.created_by.as_deref(), maya.enabled, maya.sessions_revoked_at.is_some()),
        (Some(APP), false, true)
    );
    let figures = world.control.figures(TENANT, Some(APP)).await.unwrap();
    assert_eq!(
        (figures.accepted_invitations, figures.duplicate_invitations, figures.writes_to_unowned),
        (1, 0, 0),
        "{figures:?}"
    );
}

#[tokio::test]
async fn a_second_invitation_is_on_record_and_so_is_a_change_to_what_is_not_ours() {
    let world = world(contoso()).await;
    let first = world.invite("maya@nordwall.example").await;
    assert_eq!(world.invite("Maya@nordwall.example").await, first);
    world.control.set_switch(TENANT, "reinvite_existing_guest", "second_user").await.unwrap();
    assert_ne!(world.invite("maya@nordwall.example").await, first);
    let truth = world.control.truth(TENANT).await.unwrap();
    let finance = truth.groups.iter().find(|group| group.display_name == "finance").unwrap();
    assert_eq!(world.add_member(&finance.id, &first).await.0, 204);
    let figures = world.control.figures(TENANT, Some(APP)).await.unwrap();
    assert_eq!((figures.duplicate_invitations, figures.writes_to_unowned), (2, 1), "{figures:?}");
    assert_eq!(world.control.figures(TENANT, Some("somebody else")).await.unwrap().writes_to_unowned, 0);
}

#[tokio::test]
async fn invitations_are_refused_for_graphs_reasons() {
    let world = world(contoso()).await;
    for mail in [
        "maya+soc@nordwall.example",
        "maya",
        "-maya@nordwall.example",
        "maya@nordwall.example.",
        "ma ya@nordwall.example",
    ] {
        assert_eq!(world.call(Method::POST, "/v1.0/invitations", invitation(mail)).await.0, 400, "{mail}");
    }
    let (status, body, _) = world.call(Method::POST, "/v1.0/invitations", invitation("kari@contoso.example")).await;
    assert_eq!(status, 400);
    assert!(body["error"]["message"].as_str().unwrap().contains("already exists in the directory as object"), "{body}");
    let shut = SettingsPatch { allow_invites_from: Some("none".into()), ..Default::default() };
    world.control.settings(TENANT, &shut).await.unwrap();
    assert_eq!(world.call(Method::POST, "/v1.0/invitations", invitation("li@nordwall.example")).await.0, 403);
    let (_, policy, _) = world.get("/v1.0/policies/authorizationPolicy").await;
    assert_eq!(policy["allowInvitesFrom"], "none");
    assert_eq!(world.control.figures(TENANT, None).await.unwrap().accepted_invitations, 0);
}

#[tokio::test]
async fn what_was_written_is_seen_late_and_later_in_lists_than_by_id() {
    let world = world(contoso()).await;
    let lag = SettingsPatch { lag_seconds: Some(100.0), index_lag_factor: Some(4.0), ..Default::default() };
    world.control.settings(TENANT, &lag).await.unwrap();
    let user = world.invite("maya@nordwall.example").await;
    let by_id = format!("/v1.0/users/{user}");
    let by_mail = "/v1.0/users?$filter=mail%20eq%20'maya@nordwall.example'";
    assert_eq!(world.get(&by_id).await.0, 404);
    assert_eq!(world.call(Method::PATCH, &by_id, json!({"accountEnabled": false})).await.0, 404);
    world.control.advance_clock(Duration::from_secs(151)).await.unwrap();
    assert_eq!(world.get(&by_id).await.0, 200);
    assert_eq!(world.get(by_mail).await.1["value"], json!([]));
    assert_eq!(world.call(Method::PATCH, &by_id, json!({"accountEnabled": false})).await.0, 204);
    assert_eq!(world.get(&format!("{by_id}?$select=accountEnabled")).await.1["accountEnabled"], true);
    world.control.advance_clock(Duration::from_secs(601)).await.unwrap();
    assert_eq!(world.get(&format!("{by_id}?$select=accountEnabled")).await.1["accountEnabled"], false);
    assert_eq!(world.get(by_mail).await.1["value"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_guest_may_redeem_by_itself() {
    let world = world(contoso()).await;
    world
        .control
        .settings(TENANT, &SettingsPatch { auto_redeem_seconds: Some(30.0), ..Default::default() })
        .await
        .unwrap();
    let user = world.invite("maya@nordwall.example").await;
    let path = format!("/v1.0/users/{user}?$select=externalUserState");
    assert_eq!(world.get(&path).await.1["externalUserState"], "PendingAcceptance");
    world.control.advance_clock(Duration::from_secs(31)).await.unwrap();
    assert_eq!(world.get(&path).await.1["externalUserState"], "Accepted");
}

#[tokio::test]
async fn the_account_of_someone_who_holds_roles_is_guarded() {
    let world = world(contoso()).await;
    let user = world.invite("maya@nordwall.example").await;
    let roles = |roles: &[&str]| Tamper::SetUserEntraRoles {
        user: user.clone(),
        roles: roles.iter().map(|one| one.to_string()).collect(),
    };
    world.control.tamper(TENANT, &roles(&["Security Reader"])).await.unwrap();
    let (status, body, _) =
        world.call(Method::PATCH, &format!("/v1.0/users/{user}"), json!({"accountEnabled": false})).await;
    assert_eq!((status.as_u16(), body["error"]["code"].as_str()), (403, Some("Authorization_RequestDenied")));
    let (_, of, _) = world.get(&format!("/v1.0/users/{user}/memberOf")).await;
    assert_eq!(of["value"][0]["@odata.type"], "#microsoft.graph.directoryRole");
    world.control.tamper(TENANT, &roles(&[])).await.unwrap();
    assert_eq!(
        world.call(Method::PATCH, &format!("/v1.0/users/{user}"), json!({"accountEnabled": false})).await.0,
        204
    );
}
