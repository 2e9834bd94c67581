//! The facade: every operation of the control plane behind one cheap handle. Nothing else in this crate knows it.
//!
//! What an operation needs is built once (`open`), floor by floor, and each part has the handles that it needs and no more.

mod agents;
mod audit;
mod cleanup;
mod dispatch;
mod endings;
mod leases;
mod open;
mod operations;
mod plan;
mod principals;
mod stated;
mod tasks;
mod tokens;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use entente_model::Timestamp;
use entente_seal::PublicKey;
use entente_tasks::Tasks;

use crate::channel::Channels;
use crate::config::Config;
use crate::error::{AppError, Result};
use crate::history::{Decision, History, Snapshot};
use crate::identity::Registry;
use crate::intent::Intents;
use crate::pki::{CertificateAuthority, Issued, RequestedKey, Serial, Who};
use crate::removals::Removals;
use crate::reports::Reports;
use crate::stream::Streams;
use cleanup::CleanUp;
use dispatch::Dispatch;
use leases::Leases;

pub use agents::{Agent, EnrollRequest, Enrolled, Renewed};
pub use audit::Roots;
pub use endings::{Ending, EndingKind};
pub use open::OpenError;
pub use plan::TenantPlan;
pub use principals::{NewPrincipal, Principal};
pub use stated::RestateError;
pub use tokens::{CreatedToken, EnrollmentToken, TokenFile};

/// The control plane without its doors. Clones are the same one.
#[derive(Debug, Clone)]
pub struct App {
    inner: Arc<Parts>,
}

#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) config: Arc<Config>,
    pub(crate) ca: Arc<CertificateAuthority>,
    pub(crate) root_key: PublicKey,
    /// From when until when the server's TLS certificate is good, once that was told.
    pub(crate) server_certificate: Mutex<Option<(Timestamp, Timestamp)>>,
    pub(crate) history: Arc<History>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) channels: Arc<Channels>,
    pub(crate) reports: Arc<Reports>,
    pub(crate) streams: Arc<Streams>,
    pub(crate) intents: Arc<Intents>,
    pub(crate) removals: Arc<Removals>,
    pub(crate) dispatch: Arc<Dispatch>,
    pub(crate) leases: Arc<Leases>,
    pub(crate) cleanup: Arc<CleanUp>,
    pub(crate) running: Tasks,
}

impl Parts {
    /// Signs a certificate with a new serial number.
    fn issue(&self, who: &Who, key: &RequestedKey, now: Timestamp, lifetime: Duration) -> Result<Issued> {
        let serial = Serial::random().map_err(AppError::internal)?;
        self.ca.client(who, key, serial, now, lifetime).map_err(AppError::internal)
    }
}

impl App {
    #[cfg(test)]
    pub(crate) fn parts(&self) -> &Parts {
        &self.inner
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.history.now()
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.inner.history.snapshot()
    }

    pub(crate) async fn commit<T, F>(&self, decide: F) -> Result<(u64, T)>
    where
        F: FnMut(&mut Decision<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.inner.history.commit(decide).await
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
