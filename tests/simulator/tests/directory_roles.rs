//! Directory roles over real HTTPS: definitions, assignments, role-assignable groups, and permissions.
#![allow(clippy::unwrap_used)] // tests fail by panicking

mod common;

use std::time::Duration;

use common::{APP, TENANT, World, agent, contoso, reference, world};
use entente_simulator::control::seed::{GroupSeed, SettingsPatch, TenantSeed};
use entente_simulator::control::types::{Right, Tamper};
use reqwest::Method;
use serde_json::{Value, json};

const ROLES: &str = "/v1.0/roleManagement/directory/roleDefinitions";
const ASSIGNMENTS: &str = "/v1.0/roleManagement/directory/roleAssignments";
const READER: &str = "5d6b6bb7-de71-4623-b4af-96380a352509";
const DIRECTORY_READERS: &str = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b";
const MAYA: &str = "maya@nordwall.example";
const ORDINARY: &[&str] =
    &["User.Invite.All", "User.ReadWrite.All", "Group.ReadWrite.All", "GroupMember.ReadWrite.All"];

fn permitted(more: &[&str]) -> TenantSeed {
    TenantSeed { apps: vec![agent(&[ORDINARY, more].concat())], ..contoso() }
}

fn wide() -> TenantSeed {
    permitted(&["RoleManagement.ReadWrite.Directory"])
}

impl World {
    async fn role_group(&self, name: &str) -> String {
        let mut body = self.group(name).await;
        body["isAssignableToRole"] = json!(true);
        let (status, body, _) = self.call(Method::POST, "/v1.0/groups", body).await;
        assert_eq!((status.as_u16(), &body["isAssignableToRole"]), (201, &json!(true)), "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    async fn assign(&self, role: &str, principal: &str) -> (u16, Value) {
        let body = json!({"principalId": principal, "roleDefinitionId": role, "directoryScopeId": "/"});
        let (status, body, _) = self.call(Method::POST, ASSIGNMENTS, body).await;
        (status.as_u16(), body)
    }

    async fn listed(&self, query: &str) -> Vec<Value> {
        let (status, body, _) = self.get(&format!("{ASSIGNMENTS}{query}")).await;
        assert_eq!(status, 200, "{body}");
        body["value"].as_array().unwrap().clone()
    }

    async fn switch(&self, name: &str, value: &str) {
        self.control.set_switch(TENANT, name, value).await.unwrap();
    }

    async fn delete(&self, path: &str) -> u16 {
        self.call(Method::DELETE, path, Value::Null).await.0.as_u16()
    }
}

fn code(answer: &Value) -> &str {
    answer["error"]["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn definitions_are_found_by_id_and_by_exact_name() {
    let world = world(permitted(&["RoleManagement.Read.All"])).await;
    let (status, one, _) = world.get(&format!("{ROLES}/{READER}")).await;
    assert_eq!(
        (status.as_u16(), &one["displayName"], &one["templateId"]),
        (200, &json!("Security Reader"), &json!(READER))
    );
    assert!(one["rolePermissions"][0]["allowedResourceActions"].to_string().contains("bitlockerKeys/key/read"));
    assert!(one.get("isPrivileged").is_none());
    let beta = ROLES.replace("v1.0", "beta");
    assert_eq!(world.get(&format!("{beta}/{READER}")).await.1["isPrivileged"], true);
    let (_, parents, _) = world.get(&format!("{ROLES}/{READER}?$expand=inheritsPermissionsFrom")).await;
    assert_eq!(parents["inheritsPermissionsFrom"], json!([{"id": DIRECTORY_READERS}]));
    let found = async |filter: &str| {
        let filter = filter.replace(' ', "%20");
        world.get(&format!("{ROLES}?$filter={filter}")).await.1["value"].as_array().unwrap().len()
    };
    assert_eq!(found("displayName eq 'Security Reader'").await, 1);
    assert_eq!(found("displayName eq 'security reader'").await, 0);
    assert!(found("isBuiltIn eq true").await > 20);
    let (status, body, _) = world.get(&format!("{ROLES}/{TENANT}")).await;
    assert_eq!((status.as_u16(), code(&body)), (404, "Request_ResourceNotFound"));
    // Definitions, but not their holders.
    assert_eq!(world.get(ASSIGNMENTS).await.0, 403);
    world.switch("read_all_reads_directory_roles", "yes").await;
    assert_eq!(world.get(ASSIGNMENTS).await.0, 200);
}

#[tokio::test]
async fn a_role_is_given_to_a_group_once_shown_and_taken_away() {
    let world = world(wide()).await;
    let group = world.role_group("ent-l1").await;
    let (status, made) = world.assign(READER, &group).await;
    assert_eq!((status, &made["directoryScopeId"], &made["principalId"]), (201, &json!("/"), &json!(group)));
    let id = made["id"].as_str().unwrap();
    assert!(id.ends_with("-1") && uuid::Uuid::parse_str(id).is_err());
    let of_group =
        format!("?$filter=principalId%20eq%20'{group}'&$expand=principal,roleDefinition($select=displayName)");
    let listed = world.listed(&of_group).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["principal"]["@odata.type"], "#microsoft.graph.group");
    assert_eq!(listed[0]["roleDefinition"], json!({"displayName": "Security Reader"}));
    assert_eq!(world.listed(&format!("?$filter=roleDefinitionId%20eq%20'{READER}'")).await.len(), 1);
    assert!(world.listed("").await.len() > 1, "the administrator's own");
    let (status, body, _) = world.get(&format!("{ASSIGNMENTS}?$filter=condition%20eq%20'x'")).await;
    assert_eq!(status, 400, "{body}");
    assert_eq!(world.get(&format!("{ASSIGNMENTS}/{id}")).await.1["roleDefinitionId"], READER);

    let (status, body) = world.assign(READER, &group).await;
    assert_eq!((status, code(&body)), (400, "Request_BadRequest"));
    assert!(body["error"]["message"].as_str().unwrap().starts_with("A conflicting object"));
    world.switch("directory_role_exists", "409").await;
    assert_eq!(world.assign(READER, &group).await.0, 409);
    world.switch("directory_role_exists", "201").await;
    assert_eq!(world.assign(READER, &group).await.1["id"], id);

    assert_eq!(world.delete(&format!("{ASSIGNMENTS}/{id}")).await, 204);
    assert_eq!(world.delete(&format!("{ASSIGNMENTS}/{id}")).await, 404);
    world.switch("delete_directory_role_absent", "204").await;
    assert_eq!(world.delete(&format!("{ASSIGNMENTS}/{id}")).await, 204);
    assert!(world.listed(&of_group).await.is_empty());
    assert_eq!(world.control.figures(TENANT, None).await.unwrap().writes_to_unowned, 0);
}

#[tokio::test]
async fn what_cannot_hold_a_role_or_is_none_is_refused() {
    let world = world(wide()).await;
    let ordinary = world.create_group("ordinary").await;
    let (status, body) = world.assign(READER, &ordinary).await;
    assert_eq!((status, code(&body)), (400, "Request_BadRequest"));
    let group = world.role_group("ent-l1").await;
    assert_eq!(world.assign(TENANT, &group).await.0, 404);
    assert_eq!(world.assign("Security Reader", &group).await.0, 404);
    let (status, body) = world.assign(READER, TENANT).await;
    assert_eq!((status, code(&body)), (404, "Request_ResourceNotFound"));
    let scoped = async |scope: Value| {
        let mut body = json!({"principalId": group, "roleDefinitionId": READER});
        body.as_object_mut().unwrap().extend(scope.as_object().unwrap().clone());
        world.call(Method::POST, ASSIGNMENTS, body).await
    };
    assert_eq!(scoped(json!({})).await.0, 400);
    assert_eq!(scoped(json!({"directoryScopeId": "/", "appScopeId": "/"})).await.0, 400);
    assert_eq!(scoped(json!({"directoryScopeId": format!("/administrativeUnits/{TENANT}")})).await.0, 404);
    let (status, body, _) = scoped(json!({"directoryScopeId": format!("/{group}")})).await;
    assert_eq!(status, 400);
    assert!(body["error"]["message"].as_str().unwrap().contains("single resource scope"));
    // The trap: answered, but never there.
    world.switch("directory_role_to_ordinary_group", "201").await;
    assert_eq!(world.assign(READER, &ordinary).await.0, 201);
    assert!(world.listed(&format!("?$filter=principalId%20eq%20'{ordinary}'")).await.is_empty());
    assert_eq!(world.control.truth(TENANT).await.unwrap().entra_assignments.len(), 1);
}

#[tokio::test]
async fn without_the_permission_nothing_of_it_works() {
    let mut world = world(permitted(&["RoleManagement.Read.Directory", "Directory.ReadWrite.All"])).await;
    let mut body = world.group("ent-l1").await;
    body["isAssignableToRole"] = json!(true);
    let (status, answer, _) = world.call(Method::POST, "/v1.0/groups", body).await;
    assert_eq!((status.as_u16(), code(&answer)), (403, "Authorization_RequestDenied"));
    assert_eq!(world.get(ASSIGNMENTS).await.0, 200);
    let user = world.invite(MAYA).await;
    assert_eq!(world.assign(READER, &user).await.0, 403);
    let held = Tamper::AddDirectoryRole { principal: user.clone(), role: READER.into() };
    let id = world.control.tamper(TENANT, &held).await.unwrap().unwrap();
    assert_eq!(world.delete(&format!("{ASSIGNMENTS}/{id}")).await, 403);
    world.control.add_app(TENANT, &agent(ORDINARY)).await.unwrap();
    world.sign_in().await;
    assert_eq!(world.get(ASSIGNMENTS).await.0, 403);
    assert_eq!(world.get(ROLES).await.0, 403);
}

#[tokio::test]
async fn a_role_assignable_group_stays_one_and_its_members_need_more() {
    let mut seed = wide();
    seed.licences.clear();
    let mut world = world(seed).await;
    let mut body = world.group("ent-l1").await;
    body["isAssignableToRole"] = json!(true);
    assert_eq!(world.call(Method::POST, "/v1.0/groups", body.clone()).await.0, 403, "needs P1");
    world.control.seed(&wide()).await.unwrap();
    world.sign_in().await;
    body["owners@odata.bind"] =
        json!([format!("https://graph.microsoft.com/v1.0/servicePrincipals/{}", world.own_id())]);
    body["visibility"] = json!("Private");
    world.switch("role_assignable_visibility", "hidden").await;
    assert_eq!(world.call(Method::POST, "/v1.0/groups", body.clone()).await.0, 400);
    body.as_object_mut().unwrap().remove("visibility");
    let (status, made, _) = world.call(Method::POST, "/v1.0/groups", body).await;
    assert_eq!(status, 201, "{made}");
    let group = made["id"].as_str().unwrap().to_owned();
    let path = format!("/v1.0/groups/{group}");
    assert_eq!(world.call(Method::PATCH, &path, json!({"isAssignableToRole": false})).await.0, 400);
    let plain = world.create_group("plain").await;
    let (patch, plain_path) = (json!({"isAssignableToRole": true}), format!("/v1.0/groups/{plain}"));
    assert_eq!(world.call(Method::PATCH, &plain_path, patch).await.0, 400);
    assert_eq!(world.add_member(&group, &plain).await.0, 400, "no nested groups");
    let user = world.invite(MAYA).await;
    assert_eq!(world.add_member(&group, &user).await.0, 204);
    let find = "/v1.0/groups?$filter=isAssignableToRole%20eq%20true";
    assert_eq!(world.get(find).await.1["value"].as_array().unwrap().len(), 1);
    world.switch("role_assignable_filter", "advanced").await;
    assert_eq!(code(&world.get(find).await.1), "Request_UnsupportedQuery");

    // Without the permission for roles: GroupMember.ReadWrite.All is not enough, and an owner may only if the switch
    // says so.
    world.control.add_app(TENANT, &agent(ORDINARY)).await.unwrap();
    world.sign_in().await;
    let member = format!("{path}/members/{user}/$ref");
    assert_eq!(world.delete(&member).await, 403);
    assert_eq!(world.delete(&path).await, 403);
    world.switch("owner_manages_role_assignable", "yes").await;
    assert_eq!(world.delete(&member).await, 204);
}

#[tokio::test]
async fn a_new_assignment_shows_late_or_comes_and_goes() {
    let world = world(wide()).await;
    let group = world.role_group("ent-l1").await;
    let lag = SettingsPatch { lag_seconds: Some(10.0), index_lag_factor: Some(1.0), ..Default::default() };
    world.control.settings(TENANT, &lag).await.unwrap();
    let (_, made) = world.assign(READER, &group).await;
    let path = format!("{ASSIGNMENTS}/{}", made["id"].as_str().unwrap());
    assert_eq!(world.get(&path).await.0, 404);
    let fresh = world.role_group("fresh").await;
    assert_eq!(world.assign(READER, &fresh).await.0, 404, "the group has not arrived");
    world.control.advance_clock(Duration::from_secs(16)).await.unwrap();
    assert_eq!(world.get(&path).await.0, 200);
    world.switch("new_directory_assignment", "flapping").await;
    assert_eq!(world.assign(READER, &fresh).await.0, 201);
    let of_fresh = format!("?$filter=principalId%20eq%20'{fresh}'");
    world.control.advance_clock(Duration::from_secs_f64(15.1)).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(world.listed(&of_fresh).await.len());
    }
    assert!(seen == [0, 1, 0, 1] || seen == [1, 0, 1, 0], "{seen:?}");
    world.control.advance_clock(Duration::from_secs(11)).await.unwrap();
    for _ in 0..4 {
        assert_eq!(world.listed(&of_fresh).await.len(), 1);
    }
}

#[tokio::test]
async fn the_truth_tells_who_holds_which_role_by_which_group_and_by_whom() {
    let mut seed = wide();
    seed.groups.push(GroupSeed {
        display_name: "admins".into(),
        role_assignable: true,
        entra_roles: vec!["Security Operator".into()],
        members: vec!["kari@contoso.example".into()],
        ..Default::default()
    });
    let world = world(seed).await;
    let kari = world.control.rights(TENANT, "kari@contoso.example").await.unwrap();
    assert_eq!(kari.users[0].entra_roles, ["Security Operator"]);
    let (group, maya) = (world.role_group("ent-l1").await, world.invite(MAYA).await);
    assert_eq!(world.add_member(&group, &maya).await.0, 204);
    assert_eq!(world.assign(READER, &group).await.0, 201);
    let by_hand = Tamper::AddDirectoryRole { principal: maya.clone(), role: "Directory Readers".into() };
    world.control.tamper(TENANT, &by_hand).await.unwrap();
    let rights = world.control.rights_by(TENANT, APP, MAYA).await.unwrap();
    let right = |what: &str, through: Option<String>, given_by: Option<String>| Right {
        user: maya.clone(),
        kind: "entra".into(),
        what: what.into(),
        through,
        given_by,
    };
    let by_group = right("Security Reader", Some(group.clone()), Some(APP.into()));
    let held: Vec<&Right> = rights.users[0].rights.iter().filter(|one| one.kind == "entra").collect();
    assert_eq!(held.len(), 2);
    assert!(held.contains(&&by_group) && held.contains(&&right("Directory Readers", None, None)), "{held:?}");
    assert!(rights.given.contains(&by_group));
    let truth = world.control.truth(TENANT).await.unwrap();
    assert!(truth.groups.iter().any(|one| one.id == group && one.role_assignable));
    let told = truth.entra_assignments.iter().find(|one| one.principal == group).unwrap();
    assert_eq!((told.role.as_str(), told.role_name.as_str()), (READER, "Security Reader"));
    assert_eq!(told.created_by.as_deref(), Some(APP));

    // What the directory shows.
    let kinds = async |path: String| {
        let (_, body, _) = world.get(&path).await;
        let all = body["value"].as_array().unwrap().iter().map(|one| one["displayName"].as_str().unwrap().to_owned());
        let mut all: Vec<String> = all.collect();
        all.sort();
        all
    };
    assert_eq!(kinds(format!("/v1.0/users/{maya}/memberOf")).await, ["Directory Readers", "ent-l1"]);
    assert_eq!(
        kinds(format!("/v1.0/users/{maya}/transitiveMemberOf")).await,
        ["Directory Readers", "Security Reader", "ent-l1"]
    );
    let (_, shown, _) = world.get(&format!("/v1.0/groups/{group}?$expand=memberOf")).await;
    assert_eq!(shown["memberOf"][0]["@odata.type"], "#microsoft.graph.directoryRole");
    assert_eq!(shown["memberOf"][0]["roleTemplateId"], READER);
    world.switch("group_member_of_roles", "hidden").await;
    let (_, shown, _) = world.get(&format!("/v1.0/groups/{group}?$expand=memberOf")).await;
    assert_eq!(shown["memberOf"], json!([]));

    // A customer removes the role, and then the group.
    let taken = Tamper::RemoveDirectoryRole { principal: group.clone(), role: READER.into() };
    world.control.tamper(TENANT, &taken).await.unwrap();
    assert_eq!(world.control.rights(TENANT, MAYA).await.unwrap().users[0].entra_roles, ["Directory Readers"]);
    assert!(world.control.tamper(TENANT, &taken).await.is_err(), "there is none");
    assert_eq!(world.assign(READER, &group).await.0, 201);
    world.control.tamper(TENANT, &Tamper::DeleteGroup { group: group.clone() }).await.unwrap();
    assert_eq!(world.control.rights(TENANT, MAYA).await.unwrap().users[0].entra_roles, ["Directory Readers"]);
    let of_group = format!("?$filter=principalId%20eq%20'{group}'");
    assert!(world.listed(&of_group).await.is_empty());
    world.switch("deleted_principal_assignments", "listed").await;
    assert_eq!(world.listed(&of_group).await.len(), 1);
    world.control.tamper(TENANT, &Tamper::Purge { object: group.clone() }).await.unwrap();
    assert!(world.listed(&of_group).await.is_empty());
}

#[tokio::test]
async fn who_is_in_a_role_assignable_group_is_blocked_only_when_out_of_it() {
    let world = world(wide()).await;
    let (group, maya) = (world.role_group("ent-l1").await, world.invite(MAYA).await);
    assert_eq!(world.call(Method::POST, &format!("/v1.0/groups/{group}/members/$ref"), reference(&maya)).await.0, 204);
    let block =
        async || world.call(Method::PATCH, &format!("/v1.0/users/{maya}"), json!({"accountEnabled": false})).await.0;
    assert_eq!(block().await, 403);
    assert_eq!(world.delete(&format!("/v1.0/groups/{group}/members/{maya}/$ref")).await, 204);
    assert_eq!(block().await, 204);
    assert_eq!(world.assign(DIRECTORY_READERS, &maya).await.0, 201);
    assert_eq!(block().await, 403);
    world.switch("block_directory_reader", "204").await;
    assert_eq!(block().await, 204);
    world.switch("block_directory_reader", "403").await;

    // Its own role helps within that role's limits.
    let give = async |role: &str| {
        let own = Tamper::AddDirectoryRole { principal: APP.into(), role: role.into() };
        world.control.tamper(TENANT, &own).await.unwrap();
    };
    give("User Administrator").await;
    assert_eq!(block().await, 204);
    assert_eq!(world.add_member(&group, &maya).await.0, 204);
    assert_eq!(block().await, 403);
    give("Privileged Authentication Administrator").await;
    assert_eq!(block().await, 204);
}

#[tokio::test]
async fn a_definition_that_microsoft_grows_shows_what_it_gained() {
    let world = world(wide()).await;
    let action = "microsoft.directory/users/password/update".to_owned();
    let grown = Tamper::GrowDirectoryRole { role: "Security Reader".into(), actions: vec![action.clone()] };
    world.control.tamper(TENANT, &grown).await.unwrap();
    let (_, one, _) = world.get(&format!("{ROLES}/{READER}")).await;
    assert!(one["rolePermissions"][0]["allowedResourceActions"].as_array().unwrap().contains(&json!(action)));
}
