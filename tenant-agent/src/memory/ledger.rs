//! The ledger's rows: one for each entry, one for each leaver, one for each person whom the
//! customer deleted, one for what counts against caps.

use entente_model::Guid;
use entente_model::desired::ItemKey;
use entente_planner::ledger::{Deletion, Entry, Ledger, Left, Update};
use entente_store::Commit;
use serde::{Deserialize, Serialize};

use super::owed::Rows;
use super::{Memory, MemoryError, from_json, hashed, to_json};

const ENTRY: &str = "ledger/entry/";
const LEFT: &str = "ledger/left/";
const DELETED: &str = "ledger/deleted/";
const EVENTS: &str = "ledger/events";

/// Updates in one commit: each is a row of a few kilobytes at most, and the caps' row comes on top.
const UPDATES: usize = 500;

#[derive(Serialize, Deserialize)]
struct EntryRow {
    key: ItemKey,
    entry: Entry,
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
    pub async fn ledger(&self) -> Result<Ledger, MemoryError> {
        let mut ledger = Ledger::default();
        for (key, row) in self.rows(ENTRY).await? {
            let EntryRow { key, entry } = from_json(&key, &row)?;
            ledger.entries.insert(key, entry);
        }
        for (key, row) in self.rows(LEFT).await? {
            let LeftRow { person, left } = from_json(&key, &row)?;
            ledger.left.insert(person, left);
        }
        for (key, row) in self.rows(DELETED).await? {
            let DeletedRow { person, deletion } = from_json(&key, &row)?;
            ledger.deleted.insert(person, deletion);
        }
        for (key, row) in self.rows(EVENTS).await? {
            ledger.events = from_json(&key, &row)?;
        }
        Ok(ledger)
    }

    /// Puts updates on disk and then into the ledger. After an error the two may differ: the caller stops, and reads
    /// again when it starts again.
    pub async fn remember(&self, ledger: &mut Ledger, updates: &[Update]) -> Result<(), MemoryError> {
        // What is owed is older, and may be of the same rows.
        self.settle().await?;
        for updates in updates.chunks(UPDATES) {
            let commit = rows(ledger, updates).into_iter().fold(Commit::new(), |commit, (key, row)| match row {
                Some(value) => commit.put(key, value),
                None => commit.delete(key),
            });
            self.commit(commit).await?;
            ledger.apply_all(updates);
        }
        Ok(())
    }
}

/// The rows as updates of that ledger make them.
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
        // Their row is written whole.
        Update::Charged(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use entente_model::Timestamp;
    use entente_planner::ledger::{Charge, Event};

    use super::*;

    #[tokio::test]
    async fn what_was_remembered_is_there_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let id = Memory::create(dir.path()).unwrap();
        let (key, gone): (ItemKey, ItemKey) = (
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
            Update::Left(person, Left { since: at, epoch: 1 }),
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
