//! The state of the fleet as the control plane reports it: its statuses and items, read with the command line.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use entente_model::report::Reason;
use entente_tests::{Fleet, args};
use serde::Deserialize;

/// One tenant, as `entente status` prints it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    pub tenant: String,
    phase: String,
    pub explanation: String,
    items: u32,
    counts: Vec<Count>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Count {
    state: String,
    count: u32,
}

impl Status {
    pub fn name(&self) -> &str {
        self.tenant.trim_start_matches("tenants/")
    }

    /// In lower case: `converged`.
    pub fn phase(&self) -> String {
        self.phase.to_ascii_lowercase()
    }

    pub fn done(&self) -> u32 {
        self.counts.iter().filter(|it| ["APPLIED", "REMOVED"].contains(&it.state.as_str())).map(|it| it.count).sum()
    }

    /// Desired items, and those that are being removed.
    pub fn all(&self) -> u32 {
        self.items.max(self.counts.iter().map(|it| it.count).sum())
    }

    pub fn by_state(&self) -> BTreeMap<String, u32> {
        self.counts.iter().map(|it| (it.state.clone(), it.count)).collect()
    }
}

/// One item of a tenant, as `entente items` prints it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Item {
    pub key: String,
    pub state: String,
    pub reason: String,
    pub detail: String,
    pub operator: String,
    pub display: String,
}

/// What an item's state means to a viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Done,
    /// A person or a rule has decided against it, or must decide.
    Explained,
    /// It waits for another item that is not done.
    Follows,
    /// In progress, or in trouble.
    Moving,
}

impl Item {
    pub fn standing(&self) -> Standing {
        match (self.state.as_str(), self.reason.as_str()) {
            ("APPLIED" | "REMOVED", _) => Standing::Done,
            ("REFUSED" | "NEEDS_APPROVAL" | "BLOCKED_BY_CUSTOMER", reason) if !reason.is_empty() => Standing::Explained,
            ("HELD", "OVER_CAP" | "FROZEN" | "PAUSED") | ("WAITING", "PERSON_TASK") => Standing::Explained,
            ("WAITING", "DEPENDENCY") => Standing::Follows,
            _ => Standing::Moving,
        }
    }

    /// What it is, in a few words. The last part of an Azure scope is enough here.
    pub fn what(&self) -> String {
        match self.display.split_once(" at /") {
            Some((what, scope)) => format!("{what} at {}", scope.rsplit('/').next().unwrap_or(scope)),
            None if self.display.is_empty() => self.key.clone(),
            None => self.display.clone(),
        }
    }

    /// Why it is in this state.
    pub fn meaning(&self) -> &str {
        let reason = Reason::ALL.iter().find(|reason| reason.word() == self.reason);
        reason.map_or(&self.reason, |reason| reason.meaning().trim_end_matches('.'))
    }
}

/// One tenant with its items. For a converged one, the items are not requested.
#[derive(Debug, Clone)]
pub struct Tenant {
    pub status: Status,
    pub items: Vec<Item>,
}

impl Tenant {
    pub fn is_converged(&self) -> bool {
        self.status.phase() == "converged"
    }

    /// Whether every unfinished item has a reason or waits for one that has.
    pub fn is_explained(&self) -> bool {
        let standings: Vec<Standing> = self.items.iter().map(Item::standing).collect();
        ["waiting", "partial"].contains(&self.status.phase().as_str())
            && standings.contains(&Standing::Explained)
            && !standings.contains(&Standing::Moving)
    }

    pub fn is_settled(&self) -> bool {
        self.is_converged() || self.is_explained()
    }

    /// Items that wait for unfinished ones.
    pub fn followers(&self) -> Vec<String> {
        self.items.iter().filter(|item| item.standing() == Standing::Follows).map(Item::what).collect()
    }

    /// What is not done and why, with one entry for each reason.
    pub fn explanations(&self) -> Vec<Explanation> {
        let mut found = BTreeMap::<(&str, &str), Vec<&Item>>::new();
        for item in self.items.iter().filter(|item| item.standing() == Standing::Explained) {
            found.entry((&item.state, item.meaning())).or_default().push(item);
        }
        found.into_iter().map(|((state, why), items)| Explanation::new(state, why, &items)).collect()
    }
}

/// Several items of one tenant that are not done for the same reason.
#[derive(Debug, Clone)]
pub struct Explanation {
    pub state: String,
    pub why: String,
    pub what: BTreeSet<String>,
    /// Keys and operators of the items.
    about: BTreeSet<String>,
}

impl Explanation {
    fn new(state: &str, meaning: &str, items: &[&Item]) -> Self {
        let details: BTreeSet<&str> = items.iter().map(|item| item.detail.as_str()).collect();
        // The agent's detail if it is the same for all items. Otherwise the reason is enough.
        let detail = details.first().filter(|detail| details.len() == 1 && !detail.is_empty());
        Self {
            state: state.to_owned(),
            why: detail.map_or_else(|| format!("{meaning}."), |detail| format!("{meaning} ({detail}).")),
            what: items.iter().map(|item| item.what()).collect(),
            about: items.iter().flat_map(|item| [item.key.clone(), item.operator.clone()]).collect(),
        }
    }

    /// Whether it is about one of these: a part of a key, such as `/l1-analyst/`, or `operators/sam`.
    pub fn concerns(&self, words: &[&str]) -> bool {
        self.about.iter().any(|about| words.iter().any(|word| format!("{about}/").contains(word)))
    }

    /// `what: why`, shortened if the list is long.
    pub fn sentence(&self) -> String {
        let shown: Vec<&str> = self.what.iter().take(3).map(String::as_str).collect();
        let more = self.what.len().saturating_sub(shown.len());
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("{}{more}: {}", shown.join(", "), self.why)
    }
}

pub async fn statuses(fleet: &Fleet) -> Result<Vec<Status>> {
    let all = fleet.cli_json(&args!["status"]).await?;
    serde_json::from_value(all).context("a status that this program does not know")
}

/// The tenant with its items. They are requested unless it has converged.
pub async fn with_items(fleet: &Fleet, status: Status) -> Result<Tenant> {
    let mut tenant = Tenant { status, items: Vec::new() };
    if !tenant.is_converged() {
        let all = fleet.cli_json(&args!["items", tenant.status.name()]).await?;
        tenant.items = serde_json::from_value(all).context("an item that this program does not know")?;
    }
    Ok(tenant)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(phase: &str, items: &[(&str, &str)]) -> Tenant {
        let status = Status { phase: phase.into(), ..Status::default() };
        let item = |(state, reason): &(&str, &str)| Item {
            state: (*state).into(),
            reason: (*reason).into(),
            ..Item::default()
        };
        Tenant { status, items: items.iter().map(item).collect() }
    }

    #[test]
    fn a_tenant_is_settled_when_nothing_moves_and_all_else_has_a_reason() {
        assert!(tenant("CONVERGED", &[]).is_settled());
        assert!(tenant("PARTIAL", &[("APPLIED", ""), ("REFUSED", "GUARDRAIL_ROLE")]).is_settled());
        assert!(tenant("WAITING", &[("NEEDS_APPROVAL", "ADOPTION_APPROVAL"), ("WAITING", "DEPENDENCY")]).is_settled());
        assert!(!tenant("PARTIAL", &[("REFUSED", "GUARDRAIL_ROLE"), ("WAITING", "PROPAGATION")]).is_settled());
        assert!(!tenant("WAITING", &[("WAITING", "DEPENDENCY")]).is_settled(), "it follows from nothing");
        assert!(!tenant("PARTIAL", &[("REFUSED", "")]).is_settled(), "no reason is no explanation");
        assert!(!tenant("CONVERGING", &[("REFUSED", "GUARDRAIL_ROLE")]).is_settled());
        assert!(!tenant("PARTIAL", &[("FAILED", "CLOUD_REFUSED"), ("REFUSED", "GUARDRAIL_ROLE")]).is_settled());
    }

    #[test]
    fn an_explanation_says_what_is_not_done_and_why() {
        let refused = |detail: &str, display: &str| Item {
            state: "REFUSED".into(),
            reason: "GUARDRAIL_SCOPE".into(),
            detail: detail.into(),
            display: display.into(),
            ..Item::default()
        };
        let sentences = |items: &[Item]| -> Vec<String> {
            let tenant = Tenant { status: Status::default(), items: items.to_vec() };
            tenant.explanations().iter().map(Explanation::sentence).collect()
        };
        let reader = refused("", "Microsoft Sentinel Reader at /subscriptions/1/resourceGroups/rg-sentinel");
        let meant = "The guardrail does not allow this Azure scope";
        assert_eq!(sentences(&[reader]), [format!("Microsoft Sentinel Reader at rg-sentinel: {meant}.")]);
        assert_eq!(sentences(&[refused("as of May", "x")]), [format!("x: {meant} (as of May).")]);
        assert_eq!(sentences(&[refused("a", "x"), refused("b", "y")]), [format!("x, y: {meant}.")]);
    }
}
