//! Small questions that the second judge asks of actions, entries and permissions.

use entente_model::Guid;
use entente_model::plan::ChangeClass;

use crate::capability::{self, Capability, Definition};
use crate::guardrail::Guardrail;
use crate::ledger::{Ledger, LedgerEntry, LedgerKey, Ownership, Thing, Update};
use crate::plan::Change;
use crate::write::{Action, AzureWrite, DefenderWrite, MemberWrite, UserWrite};

/// Whether all that these Defender permissions let people do is allowed without asking.
pub(super) fn allows<'a>(guardrail: &Guardrail, mut permissions: impl Iterator<Item = &'a str>) -> bool {
    permissions.all(|permission| {
        let capabilities = capability::of_defender_permission(permission);
        capabilities.is_some_and(|all| all.iter().all(|it| guardrail.capabilities.allow.contains(it)))
    })
}

/// Whether every action of a definition has a meaning, and the file allows it without asking.
pub(super) fn holds_only(guardrail: &Guardrail, definition: &Definition) -> bool {
    let judged = capability::judge(&guardrail.capabilities.beside_named(definition));
    let allowed = |it: &Capability| guardrail.capabilities.allow.contains(it);
    judged.unknown.is_empty() && judged.capabilities.iter().all(|(capability, _)| allowed(capability))
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

pub(super) fn object_id(entry: &LedgerEntry) -> Option<String> {
    entry.thing.as_ref().map(Thing::object_id)
}

pub(super) fn is_removal(action: &Action) -> bool {
    matches!(
        action,
        Action::User(UserWrite::Block { .. })
            | Action::User(UserWrite::RevokeSessions { .. })
            | Action::Member(MemberWrite::Remove { .. })
            | Action::Azure(AzureWrite::Delete { .. })
            | Action::Defender(DefenderWrite::DeleteAssignment { .. })
            | Action::Defender(DefenderWrite::DeleteRole { .. })
            | Action::User(UserWrite::Delete { .. })
    )
}

pub(super) fn narrows(change: &Change) -> bool {
    matches!(change.action, Action::Defender(DefenderWrite::UpdateRole { .. }))
        && change.class == ChangeClass::OtherRemoval
}

/// Users and groups that an action would change.
pub(super) fn touched(action: &Action) -> (Vec<Guid>, Vec<Guid>) {
    match action {
        Action::User(UserWrite::Block { user, .. })
        | Action::User(UserWrite::Unblock { user })
        | Action::User(UserWrite::RevokeSessions { user })
        | Action::User(UserWrite::Delete { user }) => (vec![*user], Vec::new()),
        Action::Member(MemberWrite::Add { group, user }) | Action::Member(MemberWrite::Remove { group, user }) => {
            (vec![*user], vec![*group])
        }
        Action::Azure(AzureWrite::Put { principal, .. })
        | Action::Defender(DefenderWrite::CreateAssignment { principal, .. }) => (Vec::new(), vec![*principal]),
        _ => (Vec::new(), Vec::new()),
    }
}
