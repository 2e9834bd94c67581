//! Leases: the word that a state is still the right one. Many are signed together, for agents that are here.
//!
//! A channel that gets a new state or a new stream is put on the list; a task signs what is on the list a moment
//! later, all under one root, and looks at every channel now and then. The roots of leases show the log as the newest root of
//! states left it, are no leaves of it and are not kept: a lease proves nothing after its hour.

use std::sync::Arc;

use entente_model::desired::{Lease, Version};

use super::App;
use crate::channel::Channel;
use crate::history::{Place, sign_leases};

impl App {
    /// Gives a lease to each channel on the list.
    pub(crate) fn grant_leases(&self) {
        let due = self.inner.channels.leases.take();
        let channels = due.iter().filter_map(|tenant| self.inner.channels.get(tenant)).collect();
        self.lease(channels);
    }

    /// Renews every lease that has less than three quarters left.
    pub(crate) fn renew_leases(&self) {
        self.lease(self.inner.channels.all());
    }
}

impl App {
    fn lease(&self, channels: Vec<Arc<Channel>>) {
        // While nothing becomes visible, channels and revision agree: a lease must not claim a newer revision for what
        // an older one said.
        let _in_order = self.inner.history.hold_publishing();
        let (committed, now) = (self.inner.history.published(), self.now());
        let remaining = self.inner.config.lease * 3 / 4;
        let tenants = &committed.world.fleet.intent().tenants;
        let version = Version { epoch: self.inner.history.epoch, revision: committed.world.revision };
        let (mut leased, mut leases) = (Vec::new(), Vec::new());
        for channel in channels {
            let state = channel.lock();
            let Some(tenant) = tenants.get(&channel.tenant) else { continue };
            if state.is_connected() && state.needs_lease(now, remaining) {
                let (entra_tenant, digest) = (tenant.entra_tenant, state.wanted.digest);
                leases.push(Lease { entra_tenant, version, digest, fresh_until: now.plus(self.inner.config.lease) });
                drop(state);
                leased.push(channel);
            }
        }
        if leases.is_empty() {
            return;
        }
        let place = Place { version, previous: committed.head.root, audit_head: committed.head.audit };
        metrics::counter!("entente_leases_total").increment(leases.len() as u64);
        for (channel, lease) in
            leased.iter().zip(sign_leases(&leases, place, &self.inner.history.online, committed.log))
        {
            channel.lock().renew(lease);
        }
    }
}
