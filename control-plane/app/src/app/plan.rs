//! What a person asks of one tenant's agent: a plan, a comparison, its state again. What makes it act is in the audit log,
//! and a tenant is asked only so often: each look costs the customer calls of Microsoft's services.

use std::time::Duration;

use entente_model::plan::PlannedChange;
use entente_model::violation::Fault;
use entente_model::{GoAwayReason, TenantName, Timestamp, Violation};
use tokio::sync::oneshot;

use super::App;
use crate::api_role::ApiRole;
use crate::caller::Caller;
use crate::channel::{Channel, ChannelState, Parked};
use crate::error::{AppError, Result};
use crate::history::AuditEntry;

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
    pub async fn plan_tenant(&self, caller: &Caller, tenant: &TenantName) -> Result<TenantPlan> {
        caller.needs(ApiRole::Viewer)?;
        let offline = || AppError::Offline { tenant: tenant.clone() };
        let answer = {
            let (sender, receiver) = oneshot::channel();
            let channel = self.channel(tenant)?;
            let mut state = channel.lock();
            let live = state.live.clone().ok_or_else(offline)?;
            state.asks.count(self.now(), tenant)?;
            live.ask_plan(sender).then_some(receiver).ok_or_else(offline)?
        };
        let patience = self.inner.config.plan_patience;
        let answer = tokio::time::timeout(patience, answer).await.map_err(|_| offline())?.map_err(|_| offline())?;
        let changes = answer.map_err(|error| AppError::NoPlan { tenant: tenant.clone(), error })?;
        Ok(TenantPlan { changes, time: self.now() })
    }

    /// Asks the agent to compare now instead of at its next period.
    pub async fn compare_tenant(&self, caller: &Caller, tenant: &TenantName) -> Result<()> {
        caller.needs(ApiRole::Editor)?;
        let offline = || AppError::Offline { tenant: tenant.clone() };
        let channel = self.channel(tenant)?;
        {
            let mut state = channel.lock();
            state.live.clone().ok_or_else(offline)?;
            state.asks.count(self.now(), tenant)?;
        }
        self.note(caller, tenant, "CompareTenant", "its agent is asked to compare now".into()).await?;
        let live = channel.lock().live.clone();
        live.ok_or_else(offline)?.ask_compare();
        Ok(())
    }

    /// Sends a tenant its state again, whole, and ends the alarm that parked it; but for one that only a new epoch
    /// can end.
    pub async fn resend_tenant(&self, caller: &Caller, tenant: &TenantName) -> Result<()> {
        caller.needs(ApiRole::Editor)?;
        let channel = self.channel(tenant)?;
        let alarm = may_resend(&channel.lock(), tenant)?;
        let alarm = alarm.map(|alarm| format!("; ends the alarm: {alarm}")).unwrap_or_default();
        self.note(caller, tenant, "ResendTenant", format!("its state is sent again{alarm}")).await?;
        let mut state = channel.lock();
        may_resend(&state, tenant)?;
        tracing::info!(%tenant, principal = %caller.principal, parked = ?state.parked, "state is sent again");
        // It is not known which of two clones is here now: it begins anew, and says what it holds.
        if matches!(state.parked, Some(Parked::Clone(_))) {
            state.cut(GoAwayReason::Overloaded, Duration::from_secs(1));
        }
        state.parked = None;
        // In its row with the next report; a restart before that asks once more.
        state.reported.clone = None;
        state.resend();
        drop(state);
        self.inner.channels.watchers.changed(tenant);
        Ok(())
    }

    /// In the audit log, before it is done.
    async fn note(&self, caller: &Caller, tenant: &TenantName, method: &'static str, what: String) -> Result<()> {
        let (actor, resources) = (caller.principal.to_string(), vec![tenant.to_string()]);
        let entry = AuditEntry { actor, method, request_id: None, resources, summary: format!("{tenant}: {what}") };
        let noted = self.commit(move |decision| {
            decision.record(entry.clone());
            Ok(())
        });
        noted.await.map(|_| ())
    }

    fn channel(&self, tenant: &TenantName) -> Result<std::sync::Arc<Channel>> {
        self.snapshot().needs_tenant("tenant", tenant)?;
        self.inner.channels.get(tenant).ok_or_else(|| AppError::not_found(tenant))
    }
}

/// The alarm that it would end.
fn may_resend(state: &ChannelState, tenant: &TenantName) -> Result<Option<String>> {
    if let Some(Parked::History(text)) = &state.parked {
        let fault = Violation::new(tenant.to_string(), Fault::Conflict, text.clone());
        return Err(AppError::Contradicts(vec![fault]));
    }
    if state.parked.is_none() && !state.is_connected() {
        return Err(AppError::Offline { tenant: tenant.clone() });
    }
    Ok(state.parked.as_ref().map(|parked| parked.reason().to_owned()))
}
