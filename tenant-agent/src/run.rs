//! Wiring: builds the agent from the configuration and the state directory, and starts and stops its tasks.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use entente_cloud::Cloud;
use entente_proto::channel::{self, ChannelError};
use entente_session::{Effect, Session, View};
use entente_tasks::{Fault, Tasks, stop_at_signals};
use futures::FutureExt;
use tokio::sync::{Notify, mpsc, watch};
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::Config;
use crate::endings::credential_ends;
use crate::files::{self, FileError};
use crate::guardrail_file::GuardrailReader;
use crate::identity::{self, Identity, IdentityError};
use crate::lock::{Lock, LockError};
use crate::memory::{Memory, MemoryError};
use crate::renew::Renewal;
use crate::socket;
use crate::steward::{Parts, Steward};
use crate::stream::{PlanRequest, Stream};
use crate::tenant::Tenant;

/// Time to stop: enough for the step that is under way, which is one batch and its commit.
const DRAIN: Duration = Duration::from_secs(30);

/// Most plans that are asked for and not answered yet.
const PLANS: usize = 4;

/// Why the agent cannot start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Memory(#[from] MemoryError),
    #[error(transparent)]
    Signer(#[from] identity::SignerError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the connection to Microsoft cannot be configured")]
    Cloud(#[from] entente_cloud::ConfigError),
    #[error("the connection to the control plane cannot be configured")]
    Channel(#[from] ChannelError),
    #[error("signals cannot be received")]
    Signal(#[from] std::io::Error),
    #[error(transparent)]
    Task(#[from] Fault),
    #[error("the agent's tasks did not end within {} s", DRAIN.as_secs())]
    Drain,
}

/// The agent without its stream, as `plan` and `revoke-all` need it.
pub struct Base {
    pub identity: Identity,
    pub memory: Memory,
    pub clock: Clock,
    pub session: Session,
    _lock: Lock,
}

impl Base {
    /// Locks the state directory and reads it.
    pub async fn open(config: &Config, new_ledger: bool) -> Result<Self, RunError> {
        let dir = &config.state_dir;
        let mut identity = Identity::load(dir, config.entra_tenant)?;
        let lock = Lock::take(dir)?;
        if new_ledger {
            warn!("the ledger is put aside: no existing object counts as made by this agent");
            identity.pinned.ledger = Memory::start_over(dir)?;
            identity.save(dir)?;
        }
        let memory = Memory::open(dir, identity.pinned.ledger)?;
        let (session, clock) = (session(config, &identity, &memory).await?, Clock::start());
        Ok(Self { identity, memory, clock, session, _lock: lock })
    }

    /// The same; `None` while an agent runs with that state directory.
    pub async fn open_unless_running(config: &Config) -> Result<Option<Self>, RunError> {
        match Self::open(config, false).await {
            Err(RunError::Lock(LockError::Held(_))) => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// Makes a loop without a stream, for a command that looks and acts by itself.
    pub async fn steward(&self, config: &Config) -> Result<Steward, RunError> {
        let (_view, shown) = watch::channel(self.session.view(self.clock.now()));
        let (_plans, asked) = mpsc::channel(1);
        Ok(Steward::new(self.steward_parts(config, shown, asked)?).await?)
    }

    fn steward_parts(
        &self,
        config: &Config,
        view: watch::Receiver<View>,
        plans: mpsc::Receiver<PlanRequest>,
    ) -> Result<Parts, RunError> {
        Ok(Parts {
            cloud: Tenant::of(Cloud::new(config.cloud.clone())?),
            memory: self.memory.clone(),
            clock: self.clock.clone(),
            settings: config.settings.clone(),
            tenant: config.entra_tenant,
            agent: self.identity.pinned.agent.clone(),
            signer: Arc::new(ArcSwap::from_pointee(self.identity.signer()?)),
            guardrail: GuardrailReader::new(config.guardrail.clone(), config.entra_tenant, self.identity.root_key.id()),
            state_dir: config.state_dir.clone(),
            credential_expires: credential_ends(config),
            view,
            nudge: Arc::new(Notify::new()),
            plans,
            status: watch::Sender::new(None),
        })
    }
}

/// Makes the session from the state on disk, which it verifies again.
async fn session(config: &Config, identity: &Identity, memory: &Memory) -> Result<Session, RunError> {
    let on_disk = memory.state().await?;
    let settings = entente_session::Config {
        entra_tenant: config.entra_tenant,
        root_key: identity.root_key,
        build: env!("CARGO_PKG_VERSION").into(),
        boot_id: Uuid::new_v4().to_string(),
        former: on_disk.former,
    };
    let (session, effects) = Session::new(settings, on_disk.statements, on_disk.kept);
    for effect in effects {
        if let Effect::Alarm(alarm) = effect {
            error!(%alarm, "needs a person");
        }
    }
    Ok(session)
}

/// Runs until a signal or the end of an essential task stops it.
///
/// `ready_file` is written once the agent runs; `new_ledger` puts the ledger aside and begins another.
pub async fn run(config: Config, ready_file: Option<PathBuf>, new_ledger: bool) -> Result<(), RunError> {
    let tasks = Tasks::default();
    stop_at_signals(tasks.stop.clone())?;
    // Stops the tasks however this function returns.
    let _stop = tasks.stop.clone().drop_guard();
    let base = Base::open(&config, new_ledger).await?;
    let _lock = start(&config, base, &tasks).await?;
    if let Some(path) = &ready_file {
        say_ready(path)?;
    }
    info!(version = env!("CARGO_PKG_VERSION"), tenant = %config.entra_tenant, "the agent runs");
    tasks.stop.cancelled().await;
    let ended = tasks.ended(DRAIN).await;
    match tasks.fault() {
        Some(fault) => Err(fault.into()),
        None if ended => Ok(()),
        None => Err(RunError::Drain),
    }
}

/// Writes the file that says that the agent runs. On a full disk the agent runs without it, so that it still blocks
/// leavers.
fn say_ready(path: &Path) -> Result<(), FileError> {
    match files::put_up(path, format!("{}\n", std::process::id()).as_bytes()) {
        Err(error) if error.is_full() => {
            warn!(%error, "the disk is full: the agent runs, and the file that says so could not be written");
            Ok(())
        }
        written => written,
    }
}

/// Starts the agent's tasks. The caller holds the lock until they have ended.
async fn start(config: &Config, base: Base, tasks: &Tasks) -> Result<Lock, RunError> {
    let address = config.address.clone().unwrap_or_else(|| base.identity.pinned.address.clone());
    let tls = Arc::new(ArcSwap::from_pointee(base.identity.client_config()?));
    let channel = channel::channel_through(&address, tls.clone(), config.proxy.clone())?;
    let (plans, asked) = mpsc::channel(PLANS);
    let (view, shown) = watch::channel(base.session.view(base.clock.now()));
    let parts = base.steward_parts(config, shown, asked)?;
    let renewed = Arc::new(Notify::new());
    let stream = Stream {
        session: base.session,
        channel: channel.clone(),
        memory: base.memory.clone(),
        clock: base.clock.clone(),
        guardrail: config.guardrail.clone(),
        view,
        nudge: parts.nudge.clone(),
        status: parts.status.subscribe(),
        plans: plans.clone(),
        asked: Default::default(),
        renewed: renewed.clone(),
        statements: None,
    };
    let signer = parts.signer.clone();
    let renewal =
        Renewal { identity: base.identity, state_dir: config.state_dir.clone(), channel, tls, signer, renewed };
    let steward = Steward::new(parts).await?;
    let (dir, stop) = (config.state_dir.clone(), &tasks.stop);
    tasks.essential("stream", stream.run(stop.clone()));
    tasks.essential("loop", steward.run(stop.clone()));
    tasks.essential("renewal", renewal.run(stop.clone()).map(Ok::<_, Infallible>));
    tasks.essential("socket", socket::serve(dir, plans, stop.clone()).map(Ok::<_, Infallible>));
    Ok(base._lock)
}
