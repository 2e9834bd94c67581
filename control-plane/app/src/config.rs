//! What an operator of the control plane may set, with the defaults, and where the time comes from.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use entente_model::Timestamp;

/// Says what time it is. Injected, so that tests can move it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The machine's clock.
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Timestamp::from_unix(i64::try_from(seconds).unwrap_or(i64::MAX))
    })
}

/// Settings. Each has a default that suits a fleet of any size seen.
#[derive(Debug, Clone)]
pub struct Config {
    /// HOST:PORT at which agents reach this server: token files carry it.
    pub agent_address: String,
    /// How long a lease lasts: so long may an agent that is cut off go on granting. Renewed at a quarter.
    pub lease: Duration,
    /// Leases that become due within this time share one signature.
    pub lease_gather: Duration,
    pub agent_certificate: Duration,
    pub principal_certificate: Duration,
    /// A stream without an answer for three of these is dead.
    pub ping: Duration,
    /// An older stream that still answers within this time after a newer one took over is a clone.
    pub clone_window: Duration,
    /// How long a state that could not be used now is kept back.
    pub retry_backoff: Duration,
    /// Most items that an agent puts into one report.
    pub report_batch: u32,
    /// How long an agent gathers changes before it reports.
    pub report_interval: Duration,
    /// How long an agent may take to make a plan.
    pub plan_patience: Duration,
}

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

impl Config {
    pub fn new(agent_address: impl Into<String>) -> Self {
        Self {
            agent_address: agent_address.into(),
            lease: HOUR,
            lease_gather: Duration::from_millis(20),
            agent_certificate: 30 * DAY,
            principal_certificate: 365 * DAY,
            ping: Duration::from_secs(60),
            clone_window: Duration::from_secs(30),
            retry_backoff: Duration::from_secs(10),
            report_batch: 500,
            report_interval: Duration::from_secs(1),
            plan_patience: Duration::from_secs(30),
        }
    }
}
