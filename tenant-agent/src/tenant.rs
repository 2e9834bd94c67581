//! The customer's tenant, as the loop needs it: looked at, and changed. The only way from the loop to `entente-cloud`.

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

/// Its futures are boxed: inside the loop's own, a look at every plane overflows a thread's 2 MiB stack in a debug build.
#[derive(Debug)]
pub struct Tenant(Cloud);

impl Tenant {
    pub fn of(cloud: Cloud) -> Self {
        Self(cloud)
    }

    /// One look. What does not answer within the budget is unread, and holds up nothing else.
    pub async fn observe(&self, set: &ReadSet, begun: Moment, budget: Duration) -> Observed {
        Box::pin(observe::observe(&self.0, set, begun, budget)).await
    }

    /// Writes of one kind, at most [`act::STEP`]: one outcome each, in order.
    pub async fn carry_out(&self, actions: &[&Action]) -> Vec<Outcome> {
        Box::pin(act::carry_out(&self.0, actions)).await
    }

    /// Permissions in the agent's token, or why there is none.
    pub async fn sign_in(&self) -> Result<BTreeSet<String>, String> {
        Box::pin(self.0.permissions()).await.map_err(|failure| reasons::said(&failure))
    }

    /// The customer may have granted more since the token was made.
    pub async fn forget_tokens(&self) {
        self.0.forget_tokens().await;
    }

    /// What is wrong with the credential while Microsoft refuses it, and until when it is not tried again.
    pub fn credential_refused(&self) -> Option<(String, Duration)> {
        let trouble = self.0.trouble()?;
        Some((reasons::credential(&trouble.failure), trouble.again_in))
    }

    /// The newest time that a service of Microsoft's told, and how long ago.
    pub fn told_time(&self) -> Option<(Timestamp, Duration)> {
        let told = self.0.server_time()?;
        Some((Timestamp::from_unix(told.date.unix_timestamp()), told.at.elapsed()))
    }
}
