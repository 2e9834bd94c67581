//! Who must be woken when a commit is published: streams, watchers, leases, and the tasks that clean up.

use std::sync::Arc;

use tokio::sync::{Notify, watch};

use crate::channel::Channels;
use crate::history::{Effects, Follow};
use crate::identity::{Consequence, Registry};

#[derive(Debug)]
pub(crate) struct Dispatch {
    pub(super) registry: Arc<Registry>,
    pub(super) channels: Arc<Channels>,
    pub(super) events: watch::Sender<u64>,
    /// A tenant was deleted: what it left is cleared before another of its name comes.
    pub(super) tenant_gone: Notify,
    /// A principal has ended: its connections are cut.
    pub(super) principal_gone: Notify,
}

impl Follow for Dispatch {
    fn follow(&self, effects: Effects) {
        for change in effects.registry {
            match self.registry.apply(change) {
                Consequence::Enrolled(tenant) => self.channels.enrolled(&tenant),
                Consequence::Revoked(agent) => self.channels.revoked(&agent),
                Consequence::PrincipalGone => {
                    self.wake_watchers();
                    self.principal_gone.notify_one();
                }
                Consequence::Shown(tenant) => self.channels.watchers.changed(&tenant),
                Consequence::Nothing => {}
            }
        }
        let tenants_gone = !effects.gone.is_empty();
        self.channels.install(effects.states, effects.gone);
        if tenants_gone {
            self.tenant_gone.notify_one();
        }
    }
}

impl Dispatch {
    /// Everybody who watches looks whether it may go on.
    pub(super) fn wake_watchers(&self) {
        self.channels.watchers.wake_all();
        self.events.send_modify(|_| {});
    }
}
