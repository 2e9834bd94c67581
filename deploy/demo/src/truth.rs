//! What is really in the simulated tenants, independent of any report. Every figure of the demo comes from here.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use entente_simulator::control::types::{CallEntry, UserRights};
use entente_tests::{Customer, Fleet, provider};

use crate::customers::Part;

/// The group that marks our users. It gives no right, and leavers stay in it.
pub const ANCHOR: &str = "ent-anchor";

/// What one person has in one tenant through Entente.
#[derive(Debug, Default)]
pub struct Held {
    pub accounts: usize,
    /// Accounts that are enabled.
    pub enabled: usize,
    /// Our groups by name, without the anchor.
    pub groups: BTreeSet<String>,
    pub azure: usize,
    pub defender: usize,
}

impl Held {
    /// Everything that would still let the person sign in or act.
    pub fn residual(&self) -> usize {
        self.enabled + self.groups.len() + self.azure + self.defender
    }
}

pub async fn held(fleet: &Fleet, customer: &Customer, person: &str) -> Result<Held> {
    let tenant = customer.entra_tenant();
    let truth = fleet.cloud.truth(&tenant).await?;
    let ours = |id: &String| truth.groups.iter().find(|group| group.id == *id && group.created_by.is_some());
    let mut held = Held::default();
    for account in fleet.cloud.rights(&tenant, &provider::mail(person)).await?.users {
        let UserRights { enabled, memberships, azure_roles, defender_roles, .. } = account;
        held.accounts += 1;
        held.enabled += usize::from(enabled);
        let groups = memberships.iter().filter_map(ours).map(|group| group.display_name.clone());
        held.groups.extend(groups.filter(|name| name != ANCHOR));
        held.azure += azure_roles.len();
        held.defender += defender_roles.len();
    }
    Ok(held)
}

/// Checks that the person works at this customer as `role` and nothing else.
pub async fn ensure_works_as(fleet: &Fleet, part: &Part, person: &str, role: &str) -> Result<()> {
    let held = held(fleet, &part.customer, person).await?;
    let group = format!("ent-{role}-standard");
    let is_so = held.accounts == 1
        && held.enabled == 1
        && held.groups.iter().eq([&group])
        && (held.azure, held.defender) == part.rights;
    ensure!(is_so, "{person} at {}: {held:?}", part.customer.name);
    Ok(())
}

/// Figures over all tenants.
#[derive(Debug, Default)]
pub struct Figures {
    pub invitations: u64,
    pub duplicate_invitations: u64,
    pub writes_to_unowned: u64,
    pub unowned: Vec<String>,
    pub calls: u64,
    pub throttled: u64,
    pub leaver_residual_rights: usize,
}

pub async fn figures(fleet: &Fleet, leaver: &str) -> Result<Figures> {
    let mut sum = Figures::default();
    for customer in fleet.customers.values() {
        let tenant = customer.entra_tenant();
        let one = fleet.cloud.figures(&tenant, Some(&customer.client_id())).await?;
        sum.invitations += one.accepted_invitations;
        sum.duplicate_invitations += one.duplicate_invitations;
        sum.writes_to_unowned += one.writes_to_unowned;
        sum.unowned.extend(one.unowned);
        let counters = fleet.cloud.counters(&tenant).await?;
        sum.calls += counters.graph_requests + counters.arm_reads + counters.arm_writes;
        sum.throttled += counters.throttled;
        sum.leaver_residual_rights += held(fleet, customer, leaver).await?.residual();
    }
    Ok(sum)
}

/// The end of a tenant's log, to ask later what came after it.
pub async fn log_end(fleet: &Fleet, customer: &Customer) -> Result<u64> {
    let log = fleet.cloud.log(0, Some(&customer.entra_tenant())).await?;
    Ok(log.last().map_or(0, |call| call.seq))
}

/// What the agent wrote in a tenant since then, and Microsoft accepted: `POST /v1.0/invitations`.
pub async fn writes_since(fleet: &Fleet, customer: &Customer, since: u64) -> Result<Vec<String>> {
    let log = fleet.cloud.log(since, Some(&customer.entra_tenant())).await?;
    let is_write = |call: &&CallEntry| {
        call.plane != "token" && call.method != "GET" && !call.path.contains("/$batch") && call.status < 300
    };
    Ok(log.iter().filter(is_write).map(|call| format!("{} {}", call.method, call.path)).collect())
}

/// How many members a group has, by its name.
pub async fn members(fleet: &Fleet, customer: &Customer, name: &str) -> Result<usize> {
    let truth = fleet.cloud.truth(&customer.entra_tenant()).await?;
    let group = truth.groups.iter().find(|it| it.display_name == name && !it.deleted);
    Ok(group.with_context(|| format!("{} has no group {name}", customer.name))?.members.len())
}
