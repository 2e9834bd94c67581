//! What this agent does not understand: a key of a kind or shape of a later version, or a body with something in it that
//! is not known here.
//!
//! It is said once, before any plane runs. No plane gives or takes anything for it, and what is there stays as it is; but
//! what is named for removal, or past its end, ends by what the ledger holds, as its key says enough for that. None of it
//! is ever proven: a newer agent does that.

use entente_model::Plane;
use entente_model::desired::{Item, ItemBody, ItemKey, Want};
use entente_model::report::ItemState;
use entente_model::time::Phase;

use crate::builder::PlanBuilder;
use crate::path::person::{Exit, ExitKind};
use crate::path::{Path, offboarding};
use crate::planes::rules;

pub(crate) fn is(item: &Item) -> bool {
    item.body == ItemBody::Unknown
}

pub(crate) fn say_all(builder: &mut PlanBuilder<'_>) {
    builder.items().filter(|item| is(item)).for_each(|item| say(builder, item));
}

fn say(builder: &mut PlanBuilder<'_>, item: &Item) {
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
    builder.say(&item.key, ItemState::Unsupported, None, what);
}

/// Takes away what the ledger holds of those that are to end.
pub(crate) fn end_all(builder: &mut PlanBuilder<'_>, path: &Path<'_>) {
    for item in builder.items().filter(|item| is(item)) {
        let is_ours = builder.input.ledger.get(&item.key).is_some();
        if let Some(exit) = exit(builder, item).filter(|_| is_ours) {
            end(builder, path, &item.key, exit);
            say(builder, item);
        }
    }
}

fn exit(builder: &PlanBuilder<'_>, item: &Item) -> Option<Exit> {
    match (&item.want, item.windows.phase(builder.now())) {
        // Not of the kind that ends in a proof.
        (Want::Absent { cause, .. }, _) => Some(Exit { kind: ExitKind::Implied, ..Exit::of_cause(*cause) }),
        (Want::Present, Phase::Open(_)) => None,
        (Want::Present, phase) => Some(Exit::window(phase)),
    }
}

fn end(builder: &mut PlanBuilder<'_>, path: &Path<'_>, key: &ItemKey, exit: Exit) {
    match key.plane() {
        Some(Plane::Users) => {
            if let Some(person) = path.people.get(key) {
                offboarding::leave(builder, key, person, exit, Vec::new());
            }
        }
        // An empty group is a person's task, and an unknown kind no one's.
        Some(Plane::Groups) | None => {}
        Some(_) if matches!(key, ItemKey::Group(_)) => {}
        Some(plane) => (rules(plane).withdraw)(builder, path, key, exit, Vec::new()),
    }
}
