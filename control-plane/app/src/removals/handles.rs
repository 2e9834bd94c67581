//! What removals are settled with.

use std::sync::Arc;

use super::receipt::Receipts;
use crate::channel::Channels;
use crate::history::History;
use crate::identity::Registry;
use crate::pki::CertificateAuthority;

#[derive(Debug)]
pub(crate) struct Removals {
    pub(crate) history: Arc<History>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) channels: Arc<Channels>,
    pub(crate) ca: Arc<CertificateAuthority>,
    pub(crate) receipts: Receipts,
    /// Held from what a look at removals judges until it is written.
    pub(crate) settling: tokio::sync::Mutex<()>,
}
