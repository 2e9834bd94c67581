//! Decides whether a proof that a person's access is gone is accepted.
//!
//! One rule: a proof names every account of the person that is known, comes from an agent that knew them, rests on
//! looks that were understood, and its times make sense to the control plane. Pure. The caller, which has the
//! certificates, checks the signature.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::name::Guid;
use crate::report::{AccountState, KnownAccount, Reason, RemovalProof};
use crate::revocation::Subject;
use crate::time::Timestamp;

/// How far Microsoft's clock, by which proofs are dated, and the control plane's may differ: what Entra ID allows
/// between clocks that sign and check tokens. A clock beyond that is mended, not believed.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(300);

/// What the control plane knows of a removal in one tenant when a proof of it comes.
#[derive(Debug, Clone)]
pub struct Case<'a> {
    /// Since when it is named.
    pub named: Timestamp,
    pub subject: &'a Subject,
    /// Accounts of the person in that tenant, as agents have ever reported them.
    pub known: &'a BTreeSet<Guid>,
    /// There are more than are kept.
    pub has_more: bool,
    /// Accounts that stand in the report beside the proof.
    pub reported: &'a [KnownAccount],
    /// When an agent other than the speaking one last saw an account; none where none ever did.
    pub seen_by_others: Option<Timestamp>,
    /// The second read of the proof that counted until the person came back: what proves it anew was read later.
    pub last_read: Option<Timestamp>,
    pub speaker: Speaker,
    /// The control plane's own time.
    pub now: Timestamp,
}

/// The agent whose proof it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speaker {
    pub enrolled: Timestamp,
    /// An administrator has said that it is the customer's.
    pub vouched: bool,
}

/// Why a proof is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("it proves the removal that was named {found}, and this one was named {named}")]
    OtherRemoval { found: Timestamp, named: Timestamp },
    #[error("more accounts or addresses of the person are known than are kept; a person looks at them")]
    TooMany,
    #[error("it does not name the account {0}")]
    Misses(Guid),
    #[error("the account {id} is {}", .state.word())]
    Open { id: Guid, state: AccountState },
    #[error("{what} is at {time}, before the removal was named at {named}")]
    BeforeNamed { what: &'static str, time: Timestamp, named: Timestamp },
    #[error("its second read, at {second}, does not follow its first, at {first}")]
    OutOfOrder { first: Timestamp, second: Timestamp },
    #[error("its first read, at {first}, is of before the person came back: an earlier proof read at {last}")]
    OldReads { first: Timestamp, last: Timestamp },
    #[error("{what} is at {time}, and it is {now} here")]
    InFuture { what: &'static str, time: Timestamp, now: Timestamp },
    #[error("the tokens that it says to be dead by {effective} outlive its block, at {blocked}")]
    EffectiveEarly { effective: Timestamp, blocked: Timestamp },
    #[error(
        "its agent enrolled {enrolled}, and another one saw the account at {seen}; an administrator vouches for it"
    )]
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
/// The first fault that there is.
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

/// A person who loses one membership may keep an enabled account. The account must still have been read.
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
    // Somebody may have been blocked long before; what is empty is read after the removal was named.
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

/// An agent that enrolled later is not trusted more because it has now seen the account itself.
fn knew(case: &Case<'_>) -> Result<(), Fault> {
    let Speaker { enrolled, vouched } = case.speaker;
    match case.seen_by_others.filter(|seen| enrolled >= *seen && !vouched) {
        Some(seen) => Err(Fault::Unvouched { enrolled, seen }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
