//! A world in three lines: what is desired, the tenant, the ledger, the guardrail and the time.
//!
//! `step` is one turn of the agent's loop, with the checker asked before anything is done; `text` is what it said,
//! with names for ids.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use entente_model::desired::{Item, ItemKey, Version};
use entente_model::{Guid, Timestamp, catalog};

use super::tenant::Tenant;
use crate::guardrail::{Guardrail, Unreadable};
use crate::judge::{Fault, check, check_first};
use crate::ledger::Ledger;
use crate::moment::Moment;
use crate::plan::{Input, NotAllowed, Plan, Settings, first, first_reads, not_allowed, plan, revoke, revoke_all};
use crate::reads::{ReadSet, reads};
use crate::record::{after, before};

/// Azure: built-in roles, Reader.
pub const READER: Guid = Guid::from_u128(0xacdd72a7_3385_48ef_bd42_f606fba81ae7);
pub const SCOPE: &str = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-sentinel";
pub const RESPONDER: Guid = Guid::from_u128(0x3e150937_b8fe_4cfb_8069_0eaf05ecd056);
/// Entra: built-in roles.
pub const SECURITY_READER: Guid = Guid::from_u128(0x5d6b6bb7_de71_4623_b4af_96380a352509);
pub const DIRECTORY_READERS: Guid = Guid::from_u128(0x88d8e3e3_8f55_4a1e_953a_9b9898b8876b);
pub const SECURITY_ADMINISTRATOR: Guid = Guid::from_u128(0x194ae4cb_b126_40b2_bd5b_6091b380977d);
pub const CONTOSO: Guid = Guid::from_u128(0x0c0de000_0000_4000_8000_000000000001);
pub(super) const HOME: Guid = Guid::from_u128(0x0a0de000_0000_4000_8000_000000000002);

/// The guardrail that the worlds begin with.
pub const GUARDRAIL: &str = r#"
guardrail: 1
customer: {name: Contoso, entraTenant: 0c0de000-0000-4000-8000-000000000001}
owner: ciso@contoso.example
reviewBy: 2027-03-31
provider:
  homeTenant: 0a0de000-0000-4000-8000-000000000002
  mailDomains: [nordwall.example]
  identityProof: entraOnly
  stateKey: "ed25519:7f3c7f3c7f3c7f3c7f3c7f3c7f3c7f3c7f3c7f3c7f3c7f3c7f3c7f3c7f3c7f3c"
planes: {users: manage, groups: manage, memberships: manage, azureRoles: manage, defenderRoles: manage}
people:
  userTypes: [guest]
  maxOperators: 25
  barred: []
  adoptExisting: ask
  onLeave: [revokeSessions, block]
capabilities:
  allow: [readIncidents, manageAlerts, respond, runPlaybooks, readLogs, readAuthorization]
  ask: [liveResponseBasic]
azure:
  scopes: [/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-sentinel]
  roles:
    Microsoft Sentinel Responder: 3e150937-b8fe-4cfb-8069-0eaf05ecd056
    Microsoft Sentinel Playbook Operator: 51d6186e-6489-4900-b93f-92e23144cca5
protected:
  agentHome: /subscriptions/99999999-9999-4999-8999-999999999999/resourceGroups/rg-entente
limits:
  namePrefix: ent-
  groups: 12
  perDay: {joiners: 5, otherChanges: 40, impliedRemovals: 10}
"#;

pub struct World {
    pub tenant: Tenant,
    pub items: BTreeMap<ItemKey, Item>,
    pub ledger: Ledger,
    pub guardrail: Result<Guardrail, Unreadable>,
    pub settings: Settings,
    pub version: Version,
    pub now: Timestamp,
    pub paused: bool,
    pub ended: bool,
    pub lease_fresh: bool,
    /// How old what a look shows is.
    pub lag: Duration,
    /// How long a look takes, from its first read to the plan.
    pub reading: Duration,
    pub last: Option<Plan>,
    /// Counts the agent's starts.
    pub run: u64,
    /// By how many seconds the time that the agent is told has jumped; its monotonic clock has not.
    pub jumped: i64,
    pub(super) people: Vec<String>,
}

impl World {
    pub fn new() -> Self {
        let mut tenant = Tenant::default();
        tenant.state.defender.actions =
            catalog::DEFENDER_PERMISSIONS.iter().flat_map(|it| it.candidates).map(ToString::to_string).collect();
        Self {
            tenant,
            items: BTreeMap::new(),
            ledger: Ledger::default(),
            guardrail: Guardrail::load(GUARDRAIL, CONTOSO),
            settings: Settings { unseen_for: Duration::from_secs(600), ..Settings::default() },
            version: Version { epoch: 1, revision: 1 },
            now: "2026-11-23T08:00:00Z".parse().unwrap(),
            paused: false,
            ended: false,
            lease_fresh: true,
            lag: Duration::ZERO,
            reading: Duration::ZERO,
            last: None,
            run: 1,
            jumped: 0,
            people: Vec::new(),
        }
    }

    /// Changes a line of the guardrail.
    pub fn guardrail(mut self, from: &str, to: &str) -> Self {
        assert!(GUARDRAIL.contains(from), "{from} is not in the guardrail");
        self.guardrail = Guardrail::load(&GUARDRAIL.replace(from, to), CONTOSO);
        assert!(self.guardrail.is_ok(), "{:?}", self.guardrail);
        self
    }

    /// The agent is put up anew, with nothing of what it remembered.
    pub fn replace_agent(&mut self) {
        self.ledger = Ledger::default();
        self.run += 1;
        self.last = None;
    }

    /// The first step for leavers, with these parts of the tenant closed.
    pub fn first(&mut self, closed: &[&'static str]) -> String {
        self.tenant.keep(self.now);
        for part in closed {
            self.tenant.unread.insert(part, entente_model::report::Reason::CloudUnavailable);
        }
        let user_ids = first_reads(&self.items, &self.ledger);
        let set = ReadSet { user_ids, ..ReadSet::default() };
        let plan = self.with_input_of(&set, first);
        assert_eq!(self.with_input_of(&set, |input| check_first(&plan, input)), [], "{}", self.text(&plan));
        closed.iter().for_each(|part| _ = self.tenant.unread.remove(part));
        self.carry_out(&plan);
        self.text(&plan)
    }

    /// The customer allows one new invitation.
    pub fn allow_again(&mut self, name: &str) -> bool {
        let id = self.home_id(name);
        let update = self.ledger.allow_again(id, self.now);
        self.ledger.apply_all(&update);
        update.is_some()
    }

    /// No longer desired, and not named.
    pub fn drop(&mut self, name: &str) {
        let id = self.home_id(name);
        self.version.revision += 1;
        self.items.retain(|key, _| key.person().is_none_or(|(_, it)| it != id));
    }

    pub fn windows(&mut self, name: &str, start: &str, end: &str) {
        let id = self.home_id(name);
        let window = entente_model::Window { start: start.parse().ok(), end: end.parse().ok() };
        for item in self.items.values_mut().filter(|item| item.key.person().is_some_and(|(_, it)| it == id)) {
            item.windows = vec![window].into();
        }
    }

    /// An exemption: the rights of the role's group are withheld until then.
    pub fn withhold(&mut self, until: &str) {
        let window = entente_model::Window { start: until.parse().ok(), end: None };
        for (_, item) in self.items.iter_mut().filter(|(key, _)| is_right(key)) {
            item.windows = vec![window].into();
        }
    }

    pub fn account(&self, name: &str) -> Option<Guid> {
        let mail = format!("{name}@nordwall.example");
        self.tenant.state.users.values().find(|it| it.mail == mail).and_then(|it| it.id)
    }

    /// The person redeems, with an account of this issuer.
    pub fn redeem_with(&mut self, name: &str, issuer: &str) {
        let id = self.account(name).unwrap_or_else(|| panic!("{name} is not there"));
        let user = self.tenant.state.users.get_mut(&id).unwrap();
        (user.redeemed, user.issuers) = (Some(true), Some(vec![issuer.into()]));
    }

    pub fn redeem(&mut self, name: &str) {
        self.redeem_with(name, "ExternalAzureAD");
    }

    pub fn group_id(&self, role: &str) -> Guid {
        let name = format!("ent-{role}");
        self.tenant.state.groups.values().find(|it| it.display_name == name).unwrap().id
    }

    pub fn is_member(&self, name: &str, role: &str) -> bool {
        let Some(id) = self.account(name) else { return false };
        let is_of_role = |group: &Guid| self.tenant.state.groups[group].display_name == format!("ent-{role}");
        self.tenant.state.members.iter().any(|(group, members)| is_of_role(group) && members.contains(&id))
    }

    /// A point of time of the present run.
    pub fn moment(&self, at: Timestamp) -> Moment {
        let start: Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
        let uptime_ms = u64::try_from(at.as_unix() - start.as_unix()).unwrap_or(0) * 1_000;
        Moment { at: Timestamp::from_unix(at.as_unix() + self.jumped), run: self.run, uptime_ms }
    }

    pub fn wait(&mut self, seconds: u64) {
        self.tenant.keep(self.now);
        self.now = self.now.plus(Duration::from_secs(seconds));
    }

    /// Looks and decides, and changes nothing but what is kept of the look.
    pub fn plan(&mut self) -> Plan {
        self.tenant.keep(self.now);
        let plan = self.with_input(plan);
        assert_eq!(self.faults(&plan), [], "{}", self.text(&plan));
        assert!(plan.next_wake > self.moment(self.now).at, "a plan wakes later");
        plan
    }

    /// What the checker says of a plan made from the last look.
    pub fn faults(&self, plan: &Plan) -> Vec<Fault> {
        self.with_input(|input| check(plan, input))
    }

    fn with_input<T>(&self, of: impl FnOnce(&Input<'_>) -> T) -> T {
        self.with_input_of(&self.reads(), of)
    }

    /// What is looked at for a plan.
    pub fn reads(&self) -> ReadSet {
        reads(&self.items, &self.ledger, self.guardrail.as_ref().ok())
    }

    pub fn with_input_of<T>(&self, reads: &ReadSet, of: impl FnOnce(&Input<'_>) -> T) -> T {
        let before = |by: Duration| Timestamp::from_unix(self.now.as_unix() - by.as_secs() as i64);
        let read = before(self.reading);
        let mut observed = self.tenant.observe(reads, before(self.lag + self.reading), read);
        observed.begun = self.moment(read);
        let input = Input {
            version: self.version,
            items: &self.items,
            observed: &observed,
            ledger: &self.ledger,
            guardrail: self.guardrail.as_ref(),
            paused: self.paused,
            revoke_all: self.ended,
            lease_fresh: self.lease_fresh,
            permissions: None,
            settings: &self.settings,
            now: self.moment(self.now),
        };
        of(&input)
    }

    /// One turn of the agent's loop.
    pub fn step(&mut self) -> String {
        let plan = self.plan();
        self.carry_out(&plan);
        let text = self.text(&plan);
        self.last = Some(plan);
        text
    }

    pub fn carry_out(&mut self, plan: &Plan) {
        self.ledger.apply_all(&plan.updates);
        let told = self.moment(self.now).at;
        for change in plan.todo() {
            let updates = before(&self.ledger, change, plan.version.epoch, told);
            self.ledger.apply_all(&updates);
            let outcome = self.tenant.perform(&change.action, self.now);
            let updates = after(&self.ledger, change, &outcome, &self.settings, told);
            self.ledger.apply_all(&updates);
        }
    }

    /// Turns until nothing is to be done or waited for.
    pub fn settle(&mut self) -> String {
        for _ in 0..400 {
            let text = self.step();
            if self.last.as_ref().is_some_and(Plan::is_settled) {
                return text;
            }
            let now = self.moment(self.now).at;
            let wake = self.last.as_ref().map_or(now, |plan| plan.next_wake);
            self.wait(wake.since(now).as_secs());
        }
        panic!("did not settle: {}", self.step());
    }

    /// The customer ends it.
    pub fn revoke_all(&mut self) -> String {
        self.tenant.keep(self.now);
        let set = reads(&BTreeMap::new(), &self.ledger, None);
        let mut observed = self.tenant.observe(&set, self.now, self.now);
        observed.begun = self.moment(self.now);
        let now = self.moment(self.now);
        let plan = revoke_all(&self.ledger, &observed, self.guardrail.as_ref().ok(), &self.settings, now);
        self.carry_out(&plan);
        self.text(&plan)
    }

    /// What was given and the file does not allow.
    pub fn not_allowed(&self) -> Vec<NotAllowed> {
        self.with_input(not_allowed)
    }

    /// The customer takes those away; the checker is asked as the agent asks it.
    pub fn revoke(&mut self, keys: &BTreeSet<ItemKey>) -> String {
        self.tenant.keep(self.now);
        let (nothing, set) = (BTreeMap::new(), reads(&BTreeMap::new(), &self.ledger, None));
        let mut observed = self.tenant.observe(&set, self.now, self.now);
        observed.begun = self.moment(self.now);
        let (now, guardrail) = (self.moment(self.now), self.guardrail.as_ref());
        let plan = revoke(keys, &self.ledger, &observed, guardrail.ok(), &self.settings, now);
        let input = Input {
            version: Version::default(),
            items: &nothing,
            observed: &observed,
            ledger: &self.ledger,
            guardrail,
            paused: false,
            revoke_all: false,
            lease_fresh: false,
            permissions: None,
            settings: &self.settings,
            now,
        };
        assert_eq!(check(&plan, &input), [], "{}", self.text(&plan));
        self.carry_out(&plan);
        self.text(&plan)
    }

    /// A plan as people read it, with names for ids.
    pub fn text(&self, plan: &Plan) -> String {
        let mut lines = Vec::new();
        for change in &plan.changes {
            let reason = change.reason.map(|reason| format!(" {}", reason.word())).unwrap_or_default();
            lines.push(format!("{} {}{reason}: {}", change.verdict.word(), change.class.word(), change.action));
        }
        for report in &plan.reports {
            let reason = report.reason.map(|reason| format!(" {}", reason.word())).unwrap_or_default();
            lines.push(format!("= {} {}{reason}", report.key, report.state.word()));
        }
        lines.extend(plan.findings.iter().map(|it| format!("! {}: {}", it.reason.word(), it.detail)));
        self.named(&(lines.join("\n") + "\n"))
    }

    fn named(&self, text: &str) -> String {
        let mut text = text.to_string();
        for (id, user) in &self.tenant.state.users {
            text = text.replace(&id.to_string(), user.mail.split('@').next().unwrap());
        }
        for (id, group) in &self.tenant.state.groups {
            text = text.replace(&id.to_string(), &group.display_name);
        }
        for (at, name) in self.people.iter().enumerate() {
            text = text
                .replace(&Guid::from_u128(0x0b0de000_0000_4000_8000_000000000000 + at as u128 + 1).to_string(), name);
        }
        let roles: BTreeMap<_, _> = catalog::AZURE_ROLES.iter().map(|role| (role.id.to_string(), role.name)).collect();
        for (id, name) in roles {
            text = text.replace(&id, name);
        }
        let directory = [(SECURITY_READER, "Security Reader"), (DIRECTORY_READERS, "Directory Readers")];
        for (id, name) in directory {
            text = text.replace(&id.to_string(), name);
        }
        text.replace(SCOPE, "rg-sentinel").replace(&SCOPE.to_lowercase(), "/rg-sentinel")
    }

    /// What one item's report says: `REMOVED EXPIRED`.
    pub fn state(&self, key: &ItemKey) -> String {
        let reports = &self.last.as_ref().unwrap().reports;
        let report = reports.iter().find(|report| report.key == *key).unwrap_or_else(|| panic!("no report of {key}"));
        let reason = report.reason.map(|reason| format!(" {}", reason.word())).unwrap_or_default();
        format!("{}{reason}", report.state.word())
    }

    pub fn user_state(&mut self, name: &str) -> String {
        let key = self.user_key(name);
        self.state(&key)
    }

    pub fn member_state(&mut self, name: &str, role: &str) -> String {
        let key = self.member_key(name, role);
        self.state(&key)
    }

    /// Everybody in, redeemed, and applied.
    pub fn joined(names: &[&str], role: &str) -> Self {
        let mut world = Self::new();
        for name in names {
            world.member(name, role);
        }
        world.settle();
        names.iter().for_each(|name| world.redeem(name));
        world.settle();
        world
    }
}

/// Who is in a group, by account.
pub fn members(world: &World, role: &str) -> BTreeSet<Guid> {
    world.tenant.state.members.get(&world.group_id(role)).cloned().unwrap_or_default()
}

/// How often it is looked within an hour.
pub fn looks_in_an_hour(world: &mut World) -> usize {
    let end = world.now.plus(Duration::from_secs(3_600));
    let mut looks = 0;
    while world.now < end {
        world.step();
        looks += 1;
        let wake = world.last.as_ref().unwrap().next_wake;
        world.wait(wake.since(world.now).as_secs());
    }
    looks
}

fn is_right(key: &ItemKey) -> bool {
    matches!(
        key,
        ItemKey::AzureRole(_) | ItemKey::DefenderRole(_) | ItemKey::DefenderAssignment(_) | ItemKey::EntraRole(_)
    )
}
