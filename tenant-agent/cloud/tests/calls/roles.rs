//! What the operations on Defender and Azure roles send, and how they read the answers.

use std::collections::BTreeSet;

use entente_cloud::{
    AssignmentsOf, Failure, NewDefenderAssignment, NewDefenderRole, NewRoleAssignment, PrincipalType, Put, Removed,
    Scope,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fake::{Fake, Reply, error, reply};

const GROUP: Uuid = Uuid::from_u128(0x60);
const MAYA: Uuid = Uuid::from_u128(0xa1);
const ROLE: Uuid = Uuid::from_u128(0x77);
const PLACE: &str = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-sentinel";

async fn always(answer: Reply) -> Fake {
    Fake::start(move |_, _| answer.clone()).await
}

#[tokio::test]
async fn defender_creations_are_accepted_by_redirect_and_carry_no_type() {
    let elsewhere = Fake::plain(|_, _| reply(200, json!({}))).await;
    let target = format!("http://localhost:{}/x", elsewhere.port);
    let fake = Fake::start(move |_, n| match n {
        0 => reply(302, Value::Null).header("Location", &target),
        _ => reply(201, json!({"id": "a-1"})),
    });
    let fake = fake.await;
    let defender = fake.cloud().defender();
    let role = NewDefenderRole {
        display_name: "ent-l1".into(),
        description: "made for the SOC".into(),
        actions: BTreeSet::from(["microsoft.xdr/secops/alerts/manage".to_owned()]),
    };
    assert_eq!(defender.create_role_definition(&role).await.unwrap().id, None);
    let assignment = NewDefenderAssignment {
        display_name: "ent-l1".into(),
        description: String::new(),
        role_definition_id: "r-1".into(),
        principal_ids: vec![GROUP],
        app_scope_ids: vec!["/".into()],
    };
    assert_eq!(defender.create_role_assignment(&assignment).await.unwrap().id.as_deref(), Some("a-1"));
    assert!(elsewhere.everything().is_empty());
    assert!(
        fake.requests()
            .iter()
            .all(|r| !r.body.contains("odata") && r.path.starts_with("/beta/roleManagement/defender/"))
    );
    assert_eq!(
        fake.requests()[0].json()["rolePermissions"][0]["allowedResourceActions"][0],
        "microsoft.xdr/secops/alerts/manage"
    );
    assert_eq!(fake.requests()[1].json()["principalIds"], json!([GROUP]));
}

#[tokio::test]
async fn a_defender_creation_whose_answer_is_lost_is_unknown() {
    let fake = Fake::start(|_, _| crate::fake::hang_up()).await;
    let role = NewDefenderRole { display_name: "x".into(), description: String::new(), actions: BTreeSet::new() };
    assert!(fake.cloud().defender().create_role_definition(&role).await.unwrap_err().may_have_applied());
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn defender_that_is_not_activated_is_told_from_a_missing_permission() {
    for (message, expected) in
        [("Unified RBAC is not activated for this tenant", true), ("Insufficient privileges", false)]
    {
        let fake = always(error(403, "Forbidden", message)).await;
        let failure = fake.cloud().defender().list_role_definitions().await.unwrap_err();
        assert_eq!(matches!(failure, Failure::DefenderNotActivated(_)), expected, "{failure:?}");
    }
}

#[tokio::test]
async fn defenders_roles_assignments_and_actions_are_read() {
    let fake = Fake::start(|request, _| match request.path.as_str() {
        p if p.contains("roleDefinitions") => reply(
            200,
            json!({"value": [{"id": "r-1", "displayName": "ent-l1",
            "rolePermissions": [{"allowedResourceActions": ["a", "b"]}, {"allowedResourceActions": ["b", "c"]}]}]}),
        ),
        p if p.contains("roleAssignments") => reply(
            200,
            json!({"value": [{"id": "s-1", "displayName": "ent-l1",
            "roleDefinitionId": "r-1", "principalIds": [GROUP], "directoryScopeIds": ["/"], "appScopeIds": null}]}),
        ),
        p if p.contains("resourceNamespaces?") => reply(
            200,
            json!({"value": [
            {"id": "one", "resourceActions": [{"id": "a", "name": "First"}]},
            {"id": "two", "resourceActions": [{"id": "b"}], "resourceActions@odata.nextLink": "https://elsewhere/"}]}),
        ),
        _ => reply(200, json!({"value": [{"id": "b"}, {"id": "c"}]})),
    });
    let fake = fake.await;
    let defender = fake.cloud().defender();
    let role = defender.list_role_definitions().await.unwrap().entries.remove(0);
    assert_eq!(role.actions.into_iter().collect::<String>(), "abc");
    let assignment = defender.list_role_assignments().await.unwrap().entries.remove(0);
    assert!(assignment.principal_ids.contains(&GROUP) && assignment.app_scope_ids.is_empty());
    let actions = defender.resource_actions().await.unwrap();
    assert_eq!(actions.entries.iter().map(|action| action.id.as_str()).collect::<String>(), "abc");
    assert_eq!(actions.entries[0].name, "First");
}

fn arm_assignment(name: Uuid) -> Value {
    json!({"id": format!("{PLACE}/providers/Microsoft.Authorization/roleAssignments/{name}"), "name": name,
        "properties": {"scope": PLACE, "principalId": GROUP, "principalType": "Group",
        "roleDefinitionId": format!("/subscriptions/1/providers/Microsoft.Authorization/roleDefinitions/{ROLE}"),
        "createdOn": "2026-11-23T10:00:00.1234567Z"}})
}

fn new_assignment() -> NewRoleAssignment {
    let scope = Scope::parse(PLACE).unwrap();
    NewRoleAssignment {
        name: Uuid::from_u128(0x58bf_86f8),
        scope,
        definition: ROLE,
        principal: GROUP,
        principal_type: PrincipalType::Group,
        description: Some("made for the SOC".into()),
    }
}

#[tokio::test]
async fn an_assignment_is_put_under_its_name_with_the_principals_type() {
    let new = new_assignment();
    for (status, created) in [(201, true), (200, false)] {
        let fake = always(reply(status, arm_assignment(new.name))).await;
        let put = fake.cloud().arm().put_role_assignment(&new).await.unwrap();
        let (Put::Created(is) | Put::Updated(is)) = &put else { panic!("{put:?}") };
        assert_eq!(matches!(put, Put::Created(_)), created);
        assert_eq!((is.name, is.principal, is.definition, is.scope.as_str()), (new.name, GROUP, ROLE, PLACE));
        assert!(is.created.is_some());
        let request = &fake.requests()[0];
        assert_eq!(
            request.path,
            format!("{PLACE}/providers/Microsoft.Authorization/roleAssignments/{}?api-version=2022-04-01", new.name)
        );
        assert_eq!(request.json()["properties"]["principalType"], "Group");
        assert_eq!(
            request.json()["properties"]["roleDefinitionId"],
            format!(
                "/subscriptions/11111111-1111-4111-8111-111111111111/providers/Microsoft.Authorization/roleDefinitions/{ROLE}"
            )
        );
    }
}

#[tokio::test]
async fn an_assignment_that_stands_under_another_name_or_has_no_principal_yet_is_told() {
    let other = Uuid::from_u128(0x0ff);
    let exists =
        format!("The role assignment already exists. The ID of the existing role assignment is {}.", other.simple());
    for (answer, expected) in [
        (error(409, "RoleAssignmentExists", &exists), Put::ExistsUnder { name: Some(other) }),
        (error(409, "RoleAssignmentExists", "It exists."), Put::ExistsUnder { name: None }),
        (error(400, "PrincipalNotFound", "Principal does not exist"), Put::PrincipalNotFound),
        (error(404, "PrincipalNotFound", "Principal does not exist"), Put::PrincipalNotFound),
    ] {
        let fake = always(answer).await;
        assert_eq!(fake.cloud().arm().put_role_assignment(&new_assignment()).await.unwrap(), expected);
    }
    let fake = always(error(400, "RoleAssignmentUpdateNotPermitted", "no")).await;
    let failure = fake.cloud().arm().put_role_assignment(&new_assignment()).await.unwrap_err();
    assert!(failure.refusal().unwrap().has_code("RoleAssignmentUpdateNotPermitted"));
}

#[tokio::test]
async fn assignments_are_listed_across_pages_and_deleted_once() {
    let name = Uuid::from_u128(5);
    let fake = Fake::start(move |request, n| match (request.method.as_str(), n) {
        ("DELETE", 2) => reply(200, arm_assignment(name)),
        ("DELETE", _) => reply(204, Value::Null),
        (_, 0) => {
            reply(200, json!({"value": [arm_assignment(name)], "nextLink": "https://management.azure.com/more?x=1"}))
        }
        _ => reply(200, json!({"value": [arm_assignment(ROLE)]})),
    });
    let fake = fake.await;
    let (arm, scope) = (fake.cloud().arm(), Scope::parse(PLACE).unwrap());
    let listed = arm.list_role_assignments(&scope, AssignmentsOf::Principal(GROUP)).await.unwrap();
    assert_eq!(listed.entries.iter().map(|a| a.name).collect::<Vec<_>>(), [name, ROLE]);
    assert!(fake.requests()[0].path.ends_with(&format!("$filter=principalId eq '{GROUP}'")));
    assert_eq!(arm.delete_role_assignment(&scope, name).await.unwrap(), Removed::Removed);
    assert_eq!(arm.delete_role_assignment(&scope, name).await.unwrap(), Removed::WasNotThere);
}

#[tokio::test]
async fn an_assignment_is_listed_whatever_its_scope_looks_like() {
    let storage = format!("{PLACE}/providers/Microsoft.Storage/storageAccounts/sa1");
    let scopes = [
        "/".to_owned(),
        PLACE.to_uppercase(),
        "/providers/Microsoft.Management/managementGroups/mg-root".to_owned(),
        format!("{storage}/blobServices/default/containers/$web"),
        format!("{storage}/fileServices/default/shares/a share@x + 'y' & #z, *"),
        format!("{storage}/queues/%E4%BD%A0"),
    ];
    let entry = |scope: &String| {
        let name = Uuid::from_u128(5).to_string().to_uppercase();
        json!({"id": format!("{scope}/PROVIDERS/MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/{name}"), "name": name,
            "properties": {"scope": scope, "principalId": GROUP.to_string().to_uppercase(), "principalType": null,
            "roleDefinitionId": format!("/PROVIDERS/MICROSOFT.AUTHORIZATION/ROLEDEFINITIONS/{ROLE}")}})
    };
    let mut value: Vec<Value> = scopes.iter().map(entry).collect();
    // The scope field is missing; the id has the scope.
    value[3]["properties"]["scope"] = Value::Null;
    value.push(json!({"id": "/odd/one", "name": ROLE, "properties": {"scope": PLACE, "principalId": "S-1-5"}}));
    value.push(json!({"id": "/odd/two", "properties": null}));
    let fake = always(reply(200, json!({ "value": value }))).await;
    let (arm, scope) = (fake.cloud().arm(), Scope::parse(PLACE).unwrap());
    let listing = arm.list_role_assignments(&scope, AssignmentsOf::Principal(GROUP)).await.unwrap();
    assert_eq!(listing.entries.iter().map(|a| a.scope.as_str()).collect::<Vec<_>>(), scopes);
    assert!(listing.entries.iter().all(|a| (a.principal, a.definition) == (GROUP, ROLE)));
    let odd: Vec<&str> = listing.odd.iter().map(|odd| odd.split(':').next().unwrap()).collect();
    assert_eq!(odd, ["/odd/one", "/odd/two"]);
}

#[tokio::test]
async fn defender_assignments_of_others_cost_nothing() {
    let next = "https://graph.microsoft.com/beta/roleManagement/defender/roleAssignments?$skiptoken=2";
    let fake = Fake::start(move |_, n| match n {
        0 => reply(
            200,
            json!({"value": [
            {"id": "s-1", "roleDefinitionId": "r-1", "principalIds": [GROUP.to_string().to_uppercase()],
                "directoryScopeIds": null, "appScopeIds": ["/"], "principalIds@odata.nextLink": null},
            {"id": "s-2", "roleDefinitionId": null, "principalIds": [MAYA, "tenant_group_id", null, {"a": 1}]},
            {"displayName": "without an id"}], "@odata.nextLink": next}),
        ),
        _ => reply(200, json!({"value": [{"id": "s-3", "principalIds": null, "appScopeIds": null}]})),
    });
    let listing = fake.await.cloud().defender().list_role_assignments().await.unwrap();
    let principals: Vec<_> =
        listing.entries.iter().map(|a| (a.principal_ids.len(), a.other_principals.len())).collect();
    assert_eq!(principals, [(1, 0), (1, 2), (0, 0)]);
    assert!(listing.entries[0].principal_ids.contains(&GROUP));
    assert_eq!(listing.entries[1].other_principals[0], "tenant_group_id");
    assert!(listing.odd.len() == 1 && listing.odd[0].starts_with("without an id"), "{:?}", listing.odd);
}

#[tokio::test]
async fn a_role_definition_is_found_by_name() {
    let fake = always(reply(
        200,
        json!({"value": [{"id": "/x", "name": ROLE, "properties": {"roleName": "Reader",
        "type": "BuiltInRole", "permissions": [{"actions": ["*/read"], "notActions": [], "dataActions": null}]}}]}),
    ))
    .await;
    let scope = Scope::parse(PLACE).unwrap();
    let found = fake.cloud().arm().find_role_definitions(&scope, "Reader").await.unwrap();
    let found = found.entries;
    assert_eq!((found[0].id, found[0].actions.as_slice()), (ROLE, &["*/read".to_owned()][..]));
}

/// A role without described permissions would pass for one that allows nothing.
#[tokio::test]
async fn a_role_definition_that_does_not_say_what_it_holds_is_not_read() {
    let named = |properties: Value| json!({"id": "/x", "name": ROLE, "properties": properties});
    let whole = json!({"roleName": "Reader", "permissions": [{"actions": ["*/read"], "dataActions": ["a/b/read"]}]});
    let scope = Scope::parse(PLACE).unwrap();
    let fake = always(reply(200, named(whole))).await;
    let found = fake.cloud().arm().get_role_definition(&scope, ROLE).await.unwrap().unwrap();
    assert_eq!((found.actions, found.data_actions), (vec!["*/read".to_owned()], vec!["a/b/read".to_owned()]));
    // A look some seconds later uses none of the subscription's reads.
    let cloud = fake.cloud();
    for _ in 0..3 {
        assert!(cloud.arm().get_role_definition(&scope, ROLE).await.unwrap().is_some());
    }
    assert_eq!(fake.requests().iter().filter(|request| request.path.contains("roleDefinitions")).count(), 2);
    for properties in [
        json!({"roleName": "Reader"}),
        json!({"roleName": "Reader", "permissions": null}),
        json!({"roleName": "Reader", "permissions": [{"dataActions": []}]}),
        json!({"roleName": "Reader", "permissions": [{"actions": null}]}),
    ] {
        let fake = always(reply(200, named(properties.clone()))).await;
        let failure = fake.cloud().arm().get_role_definition(&scope, ROLE).await.unwrap_err();
        assert!(matches!(failure, Failure::Unreadable { .. }), "{properties}: {failure:?}");
    }
    let fake = always(reply(200, json!({"name": GROUP, "properties": {"permissions": [{"actions": []}]}}))).await;
    assert!(fake.cloud().arm().get_role_definition(&scope, ROLE).await.is_err(), "of another role");
}
