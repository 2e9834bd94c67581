//! A commit while it is decided: what it reads, writes, signs and says, and what follows from it.
//!
//! A decision sees where the history stands after the newest commit, which may not be durable yet. Knows nothing about what is decided.

use std::sync::Arc;

use bytes::Bytes;
use entente_compiler::Advance;
use entente_model::desired::{Digest, Version};
use entente_model::intent::{Manifest, ResourceName};
use entente_model::revocation::Revocation;
use entente_model::{TenantName, Timestamp};
use entente_seal::{Log, OnlineKey};
use entente_store::{Commit, View};
use serde::{Deserialize, Serialize};

use super::audit::{AuditEntry, AuditRecord, Kept};
use super::event::Happening;
use super::sign::{RootContext, State, sign_states};
use super::snapshot::{Meta, Snapshot, Stored, former};
use super::{event, log, pieces};
use crate::error::Result;
use crate::identity::RegistryChange;
use crate::rows::{self, as_hex};

/// Where the history stands after one commit.
#[derive(Debug, Clone)]
pub(crate) struct Committed {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) head: HeadRow,
    /// Of our key, in this epoch.
    pub(crate) log: Log,
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
pub(super) struct Pending {
    pub(super) committed: Committed,
    pub(super) effects: Effects,
}

/// What signs, and of which history.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signer<'a> {
    pub(super) epoch: u64,
    pub(super) online: &'a OnlineKey,
}

/// A commit while it is decided.
pub(crate) struct Decision<'a> {
    signer: Signer<'a>,
    pub(crate) view: &'a dyn View,
    /// The revision that the commit will have.
    pub(crate) revision: u64,
    /// Never before the newest time that was written.
    pub(crate) now: Timestamp,
    pub(crate) committed: Committed,
    commit: Commit,
    effects: Effects,
    happened: Vec<(TenantName, Happening)>,
}

impl<'a> Decision<'a> {
    /// Of the commit that will have this revision.
    pub(super) fn new(
        signer: Signer<'a>,
        view: &'a dyn View,
        revision: u64,
        now: Timestamp,
        committed: Committed,
    ) -> Self {
        let (commit, effects, happened) = (Commit::new(), Effects::default(), Vec::new());
        Self { signer, view, revision, now, committed, commit, effects, happened }
    }
}

impl Decision<'_> {
    pub(crate) fn put(&mut self, key: String, value: Bytes) {
        self.set(key, Some(value));
    }

    pub(crate) fn delete(&mut self, key: String) {
        self.set(key, None);
    }

    fn set(&mut self, key: String, value: Option<Bytes>) {
        self.commit = std::mem::take(&mut self.commit).set(key, value);
    }

    pub(crate) fn read<T: serde::de::DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let Some(entry) = self.view.get(key)? else { return Ok(None) };
        Ok(Some(rows::decode(key, &entry.value)?))
    }

    /// All rows below a prefix, of which there are few: what follows the prefix, and the row.
    pub(crate) fn rows<T: serde::de::DeserializeOwned>(&self, prefix: &str) -> Result<Vec<(String, T)>> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.view.scan(prefix, after.as_deref(), entente_store::MAX_PAGE_ENTRIES)?;
            for (key, entry) in &page.entries {
                found.push((key[prefix.len()..].to_owned(), rows::decode(key, &entry.value)?));
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

    /// Writes the row of a principal, agent or token. The registry follows once it is durable.
    pub(crate) fn register(&mut self, change: RegistryChange) {
        let (key, row) = change.row();
        self.set(key, row);
        self.effects.registry.push(change);
    }

    /// Every audited commit says what it did; before [`Self::install`], because the root holds the record's hash.
    pub(crate) fn record(&mut self, entry: AuditEntry) {
        self.record_changes(entry, Kept::default());
    }

    /// With what it changes, from what to what.
    pub(crate) fn record_changes(&mut self, entry: AuditEntry, kept: Kept) {
        let record = AuditRecord::after(self.committed.head.audit, self.revision, self.now, entry, kept);
        self.committed.head.audit = record.digest;
        self.committed.head.revision = self.revision;
        self.put(rows::audit(self.revision), rows::encode(&record));
    }

    /// Writes a change of intent, and signs the states that it touches.
    pub(crate) fn install(&mut self, advance: Advance) {
        let (snapshot, fleet) = (self.committed.snapshot.clone(), advance.fleet);
        let mut next = Snapshot { revision: self.revision, fleet, ..Snapshot::clone(&snapshot) };
        for name in &advance.changed {
            self.put_resource(&mut next, name);
        }
        let before = &snapshot.fleet.intent().revocations;
        for row in &advance.revocation_puts {
            self.put_pieces(before.get(&row.id).map(|row| &**row), Some(row));
        }
        for id in &advance.revocation_deletes {
            self.put_pieces(before.get(id).map(|row| &**row), None);
        }
        let touched = advance.batch.tenants.iter();
        self.sign(touched.map(|touched| (&touched.tenant, touched.entra_tenant, &touched.items)));
        self.effects.gone = advance.batch.gone;
        self.committed.snapshot = Arc::new(next);
    }

    /// Signs everything anew: at start-up, because states and their seals are not stored.
    pub(crate) fn sign_all(&mut self) {
        let next = Arc::new(Snapshot { revision: self.revision, ..Snapshot::clone(&self.committed.snapshot) });
        let tenants = next.fleet.intent().tenants.clone();
        let states = next.fleet.tenants().filter_map(|(name, items)| {
            let tenant = tenants.get(name)?;
            Some((name, tenant.entra_tenant, items))
        });
        self.sign(states);
        self.committed.snapshot = next.clone();
    }

    fn put_resource(&mut self, next: &mut Snapshot, name: &ResourceName) {
        let key = rows::intent(name);
        let Some(manifest) = next.fleet.intent().get(name) else {
            next.metas.remove(name);
            return self.delete(key);
        };
        let mut meta = Meta::written(next.metas.get(name).map(|meta| &**meta), self.revision, self.now);
        if let (ResourceName::Operator(name), Manifest::Operator(after)) = (name, &manifest)
            && let Some(before) = self.committed.snapshot.fleet.intent().operators.get(name)
        {
            meta.former = former(&meta.former, before, after);
        }
        self.put(key, rows::encode(&Stored { manifest, meta: meta.clone() }));
        next.metas.insert(name.clone(), Arc::new(meta));
    }

    fn put_pieces(&mut self, before: Option<&Revocation>, after: Option<&Revocation>) {
        for (key, piece) in pieces::changed(before, after) {
            self.set(key, piece.as_ref().map(rows::encode));
        }
    }

    /// Signs states under one root, and writes that root and the log that it is a leaf of.
    pub(crate) fn sign<'t>(
        &mut self,
        tenants: impl Iterator<Item = (&'t TenantName, entente_model::Guid, &'t entente_seal::Buckets)>,
    ) {
        let mut tenants = tenants.peekable();
        if tenants.peek().is_none() {
            return;
        }
        let place = RootContext {
            version: Version { epoch: self.signer.epoch, revision: self.revision },
            previous: self.committed.head.root,
            audit_head: self.committed.head.audit,
        };
        let Signer { epoch, online } = self.signer;
        let (batch, states) = sign_states(tenants, place, online, &mut self.committed.log);
        self.committed.head.root = batch.root_digest;
        self.committed.head.revision = self.revision;
        for (key, row) in log::rows_of(&batch, &self.committed.log, online.id(), epoch) {
            self.put(key, row);
        }
        self.effects.states = states;
    }

    /// The commit, and what follows from it if it writes anything.
    pub(super) fn finish(mut self) -> Result<(Commit, Option<Pending>)> {
        let happened = std::mem::take(&mut self.happened);
        (self.commit, self.effects.event) = event::write(self.view, self.commit, &happened, self.now)?;
        if self.commit.is_empty() {
            return Ok((self.commit, None));
        }
        self.committed.head.revision = self.revision;
        self.committed.head.time = self.now;
        let head = rows::encode(&self.committed.head);
        self.put(rows::HEAD.to_owned(), head);
        Ok((self.commit, Some(Pending { committed: self.committed, effects: self.effects })))
    }
}
