//! Writes of memberships: one or many in a batch.

use entente_cloud::{Added, Answer, Cloud, Failure, Membership, Removed};
use entente_planner::record::Outcome;
use entente_planner::write::MemberWrite;

use super::outcome::{done, not_yet};
use crate::reasons;

/// Carries out writes of one kind together. One outcome each, in order.
pub(super) async fn perform_all(cloud: &Cloud, writes: &[&MemberWrite]) -> Vec<Outcome> {
    let all: Vec<Membership> = writes.iter().map(|write| membership(write)).collect();
    match writes.first() {
        Some(MemberWrite::Add { .. }) => outcomes(writes, cloud.graph().add_members(&all).await, added),
        Some(MemberWrite::Remove { .. }) => {
            outcomes(writes, cloud.graph().remove_members(&all).await, |_: Removed| done(None))
        }
        None => Vec::new(),
    }
}

/// One write, alone.
pub(super) async fn perform(cloud: &Cloud, write: &MemberWrite) -> Outcome {
    // Each write has one outcome.
    perform_all(cloud, &[write]).await.pop().unwrap_or_else(not_yet)
}

fn membership(write: &MemberWrite) -> Membership {
    match write {
        MemberWrite::Add { group, user } | MemberWrite::Remove { group, user } => {
            Membership { group: group.as_uuid(), member: user.as_uuid() }
        }
    }
}

fn added(added: Added) -> Outcome {
    match added {
        Added::Added | Added::AlreadyThere => done(None),
        Added::NotYetThere => not_yet(),
    }
}

fn outcomes<T>(writes: &[&MemberWrite], answers: Vec<Answer<T>>, ok: impl Fn(T) -> Outcome) -> Vec<Outcome> {
    let outcome = |(write, answer): (&&MemberWrite, Answer<T>)| match answer {
        Ok(value) => ok(value),
        Err(failure) => refused(write, &failure),
    };
    writes.iter().zip(answers).map(outcome).collect()
}

fn refused(write: &MemberWrite, failure: &Failure) -> Outcome {
    reasons::outcome(failure, needs(write))
}

/// The least permission that lets an identity do it (Graph permissions reference).
fn needs(write: &MemberWrite) -> &'static str {
    match write {
        MemberWrite::Add { .. } | MemberWrite::Remove { .. } => {
            "GroupMember.ReadWrite.All, and of a role-assignable group RoleManagement.ReadWrite.Directory too"
        }
    }
}
