//! Start-up: read everything, check that this server may sign, compile all tenants, sign them once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use entente_compiler::Fleet;
use entente_model::intent::Intent;
use entente_model::{AgentName, Map, PrincipalName, TenantName, Timestamp, TokenName};
use entente_seal::{KeyId, OnlineKey, PublicKey, SealError, Signed, Statement, Verifier};
use entente_store::Store;
use entente_tasks::Tasks;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, Semaphore, watch};

use super::cleanup::CleanUp;
use super::dispatch::Dispatch;
use super::leases::Leases;
use super::{App, Parts};
use crate::channel::{Channels, KnownAccounts, KnownRow, Reported, StandingRow};
use crate::config::{Clock, Config};
use crate::error::AppError;
use crate::history::{Committed, Follow, HeadRow, History, Location, LogError, Snapshot, Stated, Stored, log, pieces};
use crate::identity::{Registry, Tables};
use crate::intent::Intents;
use crate::pki::CertificateAuthority;
use crate::provision::{self, ImportError};
use crate::removals::{Receipt, Receipts, Removals};
use crate::reports::{MAX_WATCHES, Reports};
use crate::rows::{self, RowError};
use crate::stream::Streams;

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the store holds no root key: run `entente-control-plane init`")]
    NoRootKey,
    #[error("the store holds no epoch: run `entente-control-plane new-epoch`")]
    NoEpoch,
    #[error("no statement of the root key lets {0} sign: run `entente-control-plane delegate`")]
    NoDelegation(KeyId),
    #[error("the delegation of {key} ended {ended}: run `entente-control-plane delegate`")]
    DelegationEnded { key: KeyId, ended: Timestamp },
    #[error("the delegation of {key} begins {begins}: check this machine's clock")]
    DelegationNotBegun { key: KeyId, begins: Timestamp },
    #[error("a stored statement is not one of the store's root key: restore the store from an export")]
    Statement(#[source] SealError),
    #[error("the root key's statements cannot be read")]
    Import(#[from] ImportError),
    #[error(transparent)]
    Row(#[from] RowError),
    #[error("a row has a key that is not one of ours: {0}")]
    Key(String),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("the first root could not be written")]
    Commit(#[source] AppError),
}

impl App {
    /// Opens the application over a store.
    pub async fn open(
        store: Arc<dyn Store>,
        config: Config,
        online: OnlineKey,
        ca: CertificateAuthority,
        clock: Clock,
    ) -> Result<Self, OpenError> {
        let root_key = provision::root_key(&*store).await?.ok_or(OpenError::NoRootKey)?;
        let statements = provision::statements(&*store).await?.into();
        let stated = check_statements(root_key, statements, online.public(), clock())?;
        let epoch_begun = epoch_begun(&*store, stated.epoch, clock()).await?;
        let (head, snapshot) = load_snapshot(&*store).await?;
        let snapshot = Arc::new(snapshot);
        let receipts = load::<Receipt>(&*store, rows::REMOVAL).await?;
        let receipts = Receipts::of(receipts.into_iter().map(|(_, receipt)| receipt), &snapshot);
        let registry = Arc::new(Registry::of(load_registry(&*store).await?));
        let reports = load_reports(&*store).await?;
        let known = load_known(&*store).await?;
        let events = watch::Sender::new(newest_event(&*store).await?);
        let channels = Arc::new(Channels::default());
        let dispatch = Arc::new(Dispatch {
            registry: registry.clone(),
            channels: channels.clone(),
            events: events.clone(),
            tenant_gone: Notify::new(),
            principal_gone: Notify::new(),
        });
        let log = log::load(&*store, online.public(), stated.epoch, head.root).await?;
        let committed = Committed { snapshot: snapshot.clone(), head, log };
        let running = Tasks::default();
        let follow = (dispatch.clone() as Arc<dyn Follow>, running.clone());
        let history = History::new(store, clock, online, (stated, epoch_begun), committed, events, follow);
        let app = Self::of(Arc::new(history), registry, channels, dispatch, (config, ca, root_key), receipts, running);
        let epoch = app.inner.history.epoch;
        let signed = app.commit(move |decision| {
            decision.put(rows::EPOCH.into(), rows::encode(&EpochRow { epoch, begun: epoch_begun }));
            decision.sign_all();
            Ok(())
        });
        signed.await.map_err(OpenError::Commit)?;
        app.inner.channels.remember(reports, known, &app.snapshot());
        Ok(app)
    }

    /// Floor by floor.
    fn of(
        history: Arc<History>,
        registry: Arc<Registry>,
        channels: Arc<Channels>,
        dispatch: Arc<Dispatch>,
        (config, ca, root_key): (Config, CertificateAuthority, PublicKey),
        receipts: Receipts,
        running: Tasks,
    ) -> Self {
        let (config, ca) = (Arc::new(config), Arc::new(ca));
        let reports = Arc::new(Reports {
            history: history.clone(),
            registry: registry.clone(),
            channels: channels.clone(),
            event_watches: Arc::new(Semaphore::new(MAX_WATCHES)),
        });
        let streams = Arc::new(Streams {
            history: history.clone(),
            registry: registry.clone(),
            channels: channels.clone(),
            reports: reports.clone(),
            config: config.clone(),
        });
        let intents = Arc::new(Intents {
            history: history.clone(),
            registry: registry.clone(),
            channels: channels.clone(),
            reports: reports.clone(),
        });
        let removals = Arc::new(Removals {
            history: history.clone(),
            registry: registry.clone(),
            channels: channels.clone(),
            ca: ca.clone(),
            receipts,
            settling: tokio::sync::Mutex::default(),
        });
        let leases = Arc::new(Leases { history: history.clone(), channels: channels.clone(), config: config.clone() });
        let cleanup = Arc::new(CleanUp {
            history: history.clone(),
            registry: registry.clone(),
            channels: channels.clone(),
            dispatch: dispatch.clone(),
        });
        let parts = Parts {
            config,
            ca,
            root_key,
            server_certificate: Mutex::default(),
            history,
            registry,
            channels,
            reports,
            streams,
            intents,
            removals,
            dispatch,
            leases,
            cleanup,
            running,
        };
        Self { inner: Arc::new(parts) }
    }
}

/// When a history began here.
#[derive(Serialize, Deserialize)]
struct EpochRow {
    epoch: u64,
    begun: Timestamp,
}

/// Of an epoch that this server has not run in before, now. A store without the row is as old as its epoch may be.
async fn epoch_begun(store: &dyn Store, epoch: u64, now: Timestamp) -> Result<Timestamp, OpenError> {
    let Some(row) = rows::get::<EpochRow>(store, rows::EPOCH).await? else { return Ok(Timestamp::default()) };
    Ok(if row.epoch == epoch { row.begun } else { now })
}

/// What is in force, if the online key may sign now.
pub(crate) fn check_statements(
    root: PublicKey,
    all: Arc<[Signed]>,
    online: PublicKey,
    now: Timestamp,
) -> Result<Stated, OpenError> {
    let mut verifier = Verifier::new(root);
    let (mut current, mut revoked, mut mine) = (None, Vec::new(), Vec::new());
    for signed in all.iter() {
        match verifier.accept(signed).map_err(OpenError::Statement)? {
            Statement::Epoch { epoch, .. } => current = current.max(Some(epoch)),
            Statement::Revocation { serials } => revoked.extend(serials),
            Statement::Delegation { key, not_before, not_after, serial } if key == online => {
                mine.push((serial, not_before, not_after));
            }
            Statement::Delegation { .. } => {}
        }
    }
    mine.retain(|(serial, ..)| !revoked.contains(serial));
    let key = online.id();
    let (_, begins, ended) = *mine.iter().max_by_key(|(_, _, ends)| *ends).ok_or(OpenError::NoDelegation(key))?;
    if ended <= now {
        return Err(OpenError::DelegationEnded { key, ended });
    }
    if !mine.iter().any(|(_, begins, ends)| *begins <= now && now < *ends) {
        return Err(OpenError::DelegationNotBegun { key, begins });
    }
    let epoch = current.ok_or(OpenError::NoEpoch)?;
    Ok(Stated { epoch, delegated_from: begins, delegated_until: ended, statements: all })
}

/// All rows below a prefix: what follows the prefix, and the row.
async fn load<T: DeserializeOwned + Send>(store: &dyn Store, prefix: &str) -> Result<Vec<(String, T)>, OpenError> {
    rows::all(store, prefix).await?.into_iter().map(|(path, row)| Ok((path, row?))).collect()
}

async fn load_snapshot(store: &dyn Store) -> Result<(HeadRow, Snapshot), OpenError> {
    let head: HeadRow = rows::get(store, rows::HEAD).await?.unwrap_or_default();
    let (mut intent, mut metas) = (Intent::default(), Map::default());
    for (_, stored) in load::<Stored>(store, rows::INTENT).await? {
        metas.insert(stored.manifest.name(), Arc::new(stored.meta));
        intent.put(stored.manifest);
    }
    let rows = load(store, rows::REVOCATION).await?;
    pieces::joined(rows.into_iter().map(|(_, piece)| piece)).for_each(|row| intent.put_revocation(row));
    let fleet = Fleet::compile_all(intent);
    Ok((head, Snapshot { revision: head.revision, fleet, metas }))
}

async fn load_registry(store: &dyn Store) -> Result<Tables, OpenError> {
    let mut tables = Tables::default();
    for (id, row) in load(store, rows::PRINCIPAL).await? {
        tables.principals.insert(PrincipalName::from_id(&id).map_err(|_| OpenError::Key(id))?, row);
    }
    for (id, row) in load(store, rows::TOKEN).await? {
        tables.tokens.insert(TokenName::from_id(&id).map_err(|_| OpenError::Key(id))?, row);
    }
    for (ids, row) in load(store, rows::AGENT).await? {
        tables.agents.insert(agent_name(&ids).ok_or(OpenError::Key(ids))?, row);
    }
    Ok(tables)
}

fn agent_name(ids: &str) -> Option<AgentName> {
    let (tenant, agent) = ids.split_once('/')?;
    AgentName::new(TenantName::from_id(tenant).ok()?, agent).ok()
}

async fn load_known(store: &dyn Store) -> Result<HashMap<TenantName, KnownAccounts>, OpenError> {
    let mut known: HashMap<TenantName, KnownAccounts> = HashMap::new();
    for (path, row) in load::<KnownRow>(store, rows::KNOWN).await? {
        let id = path.split('/').next().unwrap_or_default();
        let tenant = TenantName::from_id(id).map_err(|_| OpenError::Key(path.clone()))?;
        let account = row.key.person().map(|(home, object_id)| (home.clone(), object_id));
        known.entry(tenant).or_default().insert(account.ok_or(OpenError::Key(path))?, Arc::new(row));
    }
    Ok(known)
}

/// What agents have said. What of it cannot be read is no reason not to start, as a newer version may have written it:
/// the agent is asked to say everything again, and only then is the row dropped.
async fn load_reports(store: &dyn Store) -> Result<HashMap<TenantName, Reported>, OpenError> {
    let tenant = |id: &str| TenantName::from_id(id).map_err(|_| OpenError::Key(id.to_owned()));
    let mut reports: HashMap<TenantName, Reported> = HashMap::new();
    for (id, row) in rows::all::<StandingRow>(store, rows::STANDING).await? {
        let reported = reports.entry(tenant(&id)?).or_default();
        match row {
            Ok(row) => *reported = std::mem::take(reported).with_row(row),
            Err(error) => unread(reported, format!("{}{id}", rows::STANDING), &error),
        }
    }
    for (path, item) in rows::all::<entente_model::report::ItemReport>(store, rows::STATUS).await? {
        let id = path.split('/').next().unwrap_or_default();
        let reported = reports.entry(tenant(id)?).or_default();
        match item {
            Ok(item) => drop(reported.items.insert(item.key.to_string().into(), Arc::new(item))),
            Err(error) => unread(reported, format!("{}{path}", rows::STATUS), &error),
        }
    }
    Ok(reports)
}

async fn newest_event(store: &dyn Store) -> Result<u64, OpenError> {
    let page = store.scan(rows::EVENT_AT, None, 1).await.map_err(RowError::from)?;
    let Some((key, entry)) = page.entries.first() else { return Ok(0) };
    Ok(rows::decode::<Location>(key, &entry.value)?.number)
}

fn unread(reported: &mut Reported, key: String, error: &RowError) {
    tracing::warn!(
        key,
        error = error as &dyn std::error::Error,
        "a reported row cannot be read: it is asked for again"
    );
    reported.unreadable.push(key);
}
