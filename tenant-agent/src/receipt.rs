//! The progress and outcome of `revoke-all` or `revoke --not-allowed`, in a file in the state directory, so that it
//! survives the process that began it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use entente_model::{Guid, Timestamp};
use entente_planner::moment::Moment;
use entente_planner::plan::NOT_LOOKED_AT;
use serde::{Deserialize, Serialize};

use crate::files::{self, FileError};

/// Room for a line per removal, of as many as a tenant can hold.
const MAX_BYTES: usize = 16 << 20;

/// How to replace a damaged receipt. Removals are not undone: a new receipt proves them by two reads of its own.
const REMEDY: &str =
    "restore it from a backup, or move it away and run the same command again, which begins a new receipt";

/// What a receipt is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum About {
    /// Everything that the agent gave.
    #[default]
    All,
    /// What the guardrail does not allow any more.
    NotAllowed,
}

impl About {
    fn file(self, state_dir: &Path) -> PathBuf {
        state_dir.join(match self {
            Self::All => "revoke-all.json",
            Self::NotAllowed => "revoked-not-allowed.json",
        })
    }
}

/// The proof that what the agent gave is gone, or how far the removal is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Receipt {
    pub about: About,
    pub began: Timestamp,
    /// What the person confirmed, if it is not everything.
    pub listed: Vec<String>,
    /// What the agent did, in order.
    pub done: Vec<String>,
    /// People whom the agent let in: their item's key by object id. Both looks read what each of them holds.
    pub people: BTreeMap<Guid, String>,
    /// What still gives access, and why.
    pub open: Vec<String>,
    /// The agent may not or cannot end what is open.
    pub stuck: bool,
    /// What stays, because a person has to remove it or because the agent did not give it.
    pub left: BTreeSet<String>,
    /// Objects that stay and give no access, which a person deletes.
    pub by_hand: ByHand,
    /// What could not be read. The receipt claims nothing of it.
    pub unread: BTreeSet<String>,
    pub first_empty_read: Option<Timestamp>,
    /// The first empty read by the clock of its run. Another run cannot measure the distance, and starts again.
    pub first: Option<Moment>,
    pub second_empty_read: Option<Timestamp>,
}

/// Objects that the agent made, that give no access any more, and that it does not delete.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ByHand {
    pub groups: usize,
    /// Object ids of blocked guests.
    pub guests: BTreeSet<Guid>,
    /// Name of the group that marked the guests.
    pub mark: Option<String>,
}

impl ByHand {
    fn text(&self) -> Option<String> {
        let count = |count: usize, what: &str| match count {
            0 => None,
            1 => Some(format!("1 {what}")),
            more => Some(format!("{more} {what}s")),
        };
        let parts = [count(self.groups, "empty group"), count(self.guests.len(), "blocked guest"), self.mark.clone()];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| format!(". To delete by hand: {}", parts.join(", ")))
    }
}

impl Receipt {
    /// Returns the receipt that was begun, or begins one.
    pub fn begun(state_dir: &Path, about: About, now: Timestamp) -> Result<Self, FileError> {
        Ok(Self::read(state_dir, about)?.unwrap_or_else(|| Self { about, began: now, ..Self::default() }))
    }

    pub fn read(state_dir: &Path, about: About) -> Result<Option<Self>, FileError> {
        let path = about.file(state_dir);
        let Some(text) = files::read_text(&path, MAX_BYTES)? else { return Ok(None) };
        let damaged = |source| FileError::Damaged { path, remedy: REMEDY, source };
        serde_json::from_str(&text).map(Some).map_err(damaged)
    }

    pub fn save(&self, state_dir: &Path) -> Result<(), FileError> {
        let text = serde_json::to_vec_pretty(self).expect("a receipt is texts, times and lists");
        files::write_private(&self.about.file(state_dir), &text)
    }

    /// Deletes the receipt, so that a later command begins a new one.
    pub fn clear(state_dir: &Path, about: About) -> Result<(), FileError> {
        files::remove(&about.file(state_dir))
    }

    pub fn is_complete(&self) -> bool {
        self.second_empty_read.is_some()
    }

    /// The receipt as text for people.
    pub fn text(&self) -> String {
        let name = match self.about {
            About::All => "revoke-all",
            About::NotAllowed => "revoke --not-allowed",
        };
        let mut lines = vec![format!("{name}, begun {}", self.began)];
        lines.extend(self.listed.iter().map(|it| format!("  confirmed: {it}")));
        lines.extend(self.done.iter().map(|done| format!("  done: {done}")));
        lines.extend(self.open.iter().map(|open| format!("  OPEN: {open}")));
        lines.extend(self.left.iter().map(|left| format!("  left: {left}")));
        lines.extend(self.unread.iter().map(|unread| format!("  not read: {unread}")));
        let read = |at: Option<Timestamp>| at.map_or_else(|| "not yet".into(), |at| at.to_string());
        lines.push(format!("first empty read:  {}", read(self.first_empty_read)));
        lines.push(format!("second empty read: {}", read(self.second_empty_read)));
        lines.extend(NOT_LOOKED_AT.iter().map(|what| format!("  not looked at by this version: {what}")));
        let end = match (self.is_complete(), self.open.is_empty(), self.unread.is_empty()) {
            (true, ..) if self.about == About::NotAllowed => {
                "complete: of what was confirmed, nothing gives access any more except what is listed as left; read back twice"
            }
            (true, ..) => "complete: no access is left of what this agent gave, read back twice",
            (false, true, false) => "UNPROVEN: nothing was found, but what is listed as not read got no answer",
            (false, ..) if self.stuck => "INCOMPLETE: the agent may not or cannot end what is open",
            (false, ..) => "INCOMPLETE",
        };
        let by_hand = self.by_hand.text().filter(|_| self.is_complete() && self.about == About::All);
        lines.push(format!("{end}{}", by_hand.unwrap_or_default()));
        lines.join("\n") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_that_is_damaged_is_an_error_that_says_what_to_do_and_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("revoke-all.json");
        let whole = Receipt { done: vec!["block user".into()], ..Receipt::default() };
        whole.save(dir.path()).unwrap();
        assert_eq!(Receipt::begun(dir.path(), About::All, Timestamp::default()).unwrap(), whole);
        let text = std::fs::read_to_string(&path).unwrap();
        for damaged in [&text[..text.len() / 2], "", "null"] {
            std::fs::write(&path, damaged).unwrap();
            let error = Receipt::begun(dir.path(), About::All, Timestamp::default()).unwrap_err().to_string();
            assert!(error.contains("revoke-all.json") && error.contains("move it away"), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), damaged);
        }
    }
}
