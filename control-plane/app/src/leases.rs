//! Leases: the word that a state is still the right one. Many are signed together, for agents that are here.
//!
//! Their roots hang below the newest root of states and are kept by nobody: a lease proves nothing after its hour.

use entente_model::desired::{Lease, Version};

use crate::app::{App, Inner, lock};
use crate::batch::{Place, sign_leases};

impl App {
    /// Renews what has less than three quarters left, and gives one to whoever has none.
    pub(crate) fn renew_leases(&self) {
        self.inner.renew_leases();
    }
}

impl Inner {
    fn renew_leases(&self) {
        // While nothing becomes visible, desks and revision agree: a lease must not claim a newer revision for what
        // an older one said.
        let _in_order = lock(&self.publishing);
        let (stand, now) = (self.published(), self.now());
        let remaining = self.config.lease * 3 / 4;
        let tenants = &stand.world.fleet.intent().tenants;
        let version = Version { epoch: self.epoch, revision: stand.world.revision };
        let (mut desks, mut leases) = (Vec::new(), Vec::new());
        for desk in self.desks.all() {
            let state = desk.lock();
            let Some(tenant) = tenants.get(&desk.tenant) else { continue };
            if state.is_connected() && state.needs_lease(now, remaining) {
                let (entra_tenant, digest) = (tenant.entra_tenant, state.wanted.digest);
                leases.push(Lease { entra_tenant, version, digest, fresh_until: now.plus(self.config.lease) });
                drop(state);
                desks.push(desk);
            }
        }
        if leases.is_empty() {
            return;
        }
        let place = Place { version, previous: stand.head.root, audit_head: stand.head.audit };
        metrics::counter!("entente_leases_total").increment(leases.len() as u64);
        for (desk, lease) in desks.iter().zip(sign_leases(&leases, place, &self.online)) {
            desk.lock().renew(lease);
        }
    }
}
