//! Leases: the word that a state is still the right one. Many are signed together, for agents that are here.
//!
//! A channel that gets a new state or a new stream is put on the list; a task signs what is on the list a moment
//! later, all under one root, and looks at every channel now and then. The roots of leases show the log as the newest root of
//! states left it, are no leaves of it and are not kept: a lease proves nothing after its hour.

use std::sync::Arc;

use entente_model::desired::{Lease, Version};

use crate::channel::{Channel, Channels};
use crate::config::Config;
use crate::history::{History, RootContext, sign_leases};

/// What leases are given with.
#[derive(Debug)]
pub(crate) struct Leases {
    pub(super) history: Arc<History>,
    pub(super) channels: Arc<Channels>,
    pub(super) config: Arc<Config>,
}

impl Leases {
    /// Gives a lease to each channel on the list.
    pub(crate) fn grant(&self) {
        let due = self.channels.leases.take();
        self.give(due.iter().filter_map(|tenant| self.channels.get(tenant)).collect());
    }

    /// Renews every lease that has less than three quarters left.
    pub(crate) fn renew(&self) {
        self.give(self.channels.all());
    }

    fn give(&self, channels: Vec<Arc<Channel>>) {
        // While nothing becomes visible, channels and revision agree: a lease must not claim a newer revision for what
        // an older one said.
        let _in_order = self.history.hold_publishing();
        let (committed, now) = (self.history.published(), self.history.now());
        let remaining = self.config.lease * 3 / 4;
        let tenants = &committed.snapshot.fleet.intent().tenants;
        let version = Version { epoch: self.history.epoch, revision: committed.snapshot.revision };
        let (mut leased, mut leases) = (Vec::new(), Vec::new());
        for channel in channels {
            let state = channel.lock();
            let Some(tenant) = tenants.get(&channel.tenant) else { continue };
            if state.is_connected() && state.needs_lease(now, remaining) {
                let (entra_tenant, digest) = (tenant.entra_tenant, state.wanted.digest);
                leases.push(Lease { entra_tenant, version, digest, fresh_until: now.plus(self.config.lease) });
                drop(state);
                leased.push(channel);
            }
        }
        if leases.is_empty() {
            return;
        }
        let place = RootContext { version, previous: committed.head.root, audit_head: committed.head.audit };
        metrics::counter!("entente_leases_total").increment(leases.len() as u64);
        let signed = sign_leases(&leases, place, &self.history.online, committed.log);
        leased.iter().zip(signed).for_each(|(channel, lease)| channel.lock().renew(lease));
    }
}
