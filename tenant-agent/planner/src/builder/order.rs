//! The order of a plan.
//!
//! Removals first, leavers before all; then grants (user, group, membership, role). A removal from somebody who
//! gains something in the same plan comes after the grants, so that a mover is never without both: make before
//! break. Leavers gain nothing, and so never wait.

use std::collections::BTreeSet;

use entente_model::desired::ItemKey;
use entente_model::plan::{ChangeClass, Verdict};
use entente_model::report::Reason;

use crate::action::{Action, GRANTS};
use crate::change::Change;
use crate::input::Input;

pub(crate) fn sort(changes: &mut [Change], input: &Input<'_>) {
    let gaining: BTreeSet<_> = changes
        .iter()
        .filter(|change| change.class == ChangeClass::Grant && change.verdict == Verdict::Allowed)
        .filter_map(|change| change.key.person().map(|(_, id)| id))
        .collect();
    changes.sort_by_cached_key(|change| {
        let gains = change.key.person().is_some_and(|(_, id)| gaining.contains(&id));
        let phase = match change.class {
            ChangeClass::Grant => 1,
            _ if gains => 2,
            _ => 0,
        };
        let class = match change.class {
            ChangeClass::Leaver => 0,
            ChangeClass::Expiry => 1,
            ChangeClass::OtherRemoval => 2,
            ChangeClass::Grant => 3,
        };
        (phase, class, rank(change, input), change.key.clone())
    });
}

/// A block that Microsoft refused comes after the person's memberships: an account that holds roles cannot be
/// blocked before they are gone (Graph: user-update, sensitive actions).
fn rank(change: &Change, input: &Input<'_>) -> u8 {
    let refused = || {
        let failure = input.ledger.get(&change.key).and_then(|entry| entry.failure.as_ref());
        failure.is_some_and(|failure| matches!(failure.reason, Reason::CloudRefused | Reason::PermissionMissing))
    };
    match (&change.action, &change.key) {
        (Action::BlockUser { .. }, ItemKey::User(_)) if refused() => 3,
        // The marker group before the users that it marks, their marks after them.
        (Action::CreateGroup { .. }, ItemKey::Other(_)) => GRANTS,
        _ => change.action.rank(),
    }
}
