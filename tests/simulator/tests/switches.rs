//! Each switch changes what its description says.
#![allow(clippy::unwrap_used)] // tests fail by panicking

mod common;

use common::{
    APP, PLAYBOOK, RESPONDER, SCOPE, SECRET, SUBSCRIPTION, TENANT, World, agent, contoso, invitation, reference, world,
};
use entente_simulator::control::seed::SettingsPatch;
use entente_simulator::control::types::Tamper;
use entente_simulator::switches::SWITCHES;
use reqwest::Method;
use serde_json::{Value, json};

/// Sets a switch, sends a request, returns the status, and resets the switch.
async fn with(world: &World, switch: &str, value: &str, method: Method, path: &str, body: Value) -> common::Outcome {
    world.control.set_switch(TENANT, switch, value).await.unwrap();
    let outcome = world.call(method, path, body).await;
    let default = SWITCHES.iter().find(|one| one.name == switch).unwrap().default;
    world.control.set_switch(TENANT, switch, default).await.unwrap();
    outcome
}

async fn permit(world: &mut World, permissions: &[&str]) {
    world.control.add_app(TENANT, &agent(permissions)).await.unwrap();
    world.sign_in().await;
}

#[tokio::test]
async fn switches_of_invitations_and_users() {
    let mut world = world(contoso()).await;
    let maya = world.invite("maya@nordwall.example").await;
    let again = invitation("maya@nordwall.example");
    let invitations = "/v1.0/invitations";
    assert_eq!(with(&world, "reinvite_existing_guest", "error", Method::POST, invitations, again).await.0, 400);
    let mut member = invitation("li@nordwall.example");
    member["invitedUserType"] = json!("Member");
    assert_eq!(with(&world, "invite_as_member", "refused", Method::POST, invitations, member.clone()).await.0, 400);
    assert_eq!(world.call(Method::POST, invitations, member).await.0, 201);
    let shut = SettingsPatch { allow_invites_from: Some("none".into()), ..Default::default() };
    world.control.settings(TENANT, &shut).await.unwrap();
    let status =
        with(&world, "invites_disabled_status", "401", Method::POST, invitations, invitation("sam@nordwall.example"))
            .await
            .0;
    assert_eq!(status, 401);
    assert_eq!(
        with(&world, "top_above_max", "clamped", Method::GET, "/v1.0/users?$top=5000", Value::Null).await.0,
        200
    );
    let (_, error, _) =
        with(&world, "inner_error_spelling", "innererror", Method::GET, "/v1.0/users/nobody", Value::Null).await;
    assert!(error["error"]["innererror"]["request-id"].is_string(), "{error}");
    permit(&mut world, &["User.EnableDisableAccount.All"]).await;
    let (path, block) = (format!("/v1.0/users/{maya}"), json!({"accountEnabled": false}));
    assert_eq!(with(&world, "enable_disable_needs_user_read", "yes", Method::PATCH, &path, block.clone()).await.0, 403);
    assert_eq!(world.call(Method::PATCH, &path, block).await.0, 204);
    permit(&mut world, &["User.Read.All"]).await;
    let of = format!("/v1.0/users/{maya}/memberOf");
    assert_eq!(with(&world, "member_of_permission", "directory_read", Method::GET, &of, Value::Null).await.0, 403);
    assert_eq!(world.get(&of).await.0, 200);
    world.control.set_switch(TENANT, "invalid_client_status", "401").await.unwrap();
    let scope = ("scope", "https://graph.microsoft.com/.default");
    assert_eq!(world.ask_token(&[("client_secret", "wrong"), scope]).await.0, 401);
    assert_eq!(world.ask_token(&[("client_secret", SECRET), scope]).await.0, 200);
}

#[tokio::test]
async fn switches_of_groups() {
    let mut world = world(contoso()).await;
    let maya = world.invite("maya@nordwall.example").await;
    let group = world.create_group("ent-l1").await;
    let (path, member) = (format!("/v1.0/groups/{group}"), format!("/v1.0/groups/{group}/members/{maya}/$ref"));
    let members = format!("{path}/members/$ref");
    assert_eq!(with(&world, "delete_member_absent", "204", Method::DELETE, &member, Value::Null).await.0, 204);
    let bind = json!({"members@odata.bind": [reference(&maya)["@odata.id"]]});
    assert_eq!(with(&world, "bind_members_permission", "group", Method::PATCH, &path, bind).await.0, 403);
    assert_eq!(world.call(Method::POST, &members, reference(&maya)).await.0, 204);
    let (_, twice, _) =
        with(&world, "already_member_code", "ObjectConflict", Method::POST, &members, reference(&maya)).await;
    assert_eq!(twice["error"]["code"], "ObjectConflict");
    let upsert = "/v1.0/groups(uniqueName='ent-l2')";
    let body = world.group("ent-l2").await;
    world.control.set_switch(TENANT, "upsert_permission", "create").await.unwrap();
    let create = world.try_call(Method::PATCH, upsert, body, &[("Prefer", "create-if-missing")]).await.unwrap();
    assert_eq!(create.0, 201);
    permit(&mut world, &["GroupMember.ReadWrite.All"]).await;
    assert_eq!(world.call(Method::DELETE, &member, Value::Null).await.0, 204);
    assert_eq!(world.call(Method::POST, &members, reference(&maya)).await.0, 403);
    assert_eq!(with(&world, "add_member_needs_user_read", "no", Method::POST, &members, reference(&maya)).await.0, 204);
    assert_eq!(world.call(Method::DELETE, &path, Value::Null).await.0, 403);
    world.control.set_switch(TENANT, "group_delete", "hard").await.unwrap();
    assert_eq!(with(&world, "owner_may_manage", "yes", Method::DELETE, &path, Value::Null).await.0, 204);
    let truth = world.control.truth(TENANT).await.unwrap();
    assert!(!truth.groups.iter().any(|one| one.id == group), "a hard delete leaves nothing to restore");
}

#[tokio::test]
async fn switches_of_azure() {
    let world = world(contoso()).await;
    let at =
        |name: &str| format!("{SCOPE}/providers/Microsoft.Authorization/roleAssignments/{name}?api-version=2022-04-01");
    let (one, other) = (at("5e1f0000-0000-4000-8000-000000000001"), at("5e1f0000-0000-4000-8000-000000000002"));
    let body = |role: &str| {
        let role = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}");
        json!({"properties": {"roleDefinitionId": role, "principalId": world.own_id(), "principalType": "ServicePrincipal"}})
    };
    assert_eq!(world.call(Method::PUT, &one, body(RESPONDER)).await.0, 201);
    assert_eq!(with(&world, "role_assignment_exists_status", "400", Method::PUT, &other, body(RESPONDER)).await.0, 400);
    let list = format!(
        "{SCOPE}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01&$filter=assignedTo('{}')",
        world.own_id()
    );
    assert_eq!(world.get(&list).await.1["value"].as_array().unwrap().len(), 2);
    assert_eq!(with(&world, "assigned_to_filter", "refused", Method::GET, &list, Value::Null).await.0, 400);
    // An owner without a condition may try a role that does not exist.
    let owner = Tamper::AddAzureAssignment {
        scope: SCOPE.into(),
        role: "8e3af657-a8ff-443c-a75c-2fe8c4bcb635".into(),
        principal: APP.into(),
        principal_type: "ServicePrincipal".into(),
    };
    world.control.tamper(TENANT, &owner).await.unwrap();
    let missing = "0dead000-0000-4000-8000-000000000000";
    assert_eq!(world.call(Method::PUT, &other, body(missing)).await.0, 400);
    assert_eq!(with(&world, "role_definition_missing_status", "404", Method::PUT, &other, body(missing)).await.0, 404);
    assert_eq!(world.call(Method::PUT, &other, body(PLAYBOOK)).await.0, 201);
}

#[tokio::test]
async fn switches_of_defender() {
    let world = world(contoso()).await;
    let roles = "/beta/roleManagement/defender/roleDefinitions";
    let assignments = "/beta/roleManagement/defender/roleAssignments";
    let role =
        |actions: &[&str]| json!({"displayName": "ent-l1", "rolePermissions": [{"allowedResourceActions": actions}]});
    let (read, manage) = ("microsoft.xdr/configuration/system/read", "microsoft.xdr/configuration/system/manage");
    assert_eq!(with(&world, "post_role_redirect", "307", Method::POST, roles, role(&[read])).await.0, 307);
    assert_eq!(with(&world, "defender_names_unique", "yes", Method::POST, roles, role(&[read])).await.0, 409);
    let dataops = role(&["microsoft.xdr/dataops/datamanagement/manage"]);
    assert_eq!(world.call(Method::POST, roles, dataops.clone()).await.0, 400);
    assert_eq!(with(&world, "dataops_without_workspace", "accepted", Method::POST, roles, dataops).await.0, 302);
    world.control.set_switch(TENANT, "post_role_redirect", "off").await.unwrap();
    let (_, full, _) = with(&world, "defender_canonicalise", "off", Method::POST, roles, role(&[read, manage])).await;
    assert_eq!(full["rolePermissions"][0]["allowedResourceActions"], json!([read, manage]));
    let (_, dropped, _) = world.call(Method::POST, roles, role(&[read, manage])).await;
    assert_eq!(dropped["rolePermissions"][0]["allowedResourceActions"], json!([manage]));
    let body = |more: Value| {
        let mut body = json!({"displayName": "ent-l1", "roleDefinitionId": full["id"], "principalIds": [world.own_id()], "appScopeIds": ["Mde"]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let typed = body(json!({"@odata.type": "#microsoft.graph.unifiedRoleAssignmentMultiple"}));
    assert_eq!(with(&world, "defender_odata_type", "accepted", Method::POST, assignments, typed).await.0, 302);
    world.control.set_switch(TENANT, "post_assignment_redirect", "off").await.unwrap();
    let (_, posted, _) = world.call(Method::POST, assignments, body(json!({}))).await;
    assert_eq!(posted["directoryScopeIds"], json!([]));
    let (_, portal, _) =
        with(&world, "defender_assignment_shape", "portal", Method::POST, assignments, body(json!({}))).await;
    assert_eq!((&portal["directoryScopeIds"], &portal["appScopeIds"]), (&json!(["/"]), &json!(["Mde"])));
}
