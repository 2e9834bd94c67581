//! How the agent stands, in a file that `status` reads while the agent runs and after.

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

/// Most items that are named: what a person reads through. The counts are of all.
const MAX_OPEN: usize = 200;

/// Most items that are told beside those that are open, for `explain`: several times what a provider has in one tenant.
const MAX_SETTLED: usize = 5_000;

/// Most people who are named as deleted by the customer: more than an MSSP has in one tenant.
pub const MAX_DELETED: usize = 1_000;

/// Most rights of others that are named for one person or group: more than anybody reads through.
pub const MAX_NAMED: usize = 200;

/// Most things that are listed as not allowed any more, to be confirmed at once: the rest is listed when these are taken.
pub const MAX_NOT_ALLOWED: usize = 10_000;

/// Room for as many items with their details and what they need, and as many findings.
const MAX_BYTES: usize = 32 << 20;

/// The file's content. Holds no links and no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentStatus {
    /// When it was last looked at the tenant.
    pub time: Timestamp,
    /// What was known of the time for certain: the next run begins from there.
    #[serde(default)]
    pub known_time: Option<Timestamp>,
    /// Which process wrote it.
    pub pid: u32,
    pub connected: bool,
    pub last_connected: Option<Timestamp>,
    /// Epoch and revision of the desired state; none before the first.
    pub version: Option<(u64, u64)>,
    /// Until when it counts as fresh.
    pub fresh_until: Option<Timestamp>,
    pub parked: Option<String>,
    /// Why the newest state was refused.
    pub refused: Option<String>,
    pub standing: Standing,
    /// What the desired state wants, by plane: also while nothing of it is given.
    #[serde(default)]
    pub wanted: BTreeMap<String, usize>,
    /// Items by state.
    pub counts: BTreeMap<ItemState, usize>,
    /// Who is here, and what they have; unset where an older agent wrote this file.
    #[serde(default)]
    pub here: Option<Here>,
    /// Items that are neither applied nor removed, at most 200.
    pub open: Vec<ToldItem>,
    /// The others, at most 5,000; empty where an older agent wrote this file.
    #[serde(default)]
    pub settled: Vec<ToldItem>,
    /// Who is wanted, and whose account the customer deleted; at most 1,000.
    #[serde(default)]
    pub deleted: Vec<DeletedPerson>,
    /// What others hold or gave, by name, and of what; at most 200 of each. The control plane is told only how many.
    #[serde(default)]
    pub named: BTreeMap<String, BTreeSet<String>>,
    /// What the agent gave and the guardrail does not allow any more.
    #[serde(default)]
    pub not_allowed: NotAllowedList,
    /// What a person should know beside.
    pub alarms: Vec<String>,
    /// How far the ledger had come, so that one which is lost or goes back is noticed.
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
    /// Object id of the person's own account, at home.
    pub person: Guid,
    pub operator: String,
    pub mail: String,
    pub upn: String,
    pub deleted: Timestamp,
    /// When the customer allowed one new invitation.
    pub allowed: Option<Timestamp>,
}

impl DeletedPerson {
    /// Whether a customer means this person by that name: the operator's, or an address.
    pub fn is_called(&self, name: &str) -> bool {
        let name = name.strip_prefix("operators/").unwrap_or(name);
        name == self.operator || [&self.mail, &self.upn].into_iter().any(|it| it.eq_ignore_ascii_case(name))
    }
}

/// What of the agent's own doing is not allowed any more.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotAllowedList {
    /// Digest of the file that was asked.
    pub guardrail: String,
    pub items: Vec<NotAllowedItem>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotAllowedItem {
    pub key: ItemKey,
    pub reason: Reason,
    /// What it is, for a person.
    pub what: String,
}

impl NotAllowedItem {
    pub fn line(&self) -> String {
        format!("{} ({})", self.what, self.reason.word())
    }
}

/// Where it lies.
#[derive(Debug)]
pub struct StatusFile {
    path: PathBuf,
    written: Option<AgentStatus>,
}

impl StatusFile {
    pub fn of(state_dir: &Path) -> Self {
        Self { path: state_dir.join("status.json"), written: None }
    }

    /// None before the first look. One that is there and is not understood is an error: it says something, and not to us.
    pub fn read(state_dir: &Path) -> Result<Option<AgentStatus>, FileError> {
        let path = state_dir.join("status.json");
        let Some(text) = files::read_text(&path, MAX_BYTES)? else { return Ok(None) };
        let remedy = "use the version that wrote it, or let this one run: its next look writes the file anew";
        serde_json::from_str(&text).map(Some).map_err(|source| FileError::NotUnderstood { path, remedy, source })
    }

    /// Says of the stream what is so by now, between two looks.
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

    /// Writes it, if it says anything new. A failure is only logged: nothing depends on this file.
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
    /// What the view and the items say; the loop adds what it knows besides.
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
