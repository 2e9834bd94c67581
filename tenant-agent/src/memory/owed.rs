//! What is done while the disk is full, until there is room to write it down.
//!
//! Only what may be done twice is done then: to block an account and to delete a membership, by ids that the ledger on
//! disk holds. If the agent is stopped before it is written, the next start does it again; a block of which nothing is
//! written then counts as the customer's, and is never undone. What came of a call that was under way when the disk
//! became full is owed as well.

use std::sync::{MutexGuard, PoisonError};

use entente_planner::ledger::{Ledger, Update};

use super::ledger::rows;
use super::{Batched, Memory, MemoryError, Rows};

/// Written so that the store looks for room, where nothing else is to be written.
const ROOM: &str = "room";

impl Memory {
    fn owed(&self) -> MutexGuard<'_, Rows> {
        // Whole between any two statements.
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`Memory::remember`], and while the disk is full in the ledger alone.
    pub async fn remember_or_owe(&self, ledger: &mut Ledger, updates: &[Update]) -> Result<(), MemoryError> {
        match self.remember(ledger, updates).await {
            Err(MemoryError::Full(_)) => {
                let written = rows(ledger, updates);
                self.owed().extend(written);
                ledger.apply_all(updates);
                Ok(())
            }
            remembered => remembered,
        }
    }

    /// Whether the store takes nothing until there is room, or something has yet to be written.
    pub fn is_behind(&self) -> bool {
        !self.owed().is_empty() || entente_store::Store::stats(&*self.store).full
    }

    /// Writes what is owed.
    ///
    /// # Errors
    /// [`MemoryError::Full`] while there is no room.
    pub async fn settle(&self) -> Result<(), MemoryError> {
        if !self.is_behind() {
            return Ok(());
        }
        let owed = self.owed().clone();
        let mut batch = Batched::of(self);
        batch.write(ROOM.into(), Some(Vec::new())).await?;
        for (key, row) in &owed {
            batch.write(key.clone(), row.clone()).await?;
        }
        batch.finish().await?;
        // What was owed since then is not written yet.
        self.owed().retain(|key, row| owed.get(key) != Some(row));
        Ok(())
    }
}
