//! What this agent does not understand: a key of a kind or shape of a later version, or a body with something in it that
//! is not known here.
//!
//! It is said once, before any plane runs. No plane gives or takes anything for it, and what is there stays as it is; but
//! what is named for removal, or past its end, ends by what the ledger holds, as its key says enough for that. None of it
//! is ever proven: a newer agent does that.

use entente_model::desired::{Item, ItemBody, ItemKey, MemberKey, UserKey, Want};
use entente_model::report::ItemState;
use entente_model::time::Phase;

use crate::builder::Draft;
use crate::path::groups::Groups;
use crate::path::members;
use crate::path::offboarding;
use crate::path::person::{Exit, ExitKind, People};
use crate::planes::azure::decide as azure;
use crate::planes::defender::decide as defender;

pub(crate) fn is(item: &Item) -> bool {
    item.body == ItemBody::Unknown
}

pub(crate) fn say_all(draft: &mut Draft<'_>) {
    draft.items().filter(|item| is(item)).for_each(|item| say(draft, item));
}

fn say(draft: &mut Draft<'_>, item: &Item) {
    let what = match (&item.key, &item.want) {
        (ItemKey::Other(_), _) => "of a kind that this agent does not know: it needs a newer version",
        (_, Want::Present) => {
            "something in it is of a later version, or a text in it is not plain: it stays as it is until the agent is \
             upgraded or the text is mended"
        }
        (_, Want::Absent { .. }) => {
            "named for removal, and something in it is of a later version, or a text in it is not plain: what this agent \
             gave is taken away, and nothing is proven before it is upgraded or the text is mended"
        }
    };
    draft.say(&item.key, ItemState::Unsupported, None, what);
}

/// Takes away what the ledger holds of those that are to end.
pub(crate) fn end_all(draft: &mut Draft<'_>, people: &People<'_>, groups: &Groups<'_>) {
    for item in draft.items().filter(|item| is(item)) {
        let is_ours = draft.input.ledger.get(&item.key).is_some();
        if let Some(exit) = exit(draft, item).filter(|_| is_ours) {
            end(draft, people, groups, &item.key, exit);
            say(draft, item);
        }
    }
}

fn exit(draft: &Draft<'_>, item: &Item) -> Option<Exit> {
    match (&item.want, item.windows.phase(draft.now())) {
        // Not of the kind that ends in a proof.
        (Want::Absent { cause, .. }, _) => Some(Exit { kind: ExitKind::Implied, ..Exit::named(cause.is_leaver()) }),
        (Want::Present, Phase::Open(_)) => None,
        (Want::Present, phase) => Some(Exit::window(phase)),
    }
}

fn end(draft: &mut Draft<'_>, people: &People<'_>, groups: &Groups<'_>, key: &ItemKey, exit: Exit) {
    match key {
        ItemKey::User(_) => {
            if let Some(person) = people.get(key) {
                offboarding::leave(draft, key, person, exit, Vec::new());
            }
        }
        ItemKey::Member(MemberKey { home, object_id, .. }) => {
            let person = people.get(&ItemKey::User(UserKey { home: home.clone(), object_id: *object_id }));
            members::end(draft, key, person, groups, exit, Vec::new());
        }
        ItemKey::AzureRole(_) => azure::remove(draft, key, exit, Vec::new()),
        ItemKey::DefenderRole(_) | ItemKey::DefenderAssignment(_) => {
            defender::remove(draft, key, exit, Vec::new());
        }
        // An empty group is a person's task, and an unknown kind nobody's.
        ItemKey::Group(_) | ItemKey::Other(_) => {}
    }
}
