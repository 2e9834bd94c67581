//! The one way in which anything audited is committed: decide on the store's writer, sign, commit, then publish.
//!
//! What is decided queues here until the store says that it is durable, and is then published in order; [`Follow`] is told what
//! follows from each. What a refused commit left behind is taken back by the next one, which compares what it began from with the row
//! that every such commit writes. `decision` is a commit while it is decided, `snapshot` what is published, `sign` how states and
//! leases are signed, `audit` and `event` what is said of a change. Knows nothing about who is connected.

pub(crate) mod audit;
mod decision;
pub(crate) mod event;
pub(crate) mod log;
pub(crate) mod pieces;
mod sign;
mod snapshot;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use entente_model::Timestamp;
use entente_seal::OnlineKey;
use entente_store::{Store, StoreExt, View};
use entente_tasks::Tasks;
use tokio::sync::watch;

use crate::config::Clock;
use crate::error::{AppError, Result};
use crate::rows;
use crate::sync::lock;

pub(crate) use audit::{AuditEntry, kept};
pub use audit::{AuditRecord, AuditedChange, ChangeKind, FieldChange, ResourceChange};
pub(crate) use decision::{Committed, Decision, Effects, HeadRow};
pub use event::{Event, EventKind};
pub(crate) use event::{Happening, Location, forget, of_tenant, write};
pub use log::LogError;
pub(crate) use log::RootRow;
pub(crate) use sign::{RootContext, SignedLease, State, Stated, sign_leases};
pub(crate) use snapshot::Snapshot;
pub use snapshot::{Meta, Stored};

use decision::{Pending, Signer};

/// Who is told what follows from a commit that is durable and published, in order.
pub(crate) trait Follow: std::fmt::Debug + Send + Sync {
    fn follow(&self, effects: Effects);
}

/// What was committed, and how more is.
pub(crate) struct History {
    pub(crate) store: Arc<dyn Store>,
    clock: Clock,
    pub(crate) online: OnlineKey,
    /// Of the history that is the one now.
    pub(crate) epoch: u64,
    /// When this server first ran in it; the beginning of time where that is not known.
    pub(crate) epoch_begun: Timestamp,
    /// What the root key has stated.
    stated: RwLock<Arc<Stated>>,
    /// Where the history stands. Held to look or to note only, never while a commit is decided: that may compile the fleet.
    head: Mutex<Head>,
    /// Held while something becomes visible, so that it does in order.
    publishing: Mutex<()>,
    /// What is published.
    snapshot: RwLock<Arc<Snapshot>>,
    /// The number of the newest event that is durable.
    pub(crate) events: watch::Sender<u64>,
    follow: Arc<dyn Follow>,
    /// Stopping waits for what is being committed or computed.
    pub(crate) running: Tasks,
}

/// Where the history stands as it is published, and after each commit that is not published yet.
#[derive(Debug)]
pub(crate) struct Head {
    published: Committed,
    pending: VecDeque<Pending>,
    /// A commit is being decided.
    deciding: bool,
}

impl Head {
    fn newest(&self) -> &Committed {
        self.pending.back().map_or(&self.published, |pending| &pending.committed)
    }

    /// What the next commit begins from. Commits that were decided and then refused are dropped: the store does not have them.
    fn begin(&mut self, stored: HeadRow) -> Result<Committed> {
        while self.newest().head != stored {
            // Another process wrote, or the store was exchanged below us: nothing here can be trusted any more.
            let gone = self.pending.pop_back();
            gone.ok_or_else(|| AppError::internal("the store has another history than this process; restart it"))?;
        }
        self.deciding = true;
        Ok(self.newest().clone())
    }

    fn durable_until(&mut self, revision: u64) -> Vec<Effects> {
        let mut durable = Vec::new();
        while self.pending.front().is_some_and(|pending| pending.committed.head.revision <= revision) {
            let pending = self.pending.pop_front().expect("the front was just looked at");
            self.published = pending.committed;
            durable.push(pending.effects);
        }
        durable
    }
}

fn stored_head(view: &dyn View) -> Result<HeadRow> {
    let Some(entry) = view.get(rows::HEAD)? else { return Ok(HeadRow::default()) };
    Ok(rows::decode(rows::HEAD, &entry.value)?)
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "History(epoch {})", self.epoch)
    }
}

impl History {
    /// As it was read at start-up.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Clock,
        online: OnlineKey,
        (stated, epoch_begun): (Stated, Timestamp),
        committed: Committed,
        events: watch::Sender<u64>,
        (follow, running): (Arc<dyn Follow>, Tasks),
    ) -> Self {
        let epoch = stated.epoch;
        let (stated, snapshot) = (RwLock::new(Arc::new(stated)), RwLock::new(committed.snapshot.clone()));
        let head = Mutex::new(Head { published: committed, pending: VecDeque::new(), deciding: false });
        let publishing = Mutex::default();
        Self { store, clock, online, epoch, epoch_begun, stated, head, publishing, snapshot, events, follow, running }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// What is published.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Held while leases are signed: while nothing becomes visible, channels and revision agree.
    pub(crate) fn hold_publishing(&self) -> MutexGuard<'_, ()> {
        lock(&self.publishing)
    }

    /// What the root key has stated.
    pub(crate) fn stated(&self) -> Arc<Stated> {
        self.stated.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn restate(&self, stated: Stated) {
        *self.stated.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(stated);
    }

    /// Agents take nothing that is signed after the delegation's end: a change that could not reach them is refused.
    pub(crate) fn ensure_signs(&self) -> Result<()> {
        let ended = self.stated().delegated_until;
        if ended <= self.now() { Err(AppError::CannotSign { ended }) } else { Ok(()) }
    }

    /// Events up to that number are durable.
    pub(crate) fn tell_events(&self, newest: Option<u64>) {
        if let Some(newest) = newest {
            self.events.send_if_modified(|told| std::mem::replace(told, newest.max(*told)) < newest);
        }
    }

    /// Decides on the store's writer and commits; returns when it is durable and published. A caller that goes away does not stop it.
    pub(crate) async fn commit<T, F>(self: &Arc<Self>, mut decide: F) -> Result<(u64, T)>
    where
        F: FnMut(&mut Decision<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let history = self.clone();
        let task = self.running.spawn("commit", async move {
            let writer = history.clone();
            let decided = history.store.commit_with(move |view, revision| {
                let stored = stored_head(view)?;
                let committed = lock(&writer.head).begin(stored)?;
                let now = writer.now().max(committed.head.time);
                let signer = Signer { epoch: writer.epoch, online: &writer.online };
                let mut decision = Decision::new(signer, view, revision.0, now, committed);
                let decided = decide(&mut decision).and_then(|answer| Ok((decision.finish()?, answer)));
                let mut head = lock(&writer.head);
                head.deciding = false;
                let ((commit, pending), answer) = decided?;
                head.pending.extend(pending);
                Ok((commit, answer))
            });
            let (revision, answer) = decided.await?;
            history.publish(revision.0);
            Ok((revision.0, answer))
        });
        task.await.map_err(AppError::internal)?
    }

    /// Makes everything visible that is durable up to a revision, in order, of every caller.
    fn publish(&self, revision: u64) {
        let _in_order = lock(&self.publishing);
        let (durable, committed) = {
            let mut head = lock(&self.head);
            (head.durable_until(revision), head.published.clone())
        };
        if durable.is_empty() {
            return;
        }
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = committed.snapshot.clone();
        metrics::counter!("entente_commits_total").increment(durable.len() as u64);
        for effects in durable {
            metrics::histogram!("entente_touched_tenants").record(effects.states.len() as f64);
            self.tell_events(effects.event);
            self.follow.follow(effects);
        }
    }

    /// The time as the next thing that is written may say it. Not for the writer, who knows of newer commits.
    pub(crate) fn time(&self) -> Timestamp {
        self.now().max(self.published().head.time)
    }

    /// What is published, if nothing else is decided or on its way.
    pub(crate) fn settled(&self) -> Option<Arc<Snapshot>> {
        let head = lock(&self.head);
        (head.pending.is_empty() && !head.deciding).then(|| head.published.snapshot.clone())
    }

    /// Where what is published stands. While the lock is held, channels and snapshot agree.
    pub(crate) fn published(&self) -> Committed {
        lock(&self.head).published.clone()
    }
}
