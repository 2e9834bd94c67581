//! The truth about a person: every account that is or was theirs, and all their rights.
#![allow(clippy::unwrap_used)] // tests fail by panicking

mod common;

use common::{AGENT_PERMISSIONS, APP, RESPONDER, SCOPE, TENANT, World, agent, contoso, world};
use entente_simulator::control::types::{Right, Tamper, UserRights};
use reqwest::Method;
use serde_json::{Value, json};

const MAYA: &str = "maya@nordwall.example";

fn wide() -> entente_simulator::control::seed::TenantSeed {
    let mut seed = contoso();
    seed.apps = vec![agent(&[AGENT_PERMISSIONS, &["Group.ReadWrite.All", "User.ReadWrite.All"]].concat())];
    seed
}

async fn rename(world: &World, user: &str, properties: Value) {
    world.control.tamper(TENANT, &Tamper::SetUserProperties { user: user.into(), properties }).await.unwrap();
}

fn account<'a>(accounts: &'a [UserRights], user: &str) -> &'a UserRights {
    accounts.iter().find(|one| one.user == user).unwrap_or_else(|| panic!("{user} is not among {accounts:?}"))
}

#[tokio::test]
async fn every_account_of_a_person_is_found_by_whatever_ties_it_to_the_address() {
    let world = world(wide()).await;
    let renamed = world.invite(MAYA).await;
    let elsewhere = json!({"mail": "x@other.example", "otherMails": [], "proxyAddresses": [], "userPrincipalName": "x@contoso.example"});
    rename(&world, &renamed, elsewhere).await;
    world.control.set_switch(TENANT, "reinvite_existing_guest", "second_user").await.unwrap();
    let binned = world.invite("Maya@nordwall.example").await;
    assert_eq!(world.call(Method::DELETE, &format!("/v1.0/users/{binned}"), Value::Null).await.0, 204);
    let mut ways = vec![(renamed.clone(), "invited"), (binned.clone(), "mail")];
    for (at, (properties, way)) in [
        (json!({"otherMails": [MAYA]}), "otherMails"),
        (json!({"proxyAddresses": ["smtp:MAYA@nordwall.example"]}), "proxyAddresses"),
        (json!({"userPrincipalName": "maya_nordwall.example#EXT#@contoso.onmicrosoft.com"}), "userPrincipalName"),
    ]
    .into_iter()
    .enumerate()
    {
        let user = world.invite(&format!("other{at}@nordwall.example")).await;
        rename(&world, &user, properties).await;
        ways.push((user, way));
    }
    let rights = world.control.rights(TENANT, MAYA).await.unwrap();
    assert_eq!((rights.accounts.len(), rights.users.len()), (5, 4), "{rights:?}");
    for (user, way) in &ways {
        let account = account(&rights.accounts, user);
        assert!(account.known_by.iter().any(|one| one == way), "{way}: {account:?}");
        assert_eq!(account.in_bin, *user == binned);
    }
    assert_eq!(rights.owned_enabled.len(), 4, "what is in the bin is not enabled: {rights:?}");
    let block = Tamper::SetEnabled { user: renamed.clone(), enabled: false };
    world.control.tamper(TENANT, &block).await.unwrap();
    let rights = world.control.rights_by(TENANT, APP, MAYA).await.unwrap();
    assert!(rights.owned_enabled.len() == 3 && !rights.owned_enabled.contains(&renamed), "{rights:?}");
    assert!(world.control.rights_by(TENANT, "another", MAYA).await.unwrap().owned_enabled.is_empty());
}

#[tokio::test]
async fn rights_are_counted_by_every_way_and_told_apart_by_who_gave_them() {
    let world = world(wide()).await;
    let maya = world.invite(MAYA).await;
    let (inner, outer) = (world.create_group("ent-l1").await, world.create_group("ent-outer").await);
    assert_eq!(world.add_member(&inner, &maya).await.0, 204);
    assert_eq!(world.add_member(&outer, &inner).await.0, 204);
    let owner = format!("/v1.0/groups/{outer}/owners/$ref");
    assert_eq!(world.call(Method::POST, &owner, common::reference(&maya)).await.0, 204);
    let azure = |scope: &str, principal: &str, principal_type: &str| Tamper::AddAzureAssignment {
        scope: scope.into(),
        role: RESPONDER.into(),
        principal: principal.into(),
        principal_type: principal_type.into(),
    };
    world.control.tamper(TENANT, &azure("/", &maya, "User")).await.unwrap();
    world.control.tamper(TENANT, &azure(SCOPE, &outer, "Group")).await.unwrap();
    let actions = vec!["microsoft.xdr/configuration/system/manage".to_owned()];
    let role = Tamper::AddDefenderRole { display_name: "ops".into(), actions };
    let role = world.control.tamper(TENANT, &role).await.unwrap().unwrap();
    let assignment = Tamper::AddDefenderAssignment {
        display_name: "ops".into(),
        role: role.clone(),
        principals: vec!["not a guid".into(), outer.clone()],
        app_scopes: vec!["/".into()],
    };
    world.control.tamper(TENANT, &assignment).await.unwrap();
    let roles = Tamper::SetUserEntraRoles { user: maya.clone(), roles: vec!["Security Reader".into()] };
    world.control.tamper(TENANT, &roles).await.unwrap();
    let body = json!({"properties": {"roleDefinitionId": format!("/providers/Microsoft.Authorization/roleDefinitions/{RESPONDER}"), "principalId": inner, "principalType": "Group"}});
    let path =
        format!("{SCOPE}/providers/Microsoft.Authorization/roleAssignments/5e1f0000-0000-4000-8000-000000000001");
    assert_eq!(world.call(Method::PUT, &format!("{path}?api-version=2022-04-01"), body).await.0, 201);

    let rights = world.control.rights_by(TENANT, APP, MAYA).await.unwrap();
    let (by_app, by_person) = (Some(APP.to_owned()), None);
    let right = |kind: &str, what: &str, through: Option<&String>, given_by: &Option<String>| Right {
        user: maya.clone(),
        kind: kind.into(),
        what: what.into(),
        through: through.cloned(),
        given_by: given_by.clone(),
    };
    let mut expected = vec![
        right("membership", &inner, None, &by_app),
        right("membership", &outer, Some(&inner), &by_app),
        right("ownership", &outer, None, &by_person),
        right("azure", &format!("/ {RESPONDER}"), None, &by_person),
        right("azure", &format!("{SCOPE} {RESPONDER}"), Some(&outer), &by_person),
        right("azure", &format!("{SCOPE} {RESPONDER}"), Some(&inner), &by_app),
        right("defender", &role, Some(&outer), &by_person),
        right("entra", "Security Reader", None, &by_person),
    ];
    let sorted = |mut all: Vec<Right>| {
        all.sort_by_key(|one| format!("{one:?}"));
        all
    };
    let given = expected.iter().filter(|one| one.given_by.is_some()).cloned().collect();
    assert_eq!(sorted(rights.given.clone()), sorted(given));
    assert_eq!(sorted(rights.users[0].rights.clone()), sorted(std::mem::take(&mut expected)));
    assert_eq!(rights.count(), 9, "eight rights and an enabled account");
}
