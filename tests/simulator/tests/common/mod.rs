//! A simulator with one tenant, and an application's view of it over real HTTPS.
// Each test binary uses a part of this.
#![allow(dead_code)]

use entente_simulator::control::Client;
use entente_simulator::control::seed::{
    AppSeed, AzureRoleSeed, GroupSeed, ResourceGroupSeed, SubscriptionSeed, TenantSeed, UserSeed,
};
use entente_simulator::{Config, Running, Simulator};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

pub const TENANT: &str = "0c0de000-0000-4000-8000-000000000001";
pub const SUBSCRIPTION: &str = "11111111-1111-4111-8111-111111111111";
pub const APP: &str = "0a990000-0000-4000-8000-000000000001";
pub const SECRET: &str = "correct horse";
pub const SCOPE: &str = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-sentinel";
pub const RESPONDER: &str = "3e150937-b8fe-4cfb-8069-0eaf05ecd056";
pub const PLAYBOOK: &str = "51d6186e-6489-4900-b93f-92e23144cca5";
pub const RBAC_ADMINISTRATOR: &str = "f58310d9-a9f6-439a-9e8d-f62e7b41a168";

pub const AGENT_PERMISSIONS: &[&str] = &[
    "User.Invite.All",
    "User.Read.All",
    "User.EnableDisableAccount.All",
    "User.RevokeSessions.All",
    "Group.Create",
    "Group.Read.All",
    "GroupMember.ReadWrite.All",
    "Policy.Read.All",
    "LicenseAssignment.Read.All",
    "RoleManagement.ReadWrite.Defender",
];

pub fn contoso() -> TenantSeed {
    TenantSeed {
        id: TENANT.into(),
        domain: Some("contoso.onmicrosoft.com".into()),
        display_name: "Contoso".into(),
        licences: vec!["P2".into()],
        subscriptions: vec![SubscriptionSeed {
            id: SUBSCRIPTION.into(),
            display_name: "prod".into(),
            resource_groups: vec![ResourceGroupSeed {
                name: "rg-sentinel".into(),
                workspaces: vec!["law-contoso".into()],
            }],
        }],
        apps: vec![agent(AGENT_PERMISSIONS)],
        users: vec![
            UserSeed {
                display_name: "Kari Nord".into(),
                mail: Some("kari@contoso.example".into()),
                ..Default::default()
            },
            UserSeed {
                display_name: "Global Admin".into(),
                mail: Some("admin@contoso.example".into()),
                entra_roles: vec!["Global Administrator".into()],
                ..Default::default()
            },
        ],
        groups: vec![GroupSeed {
            display_name: "finance".into(),
            members: vec!["kari@contoso.example".into()],
            ..Default::default()
        }],
        ..Default::default()
    }
}

pub fn agent(permissions: &[&str]) -> AppSeed {
    AppSeed {
        app_id: APP.into(),
        display_name: "agent".into(),
        secret: Some(SECRET.into()),
        permissions: permissions.iter().map(|one| one.to_string()).collect(),
        azure_roles: vec![AzureRoleSeed {
            scope: SCOPE.into(),
            role: RBAC_ADMINISTRATOR.into(),
            condition_role_ids: vec![RESPONDER.into(), PLAYBOOK.into()],
            condition: None,
        }],
        ..Default::default()
    }
}

pub struct World {
    pub running: Running,
    pub control: Client,
    pub http: reqwest::Client,
    pub graph: String,
    pub arm: String,
}

/// Starts a simulator with the tenant and signs the application in.
pub async fn world(seed: TenantSeed) -> World {
    let running = Simulator::start(Config::default()).await.unwrap();
    let control = running.control().unwrap();
    control.seed(&seed).await.unwrap();
    let ca = reqwest::Certificate::from_pem(running.ca_pem.as_bytes()).unwrap();
    let http =
        reqwest::Client::builder().tls_certs_only([ca]).redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let mut world = World { running, control, http, graph: String::new(), arm: String::new() };
    world.sign_in().await;
    world
}

pub type Outcome = (StatusCode, Value, reqwest::header::HeaderMap);

impl World {
    pub async fn sign_in(&mut self) {
        self.graph = self.token("https://graph.microsoft.com").await;
        self.arm = self.token("https://management.azure.com").await;
    }

    pub async fn token(&self, resource: &str) -> String {
        let (status, body, _) =
            self.ask_token(&[("client_secret", SECRET), ("scope", &format!("{resource}/.default"))]).await;
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn ask_token(&self, fields: &[(&str, &str)]) -> Outcome {
        let mut form = vec![("grant_type", "client_credentials"), ("client_id", APP)];
        form.extend(fields);
        let request = self.http.post(format!("{}/{TENANT}/oauth2/v2.0/token", self.running.url())).form(&form);
        outcome(request).await.unwrap()
    }

    pub async fn call(&self, method: Method, path: &str, body: Value) -> Outcome {
        self.try_call(method, path, body, &[]).await.unwrap()
    }

    /// With headers; an error is a connection that was cut.
    pub async fn try_call(
        &self,
        method: Method,
        path: &str,
        body: Value,
        headers: &[(&str, &str)],
    ) -> reqwest::Result<Outcome> {
        let on_graph = path.starts_with("/v1.0")
            || path.starts_with("/beta")
            || path.contains("/v1.0/")
            || path.contains("/beta/");
        let token = if on_graph { &self.graph } else { &self.arm };
        let url = if path.starts_with("https://") { path.to_owned() } else { format!("{}{path}", self.running.url()) };
        let mut request = self.http.request(method, url).bearer_auth(token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        outcome(request).await
    }

    pub async fn get(&self, path: &str) -> Outcome {
        self.call(Method::GET, path, Value::Null).await
    }

    pub async fn invite(&self, mail: &str) -> String {
        let (status, body, _) = self.call(Method::POST, "/v1.0/invitations", invitation(mail)).await;
        assert_eq!(status, 201, "{body}");
        body["invitedUser"]["id"].as_str().unwrap().to_owned()
    }

    pub async fn create_group(&self, name: &str) -> String {
        let (status, body, _) = self.call(Method::POST, "/v1.0/groups", self.group(name).await).await;
        assert_eq!(status, 201, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    pub async fn group(&self, name: &str) -> Value {
        let owner = format!("https://graph.microsoft.com/v1.0/servicePrincipals/{}", self.own_id());
        json!({"displayName": name, "mailNickname": name, "mailEnabled": false, "securityEnabled": true, "owners@odata.bind": [owner]})
    }

    /// The `oid` in the token.
    pub fn own_id(&self) -> String {
        use base64::Engine;
        let claims = self.graph.split('.').nth(1).unwrap();
        let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
        serde_json::from_slice::<Value>(&claims).unwrap()["oid"].as_str().unwrap().to_owned()
    }

    pub async fn add_member(&self, group: &str, user: &str) -> Outcome {
        self.call(Method::POST, &format!("/v1.0/groups/{group}/members/$ref"), reference(user)).await
    }
}

pub fn reference(user: &str) -> Value {
    json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{user}")})
}

pub fn invitation(mail: &str) -> Value {
    json!({"invitedUserEmailAddress": mail, "inviteRedirectUrl": "https://myapplications.microsoft.com", "invitedUserDisplayName": "Maya Berg"})
}

async fn outcome(request: reqwest::RequestBuilder) -> reqwest::Result<Outcome> {
    let response = request.send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await?;
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text)), headers))
}
