//! Whether the agent of a tenant has anything left to do by itself. Whether the result is right is the phase's to say.

use entente_model::PlaneMode;
use entente_model::desired::ItemKey;
use entente_model::report::advice::Move;
use entente_model::report::{ItemReport, ItemState, Reason};

use crate::channel::{ChannelState, Reported};

use super::whose;

/// The agent is here, holds the newest state, has compared the tenant with it, and does nothing more by itself.
pub(super) fn is_settled(state: &ChannelState) -> bool {
    if !state.is_connected() || state.parked.is_some() || state.behind() > 0 {
        return false;
    }
    let reported = &state.reported;
    let compared = reported.standing.as_ref().is_some_and(|it| it.compared == state.wanted.digest.to_string());
    // What is desired and was never reported is not begun.
    let is_known = state.wanted.items.iter().all(|item| reported.items.contains_key(item.key()));
    let mends = reported.standing.as_deref().is_some_and(whose::is_mended);
    compared && is_known && !mends && reported.items.values().all(|item| stays(reported, item, MAX_DEPTH))
}

/// How far a dependency is followed: an assignment depends on a role and a group, and these on nothing.
const MAX_DEPTH: u8 = 4;

/// Whether an item stays as it is until somebody does something, or until a day that is written down.
fn stays(reported: &Reported, item: &ItemReport, depth: u8) -> bool {
    match (item.state, item.reason) {
        (ItemState::Applied | ItemState::Removed, _) => true,
        // What is not understood is not known to stay.
        (ItemState::Pending | ItemState::Later(_), _) | (_, Some(Reason::Later(_))) => false,
        (ItemState::Waiting, Some(Reason::Dependency)) => depth > 0 && lacks_what_stays(reported, &item.key, depth - 1),
        // The agent mends nothing on a plane that it only verifies.
        (ItemState::Drifted, _) if !is_managed(reported, &item.key) => true,
        (state, reason) => whose::move_of(state, reason) != Move::Nobody,
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
