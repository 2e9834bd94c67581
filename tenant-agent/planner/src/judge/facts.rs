//! Small questions that the second judge asks of entries and permissions.

use entente_model::Guid;

use crate::capability;
use crate::guardrail::Guardrail;
use crate::ledger::{Ledger, LedgerEntry, LedgerKey, Ownership, Thing, Update};

/// Whether all that these Defender permissions let people do is allowed without asking.
pub(crate) fn allows<'a>(guardrail: &Guardrail, mut permissions: impl Iterator<Item = &'a str>) -> bool {
    permissions.all(|permission| {
        let capabilities = capability::of_defender_permission(permission);
        capabilities.is_some_and(|all| all.iter().all(|it| guardrail.capabilities.allow.contains(it)))
    })
}

/// The key of what an update adopts.
pub(super) fn adopts<'a>(update: &'a Update, before: &Ledger) -> Option<&'a LedgerKey> {
    let Update::Put(key, entry) = update else { return None };
    let is_object = matches!(entry.thing, Some(Thing::User { .. } | Thing::Group { .. }));
    let is_new =
        entry.ownership == Ownership::Adopted && before.get(key).is_none_or(|old| old.ownership != Ownership::Adopted);
    (is_object && is_new).then_some(key)
}

pub(super) fn is_thing(entry: &LedgerEntry, id: Guid) -> bool {
    matches!(entry.thing, Some(Thing::User { id: it } | Thing::Group { id: it }) if it == id)
}
