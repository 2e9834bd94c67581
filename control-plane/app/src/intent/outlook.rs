//! What customers' agents said, when they last reported, of what a change would add or alter: so that a dry run does not look
//! like a promise. Guardrails are the customers', and are not reported; what was never asked of one is not known here.

use std::collections::BTreeSet;

use entente_compiler::Batch;
use entente_model::desired::{AzureRoleKey, ItemKey, Want};
use entente_model::report::{ItemReport, ItemState, Reason};
use entente_model::{TenantName, Timestamp};
use serde::{Deserialize, Serialize};

use crate::channel::ChannelState;
use crate::reports::{Reports, TenantStatus};
use crate::tenant_phase::TenantPhase;

/// Most tenants that are told one by one: what fits a screen; of more there is the count.
const MAX_TENANTS: usize = 50;

/// Over all touched tenants.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outlook {
    /// Items that the change adds or alters, and the like of which was refused when its agent last reported.
    pub refused: u32,
    /// Items that it adds or alters, and of which nothing was said.
    pub unknown: u32,
    /// Those of which there is something to say, in order; the first 50.
    pub tenants: Vec<TenantOutlook>,
    /// How many more of them there are.
    pub more_tenants: u32,
}

/// Of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantOutlook {
    pub tenant: TenantName,
    pub refused: u32,
    /// Why, in order.
    pub reasons: Vec<String>,
    /// Items that wait today already because a daily cap is used up.
    pub over_cap: u32,
    /// What stands in the way of the tenant as a whole, with whose move it is: its phase, where that is above CONVERGING.
    pub obstacle: Option<Obstacle>,
    /// When its agent was last heard of; none if never.
    pub last_seen: Option<Timestamp>,
}

/// Why nothing of a change, or not all of it, reaches a tenant now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obstacle {
    /// The phase, in its word.
    pub phase: String,
    pub explanation: String,
}

impl Outlook {
    pub(super) fn of(reports: &Reports, batch: &Batch) -> Self {
        let mut outlook = Self::default();
        for touched in &batch.tenants {
            let items = touched.delta.upserts.iter().filter_map(|item| item.open().ok());
            let keys: Vec<ItemKey> = items.filter(|item| item.want == Want::Present).map(|item| item.key).collect();
            let Some(channel) = reports.channels.get(&touched.tenant) else {
                outlook.unknown += keys.len() as u32;
                continue;
            };
            let obstacle = reports.status(&touched.tenant).and_then(obstacle);
            let one = tenant(touched.tenant.clone(), &channel.lock(), &keys, obstacle);
            outlook.refused += one.refused;
            outlook.unknown += keys.len() as u32 - one.refused;
            outlook.add(one);
        }
        outlook
    }

    fn add(&mut self, one: TenantOutlook) {
        let is_plain = one.refused + one.over_cap == 0 && one.obstacle.is_none();
        match (is_plain, self.tenants.len() < MAX_TENANTS) {
            (true, _) => {}
            (false, true) => self.tenants.push(one),
            (false, false) => self.more_tenants += 1,
        }
    }
}

fn obstacle(status: TenantStatus) -> Option<Obstacle> {
    let is_one = status.phase < TenantPhase::Converging;
    is_one.then(|| Obstacle { phase: status.phase.word().to_owned(), explanation: status.explanation })
}

fn tenant(tenant: TenantName, channel: &ChannelState, keys: &[ItemKey], obstacle: Option<Obstacle>) -> TenantOutlook {
    let reports = || channel.reported.items.values().map(|report| &**report);
    let refusals: Vec<&ItemReport> = reports().filter(|report| report.state == ItemState::Refused).collect();
    let refusal = |key: &ItemKey| refusals.iter().find(|report| is_alike(key, &report.key));
    let refused: Vec<_> = keys.iter().filter_map(refusal).collect();
    let reasons: BTreeSet<&str> = refused.iter().filter_map(|report| report.reason).map(Reason::word).collect();
    TenantOutlook {
        refused: refused.len() as u32,
        reasons: reasons.into_iter().map(str::to_owned).collect(),
        over_cap: reports().filter(|report| report.reason == Some(Reason::OverCap)).count() as u32,
        obstacle,
        last_seen: channel.last_seen(),
        tenant,
    }
}

/// Whether what was refused is the same thing, or the same role at the same place for another of our groups.
fn is_alike(key: &ItemKey, refused: &ItemKey) -> bool {
    match (key, refused) {
        (
            ItemKey::AzureRole(AzureRoleKey { scope, definition, .. }),
            ItemKey::AzureRole(AzureRoleKey { scope: other_scope, definition: other, .. }),
        ) => scope == other_scope && definition == other,
        (ItemKey::EntraRole(key), ItemKey::EntraRole(refused)) => key.definition == refused.definition,
        (key, refused) => key == refused,
    }
}
