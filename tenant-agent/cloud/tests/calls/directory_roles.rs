//! What the operations on directory roles send, how they read the answers, and that they work in a simulated tenant.

use entente_cloud::{
    Cloud, Config, Credential, DirectoryScope, Endpoints, Failure, Given, NationalCloud, NewDirectoryAssignment,
    NewGroup, Removed,
};
use entente_simulator::control::seed::{AppSeed, TenantSeed, UserSeed};
use entente_simulator::{Running, Simulator};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fake::{Fake, Reply, error, reply};

const GROUP: Uuid = Uuid::from_u128(0x60);
const READER: Uuid = Uuid::from_u128(0x5d6b6bb7_de71_4623_b4af_96380a352509);
const DIRECTORY_READERS: Uuid = Uuid::from_u128(0x88d8e3e3_8f55_4a1e_953a_9b9898b8876b);
const NEW: NewDirectoryAssignment = NewDirectoryAssignment { principal: GROUP, role: READER };

async fn always(answer: Reply) -> Fake {
    Fake::start(move |_, _| answer.clone()).await
}

fn assignment() -> Value {
    json!({"id": "lAPpYv-1", "principalId": GROUP, "roleDefinitionId": READER, "directoryScopeId": "/",
        "appScopeId": null, "resourceScope": "/", "somethingNew": true})
}

fn with(mut value: Value, name: &str, to: Value) -> Value {
    value[name] = to;
    value
}

#[tokio::test]
async fn a_role_is_given_over_the_whole_tenant() {
    let fake = always(reply(201, assignment())).await;
    let given = fake.cloud().graph().give_directory_role(NEW).await.unwrap();
    let Given::Given(made) = given else { panic!("{given:?}") };
    assert_eq!((made.id.as_str(), made.scope), ("lAPpYv-1", DirectoryScope::Tenant));
    let sent = fake.requests()[0].json();
    assert_eq!(sent, json!({"principalId": GROUP, "roleDefinitionId": READER, "directoryScopeId": "/"}));
}

#[tokio::test]
async fn a_conflict_is_already_there_and_what_is_not_seen_is_not_yet_there() {
    let conflict =
        "A conflicting object with one or more of the specified property values is present in the directory.";
    for status in [400, 409] {
        let fake = always(error(status, "Request_BadRequest", conflict)).await;
        assert_eq!(fake.cloud().graph().give_directory_role(NEW).await.unwrap(), Given::AlreadyThere);
    }
    let fake = always(error(404, "Request_ResourceNotFound", "Resource does not exist")).await;
    assert_eq!(fake.cloud().graph().give_directory_role(NEW).await.unwrap(), Given::NotYetThere);
    // A gateway's 404, a group that may hold no role, a missing permission: none of them.
    for (status, code) in [(404, "NotFound"), (400, "Request_BadRequest"), (403, "Authorization_RequestDenied")] {
        let fake = always(error(status, code, "no")).await;
        let failure = fake.cloud().graph().give_directory_role(NEW).await.unwrap_err();
        assert!(matches!(failure, Failure::Refused(_)), "{failure:?}");
    }
}

#[tokio::test]
async fn a_success_that_tells_of_another_assignment_is_no_success() {
    let others = [
        with(assignment(), "principalId", json!(READER)),
        with(assignment(), "roleDefinitionId", json!(GROUP)),
        with(assignment(), "directoryScopeId", json!("/administrativeUnits/1")),
        with(assignment(), "id", Value::Null),
        json!({}),
    ];
    for other in others {
        let fake = always(reply(201, other.clone())).await;
        let failure = fake.cloud().graph().give_directory_role(NEW).await.unwrap_err();
        assert!(failure.may_have_applied(), "{other} {failure:?}");
    }
}

#[tokio::test]
async fn an_assignment_that_is_not_understood_is_odd_and_never_absent() {
    let odd = [
        with(assignment(), "directoryScopeId", Value::Null),
        with(assignment(), "appScopeId", json!("/x")),
        with(assignment(), "principalId", json!("not a guid")),
        with(assignment(), "roleDefinitionId", Value::Null),
        with(assignment(), "principalId", json!(READER)),
        json!(null),
    ];
    let part = with(assignment(), "directoryScopeId", json!("/administrativeUnits/1"));
    let all: Vec<Value> = odd.iter().cloned().chain([assignment(), part]).collect();
    let fake = always(reply(200, json!({"value": all}))).await;
    let listing = fake.cloud().graph().list_directory_assignments(GROUP).await.unwrap();
    assert_eq!((listing.entries.len(), listing.odd.len()), (2, odd.len()), "{listing:?}");
    assert_eq!(listing.entries[1].scope, DirectoryScope::Part("/administrativeUnits/1".into()));
    assert!(fake.requests()[0].path.ends_with(&format!("roleAssignments?$filter=principalId eq '{GROUP}'")));
    let none = always(reply(200, json!({"items": []}))).await;
    assert!(none.cloud().graph().list_directory_assignments(GROUP).await.is_err());
}

#[tokio::test]
async fn a_role_is_read_with_its_actions_and_one_that_is_not_understood_is_not_read() {
    let role = json!({"id": READER, "displayName": "Security Reader", "isBuiltIn": true, "isEnabled": true,
        "rolePermissions": [{"allowedResourceActions": ["a", "b"], "condition": null}, {"allowedResourceActions": ["c"]}],
        "inheritsPermissionsFrom": [{"id": DIRECTORY_READERS}]});
    let read = async |body: Value| {
        let fake = always(reply(200, body)).await;
        fake.cloud().graph().directory_role(READER).await
    };
    let found = read(role.clone()).await.unwrap().unwrap();
    assert_eq!(found.actions.into_iter().collect::<String>(), "abc");
    assert_eq!(found.inherits_from, Some([DIRECTORY_READERS].into()));
    let unknown = read(with(role.clone(), "inheritsPermissionsFrom", json!("x"))).await.unwrap().unwrap();
    assert_eq!(unknown.inherits_from, None);
    for (name, value) in [
        ("rolePermissions", Value::Null),
        ("rolePermissions", json!([{}])),
        ("rolePermissions", json!([{"allowedResourceActions": ["a"], "allowedDataActions": ["b"]}])),
        ("isEnabled", Value::Null),
        ("id", json!("x")),
    ] {
        let failure = read(with(role.clone(), name, value.clone())).await.unwrap_err();
        assert!(matches!(failure, Failure::Unreadable { .. }), "{name} {value}: {failure:?}");
    }
    let fake = always(reply(200, json!({"value": [role, {"id": GROUP, "displayName": "New"}]}))).await;
    let listing = fake.cloud().graph().list_directory_roles().await.unwrap();
    assert_eq!((listing.entries.len(), listing.odd.len()), (1, 1));
    let fake = always(error(404, "Request_ResourceNotFound", "none")).await;
    assert_eq!(fake.cloud().graph().directory_role(READER).await.unwrap(), None);
}

/// A simulated tenant, and the crate's view of it.
async fn simulated(permissions: &[&str]) -> (Running, Cloud, tempfile::TempDir) {
    let tenant = "0c0de000-0000-4000-8000-000000000001";
    let client = "0c11e000-0000-4000-8000-000000000001";
    let running = Simulator::start(entente_simulator::Config::default()).await.unwrap();
    let seed = TenantSeed {
        id: tenant.into(),
        licences: vec!["P1".into()],
        apps: vec![AppSeed {
            app_id: client.into(),
            secret: Some("a word".into()),
            permissions: permissions.iter().map(ToString::to_string).collect(),
            ..AppSeed::default()
        }],
        users: vec![UserSeed { display_name: "Kari".into(), ..UserSeed::default() }],
        ..TenantSeed::default()
    };
    running.control().unwrap().seed(&seed).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let secret_file = folder.path().join("secret");
    std::fs::write(&secret_file, "a word").unwrap();
    let at = running.url();
    let endpoints = Endpoints { cloud: NationalCloud::Global, login: at.clone(), graph: at.clone(), arm: at };
    let credential = Credential::ClientSecret { client_id: client.parse().unwrap(), secret_file };
    let config = Config::new(tenant.parse().unwrap(), endpoints, credential);
    let config = Config { extra_ca_pem: Some(running.ca_pem.clone().into_bytes()), ..config };
    (running, Cloud::new(config).unwrap(), folder)
}

async fn new_group(cloud: &Cloud, role_assignable: bool) -> NewGroup {
    NewGroup {
        display_name: "ent-l1".into(),
        mail_nickname: "ent-l1".into(),
        description: String::new(),
        owner: cloud.principal_object_id().await.unwrap(),
        role_assignable,
    }
}

#[tokio::test]
async fn in_a_simulated_tenant_a_role_goes_to_a_role_assignable_group_and_is_taken_back() {
    let permissions = ["Group.ReadWrite.All", "RoleManagement.ReadWrite.Directory"];
    let (_running, cloud, _folder) = simulated(&permissions).await;
    let graph = cloud.graph();
    let role = graph.directory_role(READER).await.unwrap().unwrap();
    assert!(role.is_built_in && role.inherits_from == Some([DIRECTORY_READERS].into()), "{role:?}");
    let all = graph.list_directory_roles().await.unwrap();
    assert!(all.odd.is_empty() && all.entries.contains(&role));
    let ordinary = graph.create_group(&new_group(&cloud, false).await).await.unwrap();
    let refused = graph.give_directory_role(NewDirectoryAssignment { principal: ordinary.id, role: READER }).await;
    assert!(!ordinary.role_assignable && matches!(refused, Err(Failure::Refused(_))));
    let group = graph.create_group(&new_group(&cloud, true).await).await.unwrap();
    assert!(group.role_assignable);
    let new = NewDirectoryAssignment { principal: group.id, role: READER };
    let Given::Given(made) = graph.give_directory_role(new).await.unwrap() else { panic!("given") };
    assert_eq!(graph.give_directory_role(new).await.unwrap(), Given::AlreadyThere);
    let mut listed = graph.directory_assignments_of(&[group.id, ordinary.id]).await;
    assert!(listed.pop().unwrap().unwrap().entries.is_empty());
    assert_eq!(listed.pop().unwrap().unwrap().entries, std::slice::from_ref(&made));
    assert_eq!(graph.take_directory_role(&made.id).await.unwrap(), Removed::Removed);
    assert_eq!(graph.take_directory_role(&made.id).await.unwrap(), Removed::WasNotThere);
    let nobody = NewDirectoryAssignment { principal: Uuid::from_u128(1), role: READER };
    assert_eq!(graph.give_directory_role(nobody).await.unwrap(), Given::NotYetThere);
}

#[tokio::test]
async fn in_a_simulated_tenant_reading_does_not_do_for_writing() {
    let (_running, cloud, _folder) = simulated(&["RoleManagement.Read.Directory", "Group.ReadWrite.All"]).await;
    let graph = cloud.graph();
    assert!(graph.list_directory_assignments(GROUP).await.unwrap().entries.is_empty());
    let refused = graph.give_directory_role(NEW).await.unwrap_err();
    assert!(refused.refusal().is_some_and(|no| no.status == 403), "{refused:?}");
    assert!(graph.create_group(&new_group(&cloud, true).await).await.is_err());
}
