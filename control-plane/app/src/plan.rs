//! What a person asks of one tenant's agent: a plan, a comparison, its state again.

use std::time::Duration;

use entente_model::plan::PlannedChange;
use entente_model::violation::Fault;
use entente_model::{TenantName, Timestamp, Violation};
use tokio::sync::oneshot;

use crate::app::App;
use crate::caller::{ApiRole, Caller};
use crate::desk::{AwayReason, Desk, Parked};
use crate::error::AppError;

/// What an agent would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantPlan {
    /// In order.
    pub changes: Vec<PlannedChange>,
    /// When the agent made it.
    pub time: Timestamp,
}

impl App {
    /// Asks the agent what it would do now, and waits for its answer.
    pub async fn plan_tenant(&self, caller: &Caller, tenant: &TenantName) -> Result<TenantPlan, AppError> {
        caller.needs(ApiRole::Viewer)?;
        let offline = || AppError::Offline { tenant: tenant.clone() };
        let answer = {
            let (sender, receiver) = oneshot::channel();
            let live = self.desk(tenant)?.lock().live().ok_or_else(offline)?;
            live.ask_plan(sender).then_some(receiver).ok_or_else(offline)?
        };
        let patience = self.inner.config.plan_patience;
        let answer = tokio::time::timeout(patience, answer).await.map_err(|_| offline())?.map_err(|_| offline())?;
        let changes = answer.map_err(|error| AppError::NoPlan { tenant: tenant.clone(), error })?;
        Ok(TenantPlan { changes, time: self.now() })
    }

    /// Asks the agent to compare now instead of at its next period.
    pub fn compare_tenant(&self, caller: &Caller, tenant: &TenantName) -> Result<(), AppError> {
        caller.needs(ApiRole::Editor)?;
        let live = self.desk(tenant)?.lock().live();
        live.ok_or_else(|| AppError::Offline { tenant: tenant.clone() })?.ask_compare();
        Ok(())
    }

    /// Sends a tenant its state again, whole, and ends the alarm that parked it; but for one that only a new epoch
    /// can end.
    pub fn resend_tenant(&self, caller: &Caller, tenant: &TenantName) -> Result<(), AppError> {
        caller.needs(ApiRole::Editor)?;
        let desk = self.desk(tenant)?;
        let mut state = desk.lock();
        if let Some(Parked::History(text)) = &state.parked {
            let fault = Violation::new(tenant.to_string(), Fault::Conflict, text.clone());
            return Err(AppError::Contradicts(vec![fault]));
        }
        if state.parked.is_none() && !state.is_connected() {
            return Err(AppError::Offline { tenant: tenant.clone() });
        }
        tracing::info!(%tenant, principal = %caller.principal, parked = ?state.parked, "state is sent again");
        // Of two clones nobody knows which one is here now: it begins anew, and says what it holds.
        if matches!(state.parked, Some(Parked::Clone(_))) {
            state.cut(AwayReason::Overloaded, Duration::from_secs(1));
        }
        state.parked = None;
        state.resend();
        drop(state);
        self.inner.watchers.changed(tenant);
        Ok(())
    }

    fn desk(&self, tenant: &TenantName) -> Result<std::sync::Arc<Desk>, AppError> {
        self.inner.desks.get(tenant).ok_or_else(|| AppError::not_found(tenant))
    }
}
