//! The customer's tenant, as the loop reads and changes it: its only way to `entente-cloud`.

use std::collections::BTreeSet;
use std::time::Duration;

use entente_cloud::Cloud;
use entente_model::Timestamp;
use entente_planner::moment::Moment;
use entente_planner::observed::Observed;
use entente_planner::reads::ReadSet;
use entente_planner::record::Outcome;
use entente_planner::write::Action;

use crate::{act, observe, reasons};

/// Its futures are boxed: within the loop's own future, a look at every plane overflows a thread's 2 MiB stack in a
/// debug build.
#[derive(Debug)]
pub struct Tenant(Cloud);

impl Tenant {
    pub fn of(cloud: Cloud) -> Self {
        Self(cloud)
    }

    /// Looks once. Whatever does not answer within the budget counts as unread and delays nothing else.
    pub async fn observe(&self, set: &ReadSet, begun: Moment, budget: Duration) -> Observed {
        Box::pin(observe::observe(&self.0, set, begun, budget)).await
    }

    /// Carries out writes of one kind, at most [`act::STEP`]. Returns one outcome for each, in order.
    pub async fn carry_out(&self, actions: &[&Action]) -> Vec<Outcome> {
        Box::pin(act::carry_out(&self.0, actions)).await
    }

    /// Signs in. Returns the permissions in the token, or why there is no token.
    pub async fn sign_in(&self) -> Result<BTreeSet<String>, String> {
        Box::pin(self.0.permissions()).await.map_err(|failure| reasons::said(&failure))
    }

    /// Drops the tokens, as the customer may have granted more since they were made.
    pub async fn forget_tokens(&self) {
        self.0.forget_tokens().await;
    }

    /// Why Microsoft refuses the credential, and how long the agent waits before it tries again.
    pub fn credential_refused(&self) -> Option<(String, Duration)> {
        let trouble = self.0.trouble()?;
        Some((reasons::credential(&trouble.failure), trouble.again_in))
    }

    /// The newest time that a Microsoft service told, and how long ago.
    pub fn told_time(&self) -> Option<(Timestamp, Duration)> {
        let told = self.0.server_time()?;
        Some((Timestamp::from_unix(told.date.unix_timestamp()), told.at.elapsed()))
    }
}
