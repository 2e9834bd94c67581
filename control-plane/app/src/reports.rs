//! What agents have reported, and the views that are made of it.
//!
//! `keep` keeps a report with what happened by it (`said`), `view` says how a tenant stands, `phase` in which phase it is, `whose`
//! whose move that is and whether an agent has work left, `access` who has access where, `carried` how much of a role,
//! `display` what an item is called; `watch` and `events` tell clients what changes. Knows nothing about streams.

mod access;
mod carried;
mod display;
mod events;
pub(crate) mod keep;
mod phase;
mod said;
mod view;
mod watch;
mod whose;

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::channel::Channels;
use crate::history::History;
use crate::identity::Registry;

pub use access::{Access, AccessFilter, Ground};
pub(crate) use events::MAX_WATCHES;
pub use events::{EventFilter, EventStart, EventWatch};
pub use keep::ReportError;
pub use view::{Displacement, ItemStatus, TenantSelection, TenantStatus};
pub use watch::{StatusWatch, WatchEvent};
pub use whose::Party;

/// What reports are kept by and looked at with.
#[derive(Debug)]
pub struct Reports {
    pub(crate) history: Arc<History>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) channels: Arc<Channels>,
    /// Places for those who follow events.
    pub(crate) event_watches: Arc<Semaphore>,
}
