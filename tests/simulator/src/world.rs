//! Everything that one running simulator holds: tenants, faults, barriers, the call log, its keys and its clock.
//!
//! Each tenant has a lock of its own, held only while one request is handled and never across an await.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::call_log::CallLog;
use crate::clock::Clock;
use crate::disturbance::{barriers::Barriers, faults::Faults, waits::Waits};
use crate::lock::locked;
use crate::tenant::Tenant;
use crate::token::Mint;

#[derive(Debug)]
pub struct World {
    pub clock: Clock,
    pub seed: u64,
    pub mint: Mint,
    pub control_token: String,
    pub faults: Faults,
    pub barriers: Barriers,
    pub waits: Waits,
    pub log: CallLog,
    tenants: RwLock<HashMap<String, Arc<Mutex<Tenant>>>>,
}

impl World {
    pub fn new(seed: u64, control_token: String, log: CallLog) -> Self {
        let mint = Mint::new(uuid::Uuid::new_v4().as_bytes());
        let (faults, barriers, waits) = (Faults::new(seed), Barriers::default(), Waits::default());
        Self {
            clock: Clock::start(),
            seed,
            mint,
            control_token,
            faults,
            barriers,
            waits,
            log,
            tenants: RwLock::default(),
        }
    }

    /// A tenant by id, or by its domain as the token endpoint allows.
    pub fn tenant(&self, name: &str) -> Option<Arc<Mutex<Tenant>>> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        let by_domain = || tenants.values().find(|tenant| locked(tenant).domain.eq_ignore_ascii_case(name)).cloned();
        tenants.get(&name.to_lowercase()).cloned().or_else(by_domain)
    }

    pub fn put_tenant(&self, tenant: Tenant) {
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        tenants.insert(tenant.id.clone(), Arc::new(Mutex::new(tenant)));
    }

    pub fn remove_tenant(&self, id: &str) -> bool {
        self.tenants.write().unwrap_or_else(PoisonError::into_inner).remove(&id.to_lowercase()).is_some()
    }

    pub fn tenant_ids(&self) -> Vec<String> {
        let mut ids: Vec<String> =
            self.tenants.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect();
        ids.sort();
        ids
    }
}
