//! A typed client of the control API, for tests and the demo.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::seed::{AppSeed, SettingsPatch, TenantSeed};
use super::types::{
    Barrier, BarrierState, CallEntry, CallPage, Counters, Fault, FaultState, Figures, Identity, Match, Release, Rights,
    Tamper, Truth, When,
};

/// A control call that failed.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("simulator: the control call could not be made")]
    Http(#[from] reqwest::Error),
    #[error("simulator: {method} {path} was answered {status}: {body}")]
    Refused { method: Method, path: String, status: u16, body: String },
    #[error("simulator: the CA certificate or the control token cannot be read")]
    Files(#[from] std::io::Error),
}

/// A service principal as it was seeded.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct SeededApp {
    pub app_id: String,
    pub sp_id: String,
}

/// What seeding a tenant gave.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct SeededTenant {
    pub id: String,
    pub domain: String,
    pub apps: Vec<SeededApp>,
}

#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Client {
    /// `base` is `https://127.0.0.1:PORT`.
    pub fn new(base: &str, ca_pem: &str, token: &str) -> Result<Self, ControlError> {
        crate::tls::install_provider();
        let ca = reqwest::Certificate::from_pem(ca_pem.as_bytes())?;
        let http =
            reqwest::Client::builder().tls_certs_only([ca]).redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), token: token.to_owned() })
    }

    /// For a simulator in another process that was started with `--data DIR`.
    pub fn from_data_dir(data: &std::path::Path) -> Result<Self, ControlError> {
        let read = |name: &str| std::fs::read_to_string(data.join(name));
        Self::new(read("address")?.trim(), &read("ca.pem")?, read("control-token")?.trim())
    }

    /// Where Graph, ARM and the login endpoint are too.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Creates a tenant, or replaces the one with the same id.
    pub async fn seed(&self, tenant: &TenantSeed) -> Result<SeededTenant, ControlError> {
        self.send(Method::POST, "tenants", Some(tenant)).await
    }

    pub async fn remove_tenant(&self, tenant: &str) -> Result<(), ControlError> {
        self.order(Method::DELETE, &format!("tenants/{tenant}"), None::<&()>).await
    }

    /// Adds an application or replaces the one with the same client id.
    pub async fn add_app(&self, tenant: &str, app: &AppSeed) -> Result<SeededApp, ControlError> {
        self.send(Method::POST, &format!("tenants/{tenant}/apps"), Some(app)).await
    }

    pub async fn truth(&self, tenant: &str) -> Result<Truth, ControlError> {
        self.ask(&format!("tenants/{tenant}/truth")).await
    }

    /// Of one application, or of all.
    pub async fn figures(&self, tenant: &str, app: Option<&str>) -> Result<Figures, ControlError> {
        let query = app.map(|app| format!("?app={app}")).unwrap_or_default();
        self.ask(&format!("tenants/{tenant}/figures{query}")).await
    }

    /// What the person with this mail still has in the tenant.
    pub async fn rights(&self, tenant: &str, mail: &str) -> Result<Rights, ControlError> {
        self.ask(&format!("tenants/{tenant}/rights?mail={}", crate::http::encode(mail))).await
    }

    /// The same; what counts as given and owned is this application's doing alone.
    pub async fn rights_by(&self, tenant: &str, app: &str, mail: &str) -> Result<Rights, ControlError> {
        let mail = crate::http::encode(mail);
        self.ask(&format!("tenants/{tenant}/rights?mail={mail}&app={app}")).await
    }

    pub async fn counters(&self, tenant: &str) -> Result<Counters, ControlError> {
        self.ask(&format!("tenants/{tenant}/counters")).await
    }

    pub async fn set_switch(&self, tenant: &str, name: &str, value: &str) -> Result<(), ControlError> {
        self.order(Method::PATCH, &format!("tenants/{tenant}/switches"), Some(&BTreeMap::from([(name, value)]))).await
    }

    pub async fn settings(&self, tenant: &str, patch: &SettingsPatch) -> Result<(), ControlError> {
        self.order(Method::PATCH, &format!("tenants/{tenant}/settings"), Some(patch)).await
    }

    /// The guest (object id or mail) accepts the invitation.
    pub async fn redeem(&self, tenant: &str, user: &str, identity: Identity) -> Result<(), ControlError> {
        self.order(
            Method::POST,
            &format!("tenants/{tenant}/redeem"),
            Some(&json!({"user": user, "identity": identity})),
        )
        .await
    }

    /// Does what an administrator might; gives the id of what was made, if anything was.
    pub async fn tamper(&self, tenant: &str, op: &Tamper) -> Result<Option<String>, ControlError> {
        let answer: Value = self.send(Method::POST, &format!("tenants/{tenant}/tamper"), Some(op)).await?;
        Ok(answer["id"].as_str().map(str::to_owned))
    }

    pub async fn add_fault(&self, fault: &Fault) -> Result<FaultState, ControlError> {
        self.send(Method::POST, "faults", Some(fault)).await
    }

    pub async fn faults(&self) -> Result<Vec<FaultState>, ControlError> {
        self.ask("faults").await
    }

    pub async fn clear_fault(&self, id: u64) -> Result<(), ControlError> {
        self.order(Method::DELETE, &format!("faults/{id}"), None::<&()>).await
    }

    pub async fn clear_faults(&self) -> Result<(), ControlError> {
        self.order(Method::DELETE, "faults", None::<&()>).await
    }

    /// Holds matching requests before or after they are handled.
    pub async fn add_barrier(&self, on: Match, when: When) -> Result<BarrierState, ControlError> {
        self.send(Method::POST, "barriers", Some(&Barrier { on, when })).await
    }

    /// Waits until `arrivals` requests in all have come to the barrier.
    pub async fn wait_barrier(&self, id: u64, arrivals: u64, timeout: Duration) -> Result<BarrierState, ControlError> {
        self.ask(&format!("barriers/{id}/wait?arrivals={arrivals}&timeout_seconds={}", timeout.as_secs_f64())).await
    }

    /// Lets go what is held now; the barrier stands.
    pub async fn release_barrier(&self, id: u64, how: Release) -> Result<BarrierState, ControlError> {
        self.send(Method::POST, &format!("barriers/{id}/release?abandon={}", how == Release::Abandon), None::<&()>)
            .await
    }

    /// Removes the barrier and lets go what it holds.
    pub async fn remove_barrier(&self, id: u64, how: Release) -> Result<(), ControlError> {
        self.order(Method::DELETE, &format!("barriers/{id}?abandon={}", how == Release::Abandon), None::<&()>).await
    }

    /// One page of the call log.
    pub async fn log_page(&self, since: u64, tenant: Option<&str>) -> Result<CallPage, ControlError> {
        let query = tenant.map(|tenant| format!("&tenant={tenant}")).unwrap_or_default();
        self.ask(&format!("log?since={since}&limit=10000{query}")).await
    }

    /// Everything in the call log after `since`.
    pub async fn log(&self, mut since: u64, tenant: Option<&str>) -> Result<Vec<CallEntry>, ControlError> {
        let mut entries = Vec::new();
        loop {
            let page = self.log_page(since, tenant).await?;
            if page.next == since {
                return Ok(entries);
            }
            since = page.next;
            entries.extend(page.entries);
        }
    }

    /// Moves the simulator's clock forward: tokens expire, replication catches up, budgets refill.
    pub async fn advance_clock(&self, by: Duration) -> Result<(), ControlError> {
        self.order(Method::POST, "clock", Some(&json!({"advance_seconds": by.as_secs_f64()}))).await
    }

    async fn ask<A: DeserializeOwned>(&self, path: &str) -> Result<A, ControlError> {
        self.send(Method::GET, path, None::<&()>).await
    }

    async fn send<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<A, ControlError> {
        Ok(self.exchange(method, path, body).await?.json().await?)
    }

    async fn order(&self, method: Method, path: &str, body: Option<&impl Serialize>) -> Result<(), ControlError> {
        self.exchange(method, path, body).await.map(drop)
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<reqwest::Response, ControlError> {
        let mut request =
            self.http.request(method.clone(), format!("{}/_sim/{path}", self.base)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.text().await.unwrap_or_default();
        Err(ControlError::Refused { method, path: path.to_owned(), status: status.as_u16(), body })
    }
}
