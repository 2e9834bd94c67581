//! Role assignments above subscriptions and at odd scopes, over real HTTPS.
#![allow(clippy::unwrap_used)] // tests fail by panicking

mod common;

use common::{APP, RESPONDER, SCOPE, SUBSCRIPTION, TENANT, World, contoso, world};
use entente_simulator::control::seed::{AzureRoleSeed, ManagementGroupSeed, SubscriptionSeed, TenantSeed};
use entente_simulator::control::types::Tamper;
use reqwest::Method;
use serde_json::{Value, json};

const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
const CORP: &str = "/providers/Microsoft.Management/managementGroups/mg-corp";
const PROD: &str = "/providers/Microsoft.Management/managementGroups/mg-prod";
const NAME: &str = "5e1f0000-0000-4000-8000-000000000001";
const WEB: &str = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-sentinel/providers/Microsoft.Storage/storageAccounts/logs/blobServices/default/containers/$web";

/// `mg-corp` holds `mg-prod`, which holds the subscription; another subscription is in neither. The agent owns `mg-corp`.
fn seed() -> TenantSeed {
    let mut seed = contoso();
    seed.subscriptions
        .push(SubscriptionSeed { id: "22222222-2222-4222-8222-222222222222".into(), ..Default::default() });
    let group = |name: &str| ManagementGroupSeed { name: name.into(), ..Default::default() };
    seed.management_groups = vec![
        group("mg-corp"),
        ManagementGroupSeed {
            parent: Some("mg-corp".into()),
            subscriptions: vec![SUBSCRIPTION.into()],
            ..group("mg-prod")
        },
    ];
    seed.apps[0].azure_roles =
        vec![AzureRoleSeed { scope: CORP.into(), role: OWNER.into(), condition_role_ids: Vec::new(), condition: None }];
    seed
}

fn at(scope: &str, rest: &str) -> String {
    format!("{scope}/providers/Microsoft.Authorization/roleAssignments{rest}api-version=2022-04-01")
}

async fn put(world: &World, scope: &str, principal: &str) -> common::Outcome {
    let role = format!("/providers/Microsoft.Authorization/roleDefinitions/{RESPONDER}");
    let body = json!({"properties": {"roleDefinitionId": role, "principalId": principal, "principalType": "User"}});
    world.call(Method::PUT, &at(scope, &format!("/{NAME}?")), body).await
}

/// Scopes of the assignments in a list.
async fn scopes(world: &World, scope: &str, filter: &str) -> Vec<String> {
    let (status, body, _) = world.get(&at(scope, &format!("?$filter={filter}&"))).await;
    assert_eq!(status, 200, "{scope} {filter}: {body}");
    let text = |one: &Value| one["properties"]["scope"].as_str().unwrap().to_owned();
    let mut scopes: Vec<String> = body["value"].as_array().unwrap().iter().map(text).collect();
    scopes.sort();
    scopes
}

#[tokio::test]
async fn an_assignment_at_a_management_group_reaches_the_subscriptions_below() {
    let world = world(seed()).await;
    let maya = world.invite("maya@nordwall.example").await;
    let (status, made, _) = put(&world, PROD, &maya).await;
    assert_eq!((status.as_u16(), &made["properties"]["scope"]), (201, &json!(PROD)), "{made}");
    assert_eq!(made["id"], format!("{PROD}/providers/Microsoft.Authorization/roleAssignments/{NAME}"));
    assert_eq!(world.get(&at(PROD, &format!("/{NAME}?"))).await.0, 200);
    for scope in [PROD.to_owned(), format!("/subscriptions/{SUBSCRIPTION}"), SCOPE.to_owned()] {
        for filter in [format!("principalId eq '{maya}'"), format!("atScope() and assignedTo('{maya}')")] {
            assert_eq!(scopes(&world, &scope, &filter).await, [PROD], "{scope} {filter}");
        }
        assert_eq!(scopes(&world, &scope, "atScope()").await, [CORP, PROD], "{scope}");
    }
    assert_eq!(scopes(&world, CORP, "atScope()").await, [CORP]);
    let beside = at("/subscriptions/22222222-2222-4222-8222-222222222222", "?");
    assert_eq!(world.get(&beside).await.0, 403, "a subscription in neither group");
    let rights = world.control.rights_by(TENANT, APP, "maya@nordwall.example").await.unwrap();
    assert_eq!(rights.given[0].what, format!("{PROD} {RESPONDER}"));
    assert_eq!(world.call(Method::DELETE, &at(PROD, &format!("/{NAME}?")), Value::Null).await.0, 200);
    assert_eq!(world.call(Method::DELETE, &at(PROD, &format!("/{NAME}?")), Value::Null).await.0, 204);
}

#[tokio::test]
async fn management_groups_are_listed_to_who_has_a_role_there() {
    let world = world(seed()).await;
    let groups = "/providers/Microsoft.Management/managementGroups";
    let (_, list, _) = world.get(&format!("{groups}?api-version=2020-05-01")).await;
    let names: Vec<&Value> = list["value"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["mg-corp", "mg-prod", TENANT]);
    let (_, prod, _) = world.get(&format!("{PROD}?api-version=2020-05-01")).await;
    assert_eq!(prod["properties"]["details"]["parent"]["id"], CORP);
    for nobody in [format!("{groups}/mg-none?api-version=2020-05-01"), at(&format!("{groups}/mg-none"), "?")] {
        let (status, body, _) = world.get(&nobody).await;
        assert_eq!((status.as_u16(), &body["error"]["code"]), (403, &json!("AuthorizationFailed")));
    }
}

#[tokio::test]
async fn an_administrator_assigns_at_any_scope_to_anybody() {
    let world = world(seed()).await;
    let maya = world.invite("maya@nordwall.example").await;
    let stranger = "0dead000-0000-4000-8000-000000000000";
    for (scope, principal, kind) in
        [("/", maya.as_str(), "User"), (CORP, &maya, "User"), (WEB, &maya, "User"), (SCOPE, stranger, "ForeignGroup")]
    {
        let assignment = Tamper::AddAzureAssignment {
            scope: scope.into(),
            role: RESPONDER.into(),
            principal: principal.into(),
            principal_type: kind.into(),
        };
        world.control.tamper(TENANT, &assignment).await.unwrap();
    }
    let subscription = format!("/subscriptions/{SUBSCRIPTION}");
    assert_eq!(scopes(&world, &subscription, &format!("principalId eq '{maya}'")).await, ["/", CORP, WEB]);
    assert_eq!(scopes(&world, &subscription, &format!("principalId eq '{stranger}'")).await, [SCOPE]);
    assert_eq!(scopes(&world, &WEB.replace('$', "%24"), &format!("principalId eq '{maya}'")).await, ["/", CORP, WEB]);
    let rights = world.control.rights(TENANT, "maya@nordwall.example").await.unwrap();
    assert_eq!(rights.users[0].azure_roles.len(), 3);
    assert!(rights.given.is_empty(), "an administrator's doing: {rights:?}");
}

#[tokio::test]
async fn the_last_owner_of_a_subscription_stays() {
    let mut seed = seed();
    let subscription = format!("/subscriptions/{SUBSCRIPTION}");
    let owner = |scope: &str| AzureRoleSeed {
        scope: scope.into(),
        role: OWNER.into(),
        condition_role_ids: Vec::new(),
        condition: None,
    };
    seed.apps[0].azure_roles = vec![owner(&subscription)];
    let world = world(seed).await;
    let truth = world.control.truth(TENANT).await.unwrap();
    let path = at(&subscription, &format!("/{}?", truth.azure_assignments[0].name));
    let (status, body, _) = world.call(Method::DELETE, &path, Value::Null).await;
    let text = &body["error"]["message"];
    assert_eq!((status.as_u16(), text), (400, &json!("Cannot delete the last RBAC admin assignment.")));
    let another = Tamper::AddAzureAssignment {
        scope: CORP.into(),
        role: OWNER.into(),
        principal: "admin@contoso.example".into(),
        principal_type: "User".into(),
    };
    world.control.tamper(TENANT, &another).await.unwrap();
    assert_eq!(world.call(Method::DELETE, &path, Value::Null).await.0, 200);
}

#[tokio::test]
async fn a_hierarchy_that_cannot_be_is_refused_with_its_reason() {
    let world = world(contoso()).await;
    let mut circle = seed();
    circle.management_groups[0].parent = Some("mg-prod".into());
    let refused = world.control.seed(&circle).await.unwrap_err().to_string();
    assert!(refused.contains("management group mg-corp: it is its own ancestor"), "{refused}");
}

#[tokio::test]
async fn scopes_are_found_however_they_are_spelt() {
    let world = world(seed()).await;
    let maya = world.invite("maya@nordwall.example").await;
    assert_eq!(put(&world, SCOPE, &maya).await.0, 201);
    let capitals = SCOPE.to_uppercase();
    assert_eq!(world.get(&at(&capitals, &format!("/{NAME}?"))).await.0, 200);
    assert_eq!(scopes(&world, &capitals, &format!("principalId eq '{maya}'")).await, [SCOPE]);
    assert_eq!(put(&world, &PROD.to_uppercase(), &maya).await.0, 400, "the name is taken, at another scope");
}
