//! The application: everything that the operations share, behind one cheap handle.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use entente_model::Timestamp;
use entente_seal::{OnlineKey, PublicKey};
use entente_store::Store;
use tokio::sync::{Notify, Semaphore, watch};

use crate::config::{Clock, Config};
use crate::desk::Desks;
use crate::leases::LeaseList;
use crate::pki::CertificateAuthority;
use crate::registry::Registry;
use crate::removals::Receipts;
use crate::stated::Stated;
use crate::status::watch::Watchers;
use crate::tasks::Tasks;
use crate::world::World;
use crate::writer::Head;

/// The control plane without its doors. Clones are the same one.
#[derive(Debug, Clone)]
pub struct App {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) online: OnlineKey,
    pub(crate) ca: CertificateAuthority,
    pub(crate) root_key: PublicKey,
    /// Of the history that is the one now.
    pub(crate) epoch: u64,
    /// When this server first ran in it; the beginning of time where that is not known.
    pub(crate) epoch_begun: Timestamp,
    /// What the root key has stated.
    pub(crate) stated: RwLock<Arc<Stated>>,
    /// From when until when the server's TLS certificate is good, once that was told.
    pub(crate) server_certificate: Mutex<Option<(Timestamp, Timestamp)>>,
    /// The newest stand; touched by the store's writer.
    pub(crate) head: Mutex<Head>,
    /// Held while something becomes visible, so that it does in order.
    pub(crate) publishing: Mutex<()>,
    /// Held from what a look at removals judges until it is written.
    pub(crate) settling: tokio::sync::Mutex<()>,
    /// What is published.
    pub(crate) world: RwLock<Arc<World>>,
    pub(crate) registry: Registry,
    pub(crate) desks: Desks,
    pub(crate) receipts: Receipts,
    pub(crate) watchers: Watchers,
    /// The number of the newest event that is durable.
    pub(crate) events: watch::Sender<u64>,
    /// Places for those who follow events.
    pub(crate) event_watches: Arc<Semaphore>,
    pub(crate) leases: LeaseList,
    /// A removal may have been proven, or somebody been seen who has left.
    pub(crate) removals_told: Notify,
    /// A tenant was deleted: what it left is cleared before another of its name comes.
    pub(crate) tenant_gone: Notify,
    /// A principal has ended: its connections are cut.
    pub(crate) principal_gone: Notify,
    pub(crate) tasks: Tasks,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Inner(epoch {})", self.epoch)
    }
}

/// A lock whose holder panicked is taken all the same: every critical section here leaves its data whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(crate) fn world(&self) -> Arc<World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn show(&self, world: Arc<World>) {
        *self.world.write().unwrap_or_else(PoisonError::into_inner) = world;
    }
}

impl App {
    pub(crate) fn now(&self) -> Timestamp {
        self.inner.now()
    }

    pub(crate) fn world(&self) -> Arc<World> {
        self.inner.world()
    }

    /// The authority's certificate, by which clients know this server.
    pub fn ca_pem(&self) -> &str {
        self.inner.ca.pem()
    }

    /// Of the identities in certificates.
    pub fn trust_domain(&self) -> &str {
        self.inner.ca.trust_domain()
    }
}
