//! What is noted beside the lists of a look: what was not understood, and when Microsoft says it was read.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use entente_model::Timestamp;
use entente_planner::observed::Listing;
use time::OffsetDateTime;

type Odd = BTreeMap<Listing, Vec<String>>;
type Dates = BTreeMap<Listing, Timestamp>;

/// Filled from parts of a look that are under way together.
#[derive(Debug, Default)]
pub struct Notes(Mutex<(Odd, Dates)>);

impl Notes {
    pub fn add(&self, listing: Listing, odd: Vec<String>, date: Option<OffsetDateTime>) {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(date) = date {
            notes.1.insert(listing.clone(), Timestamp::from_unix(date.unix_timestamp()));
        }
        if !odd.is_empty() {
            notes.0.insert(listing, odd);
        }
    }

    pub fn take(self) -> (Odd, Dates) {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
