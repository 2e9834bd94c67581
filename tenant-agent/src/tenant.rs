//! The customer's tenant, as the loop needs it: looked at, and changed. `entente-cloud` is what it is in life; a test may
//! put another one in its place.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::Duration;

use entente_cloud::Cloud;
use entente_model::Timestamp;
use entente_planner::action::Action;
use entente_planner::moment::Moment;
use entente_planner::observed::Observed;
use entente_planner::reads::ReadSet;
use entente_planner::record::Outcome;
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::{act, observe};

pub trait Tenant: Debug + Send + Sync {
    /// One look. What does not answer within the budget is unread, and holds up nothing else.
    fn observe<'a>(&'a self, set: &'a ReadSet, begun: Moment, budget: Duration) -> BoxFuture<'a, Observed>;

    /// Writes of one kind, at most [`act::STEP`]: one outcome each, in order.
    fn carry_out<'a>(&'a self, actions: &'a [&'a Action]) -> BoxFuture<'a, Vec<Outcome>>;

    /// Permissions in the agent's token, if it could be read.
    fn permissions(&self) -> BoxFuture<'_, Option<BTreeSet<String>>>;

    /// The customer may have granted more since the token was made.
    fn forget_tokens(&self) -> BoxFuture<'_, ()>;

    /// The newest time that a service of Microsoft's told, and how long ago.
    fn told_time(&self) -> Option<(Timestamp, Duration)>;
}

impl Tenant for Cloud {
    fn observe<'a>(&'a self, set: &'a ReadSet, begun: Moment, budget: Duration) -> BoxFuture<'a, Observed> {
        observe::observe(self, set, begun, budget).boxed()
    }

    fn carry_out<'a>(&'a self, actions: &'a [&'a Action]) -> BoxFuture<'a, Vec<Outcome>> {
        act::carry_out(self, actions).boxed()
    }

    fn permissions(&self) -> BoxFuture<'_, Option<BTreeSet<String>>> {
        async { Cloud::permissions(self).await.ok() }.boxed()
    }

    fn forget_tokens(&self) -> BoxFuture<'_, ()> {
        Cloud::forget_tokens(self).boxed()
    }

    fn told_time(&self) -> Option<(Timestamp, Duration)> {
        let told = self.server_time()?;
        Some((Timestamp::from_unix(told.date.unix_timestamp()), told.at.elapsed()))
    }
}
