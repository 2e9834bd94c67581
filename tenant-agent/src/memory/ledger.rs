//! The ledger's rows: one for each entry, each leaver, and each person whose account the customer deleted, and one for
//! the caps.

use entente_model::Guid;
use entente_planner::ledger::{Deletion, Ledger, LedgerEntry, LedgerKey, Left, Update};
use entente_store::Commit;
use serde::{Deserialize, Serialize};

use super::{Memory, MemoryError, Rows, hashed, to_json, unless_full, with_row};

const FORMAT_ROW: &str = "ledger/format";
const ENTRY: &str = "ledger/entry/";
const LEFT: &str = "ledger/left/";
const DELETED: &str = "ledger/deleted/";
const EVENTS: &str = "ledger/events";

/// Most updates in one commit: each is a row of a few kilobytes at most, and the row of the caps comes on top.
const UPDATES: usize = 500;

/// Form of these rows. Raise it when an older agent would lose or misread what this one writes.
const FORMAT: u32 = 2;

#[derive(Serialize, Deserialize)]
struct FormatRow {
    format: u32,
}

#[derive(Serialize, Deserialize)]
struct EntryRow {
    key: LedgerKey,
    entry: LedgerEntry,
}

#[derive(Serialize, Deserialize)]
struct LeftRow {
    person: Guid,
    left: Left,
}

#[derive(Serialize, Deserialize)]
struct DeletedRow {
    person: Guid,
    deletion: Deletion,
}

impl Memory {
    /// Reads the whole ledger. A ledger of a newer agent is an error, as this agent would understand only half of it.
    pub async fn ledger(&self) -> Result<Ledger, MemoryError> {
        self.check_format().await?;
        let mut ledger = Ledger::default();
        for EntryRow { key, entry } in self.parsed(ENTRY).await? {
            if !key.is_known() {
                return Err(MemoryError::Newer { what: format!("{key} is of a kind that is not known here") });
            }
            ledger.entries.insert(key, entry);
        }
        let left = self.parsed(LEFT).await?.into_iter();
        ledger.left = left.map(|LeftRow { person, left }| (person, left)).collect();
        let deleted = self.parsed(DELETED).await?.into_iter();
        ledger.deleted = deleted.map(|DeletedRow { person, deletion }| (person, deletion)).collect();
        ledger.events = self.parsed(EVENTS).await?.pop().unwrap_or_default();
        Ok(ledger)
    }

    async fn check_format(&self) -> Result<(), MemoryError> {
        let written = self.parsed(FORMAT_ROW).await?.pop();
        match written.map(|FormatRow { format }| format) {
            Some(format) if format > FORMAT => {
                Err(MemoryError::Newer { what: format!("its form is {format}, and this one knows up to {FORMAT}") })
            }
            Some(FORMAT) => Ok(()),
            // On a full disk, the next start that finds room writes it.
            _ => {
                let commit = Commit::new().put(FORMAT_ROW, to_json(&FormatRow { format: FORMAT }));
                unless_full(self.commit(commit).await).map(drop)
            }
        }
    }

    /// Writes updates to disk and then into the ledger. After an error the two may differ: the caller stops, and the
    /// next start reads the disk.
    pub async fn remember(&self, ledger: &mut Ledger, updates: &[Update]) -> Result<(), MemoryError> {
        // Owed updates are older, and may concern the same rows.
        self.settle().await?;
        for updates in updates.chunks(UPDATES) {
            let rows = rows(ledger, updates).into_iter();
            self.commit(rows.fold(Commit::new(), |commit, (key, row)| with_row(commit, key, row))).await?;
            ledger.apply_all(updates);
        }
        Ok(())
    }
}

/// The rows that these updates of the ledger change.
pub(super) fn rows(ledger: &Ledger, updates: &[Update]) -> Rows {
    let mut rows: Rows = updates.iter().filter_map(row).collect();
    let mut charged = Ledger { events: ledger.events.clone(), ..Ledger::default() };
    charged.apply_all(updates.iter().filter(|update| matches!(update, Update::Charged(_))));
    if charged.events != ledger.events {
        rows.insert(EVENTS.into(), Some(to_json(&charged.events)));
    }
    rows
}

fn row(update: &Update) -> Option<(String, Option<Vec<u8>>)> {
    Some(match update {
        Update::Put(key, entry) => {
            let row = EntryRow { key: key.clone(), entry: (**entry).clone() };
            (hashed(ENTRY, &key.to_string()), Some(to_json(&row)))
        }
        Update::Forget(key) => (hashed(ENTRY, &key.to_string()), None),
        Update::Left(person, left) => {
            (format!("{LEFT}{person}"), Some(to_json(&LeftRow { person: *person, left: *left })))
        }
        Update::Rejoined(person) => (format!("{LEFT}{person}"), None),
        Update::Deleted(person, deletion) => {
            let row = DeletedRow { person: *person, deletion: *deletion };
            (format!("{DELETED}{person}"), Some(to_json(&row)))
        }
        Update::Readmitted(person) => (format!("{DELETED}{person}"), None),
        // The caps share one row, which is written whole.
        Update::Charged(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use entente_model::Timestamp;
    use entente_planner::ledger::{Charge, Event, LedgerKey};

    use super::*;

    #[tokio::test]
    async fn what_was_remembered_is_there_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let id = Memory::create(dir.path()).unwrap();
        let (key, gone): (LedgerKey, LedgerKey) = (
            format!("azureRole/l1/standard/subscriptions/{}/3e150937-b8fe-4cfb-8069-0eaf05ecd056", "x".repeat(600))
                .parse()
                .unwrap(),
            "group/l1/standard".parse().unwrap(),
        );
        let person: Guid = "0b0de000-0000-4000-8000-000000000003".parse().unwrap();
        let other: Guid = "0b0de000-0000-4000-8000-000000000004".parse().unwrap();
        let at = Timestamp::from_unix(1_000);
        let updates = [
            Update::Put(key.clone(), Box::default()),
            Update::Put(gone.clone(), Box::default()),
            Update::Forget(gone),
            Update::Left(person, Left { since: at, epoch: 1, aside: Some(7) }),
            Update::Deleted(person, Deletion { at, allowed: None }),
            Update::Deleted(other, Deletion { at, allowed: Some(at) }),
            Update::Readmitted(other),
            Update::Charged(Event { at, charge: Charge::Joiner, key }),
        ];
        let mut ledger = Ledger::default();
        {
            let memory = Memory::open(dir.path(), id).unwrap();
            memory.remember(&mut ledger, &updates).await.unwrap();
        }
        let memory = Memory::open(dir.path(), id).unwrap();
        assert_eq!(memory.ledger().await.unwrap(), ledger);
        let counts = (ledger.entries.len(), ledger.left.len(), ledger.deleted.len(), ledger.events.len());
        assert_eq!(counts, (1, 1, 1, 1));
    }

    #[tokio::test]
    async fn architecture_1_5_an_older_agent_over_a_newer_ledger_says_so_and_does_not_start() {
        let later_kind = |key: &str| {
            let row = EntryRow { key: key.parse().unwrap(), entry: LedgerEntry::default() };
            (hashed(ENTRY, key), to_json(&row))
        };
        let rows = [
            (FORMAT_ROW.into(), to_json(&FormatRow { format: FORMAT + 1 })),
            later_kind("entraRole/l1/standard"),
            later_kind("group/l1/gold"),
        ];
        for (key, row) in rows {
            let dir = tempfile::tempdir().unwrap();
            let memory = Memory::open(dir.path(), Memory::create(dir.path()).unwrap()).unwrap();
            memory.ledger().await.unwrap();
            memory.commit(Commit::new().put(key, row)).await.unwrap();
            let error = memory.ledger().await.unwrap_err();
            assert!(matches!(error, MemoryError::Newer { .. }), "{error}");
        }
        let dir = tempfile::tempdir().unwrap();
        let memory = Memory::open(dir.path(), Memory::create(dir.path()).unwrap()).unwrap();
        let id = Guid::from_u128(7);
        for own in
            [LedgerKey::Marker, LedgerKey::Marked(id), LedgerKey::Account(id), LedgerKey::Extra { group: id, user: id }]
        {
            memory.remember(&mut Ledger::default(), &[Update::Put(own, Box::default())]).await.unwrap();
        }
        assert_eq!(memory.ledger().await.unwrap().entries.len(), 4);
    }

    #[test]
    fn a_ledger_that_is_gone_or_anothers_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let lost = |id| matches!(Memory::open(dir.path(), id), Err(MemoryError::Lost(_)));
        assert!(lost(uuid::Uuid::new_v4()));
        let id = Memory::create(dir.path()).unwrap();
        assert!(lost(uuid::Uuid::new_v4()) && !lost(id));
        let second = Memory::start_over(dir.path()).unwrap();
        assert!(lost(id) && !lost(second));
    }
}
