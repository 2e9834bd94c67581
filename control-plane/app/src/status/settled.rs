//! Whether the agent of a tenant has anything left to do by itself. Whether the result is right is the phase's to say.

use entente_model::PlaneMode;
use entente_model::desired::ItemKey;
use entente_model::report::{ItemReport, ItemState, Reason};

use crate::desk::DeskState;
use crate::status::Reported;

/// The agent is here, holds the newest state, has compared the tenant with it, and does nothing more by itself.
pub(super) fn is_settled(state: &DeskState) -> bool {
    if !state.is_connected() || state.parked.is_some() || state.behind() > 0 {
        return false;
    }
    let reported = &state.reported;
    let compared = reported.standing.as_ref().is_some_and(|it| it.compared == state.wanted.digest.to_string());
    // What is desired and was never reported is not begun.
    let is_known = state.wanted.items.iter().all(|item| reported.items.contains_key(item.key()));
    compared && is_known && reported.items.values().all(|item| stays(reported, item, MAX_DEPTH))
}

/// How far a dependency is followed: an assignment depends on a role and a group, and these on nothing.
const MAX_DEPTH: u8 = 4;

/// Whether an item stays as it is until somebody does something, or until a day that is written down.
fn stays(reported: &Reported, item: &ItemReport, depth: u8) -> bool {
    let is_tried = item.reason.is_some_and(is_agents_move);
    match item.state {
        ItemState::Pending => false,
        ItemState::Waiting if item.reason == Some(Reason::Dependency) => {
            depth > 0 && lacks_what_stays(reported, &item.key, depth - 1)
        }
        ItemState::Waiting => item.reason.is_some_and(is_anothers_move),
        // Tried again; but what Microsoft refuses it will refuse again.
        ItemState::Failed => item.reason.is_some_and(|it| is_anothers_move(it) || it == Reason::CloudRefused),
        ItemState::Drifted => item.reason == Some(Reason::DriftChanged) || !is_managed(reported, &item.key),
        _ => !is_tried,
    }
}

/// Whether something that it depends on is not there, and stays so.
fn lacks_what_stays(reported: &Reported, key: &ItemKey, depth: u8) -> bool {
    key.depends_on().iter().any(|key| {
        let item = reported.items.get(key.to_string().as_str());
        item.is_some_and(|item| item.state != ItemState::Applied && stays(reported, item, depth))
    })
}

fn is_managed(reported: &Reported, key: &ItemKey) -> bool {
    let planes = reported.standing.iter().flat_map(|standing| &standing.planes);
    // Of a plane that is not told of, nothing is known: the agent may mend it.
    let mode = planes.filter(|it| key.plane().is_some_and(|plane| it.plane == plane)).map(|it| it.mode).next();
    mode.is_none_or(|mode| mode == PlaneMode::Manage)
}

/// What the agent looks up or tries again by itself, soon.
fn is_agents_move(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Propagation
            | Reason::Throttled
            | Reason::CloudUnavailable
            | Reason::UnknownOutcome
            | Reason::ConfirmingRemoval
            | Reason::Unread
    )
}

/// What waits for a person, or for a day.
fn is_anothers_move(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::NotYetStarted
            | Reason::Expired
            | Reason::Redemption
            | Reason::PersonTask
            | Reason::PermissionMissing
            | Reason::InvitationsClosed
            | Reason::UnifiedRbacInactive
            | Reason::PermissionNotInTenant
            | Reason::Ambiguous
            | Reason::EpochChanged
            | Reason::AdoptionApproval
            | Reason::CapabilityApproval
            | Reason::IdentityProof
            | Reason::CustomerBlocked
            | Reason::CustomerDeleted
            | Reason::OtherAccount
            | Reason::CredentialRefused
    )
}
