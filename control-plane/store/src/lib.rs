//! The control plane's store: entries by key, one revision for each commit, and a feed of changes.
//!
//! [`Store`] is the trait; `entente-store-embedded` is an engine for one machine. This crate knows keys, bytes and
//! revisions, and not what the bytes mean: `entente-app` has codecs and names.
//!
//! Start at `api.rs` for the trait. [`archive`], [`History`] and [`Counters`] are for engines.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod api;
pub mod archive;
mod commit;
mod error;
mod export;
mod history;
mod key;
mod limits;
mod stats;

pub use api::{BoxFuture, Decide, Entry, Page, Store, StoreExt, View};
pub use commit::{Commit, Expect};
pub use error::{Cause, CommitError, CommitWithError, ExportError, OpenError, ReadError, RestoreError, WatchError};
pub use export::{Exported, export};
pub use history::{Change, Event, History, Watch};
pub use key::{Key, Revision};
pub use limits::{
    MAX_COMMIT_BYTES, MAX_COMMIT_KEYS, MAX_KEY_BYTES, MAX_PAGE_BYTES, MAX_PAGE_ENTRIES, MAX_VALUE_BYTES, STALLED_AFTER,
};
pub use stats::{Counters, Stats, micros};
