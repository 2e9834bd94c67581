//! Access tokens: one per service, requested once however many callers wait, and refused if they are for another
//! tenant.
//!
//! It reads three claims (`tid`, `oid`, `roles`) of a token that came directly from Entra over TLS. It verifies no
//! signature and knows no operation. `credential.rs` has the proof of identity.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::HeaderValue;
use reqwest::{Method, Request};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::call::{Attempt, Call, Effect, Service, Step, Trail};
use crate::config::{Config, Patience};
use crate::credential::{Credential, WAITS, print, proof, read_token};
use crate::endpoints::Endpoints;
use crate::failure::{Answer, Failure, Refusal, TokenError};
use crate::secret::Secret;
use crate::transport::{Exchange, Reply, Transport, Via, root_cause};
use crate::trouble::Troubles;
use crate::wire::Wire;

/// A token is renewed this long before its end, or at half its life if that is shorter. This is longer than any call.
const RENEW_BEFORE: Duration = Duration::from_secs(5 * 60);

const ASK: &str = "POST /{tenant}/oauth2/v2.0/token";
const ASK_MACHINE: &str = "GET managed identity token";

/// A token's claims about its bearer.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Claims {
    tid: Uuid,
    pub(crate) oid: Uuid,
    /// Absent if the application has no permissions.
    #[serde(default)]
    pub(crate) roles: BTreeSet<String>,
}

/// A token in use. Cheap to clone. `Debug` shows its claims but not the token.
#[derive(Debug, Clone)]
pub(crate) struct Bearer(Arc<Token>);

#[derive(Debug)]
struct Token {
    /// Marked sensitive: `Debug` prints a placeholder.
    header: HeaderValue,
    claims: Claims,
    renew_at: Instant,
    ends_at: Instant,
}

impl Bearer {
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.header.clone()
    }

    pub(crate) fn claims(&self) -> &Claims {
        &self.0.claims
    }
}

/// The tokens of one agent. A service's lock is held while its token is requested, so the other callers wait for that
/// one.
#[derive(Debug)]
pub(crate) struct Tokens {
    entra_tenant_id: Uuid,
    credential: Credential,
    patience: Patience,
    endpoints: Endpoints,
    graph: Mutex<Option<Bearer>>,
    arm: Mutex<Option<Bearer>>,
    /// Held while a token is requested: both services' tokens come from one credential, and one refusal is enough.
    asking: Mutex<()>,
    pub(crate) troubles: Troubles,
}

impl Tokens {
    pub(crate) fn new(config: &Config, endpoints: &Endpoints) -> Tokens {
        Tokens {
            entra_tenant_id: config.entra_tenant_id,
            credential: config.credential.clone(),
            patience: config.patience.clone(),
            endpoints: endpoints.clone(),
            graph: Mutex::default(),
            arm: Mutex::default(),
            asking: Mutex::default(),
            troubles: Troubles::default(),
        }
    }

    /// A token for `service`, from the cache while it is valid.
    pub(crate) async fn bearer(&self, service: Service, wire: &Wire) -> Result<Bearer, Arc<TokenError>> {
        let mut slot = self.slot(service).lock().await;
        let cached = slot.clone();
        if let Some(bearer) = cached.as_ref().filter(|b| Instant::now() < b.0.renew_at) {
            return Ok(bearer.clone());
        }
        match self.ask(self.resource(service), wire).await {
            Ok(bearer) => Ok(slot.insert(bearer).clone()),
            // Renewal starts early, so an outage of the login service of some minutes has no effect.
            Err(error) => cached.filter(|b| Instant::now() < b.0.ends_at).ok_or(error),
        }
    }

    /// A new token, unless the credential was refused so recently that it is too early to try again.
    async fn ask(&self, resource: &str, wire: &Wire) -> Result<Bearer, Arc<TokenError>> {
        let _asking = self.asking.lock().await;
        let print = print(&self.credential);
        if let Some(error) = self.troubles.held(print) {
            return Err(error);
        }
        match self.fetch(resource, wire).await {
            Ok(bearer) => {
                self.troubles.accepted();
                Ok(bearer)
            }
            Err(error) => {
                let error = Arc::new(error);
                if error.is_refusal() {
                    self.troubles.refused(error.clone(), print);
                }
                Err(error)
            }
        }
    }

    /// Discards `used`, which was answered with 401, unless another caller has already renewed it.
    pub(crate) async fn discard(&self, service: Service, used: &Bearer) {
        if !self.troubles.may_renew(service) {
            return;
        }
        let mut slot = self.slot(service).lock().await;
        if slot.as_ref().is_some_and(|held| Arc::ptr_eq(&held.0, &used.0)) {
            *slot = None;
        }
    }

    pub(crate) async fn forget(&self) {
        *self.graph.lock().await = None;
        *self.arm.lock().await = None;
    }

    fn slot(&self, service: Service) -> &Mutex<Option<Bearer>> {
        match service {
            Service::Arm => &self.arm,
            Service::Graph | Service::Login => &self.graph,
        }
    }

    /// The audience: the cloud's own name for the service, independent of the address.
    fn resource(&self, service: Service) -> &'static str {
        match service {
            Service::Arm => self.endpoints.cloud.arm(),
            Service::Graph | Service::Login => self.endpoints.cloud.graph(),
        }
    }

    async fn fetch(&self, resource: &str, wire: &Wire) -> Result<Bearer, TokenError> {
        let reply = match &self.credential {
            Credential::ManagedIdentity { client_id, source } => {
                let client = wire.transport.client(Via::Local);
                let request = || source.request(client, resource, *client_id);
                let answer = ask_machine(&wire.transport, request).await;
                answer.map_err(|failure| TokenError::Machine(Box::new(failure)))?
            }
            _ => {
                let answer = self.ask_login(resource, wire).await?;
                answer.map_err(|failure| TokenError::Login(Box::new(failure)))?
            }
        };
        let now = reply.date.unwrap_or_else(|| wire.time.now_or_machine());
        let (token, life) = read_token(reply.body, now)?;
        self.accept(&token, life)
    }

    /// The outer error is about our own files, the inner about the login service.
    async fn ask_login(&self, resource: &str, wire: &Wire) -> Result<Answer<Reply>, TokenError> {
        let path = format!("/{}/oauth2/v2.0/token", self.entra_tenant_id);
        let audience = format!("{}{path}", self.endpoints.cloud.login());
        let url = format!("{}{path}", self.endpoints.login);
        // Requesting a token twice is as harmless as a read.
        let call = Call { method: Method::POST, effect: Effect::Read, ..Call::read(Service::Login, ASK, path) };
        let (mut trail, mut via) = (Trail::without_renewal(), Via::Pooled);
        loop {
            if let Err(failure) = wire.pass(&call).await {
                return Ok(Err(failure));
            }
            let mut form = proof(&self.credential, &audience, wire.time.now_or_machine())?;
            form.push(("grant_type", "client_credentials".to_owned()));
            form.push(("scope", format!("{resource}/.default")));
            let request = wire.transport.client(via).post(&url).form(&form).build();
            let attempt = Attempt::Exchange(wire.exchange(Service::Login, via, request).await);
            match trail.judge(&call, attempt, &self.patience, self.patience.batch, rand::random()) {
                Step::Done(answer) => return Ok(answer),
                Step::Again { wait, fresh_connection, .. } => {
                    via = if fresh_connection { Via::Fresh } else { Via::Pooled };
                    sleep(wait).await;
                }
            }
        }
    }

    fn accept(&self, token: &Secret, life: Duration) -> Result<Bearer, TokenError> {
        let claims = claims(token)?;
        if claims.tid != self.entra_tenant_id {
            return Err(TokenError::WrongTenant { expected: self.entra_tenant_id, actual: claims.tid });
        }
        let mut header = HeaderValue::from_str(&format!("Bearer {}", token.reveal()))
            .map_err(|_| TokenError::Malformed("it is not visible ascii".to_owned()))?;
        header.set_sensitive(true);
        let now = Instant::now();
        Ok(Bearer(Arc::new(Token {
            header,
            claims,
            renew_at: now + life - RENEW_BEFORE.min(life / 2),
            ends_at: now + life,
        })))
    }
}

async fn exchange(transport: &Transport, via: Via, request: Result<Request, reqwest::Error>) -> Exchange {
    match request {
        Ok(request) => transport.exchange(via, request).await,
        Err(error) => Exchange::NotSent(Arc::new(error.without_url())),
    }
}

/// The machine's endpoint has its own retry times (see [`WAITS`]) and answers 404 while it starts.
async fn ask_machine(transport: &Transport, request: impl Fn() -> Result<Request, reqwest::Error>) -> Answer<Reply> {
    let call = Call::read(Service::Login, ASK_MACHINE, String::new());
    let mut last = None;
    for wait in WAITS {
        sleep(wait).await;
        match exchange(transport, Via::Local, request()).await {
            Exchange::Reply(reply) if reply.status == 200 => return Ok(reply),
            Exchange::Reply(reply) => {
                let refusal = Box::new(Refusal::read(ASK_MACHINE, reply.status, reply.request_id, &reply.body));
                if !matches!(reply.status, 404 | 410 | 429 | 500..=599) {
                    return Err(Failure::Refused(refusal));
                }
                last = Some(call.unusable(refusal.to_string()));
            }
            Exchange::TooLarge(_) => return Err(call.unusable("too large")),
            Exchange::NotSent(source) => {
                let reason = "this machine has no managed identity endpoint there".to_owned();
                return Err(Failure::NotSent { call: ASK_MACHINE, reason, source: Some(source) });
            }
            Exchange::Lost(source) => last = Some(call.unusable(root_cause(&*source))),
        }
    }
    Err(last.expect("there is at least one wait, hence one attempt"))
}

fn claims(token: &Secret) -> Result<Claims, TokenError> {
    let malformed = |what: &str| TokenError::Malformed(what.to_owned());
    let payload = token.reveal().split('.').nth(1).ok_or_else(|| malformed("it is not a JWT"))?;
    let bytes =
        URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).map_err(|_| malformed("its claims are not base64url"))?;
    let claims: Value = serde_json::from_slice(&bytes).map_err(|_| malformed("its claims are not JSON"))?;
    serde_json::from_value(claims).map_err(|_| malformed("it lacks a tenant id (tid) or an object id (oid)"))
}
