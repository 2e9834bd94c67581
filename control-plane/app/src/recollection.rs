//! What is known of people beyond intent, as the compiler asks for it: accounts that agents reported, and former addresses.

use std::collections::BTreeSet;
use std::sync::Arc;

use entente_compiler::Memory;
use entente_model::intent::ResourceName;
use entente_model::revocation::Known;
use entente_model::{Guid, HomeName, OperatorName, TenantName};

use crate::channel::Channels;
use crate::history::Snapshot;
use crate::identity::Registry;

/// What the compiler asks when it names a person for removal.
#[derive(Debug)]
pub(crate) struct Recollection {
    registry: Arc<Registry>,
    channels: Arc<Channels>,
    snapshot: Arc<Snapshot>,
}

impl Recollection {
    pub(crate) fn of(
        registry: &Arc<Registry>,
        channels: &Arc<Channels>,
        snapshot: &Arc<Snapshot>,
    ) -> Option<Arc<dyn Memory>> {
        Some(Arc::new(Self { registry: registry.clone(), channels: channels.clone(), snapshot: snapshot.clone() }))
    }
}

impl Memory for Recollection {
    fn known(&self, tenant: &TenantName, home: &HomeName, object_id: Guid) -> Known {
        self.channels.known(tenant, &(home.clone(), object_id)).map(|row| row.known.clone()).unwrap_or_default()
    }

    fn was_enrolled(&self, tenant: &TenantName) -> bool {
        self.channels.was_enrolled(&self.registry.tables(), tenant)
    }

    fn former_addresses(&self, operator: &OperatorName, home: &HomeName, object_id: Guid) -> BTreeSet<String> {
        let meta = self.snapshot.metas.get(&ResourceName::Operator(operator.clone()));
        let account = format!("{}/{object_id}", home.id());
        meta.and_then(|meta| meta.former.get(&account).cloned()).unwrap_or_default()
    }
}
