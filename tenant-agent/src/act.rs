//! Carries out writes that a plan allows: each as one call, those that are independent in one batch. One file a plane; here
//! is the register that names them all.
//!
//! Leaves nothing out and adds nothing: what may be done was decided, and what came of it is told as it is.

mod azure;
mod defender;
mod entra;
mod groups;
mod members;
mod outcome;
mod users;

use entente_cloud::{Answer, Cloud};
use entente_planner::record::Outcome;
use entente_planner::write::{Action, MemberWrite};
use futures::{FutureExt, StreamExt, stream};

use crate::reasons;

/// Writes in one step: the size of a batch (Graph: JSON batching), and as far as a plan goes without looking up.
pub const STEP: usize = 20;

/// Single writes under way at a time within a step.
const CONCURRENT: usize = 4;

/// Whether two actions may be under way together: of one kind they touch different objects.
pub fn go_together(a: &Action, b: &Action) -> bool {
    a.is_alike(b)
}

/// Carries out a step: actions of one kind, at most [`STEP`]. One outcome each, in order.
pub async fn carry_out(cloud: &Cloud, actions: &[&Action]) -> Vec<Outcome> {
    let memberships: Vec<&MemberWrite> = actions.iter().filter_map(|action| membership(action)).collect();
    if memberships.len() == actions.len() {
        return members::perform_all(cloud, &memberships).await;
    }
    let calls: Vec<_> = actions.iter().map(|action| one(cloud, action).boxed()).collect();
    stream::iter(calls).buffered(CONCURRENT).collect().await
}

fn membership(action: &Action) -> Option<&MemberWrite> {
    match action {
        Action::Member(write) => Some(write),
        Action::User(_) | Action::Group(_) | Action::Azure(_) | Action::Defender(_) | Action::Entra(_) => None,
    }
}

/// One write, alone.
async fn one(cloud: &Cloud, action: &Action) -> Outcome {
    match action {
        Action::User(write) => match users::perform(cloud, write).await {
            Ok(outcome) => outcome,
            Err(failure) => users::refused(cloud, write, &failure).await,
        },
        Action::Group(write) => told(groups::perform(cloud, write).await, groups::needs(write)),
        Action::Azure(write) => told(azure::perform(cloud, write).await, azure::needs(write)),
        Action::Defender(write) => told(defender::perform(cloud, write).await, defender::needs(write)),
        Action::Entra(write) => told(entra::perform(cloud, write).await, entra::needs(write)),
        Action::Member(write) => members::perform(cloud, write).await,
    }
}

fn told(answer: Answer<Outcome>, needs: &str) -> Outcome {
    answer.unwrap_or_else(|failure| reasons::outcome(&failure, needs))
}
