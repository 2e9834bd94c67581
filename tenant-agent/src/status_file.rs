//! The agent's status in a file, which `status` reads whether or not the agent runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use entente_model::desired::{Item, ItemKey, Want};
use entente_model::report::{ItemReport, ItemState, Reason, Standing};
use entente_model::{Guid, Timestamp};
use entente_session::{Status, View};
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::asked::Asked;
use crate::files::{self, FileError};
use crate::here::Here;
use crate::memory::Mark;

/// Most open items that are named: what a person reads through. The counts are of all items.
const MAX_OPEN: usize = 200;

/// Most settled items, for `explain`: several times what a provider has in one tenant.
const MAX_SETTLED: usize = 5_000;

/// Most people listed as deleted by the customer: more than a provider has in one tenant.
pub const MAX_DELETED: usize = 1_000;

/// Most rights of others listed for one person or group: more than a person reads through.
pub const MAX_NAMED: usize = 200;

/// Most items listed as no longer allowed. `revoke` takes these; the next list shows the rest.
pub const MAX_NOT_ALLOWED: usize = 10_000;

/// Room for that many items with their details and needs, and as many findings.
const MAX_BYTES: usize = 32 << 20;

/// The file's content. Holds no links and no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentStatus {
    /// When the agent last looked at the tenant.
    pub time: Timestamp,
    /// The time that was certain. The next run starts from it.
    #[serde(default)]
    pub known_time: Option<Timestamp>,
    /// The process that wrote the file.
    pub pid: u32,
    pub connected: bool,
    pub last_connected: Option<Timestamp>,
    /// Epoch and revision of the desired state; unset before the first.
    pub version: Option<(u64, u64)>,
    /// When the desired state stops being fresh.
    pub fresh_until: Option<Timestamp>,
    pub parked: Option<String>,
    /// Why the agent refused the newest state.
    pub refused: Option<String>,
    pub standing: Standing,
    /// How many items the desired state wants, by plane, also while none is given.
    #[serde(default)]
    pub wanted: BTreeMap<String, usize>,
    /// How many items have each state.
    pub counts: BTreeMap<ItemState, usize>,
    /// Who has access and to what; unset in a file of an older agent.
    #[serde(default)]
    pub here: Option<Here>,
    /// Items that are neither applied nor removed, at most 200.
    pub open: Vec<ToldItem>,
    /// The other items, at most 5,000; empty in a file of an older agent.
    #[serde(default)]
    pub settled: Vec<ToldItem>,
    /// People who are wanted and whose account the customer deleted; at most 1,000.
    #[serde(default)]
    pub deleted: Vec<DeletedPerson>,
    /// What others hold or gave, by its holder; at most 200 for each. The control plane learns only how many.
    #[serde(default)]
    pub named: BTreeMap<String, BTreeSet<String>>,
    /// What the agent gave and the guardrail no longer allows.
    #[serde(default)]
    pub not_allowed: NotAllowedList,
    /// What else a person should know.
    pub alarms: Vec<String>,
    /// The ledger's mark, by which the next run notices a lost or older ledger.
    pub ledger: Option<Mark>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToldItem {
    pub key: ItemKey,
    pub state: ItemState,
    pub reason: Option<Reason>,
    pub detail: String,
    pub script: Option<String>,
    pub since: Timestamp,
    #[serde(flatten, default)]
    pub asked: Asked,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeletedPerson {
    /// Object id of the person's account in the home tenant.
    pub person: Guid,
    pub operator: String,
    pub mail: String,
    pub upn: String,
    pub deleted: Timestamp,
    /// When the customer allowed one new invitation.
    pub allowed: Option<Timestamp>,
}

impl DeletedPerson {
    /// Whether `name` means this person: the operator's name or an address.
    pub fn is_called(&self, name: &str) -> bool {
        let name = name.strip_prefix("operators/").unwrap_or(name);
        name == self.operator || [&self.mail, &self.upn].into_iter().any(|it| it.eq_ignore_ascii_case(name))
    }
}

/// What the agent gave and the guardrail no longer allows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotAllowedList {
    /// Digest of the guardrail file that decided it.
    pub guardrail: String,
    pub items: Vec<NotAllowedItem>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotAllowedItem {
    pub key: ItemKey,
    pub reason: Reason,
    /// What it is, in words.
    pub what: String,
}

impl NotAllowedItem {
    pub fn line(&self) -> String {
        format!("{} ({})", self.what, self.reason.word())
    }
}

/// The file, and what was last written to it.
#[derive(Debug)]
pub struct StatusFile {
    path: PathBuf,
    written: Option<AgentStatus>,
}

impl StatusFile {
    pub fn of(state_dir: &Path) -> Self {
        Self { path: state_dir.join("status.json"), written: None }
    }

    /// Reads the file; `None` before the first look. A file that cannot be parsed is an error.
    pub fn read(state_dir: &Path) -> Result<Option<AgentStatus>, FileError> {
        let path = state_dir.join("status.json");
        let Some(text) = files::read_text(&path, MAX_BYTES)? else { return Ok(None) };
        let remedy = "use the version that wrote it, or let this one run: its next look writes the file anew";
        serde_json::from_str(&text).map(Some).map_err(|source| FileError::NotUnderstood { path, remedy, source })
    }

    /// Updates what concerns the stream, between two looks.
    pub fn write_stream(&mut self, view: &View, heard: Option<Timestamp>) {
        let Some(written) = &self.written else { return };
        self.keep(AgentStatus {
            connected: view.connected,
            last_connected: heard.or(written.last_connected),
            fresh_until: view.lease_ends,
            parked: view.parked.clone(),
            refused: view.refused.clone(),
            ..written.clone()
        });
    }

    /// Writes the status if it changed. A failure is only logged, as nothing depends on this file.
    pub fn keep(&mut self, status: AgentStatus) {
        if self.written.as_ref() == Some(&status) {
            return;
        }
        let text = serde_json::to_vec_pretty(&status).expect("a status is texts, numbers and lists");
        match files::write_private(&self.path, &text) {
            Ok(()) => self.written = Some(status),
            Err(error) => warn!(%error, "the status file could not be written"),
        }
    }
}

impl AgentStatus {
    /// Fills in what the view and the items tell. The loop adds the rest.
    pub fn of(time: Timestamp, view: &View, status: &Status, there: &BTreeMap<ItemKey, bool>) -> Self {
        let mut counts = BTreeMap::new();
        for item in status.items.values() {
            *counts.entry(item.state).or_default() += 1;
        }
        let desired: &[Item] = view.desired.as_ref().map_or(&[], |desired| &desired.items);
        let by_key: BTreeMap<&ItemKey, &Item> = desired.iter().map(|item| (&item.key, item)).collect();
        let told = |item: &ItemReport| ToldItem {
            key: item.key.clone(),
            state: item.state,
            reason: item.reason,
            detail: item.detail.clone(),
            script: item.script.clone(),
            since: item.since,
            asked: Asked::of(&item.key, &by_key, time),
        };
        let (settled, open): (Vec<&ItemReport>, Vec<_>) =
            status.items.values().partition(|item| item.state.is_settled());
        Self {
            time,
            pid: std::process::id(),
            connected: view.connected,
            version: view.desired.as_ref().map(|desired| (desired.version.epoch, desired.version.revision)),
            fresh_until: view.lease_ends,
            parked: view.parked.clone(),
            refused: view.refused.clone(),
            standing: status.standing.clone(),
            wanted: view.desired.as_ref().map(|desired| wanted(&desired.items)).unwrap_or_default(),
            counts,
            here: view.desired.as_ref().map(|desired| Here::of(&desired.items, &status.items, there)),
            open: open.into_iter().take(MAX_OPEN).map(told).collect(),
            settled: settled.into_iter().take(MAX_SETTLED).map(told).collect(),
            ..Self::default()
        }
    }
}

fn wanted(items: &[Item]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for plane in items.iter().filter(|item| item.want == Want::Present).filter_map(|item| item.key.plane()) {
        *counts.entry(plane.word().to_owned()).or_default() += 1;
    }
    counts
}
