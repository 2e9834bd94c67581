//! Streams of agents: `hello` says who is let in and how a stream begins, `inbox` hears what it says, `outbox` is what it
//! is told, `pulse` is what time does to it.

mod hello;
mod inbox;
mod outbox;
mod pulse;

use std::sync::Arc;

use crate::channel::Channels;
use crate::config::Config;
use crate::history::History;
use crate::identity::Registry;
use crate::reports::Reports;

pub use hello::{Connected, Hello, Welcome};
pub use inbox::{Inbox, Incoming, ProtocolError};
pub use outbox::Outbox;

/// What streams need.
#[derive(Debug)]
pub(crate) struct Streams {
    pub(crate) history: Arc<History>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) channels: Arc<Channels>,
    pub(crate) reports: Arc<Reports>,
    pub(crate) config: Arc<Config>,
}
