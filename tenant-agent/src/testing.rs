//! A customer for tests: a simulated tenant behind real HTTPS, a guardrail, a state directory; and a desired state
//! that is put in by hand where a control plane would send it.

pub mod provider;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use entente_model::desired::{
    AzureRoleBody, Digest, GroupBody, Item, ItemBody, ItemKey, MemberBody, UserBody, Version, Want,
};
use entente_model::intent::UserType;
use entente_model::revocation::Cause;
use entente_model::{AgentName, Guid, Timestamp, Window, Windows};
use entente_planner::guardrail::Guardrail;
use entente_planner::permission::{self, System};
use entente_seal::RootKey;
use entente_session::{Desired, Status, View};
use entente_simulator::control::Client;
use entente_simulator::control::seed::{
    AppSeed, AzureRoleSeed, GroupSeed, ResourceGroupSeed, SettingsPatch, SubscriptionSeed, TenantSeed, UserSeed,
};
use entente_simulator::control::types::{Figures, Truth};
use entente_simulator::{Running, Simulator};
use tempfile::TempDir;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::Config;
use crate::guardrail_file::GuardrailReader;
use crate::identity::Signer;
use crate::memory::Memory;
use crate::steward::{Parts, Steward};
use crate::stream::PlanRequest;
use crate::switches::Switches;
use crate::tenant::Tenant;

pub const TENANT: &str = "0c0de000-0000-4000-8000-000000000001";
pub const CLIENT: &str = "0c11e000-0000-4000-8000-000000000001";
const SUBSCRIPTION: &str = "11111111-1111-4111-8111-111111111111";
pub const RESPONDER: &str = "3e150937-b8fe-4cfb-8069-0eaf05ecd056";
const RBAC_ADMINISTRATOR: &str = "f58310d9-a9f6-439a-9e8d-f62e7b41a168";

/// Longer than any story takes, even on a machine that is busy with others.
const PATIENCE: Duration = Duration::from_secs(120);

/// A fixed Ed25519 key in PKCS #8 (RFC 8410, section 10.3): known to all, so it guards nothing.
pub const ROOT_PKCS8: [u8; 48] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20, 0xd4, 0xee, 0x72,
    0xdb, 0xf9, 0x13, 0x58, 0x4a, 0xd5, 0xb6, 0xd8, 0xf1, 0xf7, 0x69, 0xf8, 0xad, 0x3a, 0xfe, 0x7c, 0x28, 0xcb, 0xf1,
    0xd4, 0xfb, 0xe0, 0x97, 0xa8, 0x8f, 0x44, 0x75, 0x58, 0x42,
];

pub fn root() -> RootKey {
    RootKey::from_pkcs8(&ROOT_PKCS8).unwrap()
}

/// The application permissions that the guardrail needs, by the product's own table.
pub fn permissions(mode: &str) -> Vec<&'static str> {
    let needed = permission::needed(&Guardrail::parse(&guardrail(mode)).unwrap());
    needed.into_iter().filter(|row| row.system == System::Graph).map(|row| row.name).collect()
}

pub fn scope() -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-sentinel")
}

/// What a customer is like.
pub struct Spec {
    pub mode: &'static str,
    pub permissions: Vec<&'static str>,
    pub settings: SettingsPatch,
    /// There before the agent.
    pub users: Vec<UserSeed>,
    pub groups: Vec<GroupSeed>,
    /// What the agent's application is in Azure.
    pub azure_role: AzureRoleSeed,
}

impl Default for Spec {
    fn default() -> Self {
        Self::with_mode("manage")
    }
}

impl Spec {
    pub fn with_mode(mode: &'static str) -> Self {
        let settings = SettingsPatch { auto_redeem_seconds: Some(0.0), ..SettingsPatch::default() };
        let azure_role = AzureRoleSeed {
            scope: scope(),
            role: RBAC_ADMINISTRATOR.into(),
            condition_role_ids: vec![RESPONDER.into()],
            condition: None,
        };
        Self { mode, permissions: permissions(mode), settings, users: Vec::new(), groups: Vec::new(), azure_role }
    }
}

pub struct World {
    pub control: Client,
    pub config: Config,
    pub view: watch::Sender<View>,
    pub status: watch::Sender<Option<Arc<Status>>>,
    pub nudge: Arc<Notify>,
    pub plans: Option<mpsc::Sender<PlanRequest>>,
    pub ledger: Uuid,
    /// As it was enrolled last: its name, and its key and certificate.
    pub agent: AgentName,
    pub signer: Arc<ArcSwap<Signer>>,
    clock: Clock,
    _simulator: Running,
    _dir: TempDir,
}

impl World {
    pub async fn new() -> Self {
        Self::of(Spec::default()).await
    }

    pub async fn of(spec: Spec) -> Self {
        let simulator = Simulator::start(entente_simulator::Config::default()).await.unwrap();
        let control = simulator.control().unwrap();
        control.seed(&tenant(&spec)).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        write("cloud-ca.pem", &simulator.ca_pem);
        write("client-secret", "simulated");
        write("guardrail.yaml", &guardrail(spec.mode));
        write("agent.toml", &config(&simulator.url()));
        let config = Config::load(&dir.path().join("agent.toml"), |_| None).unwrap();
        crate::files::make_private_dir(&config.state_dir).unwrap();
        let ledger = Memory::create(&config.state_dir).unwrap();
        Self {
            control,
            config,
            view: watch::Sender::new(View::default()),
            status: watch::Sender::new(None),
            nudge: Arc::new(Notify::new()),
            plans: None,
            ledger,
            agent: "tenants/contoso/agents/a1".parse().unwrap(),
            signer: Arc::new(ArcSwap::from_pointee(signer())),
            clock: Clock::start(),
            _simulator: simulator,
            _dir: dir,
        }
    }

    /// The agent's loop, as after a start.
    pub async fn steward(&mut self) -> Steward {
        let (plans, asked) = mpsc::channel(1);
        self.plans = Some(plans);
        let parts = Parts {
            cloud: Tenant::of(entente_cloud::Cloud::new(self.config.cloud.clone()).unwrap()),
            memory: Memory::open(&self.config.state_dir, self.ledger).unwrap(),
            clock: self.clock.clone(),
            settings: self.config.settings.clone(),
            tenant: self.config.entra_tenant,
            agent: self.agent.clone(),
            signer: self.signer.clone(),
            guardrail: GuardrailReader::new(self.config.guardrail.clone(), self.config.entra_tenant, root().id()),
            state_dir: self.config.state_dir.clone(),
            credential_expires: None,
            view: self.view.subscribe(),
            nudge: self.nudge.clone(),
            plans: asked,
            status: self.status.clone(),
        };
        Steward::new(parts).await.unwrap()
    }

    /// The next agent is enrolled anew, under another name, on the same state directory.
    pub fn enroll_anew(&mut self, agent: &str) {
        self.agent = agent.parse().unwrap();
        self.signer = Arc::new(ArcSwap::from_pointee(signer()));
    }

    /// Puts a desired state where the session would.
    pub fn desire(&self, revision: u64, items: &[Item]) {
        let mut digest = Digest::default();
        digest.0[..8].copy_from_slice(&revision.to_be_bytes());
        let desired = Desired { version: Version { epoch: 1, revision }, digest, items: items.into() };
        let fresh_until = Some(self.clock.now().uptime + Duration::from_secs(3_600));
        self.view.send_replace(View {
            desired: Some(Arc::new(desired)),
            fresh_until,
            connected: true,
            ..View::default()
        });
    }

    /// Rounds until the loop would sleep for longer than anything that it waits for.
    pub async fn settle(&self, steward: &mut Steward) {
        let cancel = CancellationToken::new();
        let rounds = async {
            loop {
                let wait = steward.round(&cancel).await.unwrap();
                if wait > Duration::from_secs(60) {
                    return;
                }
                tokio::time::sleep(wait).await;
            }
        };
        if tokio::time::timeout(PATIENCE, rounds).await.is_err() {
            panic!("it does not settle: {}", self.told());
        }
    }

    /// Rounds until what is told has this in it.
    pub async fn until_told(&self, steward: &mut Steward, text: &str) {
        let cancel = CancellationToken::new();
        let rounds = async {
            while !self.told().contains(text) {
                let wait = steward.round(&cancel).await.unwrap();
                tokio::time::sleep(wait.min(Duration::from_millis(200))).await;
            }
        };
        if tokio::time::timeout(PATIENCE, rounds).await.is_err() {
            panic!("never told {text}: {}", self.told());
        }
    }

    pub fn switches(&self) -> Switches {
        Switches::of(&self.config.state_dir)
    }

    pub async fn truth(&self) -> Truth {
        self.control.truth(TENANT).await.unwrap()
    }

    /// Whether a person can do nothing any more: no enabled account, no role, and in no group but the one that marks
    /// our guests.
    pub async fn is_gone(&self, n: u8) -> bool {
        let groups = self.truth().await.groups;
        let anchor = groups.iter().find(|group| group.display_name == "ent-anchor").map(|group| &group.id);
        let users = self.control.rights(TENANT, &mail(n)).await.unwrap().users;
        users.iter().all(|user| {
            let roles = user.azure_roles.len() + user.defender_roles.len() + user.entra_roles.len();
            !user.enabled && roles == 0 && user.memberships.iter().all(|group| Some(group) == anchor)
        })
    }

    pub async fn figures(&self) -> Figures {
        self.control.figures(TENANT, Some(CLIENT)).await.unwrap()
    }

    /// Requests that changed something, in order.
    pub async fn writes(&self) -> Vec<String> {
        let log = self.control.log(0, Some(TENANT)).await.unwrap();
        let writes = log.into_iter().filter(|call| {
            call.plane != "token" && call.method != "GET" && !call.path.contains("$batch") && call.status < 300
        });
        writes.map(|call| format!("{} {}", call.method, call.path.split('?').next().unwrap_or_default())).collect()
    }

    /// Every item as it was last told, a line each.
    pub fn told(&self) -> String {
        let Some(status) = self.status.borrow().clone() else { return String::new() };
        let line = |item: &entente_model::report::ItemReport| {
            let reason = item.reason.map_or_else(String::new, |reason| format!(" {}", reason.word()));
            format!("{} {}{reason}", item.key, item.state.word())
        };
        status.items.values().map(line).collect::<Vec<_>>().join("\n")
    }

    pub fn write_guardrail(&self, text: &str) {
        std::fs::write(&self.config.guardrail, text).unwrap();
    }
}

fn tenant(spec: &Spec) -> TenantSeed {
    let app = AppSeed {
        app_id: CLIENT.into(),
        secret: Some("simulated".into()),
        permissions: spec.permissions.iter().map(ToString::to_string).collect(),
        azure_roles: vec![spec.azure_role.clone()],
        ..AppSeed::default()
    };
    let group = ResourceGroupSeed { name: "rg-sentinel".into(), workspaces: vec!["law-contoso".into()] };
    TenantSeed {
        id: TENANT.into(),
        subscriptions: vec![SubscriptionSeed {
            id: SUBSCRIPTION.into(),
            resource_groups: vec![group],
            ..Default::default()
        }],
        apps: vec![app],
        settings: spec.settings.clone(),
        users: spec.users.clone(),
        groups: spec.groups.clone(),
        ..TenantSeed::default()
    }
}

fn config(cloud: &str) -> String {
    format!(
        "entra_tenant = \"{TENANT}\"\nguardrail = \"guardrail.yaml\"\nstate_dir = \"state\"\n\
         replication_lag_seconds = 1\nunseen_seconds = 3\nrecheck_seconds = 1\n\
         [cloud]\nlogin = \"{cloud}\"\ngraph = \"{cloud}\"\narm = \"{cloud}\"\nextra_ca = \"cloud-ca.pem\"\n\
         [credential]\nclient_id = \"{CLIENT}\"\nsecret_file = \"client-secret\"\n"
    )
}

/// A file that allows what the items below ask for, every plane at that mode.
pub fn guardrail(mode: &str) -> String {
    format!(
        "guardrail: 1\n\
         customer: {{name: Contoso, entraTenant: {TENANT}}}\n\
         owner: ciso@contoso.example\n\
         reviewBy: 2099-12-31\n\
         provider:\n  homeTenant: {HOME_TENANT}\n  mailDomains: [nordwall.example]\n  stateKey: \"{key}\"\n\
         planes: {{users: {mode}, groups: {mode}, memberships: {mode}, azureRoles: {mode}}}\n\
         people: {{userTypes: [guest], maxOperators: 25, adoptExisting: ask, onLeave: [revokeSessions, block]}}\n\
         capabilities: {{allow: [readIncidents, manageAlerts, respond, readLogs, readAuthorization]}}\n\
         azure:\n  scopes: [{scope}]\n  roles: {{Microsoft Sentinel Responder: {RESPONDER}}}\n\
         limits: {{namePrefix: ent-, groups: 12, perDay: {{joiners: 50, otherChanges: 500, impliedRemovals: 50}}}}\n",
        key = root().id(),
        scope = scope(),
    )
}

const HOME_TENANT: &str = "0a0de000-0000-4000-8000-000000000002";

/// The home object id of the nth person.
pub fn person(n: u8) -> Guid {
    Guid::from_u128(0x0b0d_e000_0000_4000_8000_0000_0000_0000 + u128::from(n))
}

pub fn mail(n: u8) -> String {
    format!("{}@nordwall.example", ["maya", "jonas", "li", "sam"][usize::from(n) % 4])
}

pub fn user(n: u8) -> Item {
    let body = ItemBody::User(UserBody {
        operator: "operators/maya".parse().unwrap(),
        display_name: format!("Person {n}"),
        upn: mail(n),
        mail: mail(n),
        user_type: UserType::Guest,
        home_tenant: HOME_TENANT.parse().unwrap(),
    });
    item(&format!("user/nordwall/{}", person(n)), body)
}

pub fn member(n: u8) -> Item {
    item(
        &format!("member/l1-analyst/standard/nordwall/{}", person(n)),
        ItemBody::Member(MemberBody { grounds: Vec::new() }),
    )
}

/// The group of L1 analysts and its Azure role.
pub fn scaffold() -> Vec<Item> {
    let group = ItemBody::Group(GroupBody { display_name: "ent-l1-analyst".into(), description: "L1 analysts".into() });
    let definition: Guid = RESPONDER.parse().unwrap();
    let role = ItemBody::AzureRole(AzureRoleBody {
        scope: scope(),
        definition,
        role_name: "Microsoft Sentinel Responder".into(),
    });
    let key = format!("azureRole/l1-analyst/standard{}/{definition}", scope().to_lowercase());
    vec![item("group/l1-analyst/standard", group), item(&key, role)]
}

/// Those people as L1 analysts.
pub fn analysts(people: &[u8]) -> Vec<Item> {
    let people = people.iter().flat_map(|n| [user(*n), member(*n)]);
    people.chain(scaffold()).collect()
}

/// The same item, named for removal because the person left.
pub fn left(mut item: Item) -> Item {
    item.want = Want::Absent {
        cause: Cause::Left,
        actor: "principals/admin".into(),
        since: crate::clock::wall(),
        known: Default::default(),
        addresses: Default::default(),
    };
    item
}

/// The same item, until then.
pub fn until(mut item: Item, end: Timestamp) -> Item {
    item.windows = vec![Window { start: None, end: Some(end) }].into();
    item
}

fn item(key: &str, body: ItemBody) -> Item {
    let key: ItemKey = key.parse().unwrap();
    Item { key, want: Want::Present, windows: Windows::always(), body }
}

/// A key that nobody enrolled, under a certificate of its own making.
fn signer() -> Signer {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["agent".into()]).unwrap().self_signed(&key).unwrap();
    Signer::of(&format!("{}\n{}", key.serialize_pem(), certificate.pem())).unwrap()
}
