//! Where the control plane keeps what people decided: entries by key, one revision for each commit, and a feed of
//! what changed.
//!
//! [`Store`] is the trait; [`SledStore`] is the embedded store, for one machine. The crate knows keys, bytes and
//! revisions, and nothing of what the bytes mean: codecs and names belong to `entente-app`.
//!
//! Start at `api.rs` for the trait, then `embedded.rs` for how an acknowledged commit survives a power cut.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod api;
mod archive;
mod commit;
mod embedded;
mod error;
mod export;
mod history;
mod limits;
mod restore;
mod stats;

pub use api::{BoxFuture, Decide, Entry, Key, Page, Revision, Store, StoreExt, View};
pub use commit::{Commit, Expect};
pub use embedded::SledStore;
pub use error::{Cause, CommitError, CommitWithError, ExportError, OpenError, ReadError, RestoreError, WatchError};
pub use export::{Exported, export};
pub use history::{Change, Event, Watch};
pub use limits::{
    MAX_COMMIT_BYTES, MAX_COMMIT_KEYS, MAX_HISTORY_BYTES, MAX_HISTORY_EVENTS, MAX_KEY_BYTES, MAX_PAGE_BYTES,
    MAX_PAGE_ENTRIES, MAX_VALUE_BYTES, STALLED_AFTER,
};
pub use restore::{Restored, restore};
pub use stats::Stats;
