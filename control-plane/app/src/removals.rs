//! Removals from when they are named until nothing of them is left to watch: proofs become receipts, an account that comes back opens
//! its removal again, and a removal ends long after its last proof.
//!
//! A reconciler: it compares open removals with what agents report, and writes what is missing, with an audit record. Receipts are
//! kept for good, because the customer was promised them. [`proof`] judges whether a report proves a removal, [`status`] says how
//! a removal stands that is not proven, [`settle`] writes what is missing, [`list`] lists removals.

use std::sync::Arc;

use crate::channel::Channels;
use crate::history::History;
use crate::identity::Registry;
use crate::pki::CertificateAuthority;

mod list;
mod parts;
mod proof;
mod receipt;
mod settle;
mod status;

pub use list::Removal;
pub use receipt::SignedStatement;
pub(crate) use receipt::{Receipt, Receipts};
#[cfg(test)]
pub(crate) use settle::Method;

#[derive(Debug)]
pub struct Removals {
    pub(crate) history: Arc<History>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) channels: Arc<Channels>,
    pub(crate) ca: Arc<CertificateAuthority>,
    pub(crate) receipts: Receipts,
    /// Held from what a look at removals judges until it is written.
    pub(crate) settling: tokio::sync::Mutex<()>,
}
