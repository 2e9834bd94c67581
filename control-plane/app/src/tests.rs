//! Behaviour at the boundary, over the real store: a small service provider, and agents that verify what they get.

mod admin;
mod agent;
mod changes;
mod displacement;
mod endings;
mod escapes;
mod events;
mod fleet;
mod flood;
mod intent;
mod log;
mod many;
mod phases;
mod principals;
mod proofs;
mod removals;
mod restart;
mod streams;
mod users;
mod versions;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use entente_model::intent::{Manifest, ResourceName};
use entente_model::{GoAwayReason, TenantName, Timestamp};
use entente_seal::{OnlineKey, RootKey, Statement, generate_pkcs8};
use entente_store::Store;
use entente_store_embedded::{Sizes, SledStore};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::pki::{CertificateAuthority, KeyPem, Peer, Who, create_ca, create_key_and_csr};
use crate::*;

const DAY: Duration = Duration::from_secs(86_400);

/// A server on a directory of its own, with a clock that only tests move.
struct Bed {
    dir: TempDir,
    root: RootKey,
    online: Vec<u8>,
    ca: (String, KeyPem),
    time: Arc<AtomicI64>,
    app: App,
}

fn start() -> i64 {
    "2026-12-01T12:00:00Z".parse::<Timestamp>().unwrap().as_unix()
}

fn open_store(dir: &TempDir) -> Arc<dyn Store> {
    Arc::new(SledStore::open(&dir.path().join("store"), Uuid::new_v4(), Sizes::FLEET).unwrap())
}

impl Bed {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let random = ring::rand::SystemRandom::new();
        let root = RootKey::from_pkcs8(generate_pkcs8(&random).unwrap().expose()).unwrap();
        let online = generate_pkcs8(&random).unwrap().expose().to_vec();
        let time = Arc::new(AtomicI64::new(start()));
        let now = Timestamp::from_unix(start());
        let ca = create_ca("soc.example", now, 3650 * DAY).unwrap();
        let store = open_store(&dir);
        let key = OnlineKey::from_pkcs8(&online).unwrap().public();
        let not_after = now.plus(90 * DAY);
        let delegation = Statement::Delegation { key, not_before: now, not_after, serial: 1 };
        for statement in [delegation, Statement::Epoch { epoch: 1, reason: "the first".into() }] {
            provision::import(&*store, root.public(), &root.state(&statement)).await.unwrap();
        }
        for role in [ApiRole::Viewer, ApiRole::Editor, ApiRole::Admin] {
            let (name, serial) = (caller(role).principal, pki::Serial::random().unwrap());
            provision::put_principal(&*store, &name, role, serial, now.plus(3650 * DAY), now).await.unwrap();
        }
        let ca = (ca.certificate_pem, ca.key_pem);
        let app = open(store, &online, &ca, &time).await.unwrap();
        Self { dir, root, online, ca, time, app }
    }

    /// With the sample in it.
    async fn with_sample() -> Self {
        let bed = Self::new().await;
        bed.apply(sample()).await.unwrap();
        bed
    }

    /// Stops, and starts over the same directory, changing something in between.
    async fn restart(self, between: impl AsyncFnOnce(&dyn Store, &RootKey)) -> Self {
        let Self { dir, root, online, ca, time, app } = self;
        drop(app);
        let store = open_store(&dir);
        between(&*store, &root).await;
        let app = open(store, &online, &ca, &time).await.unwrap();
        Self { dir, root, online, ca, time, app }
    }

    fn sleep(&self, duration: Duration) {
        self.time.fetch_add(duration.as_secs() as i64, Ordering::SeqCst);
    }

    async fn apply(&self, manifests: Vec<Manifest>) -> Result<Applied, AppError> {
        let puts = manifests.into_iter().map(|manifest| Put::Set { manifest, etag: None }).collect();
        self.app.intents().change(&editor(), Change { puts, deletes: Vec::new() }, &options()).await
    }

    async fn delete(&self, name: &str) -> Result<Applied, AppError> {
        let deletes = vec![Delete { name: name.parse().unwrap(), etag: None }];
        self.app.intents().change(&admin(), Change { puts: Vec::new(), deletes }, &options()).await
    }

    /// Takes a tenant out of every assignment by its label, as it must be before it can be deleted.
    async fn relabel(&self, id: &str, number: u32) {
        let mut moved = serde_json::to_value(customer(id, number)).unwrap();
        moved["labels"] = json!({"region": "alpine"});
        self.apply(vec![manifest(moved)]).await.unwrap();
    }

    async fn leave(&self, name: &str) -> Applied {
        self.app.intents().leave_operator(&editor(), &name.parse().unwrap(), &options()).await.unwrap()
    }

    /// Enrols an agent of a tenant, in the place of the one that may be there.
    async fn enrol(&self, tenant: &TenantName) -> Peer {
        self.enrol_with_key(tenant).await.0
    }

    /// With the key, and the certificate's DER.
    async fn enrol_with_key(&self, tenant: &TenantName) -> (Peer, KeyPem, Vec<u8>) {
        let created = self.app.create_token(&admin(), tenant, Duration::ZERO, true, &options()).await.unwrap();
        let token = secret(created.file.expose());
        let (key, csr_pem) = create_key_and_csr().unwrap();
        let entra = self.entra(tenant);
        let request = EnrollRequest { token: &token, csr_pem: &csr_pem, entra_tenant: &entra };
        let certificate_pem = self.app.enroll(&request).await.unwrap().certificate_pem;
        (peer(&certificate_pem), key, leaf(&certificate_pem))
    }

    fn entra(&self, tenant: &TenantName) -> String {
        self.app.snapshot().fleet.intent().tenants.get(tenant).unwrap().entra_tenant.to_string()
    }

    fn status(&self, tenant: &TenantName) -> TenantStatus {
        self.app.reports().tenant_status(&viewer(), tenant).unwrap()
    }
}

async fn open(
    store: Arc<dyn Store>,
    online: &[u8],
    ca: &(String, KeyPem),
    time: &Arc<AtomicI64>,
) -> Result<App, OpenError> {
    let ca = CertificateAuthority::load(&ca.0, ca.1.expose(), "soc.example").unwrap();
    let time = time.clone();
    let clock: Clock = Arc::new(move || Timestamp::from_unix(time.load(Ordering::SeqCst)));
    App::open(store, Config::new("soc.example:7444"), OnlineKey::from_pkcs8(online).unwrap(), ca, clock).await
}

fn caller(role: ApiRole) -> Caller {
    Caller { principal: format!("principals/{}", role.word()).parse().unwrap(), role, operator: None }
}

fn viewer() -> Caller {
    caller(ApiRole::Viewer)
}

fn editor() -> Caller {
    caller(ApiRole::Editor)
}

fn admin() -> Caller {
    caller(ApiRole::Admin)
}

fn options() -> Options {
    Options { request_id: None, validate_only: false, method: "Test" }
}

fn page() -> PageRequest {
    PageRequest::default()
}

fn tenant(id: &str) -> TenantName {
    TenantName::from_id(id).unwrap()
}

fn name(text: &str) -> ResourceName {
    text.parse().unwrap()
}

fn manifest(value: Value) -> Manifest {
    serde_json::from_value(value).unwrap()
}

/// The line of a token file that an agent sends.
fn secret(file: &str) -> String {
    let line = file.lines().find(|line| line.starts_with("token = ")).unwrap();
    line.trim_start_matches("token = ").trim_matches('"').to_owned()
}

fn peer(certificate_pem: &str) -> Peer {
    Peer::read(&leaf(certificate_pem), "soc.example").unwrap()
}

fn leaf(certificate_pem: &str) -> Vec<u8> {
    use rustls_pki_types::pem::PemObject;
    rustls_pki_types::CertificateDer::from_pem_slice(certificate_pem.as_bytes()).unwrap().to_vec()
}

fn person(id: &str, number: u32) -> Manifest {
    manifest(json!({
        "kind": "Operator", "name": format!("operators/{id}"), "displayName": id,
        "identities": [{
            "home": "homeTenants/nordwall", "objectId": format!("0b0de000-0000-4000-8000-{number:012}"),
            "upn": format!("{id}@nordwall.example"), "mail": format!("{id}@nordwall.example"),
        }],
    }))
}

fn customer(id: &str, number: u32) -> Manifest {
    manifest(json!({
        "kind": "Tenant", "name": format!("tenants/{id}"), "customer": id, "home": "homeTenants/nordwall",
        "entraTenant": format!("0c0de000-0000-4000-8000-{number:012}"), "labels": {"region": "nordic"},
    }))
}

fn squad(members: &[&str]) -> Manifest {
    let members: Vec<Value> = members.iter().map(|id| json!({"operator": format!("operators/{id}")})).collect();
    manifest(json!({"kind": "Squad", "name": "squads/nordic", "owner": "operators/jonas", "members": members}))
}

fn role(version: u32, permission: &str) -> Manifest {
    let items = json!([{"plane": "defenderRoles", "permissions": [permission]}]);
    manifest(json!({"kind": "SocRole", "name": "socRoles/l1", "version": version, "items": items}))
}

/// Two customers; Maya and Li as L1 analysts in both, Jonas nowhere.
fn sample() -> Vec<Manifest> {
    vec![
        manifest(json!({
            "kind": "HomeTenant", "name": "homeTenants/nordwall",
            "entraTenant": "0a0de000-0000-4000-8000-000000000002",
        })),
        customer("contoso", 1),
        customer("fabrikam", 2),
        person("maya", 3),
        person("li", 4),
        person("jonas", 5),
        squad(&["maya", "li"]),
        role(1, "alerts.manage"),
        manifest(json!({
            "kind": "Assignment", "name": "assignments/nordic-l1", "squad": "squads/nordic", "role": "socRoles/l1@1",
            "tenants": {"labels": {"region": "nordic"}}, "justification": "Nordic L1", "owner": "operators/jonas",
        })),
    ]
}
