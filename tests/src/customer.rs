//! One customer: its simulated tenant, its guardrail, its agent's configuration.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use entente_model::{Plane, PlaneMode};
use entente_simulator::control::seed::TenantSeed;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

/// Roles that a guardrail of the fleet lets the agent assign, by display name.
pub const AZURE_ROLES: [(&str, &str); 4] = [
    ("Microsoft Sentinel Reader", "8d289c81-5878-46d4-8554-54e1e3d8b5cb"),
    ("Microsoft Sentinel Responder", "3e150937-b8fe-4cfb-8069-0eaf05ecd056"),
    ("Microsoft Sentinel Contributor", "ab8e14d6-4a74-4a29-9ba8-549422addade"),
    ("Microsoft Sentinel Playbook Operator", "51d6186e-6489-4900-b93f-92e23144cca5"),
];

/// Azure's Role Based Access Control Administrator.
const RBAC_ADMINISTRATOR: &str = "f58310d9-a9f6-439a-9e8d-f62e7b41a168";

/// Entra's Security Reader.
pub const SECURITY_READER: &str = "5d6b6bb7-de71-4623-b4af-96380a352509";

/// The provider's home tenant.
pub const HOME_TENANT: &str = "0a0de000-0000-4000-8000-000000000002";

/// The properties of one customer. The fields are public, so that a story can change them.
#[derive(Debug, Clone)]
pub struct Customer {
    /// Also the id of the tenant resource: `contoso`.
    pub name: String,
    /// Makes every id of this customer unique.
    pub number: u32,
    pub labels: BTreeMap<String, String>,
    pub modes: BTreeMap<Plane, PlaneMode>,
    /// Directory roles that the guardrail lists, by display name.
    pub entra_roles: Vec<(String, String)>,
    /// Capabilities that the guardrail allows.
    pub allow: Vec<String>,
    pub ask: Vec<String>,
    /// `never`, `ask` or `allow`.
    pub adopt_existing: String,
    pub on_leave: Vec<String>,
    pub max_operators: u32,
    pub joiners_per_day: u32,
    pub other_changes_per_day: u32,
    pub implied_removals_per_day: u32,
    /// Lines that are added to the guardrail as they are.
    pub guardrail_extra: String,
    /// Graph permissions that the agent does not get although its guardrail needs them.
    pub withheld: Vec<String>,
    /// People who are guests already, by address.
    pub existing_guests: Vec<String>,
    /// Settings of the simulated tenant, as its control API takes them.
    pub settings: Value,
    /// Switches of the simulated tenant, for facts that no source is sure of.
    pub switches: BTreeMap<String, String>,
    /// Lines that are added to the agent's configuration, before its tables.
    pub agent_extra: String,
    /// Lines that are added to its table `[cloud]`.
    pub cloud_extra: String,
}

impl Customer {
    /// A customer that lets the agent manage every plane but directory roles, which few will.
    pub fn new(name: &str, number: u32) -> Self {
        let managed = Plane::ALL.iter().copied().filter(|plane| *plane != Plane::EntraRoles);
        Self {
            name: name.to_owned(),
            number,
            labels: BTreeMap::from([("region".to_owned(), "nordic".to_owned())]),
            modes: managed.map(|plane| (plane, PlaneMode::Manage)).collect(),
            entra_roles: Vec::new(),
            allow: ["readIncidents", "manageAlerts", "respond", "runPlaybooks", "readLogs", "readAuthorization"]
                .map(str::to_owned)
                .to_vec(),
            ask: Vec::new(),
            adopt_existing: "ask".into(),
            on_leave: ["revokeSessions", "block"].map(str::to_owned).to_vec(),
            max_operators: 100,
            joiners_per_day: 1_000,
            other_changes_per_day: 10_000,
            implied_removals_per_day: 1_000,
            guardrail_extra: String::new(),
            withheld: Vec::new(),
            existing_guests: Vec::new(),
            // People redeem at once, so stories about other things need not wait for it.
            settings: json!({"auto_redeem_seconds": 0}),
            switches: BTreeMap::new(),
            agent_extra: String::new(),
            cloud_extra: String::new(),
        }
    }

    pub fn with_mode(mut self, plane: Plane, mode: PlaneMode) -> Self {
        self.modes.insert(plane, mode);
        self
    }

    /// Security Reader may be given; how far the agent goes is left to the file's default where no mode is named.
    pub fn with_directory_roles(mut self, mode: Option<PlaneMode>) -> Self {
        self.modes.extend(mode.map(|mode| (Plane::EntraRoles, mode)));
        self.entra_roles = vec![("Security Reader".into(), SECURITY_READER.into())];
        let more =
            ["readEmailMetadata", "readPosture", "readSettings", "readSignIns", "readRecoveryKeys", "readDirectory"];
        self.allow.extend(more.map(str::to_owned));
        // What was given may be missing from the next look, for as long.
        self.agent_extra.push_str("entra_lag_seconds = 2\n");
        self
    }

    /// The tenant's id with Entra.
    pub fn entra_tenant(&self) -> String {
        format!("0c0de000-0000-4000-8000-{:012}", self.number)
    }

    /// The agent's application in that tenant.
    pub fn client_id(&self) -> String {
        format!("0c11e000-0000-4000-8000-{:012}", self.number)
    }

    pub fn client_secret(&self) -> String {
        format!("simulated-secret-of-{}", self.name)
    }

    pub fn scope(&self) -> String {
        format!("/subscriptions/{}/resourceGroups/rg-sentinel", self.subscription())
    }

    fn subscription(&self) -> String {
        format!("11111111-1111-4111-8111-{:012}", self.number)
    }

    /// The manifest of this customer.
    pub fn manifest(&self) -> Value {
        json!({
            "kind": "Tenant",
            "name": format!("tenants/{}", self.name),
            "customer": self.name,
            "entraTenant": self.entra_tenant(),
            "home": "homeTenants/nordwall",
            "labels": self.labels,
            "scopes": {"sentinel_resource_group": [self.scope()]},
            "workspaces": [{"name": format!("law-{}", self.name), "permissionSource": "azure_rbac"}],
        })
    }

    /// The customer's file. `state_key` is the provider's root key.
    pub fn guardrail(&self, state_key: &str) -> String {
        let review = (OffsetDateTime::now_utc() + Duration::days(180)).date();
        let mut planes = String::new();
        for (plane, mode) in &self.modes {
            let _ = writeln!(planes, "  {plane}: {mode}");
        }
        let entra: String = self.entra_roles.iter().map(|(name, id)| format!("    {name}: {id}\n")).collect();
        let entra = if entra.is_empty() { entra } else { format!("entra:\n  roles:\n{entra}") };
        let roles: String = AZURE_ROLES.iter().map(|(name, id)| format!("    {name}: {id}\n")).collect();
        format!(
            "guardrail: 1\n\
             customer: {{name: {name}, entraTenant: {tenant}}}\n\
             owner: ciso@{name}.example\n\
             reviewBy: {review}\n\
             provider:\n  homeTenant: {HOME_TENANT}\n  mailDomains: [nordwall.example]\n  identityProof: entraOnly\n  stateKey: \"{state_key}\"\n\
             planes:\n{planes}\
             people:\n  userTypes: [guest]\n  maxOperators: {max}\n  barred: []\n  adoptExisting: {adopt}\n  onLeave: [{leave}]\n\
             capabilities:\n  allow: [{allow}]\n  ask: [{ask}]\n\
             azure:\n  scopes: [{scope}]\n  roles:\n{roles}{entra}\
             limits:\n  namePrefix: ent-\n  groups: 12\n  perDay: {{joiners: {joiners}, otherChanges: {changes}, impliedRemovals: {removals}}}\n\
             {extra}",
            name = self.name,
            tenant = self.entra_tenant(),
            max = self.max_operators,
            adopt = self.adopt_existing,
            leave = self.on_leave.join(", "),
            allow = self.allow.join(", "),
            ask = self.ask.join(", "),
            scope = self.scope(),
            joiners = self.joiners_per_day,
            changes = self.other_changes_per_day,
            removals = self.implied_removals_per_day,
            extra = self.guardrail_extra,
        )
    }

    /// The simulated tenant. The agent's application has exactly the permissions that the guardrail needs, by the
    /// product's own table, except those that are withheld.
    pub fn seed(&self, permissions: &[&str]) -> anyhow::Result<TenantSeed> {
        let granted: Vec<_> =
            permissions.iter().filter(|name| !self.withheld.iter().any(|other| other == *name)).collect();
        let roles: Vec<_> = AZURE_ROLES.iter().map(|(_, id)| id).collect();
        let guests = self.existing_guests.iter();
        let guests: Vec<_> =
            guests.map(|mail| json!({"display_name": mail, "mail": mail, "guest": true, "redeemed": true})).collect();
        Ok(serde_json::from_value(json!({
            "id": self.entra_tenant(),
            "domain": format!("{}.onmicrosoft.com", self.name),
            "display_name": self.name,
            "subscriptions": [{
                "id": self.subscription(),
                "display_name": "production",
                "resource_groups": [{"name": "rg-sentinel", "workspaces": [format!("law-{}", self.name)]}],
            }],
            "apps": [{
                "app_id": self.client_id(),
                "display_name": "entente-agent",
                "secret": self.client_secret(),
                "permissions": granted,
                "azure_roles": [{"scope": self.scope(), "role": RBAC_ADMINISTRATOR, "condition_role_ids": roles}],
            }],
            // Role-assignable groups take it (Entra: role-assignable groups).
            "licences": if self.entra_roles.is_empty() { json!([]) } else { json!(["P1"]) },
            "users": guests,
            "settings": self.settings,
            "switches": self.switches,
        }))?)
    }

    /// The agent's configuration file, beside its guardrail and its secret.
    pub fn agent_config(&self, cloud_url: &str, lag_seconds: u32) -> String {
        format!(
            "entra_tenant = \"{tenant}\"\n\
             guardrail = \"guardrail.yaml\"\n\
             state_dir = \"state\"\n\
             replication_lag_seconds = {lag_seconds}\nunseen_seconds = 6\n\
             {extra}\n\
             [cloud]\nlogin = \"{cloud_url}\"\ngraph = \"{cloud_url}\"\narm = \"{cloud_url}\"\nextra_ca = \"cloud-ca.pem\"\n{cloud_extra}\n\
             [credential]\nclient_id = \"{client}\"\nsecret_file = \"client-secret\"\n",
            tenant = self.entra_tenant(),
            client = self.client_id(),
            extra = self.agent_extra,
            cloud_extra = self.cloud_extra,
        )
    }
}
