//! Decides whether the control plane accepts a proof that a person's access is gone.
//!
//! A proof must name every known account of the person, come from an agent that knew them, and rest on reads that were
//! understood; its times must make sense to the control plane. This module does no IO. The caller has the certificates
//! and checks the signature.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::name::Guid;
use crate::report::{AccountState, KnownAccount, Reason, RemovalProof};
use crate::revocation::Subject;
use crate::time::Timestamp;

/// How far Microsoft's clock, which dates proofs, and the control plane's may differ: what Entra ID allows between
/// clocks that sign and check tokens. If the difference is larger, a person has to correct a clock.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(300);

/// What the control plane knows about a removal in one tenant when a proof of it arrives.
#[derive(Debug, Clone)]
pub struct Case<'a> {
    /// Since when it is named for removal.
    pub named: Timestamp,
    pub subject: &'a Subject,
    /// Accounts of the person in that tenant that agents have ever reported.
    pub known: &'a BTreeSet<Guid>,
    /// More accounts were reported than are stored.
    pub has_more: bool,
    /// Accounts in the report that carries the proof.
    pub reported: &'a [KnownAccount],
    /// When another agent last saw an account. `None` if no other agent ever did.
    pub seen_by_others: Option<Timestamp>,
    /// The second read of the proof that was accepted before the person came back. A new proof needs later reads.
    pub last_read: Option<Timestamp>,
    pub speaker: Speaker,
    /// The control plane's own time.
    pub now: Timestamp,
}

/// The agent that sends the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speaker {
    pub enrolled: Timestamp,
    /// An admin has stated that it is the customer's.
    pub vouched: bool,
}

/// Why a proof is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("it proves the removal named at {found}, but this one was named at {named}")]
    OtherRemoval { found: Timestamp, named: Timestamp },
    #[error("more accounts or addresses of the person are known than are stored; a person must look at them")]
    TooMany,
    #[error("it does not name the account {0}")]
    Misses(Guid),
    #[error("the account {id} is {}", .state.word())]
    Open { id: Guid, state: AccountState },
    #[error("{what} is at {time}, before the removal was named at {named}")]
    BeforeNamed { what: &'static str, time: Timestamp, named: Timestamp },
    #[error("its second read, at {second}, does not follow its first, at {first}")]
    OutOfOrder { first: Timestamp, second: Timestamp },
    #[error("its first read, at {first}, is older than the person's return: an earlier proof read at {last}")]
    OldReads { first: Timestamp, last: Timestamp },
    #[error("{what} is at {time}, but here it is {now}")]
    InFuture { what: &'static str, time: Timestamp, now: Timestamp },
    #[error("it says that tokens expire by {effective}, but those from before the block at {blocked} last longer")]
    EffectiveEarly { effective: Timestamp, blocked: Timestamp },
    #[error("its agent enrolled at {enrolled}, but another one saw the account at {seen}; an admin must vouch for it")]
    Unvouched { enrolled: Timestamp, seen: Timestamp },
}

impl Fault {
    pub fn reason(&self) -> Reason {
        match self {
            Self::Unvouched { .. } => Reason::AgentUnvouched,
            _ => Reason::ProofRefused,
        }
    }
}

/// Judges a proof.
///
/// # Errors
/// The first fault.
pub fn judge(proof: &RemovalProof, case: &Case<'_>) -> Result<(), Fault> {
    if proof.named != case.named {
        return Err(Fault::OtherRemoval { found: proof.named, named: case.named });
    }
    accounts(proof, case)?;
    times(proof, case)?;
    knew(case)
}

fn accounts(proof: &RemovalProof, case: &Case<'_>) -> Result<(), Fault> {
    if case.has_more {
        return Err(Fault::TooMany);
    }
    let named: BTreeSet<Guid> = proof.accounts.iter().map(|account| account.id).collect();
    let mut known = case.known.iter().copied().chain(case.reported.iter().map(|account| account.id));
    if let Some(missed) = known.find(|id| !named.contains(id)) {
        return Err(Fault::Misses(missed));
    }
    let mut all = proof.accounts.iter().chain(case.reported);
    match all.find(|account| !is_done(account.state, case.subject)) {
        Some(KnownAccount { id, state, .. }) => Err(Fault::Open { id: *id, state: *state }),
        None => Ok(()),
    }
}

/// Whether an account is settled. A person who loses one membership may keep an enabled account, but it must have been
/// read.
fn is_done(state: AccountState, subject: &Subject) -> bool {
    match subject {
        Subject::Person => state.is_shut(),
        Subject::Membership(_) => state != AccountState::Unread,
    }
}

fn times(proof: &RemovalProof, case: &Case<'_>) -> Result<(), Fault> {
    let (first, second) = (proof.first_empty_read, proof.second_empty_read);
    if second <= first {
        return Err(Fault::OutOfOrder { first, second });
    }
    let named = case.named;
    let reads = [("its first read", first), ("its second read", second)];
    for (what, time) in reads.into_iter().chain(proof.blocked.map(|time| ("its block", time))) {
        if time > case.now.plus(CLOCK_TOLERANCE) {
            return Err(Fault::InFuture { what, time, now: case.now });
        }
    }
    // A block may be much older, but empty reads must be later than the naming of the removal.
    if let Some((what, time)) = reads.into_iter().find(|(_, time)| time.plus(CLOCK_TOLERANCE) < named) {
        return Err(Fault::BeforeNamed { what, time, named });
    }
    if let Some(last) = case.last_read.filter(|last| first <= *last) {
        return Err(Fault::OldReads { first, last });
    }
    match proof.blocked.filter(|blocked| proof.effective_by < *blocked) {
        Some(blocked) => Err(Fault::EffectiveEarly { effective: proof.effective_by, blocked }),
        None => Ok(()),
    }
}

/// An agent that enrolled later gains no trust by having seen the account itself since.
fn knew(case: &Case<'_>) -> Result<(), Fault> {
    let Speaker { enrolled, vouched } = case.speaker;
    match case.seen_by_others.filter(|seen| enrolled >= *seen && !vouched) {
        Some(seen) => Err(Fault::Unvouched { enrolled, seen }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
