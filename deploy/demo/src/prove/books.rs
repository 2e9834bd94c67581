//! The simulated cloud's own records: what Sam still has, under every account, and when each account was blocked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use anyhow::Result;
use entente_simulator::control::types::{CallEntry, Right, Rights};
use entente_tests::{Customer, Fleet, provider};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::cast::SAM;
use crate::truth::ANCHOR;

/// Everything that Sam has in one tenant.
#[derive(Debug, Default)]
pub struct Left {
    /// His accounts, including those in the recycle bin.
    pub accounts: BTreeSet<String>,
    /// Those of them that can sign in.
    pub enabled: Vec<String>,
    /// Those of the enabled ones that our agent made.
    pub owned_enabled: Vec<String>,
    /// Memberships, roles and ownerships, without the group that marks our users and gives no right.
    pub rights: Vec<Right>,
}

impl Left {
    pub fn count(&self) -> usize {
        self.enabled.len() + self.rights.len()
    }
}

pub async fn rights(fleet: &Fleet, customer: &Customer) -> Result<Rights> {
    let (tenant, app) = (customer.entra_tenant(), customer.client_id());
    Ok(fleet.cloud.rights_by(&tenant, &app, &provider::mail(SAM)).await?)
}

pub async fn left(fleet: &Fleet, customer: &Customer) -> Result<Left> {
    let truth = fleet.cloud.truth(&customer.entra_tenant()).await?;
    let app = customer.client_id();
    let mark = truth.groups.iter().find(|it| it.display_name == ANCHOR && it.created_by.as_ref() == Some(&app));
    let is_mark = |right: &Right| right.kind == "membership" && mark.is_some_and(|mark| mark.id == right.what);
    let rights = rights(fleet, customer).await?;
    let mut left = Left { owned_enabled: rights.owned_enabled, ..Left::default() };
    for account in rights.accounts {
        left.enabled.extend((account.enabled && !account.in_bin).then(|| account.user.clone()));
        left.rights.extend(account.rights.into_iter().filter(|right| !is_mark(right)));
        left.accounts.insert(account.user);
    }
    Ok(left)
}

/// The end of the call log.
pub async fn log_end(fleet: &Fleet) -> Result<u64> {
    let mut since = 0;
    loop {
        let page = fleet.cloud.log_page(since, None).await?;
        if page.next == since {
            return Ok(since);
        }
        since = page.next;
    }
}

/// Blocks that Microsoft accepted since then, and the end of the log after them.
pub async fn blocks(fleet: &Fleet, since: u64) -> Result<(Vec<CallEntry>, u64)> {
    let (mut found, mut at) = (Vec::new(), since);
    loop {
        let page = fleet.cloud.log_page(at, None).await?;
        found.extend(page.entries.into_iter().filter(is_block));
        if page.next == at {
            return Ok((found, at));
        }
        at = page.next;
    }
}

fn is_block(call: &CallEntry) -> bool {
    call.method == "PATCH"
        && call.path.starts_with("/v1.0/users/")
        && call.request["accountEnabled"] == false
        && call.status < 300
        && call.app.is_some()
}

/// Seconds from `begun` until the last block of each tenant, by Entra tenant id.
pub fn seconds_to_block(blocks: &[CallEntry], begun: SystemTime) -> Result<BTreeMap<String, f64>> {
    let mut last = BTreeMap::new();
    for call in blocks {
        let at = OffsetDateTime::parse(&call.time, &Rfc3339)?;
        let seconds = (at - OffsetDateTime::from(begun)).as_seconds_f64();
        let kept = last.entry(call.tenant.clone().unwrap_or_default()).or_insert(seconds);
        *kept = kept.max(seconds);
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn call(tenant: &str, status: u16, enabled: bool, at: &str) -> CallEntry {
        let value = json!({
            "seq": 1, "time": at, "tenant": tenant, "app": "a", "plane": "graph", "method": "PATCH",
            "path": "/v1.0/users/1", "request": {"accountEnabled": enabled}, "status": status, "request_id": "r",
        });
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_block_counts_when_it_was_accepted_and_the_last_one_of_a_tenant_is_its_time() {
        assert!(is_block(&call("t", 204, false, "2026-11-28T12:00:00Z")));
        assert!(!is_block(&call("t", 429, false, "2026-11-28T12:00:00Z")));
        assert!(!is_block(&call("t", 204, true, "2026-11-28T12:00:00Z")));
        let begun = OffsetDateTime::parse("2026-11-28T12:00:00Z", &Rfc3339).unwrap();
        let at = ["2026-11-28T12:00:01.25Z", "2026-11-28T12:00:02.5Z"];
        let blocks = at.map(|at| call("t", 204, false, at));
        let seconds = seconds_to_block(&blocks, begun.into()).unwrap();
        assert_eq!(seconds, BTreeMap::from([("t".to_owned(), 2.5)]));
    }
}
