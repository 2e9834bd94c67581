//! Whether Defender is looked at: once, whole, where there is anything to look for.

use entente_model::Plane;
use entente_model::desired::ItemKey;

use crate::reads::{ReadSet, Wanted};

/// Also where only people or memberships are concerned: what others gave to our groups, a new member has too. The reads of
/// people come before.
pub(crate) fn reads(wanted: &Wanted<'_>, set: &mut ReadSet) {
    let is_defender = |key: &ItemKey| matches!(key.plane(), Some(Plane::DefenderRoles | Plane::Memberships));
    let mut keys = wanted.items.keys().chain(wanted.ledger.items().map(|(key, _)| key));
    set.defender = keys.any(is_defender) || !set.principals.is_empty() || !set.principals_by_mail.is_empty();
}
