//! Updates of what the agent did while the disk was full, kept in memory until there is room.
//!
//! While the disk is full, the agent does only what it may do twice: it blocks accounts and deletes memberships by ids
//! that the ledger on disk holds. If it stops before the updates are written, the next start does the same again. A
//! block that was never written then counts as the customer's, and is never undone. The outcome of a call that was
//! under way when the disk filled up is owed as well.

use std::sync::{MutexGuard, PoisonError};

use entente_planner::ledger::{Ledger, Update};

use super::ledger::rows;
use super::{Batched, Memory, MemoryError, Rows, unless_full};

/// A row that makes the store look for room when nothing else is to be written.
const ROOM: &str = "room";

impl Memory {
    fn owed(&self) -> MutexGuard<'_, Rows> {
        // No panic can leave the rows half changed.
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Like [`Memory::remember`], but while the disk is full it updates the ledger alone and owes the rows.
    pub async fn remember_or_owe(&self, ledger: &mut Ledger, updates: &[Update]) -> Result<(), MemoryError> {
        if unless_full(self.remember(ledger, updates).await)?.is_none() {
            let written = rows(ledger, updates);
            self.owed().extend(written);
            ledger.apply_all(updates);
        }
        Ok(())
    }

    /// Whether the disk is full, or updates are still to be written.
    pub fn is_behind(&self) -> bool {
        !self.owed().is_empty() || entente_store::Store::stats(&*self.store).full
    }

    /// Writes the owed updates.
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
        // Updates that were added meanwhile are still owed.
        self.owed().retain(|key, row| owed.get(key) != Some(row));
        Ok(())
    }
}
