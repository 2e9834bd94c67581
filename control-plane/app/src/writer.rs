//! The one way in which anything audited is committed: decide on the store's writer, sign, commit, then publish.
//!
//! A decision sees the newest stand, which may not be durable yet; so stands queue here until the store says that they
//! are, and are then published in order. What a refused commit left behind is taken back by the next one, which
//! compares its stand with the row that every such commit writes. Knows nothing about what is decided.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use entente_compiler::Advance;
use entente_model::desired::{Digest, Version};
use entente_model::intent::{Manifest, ResourceName};
use entente_model::revocation::Revocation;
use entente_model::{TenantName, Timestamp};
use entente_store::{Commit, StoreExt, View};
use serde::{Deserialize, Serialize};

use crate::app::{App, Inner, lock};
use crate::audit::{AuditRecord, Entry, Kept};
use crate::batch::{Place, State, sign_states};
use crate::error::AppError;
use crate::events::{self, Happening};
use crate::memory;
use crate::registry::RegistryChange;
use crate::removals::pieces;
use crate::rows::{self, as_hex};
use crate::world::{Meta, World};

/// Where the history stands after one commit.
#[derive(Debug, Clone)]
pub(crate) struct Stand {
    pub(crate) world: Arc<World>,
    pub(crate) head: HeadRow,
}

/// The row that every audited commit writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HeadRow {
    pub(crate) revision: u64,
    #[serde(with = "as_hex::digest")]
    pub(crate) audit: Digest,
    #[serde(with = "as_hex::digest")]
    pub(crate) root: Digest,
    /// The newest time that was written. What is written later says no earlier one, whatever the clock does.
    #[serde(default)]
    pub(crate) time: Timestamp,
}

/// A root that was signed, as it is kept: the transparency log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RootRow {
    #[serde(with = "as_hex")]
    root: Vec<u8>,
    #[serde(with = "as_hex")]
    signature: Vec<u8>,
}

/// What follows from a commit once it is durable.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) states: Vec<(TenantName, Arc<State>)>,
    pub(crate) gone: Vec<TenantName>,
    pub(crate) registry: Vec<RegistryChange>,
    /// The newest event.
    pub(crate) event: Option<u64>,
}

#[derive(Debug)]
struct Pending {
    stand: Stand,
    effects: Effects,
}

/// The newest stand, and those that are not published yet.
#[derive(Debug)]
pub(crate) struct Head {
    published: Stand,
    pending: VecDeque<Pending>,
}

impl Head {
    pub(crate) fn new(stand: Stand) -> Self {
        Self { published: stand, pending: VecDeque::new() }
    }

    fn newest(&self) -> &Stand {
        self.pending.back().map_or(&self.published, |pending| &pending.stand)
    }

    /// Goes back to the stand that the store has, if a commit was refused after it was decided.
    fn align(&mut self, view: &dyn View) -> Result<(), AppError> {
        let stored = stored_head(view)?;
        while self.newest().head != stored {
            // Another process wrote, or the store was exchanged below us: nothing here can be trusted any more.
            let gone = self.pending.pop_back();
            gone.ok_or_else(|| AppError::internal("the store has another history than this process; restart it"))?;
        }
        Ok(())
    }

    fn durable_until(&mut self, revision: u64) -> Vec<Effects> {
        let mut durable = Vec::new();
        while self.pending.front().is_some_and(|pending| pending.stand.head.revision <= revision) {
            let pending = self.pending.pop_front().expect("the front was just looked at");
            self.published = pending.stand;
            durable.push(pending.effects);
        }
        durable
    }
}

fn stored_head(view: &dyn View) -> Result<HeadRow, AppError> {
    let Some(entry) = view.get(rows::HEAD)? else { return Ok(HeadRow::default()) };
    rows::decode(rows::HEAD, &entry.value).map_err(AppError::internal)
}

/// A commit while it is decided.
pub(crate) struct Draft<'a> {
    inner: &'a Inner,
    pub(crate) view: &'a dyn View,
    /// The revision that the commit will have.
    pub(crate) revision: u64,
    /// Never before the newest time that was written.
    pub(crate) now: Timestamp,
    pub(crate) stand: Stand,
    commit: Commit,
    effects: Effects,
    happened: Vec<(TenantName, Happening)>,
}

impl Draft<'_> {
    pub(crate) fn put(&mut self, key: String, value: Bytes) {
        self.commit = std::mem::take(&mut self.commit).put(key, value);
    }

    pub(crate) fn delete(&mut self, key: String) {
        self.commit = std::mem::take(&mut self.commit).delete(key);
    }

    pub(crate) fn read<T: serde::de::DeserializeOwned>(&self, key: &str) -> Result<Option<T>, AppError> {
        let Some(entry) = self.view.get(key)? else { return Ok(None) };
        rows::decode(key, &entry.value).map(Some).map_err(AppError::internal)
    }

    /// All rows below a prefix, of which there are few: what follows the prefix, and the row.
    pub(crate) fn rows<T: serde::de::DeserializeOwned>(&self, prefix: &str) -> Result<Vec<(String, T)>, AppError> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.view.scan(prefix, after.as_deref(), entente_store::MAX_PAGE_ENTRIES)?;
            for (key, entry) in &page.entries {
                let row = rows::decode(key, &entry.value).map_err(AppError::internal)?;
                found.push((key[prefix.len()..].to_owned(), row));
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(found),
            }
        }
    }

    /// What happens in a tenant by this.
    pub(crate) fn happens(&mut self, tenant: &TenantName, what: Happening) {
        self.happened.push((tenant.clone(), what));
    }

    pub(crate) fn register(&mut self, change: RegistryChange) {
        self.effects.registry.push(change);
    }

    /// Every audited commit says what it did; before [`Self::install`], because the root holds the record's hash.
    pub(crate) fn record(&mut self, entry: Entry) {
        self.record_changes(entry, Kept::default());
    }

    /// With what it changes, from what to what.
    pub(crate) fn record_changes(&mut self, entry: Entry, kept: Kept) {
        let record = AuditRecord::after(self.stand.head.audit, self.revision, self.now, entry, kept);
        self.stand.head.audit = record.digest;
        self.stand.head.revision = self.revision;
        self.put(rows::audit(self.revision), rows::encode(&record));
    }

    /// Writes a change of intent, and signs the states that it touches.
    pub(crate) fn install(&mut self, advance: Advance) {
        let (world, fleet) = (self.stand.world.clone(), advance.fleet);
        let mut next = World { revision: self.revision, fleet, ..World::clone(&world) };
        for name in &advance.changed {
            self.put_resource(&mut next, name);
        }
        let before = &world.fleet.intent().revocations;
        for row in &advance.revocation_puts {
            self.put_pieces(before.get(&row.id).map(|row| &**row), Some(row));
        }
        for id in &advance.revocation_deletes {
            self.put_pieces(before.get(id).map(|row| &**row), None);
        }
        let touched = advance.batch.tenants.iter();
        self.sign(touched.map(|touched| (&touched.tenant, touched.entra_tenant, &touched.items)));
        self.effects.gone = advance.batch.gone;
        self.stand.world = Arc::new(next);
    }

    /// Signs everything anew: at start-up, because states and their seals are not stored.
    pub(crate) fn sign_all(&mut self) {
        let next = Arc::new(World { revision: self.revision, ..World::clone(&self.stand.world) });
        let tenants = next.fleet.intent().tenants.clone();
        let states = next.fleet.tenants().filter_map(|(name, items)| {
            let tenant = tenants.get(name)?;
            Some((name, tenant.entra_tenant, items))
        });
        self.sign(states);
        self.stand.world = next.clone();
    }

    fn put_resource(&mut self, next: &mut World, name: &ResourceName) {
        let key = rows::intent(name);
        let Some(manifest) = next.fleet.intent().get(name) else {
            next.metas.remove(name);
            return self.delete(key);
        };
        let mut meta = Meta::written(next.metas.get(name).map(|meta| &**meta), self.revision, self.now);
        if let (ResourceName::Operator(name), Manifest::Operator(after)) = (name, &manifest)
            && let Some(before) = self.stand.world.fleet.intent().operators.get(name)
        {
            meta.former = memory::former(&meta.former, before, after);
        }
        self.put(key, rows::encode(&crate::world::Stored { manifest, meta: meta.clone() }));
        next.metas.insert(name.clone(), Arc::new(meta));
    }

    fn put_pieces(&mut self, before: Option<&Revocation>, after: Option<&Revocation>) {
        for (key, piece) in pieces::changed(before, after) {
            match piece {
                Some(piece) => self.put(key, rows::encode(&piece)),
                None => self.delete(key),
            }
        }
    }

    /// Signs states under one root, and writes that root.
    pub(crate) fn sign<'t>(
        &mut self,
        tenants: impl Iterator<Item = (&'t TenantName, entente_model::Guid, &'t entente_seal::Buckets)>,
    ) {
        let mut tenants = tenants.peekable();
        if tenants.peek().is_none() {
            return;
        }
        let place = Place {
            version: Version { epoch: self.inner.epoch, revision: self.revision },
            previous: self.stand.head.root,
            audit_head: self.stand.head.audit,
        };
        let (batch, states) = sign_states(tenants, place, &self.inner.online);
        let row = RootRow { root: batch.root_bytes().to_vec(), signature: batch.signature().to_vec() };
        self.stand.head.root = batch.root_digest();
        self.stand.head.revision = self.revision;
        self.put(rows::root(batch.root_digest()), rows::encode(&row));
        self.effects.states = states;
    }

    fn finish(mut self) -> Result<(Commit, Option<Pending>), AppError> {
        let happened = std::mem::take(&mut self.happened);
        (self.commit, self.effects.event) = events::write(self.view, self.commit, &happened, self.now)?;
        if self.commit.is_empty() {
            return Ok((self.commit, None));
        }
        self.stand.head.revision = self.revision;
        self.stand.head.time = self.now;
        let head = rows::encode(&self.stand.head);
        self.put(rows::HEAD.to_owned(), head);
        Ok((self.commit, Some(Pending { stand: self.stand, effects: self.effects })))
    }
}

impl App {
    /// Decides and commits; returns when it is durable and published. A caller that goes away does not stop it.
    pub(crate) async fn commit<T, F>(&self, mut decide: F) -> Result<(u64, T), AppError>
    where
        F: FnMut(&mut Draft<'_>) -> Result<T, AppError> + Send + 'static,
        T: Send + 'static,
    {
        let inner = self.inner.clone();
        let task = tokio::spawn(async move {
            let writer = inner.clone();
            let decided = inner.store.commit_with(move |view, revision| {
                let mut head = lock(&writer.head);
                head.align(view)?;
                let stand = head.newest().clone();
                let now = writer.now().max(stand.head.time);
                let (commit, effects, happened) = (Commit::new(), Effects::default(), Vec::new());
                let mut draft =
                    Draft { inner: &writer, view, revision: revision.0, now, stand, commit, effects, happened };
                let answer = decide(&mut draft)?;
                let (commit, pending) = draft.finish()?;
                head.pending.extend(pending);
                Ok((commit, answer))
            });
            let (revision, answer) = decided.await?;
            inner.publish(revision.0);
            Ok((revision.0, answer))
        });
        task.await.map_err(AppError::internal)?
    }
}

impl Inner {
    /// Makes everything visible that is durable up to a revision, in order, whoever's commit it was.
    fn publish(&self, revision: u64) {
        let _in_order = lock(&self.publishing);
        let (durable, stand) = {
            let mut head = lock(&self.head);
            (head.durable_until(revision), head.published.clone())
        };
        if durable.is_empty() {
            return;
        }
        self.show(stand.world.clone());
        metrics::counter!("entente_commits_total").increment(durable.len() as u64);
        for effects in durable {
            metrics::histogram!("entente_touched_tenants").record(effects.states.len() as f64);
            self.tell_events(effects.event);
            self.registry.apply(effects.registry, self);
            self.desks.install(effects.states, effects.gone, self);
        }
    }

    /// The time as the next thing that is written may say it. Not for the writer, who has a newer stand.
    pub(crate) fn time(&self) -> Timestamp {
        self.now().max(self.published().head.time)
    }

    /// What is published, if nothing else is decided or on its way.
    pub(crate) fn settled(&self) -> Option<Arc<World>> {
        let head = lock(&self.head);
        head.pending.is_empty().then(|| head.published.world.clone())
    }

    /// Where what is published stands. While the lock is held, desks and world agree.
    pub(crate) fn published(&self) -> Stand {
        lock(&self.head).published.clone()
    }
}
