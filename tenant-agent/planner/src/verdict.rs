//! What the guardrail says of a change: one matrix, as one function.
//!
//! Removing access is the safe direction: in doubt, removals go on and grants stop. Who looks up which conditions
//! hold is `gate.rs`.

use entente_model::plan::{ChangeClass, Verdict};
use entente_model::report::Reason;

/// Something that stands against a change, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Nothing stands against it.
    Clear,
    NeedsApproval(Reason),
    OverCap,
    /// Within a freeze; whether the file lets removals pass.
    Frozen {
        removals_pass: bool,
    },
    Paused,
    /// The customer ends it all: what was given goes by another plan, and of this one named leavers and end dates alone.
    RevokeAll,
    /// Missing, unreadable or not for this tenant.
    Unreadable,
    LeaseOver,
    ReviewPast,
    /// The provider's history changed since the item was last desired, or the person was said to have left.
    EpochChanged,
    /// The plane is only verified.
    ByPerson,
    /// What it would give could not be looked at.
    Unread,
    /// The file says no to this item.
    Refused(Reason),
}

/// The matrix.
pub fn judge(class: ChangeClass, condition: Condition) -> (Verdict, Option<Reason>) {
    use ChangeClass::{Expiry, Grant, Leaver, OtherRemoval};
    use Condition as C;
    let allowed = (Verdict::Allowed, None);
    let held = |reason| (Verdict::Held, Some(reason));
    match (condition, class) {
        (C::Clear, _) => allowed,
        (C::Refused(reason), _) => (Verdict::Refused, Some(reason)),
        (C::ByPerson, _) => (Verdict::ByPerson, Some(Reason::PersonTask)),
        // Even a leaver waits for the customer's hand on the brake; an end date was agreed beforehand.
        (C::Paused, Expiry) => allowed,
        (C::Paused, _) => held(Reason::Paused),
        // An end date and a named leaver pass everything else.
        (_, Expiry | Leaver) => allowed,
        (C::NeedsApproval(reason), Grant) => (Verdict::NeedsApproval, Some(reason)),
        (C::NeedsApproval(_), OtherRemoval) => allowed,
        (C::RevokeAll, _) => held(Reason::RevokeAll),
        (C::OverCap, _) => held(Reason::OverCap),
        (C::Frozen { removals_pass: true }, OtherRemoval) => allowed,
        (C::Frozen { .. }, _) => held(Reason::Frozen),
        (C::Unreadable, _) => held(Reason::GuardrailUnreadable),
        (C::Unread, Grant) => held(Reason::Unread),
        (C::Unread, OtherRemoval) => allowed,
        (C::LeaseOver, Grant) => held(Reason::LeaseOver),
        (C::LeaseOver, OtherRemoval) => allowed,
        (C::ReviewPast, Grant) => (Verdict::Refused, Some(Reason::GuardrailReview)),
        (C::ReviewPast, OtherRemoval) => allowed,
        (C::EpochChanged, _) => held(Reason::EpochChanged),
    }
}

/// The worst of several: refused, then a person's task, then held, then to be approved.
pub fn judge_all(class: ChangeClass, conditions: &[Condition]) -> (Verdict, Option<Reason>) {
    let severity = |verdict: &Verdict| match verdict {
        Verdict::Allowed => 0,
        Verdict::NeedsApproval => 1,
        Verdict::Held => 2,
        Verdict::ByPerson => 3,
        Verdict::Refused => 4,
    };
    let worst = conditions.iter().map(|condition| judge(class, *condition)).rev();
    worst.max_by_key(|(verdict, _)| severity(verdict)).unwrap_or((Verdict::Allowed, None))
}

/// The first reason for which the file says no.
pub(crate) fn refusal(against: &[Condition]) -> Option<Reason> {
    let refused = |condition: &Condition| {
        let Condition::Refused(reason) = condition else { return None };
        Some(*reason)
    };
    against.iter().find_map(refused)
}
