//! The accounts that the marker group marks as made by us, and what of that could not be read: after the loss of a
//! ledger, or of an id, this is how they are found.

use std::collections::BTreeSet;

use entente_model::Guid;
use entente_model::report::Reason;

use crate::builder::PlanBuilder;
use crate::ledger::{LedgerEntry, LedgerKey};
use crate::observed::{Group, Listing, Part, Unread};

/// What the marker group says of itself.
pub(crate) const MARKER_DESCRIPTION: &str = "Marks the guests that Entente made. Gives no access.";

/// The marker group's display name.
pub(crate) fn marker_name(prefix: &str) -> String {
    format!("{prefix}anchor")
}

/// Whether a group bears the marker's mark.
pub(crate) fn is_marker(group: &Group) -> bool {
    group.description == MARKER_DESCRIPTION
}

#[derive(Default)]
pub(crate) struct Marks {
    pub accounts: BTreeSet<Guid>,
    /// Asked for, and not answered or not understood: an account that is not among the marked ones may be one of them.
    pub missing: Vec<Unread>,
}

pub(crate) fn of(builder: &PlanBuilder<'_>) -> Marks {
    let mut marks = Marks::default();
    let by_ledger = builder.entry(LedgerKey::Marker).and_then(LedgerEntry::guid);
    if let Some(id) = by_ledger {
        marks.members(builder, id, matches!(builder.input.observed.group(id), Part::Read(None)));
    }
    match builder.guardrail() {
        Some(guardrail) => marks.named(builder, &marker_name(&guardrail.limits.name_prefix), by_ledger),
        None if by_ledger.is_none() => marks.missing.push(Unread {
            reason: Reason::GuardrailUnreadable,
            detail: "without a readable guardrail the group that marks our accounts is not looked up".into(),
        }),
        None => {}
    }
    marks
}

impl Marks {
    /// The groups of that name which bear the marker's mark, also one that is not taken for ours after the ledger was
    /// lost.
    fn named(&mut self, builder: &PlanBuilder<'_>, name: &str, by_ledger: Option<Guid>) {
        let named: Vec<&Group> = match builder.input.observed.by_name(name) {
            Part::Read(groups) => groups.iter().filter(|group| is_marker(group)).collect(),
            Part::Unread(why) => return self.missing.push(why),
        };
        self.odd(builder, &Listing::GroupsByName(name.to_owned()));
        let is_gone = |id: Guid| matches!(builder.input.observed.group(id), Part::Read(None));
        for group in named.into_iter().filter(|group| Some(group.id) != by_ledger || is_gone(group.id)) {
            self.members(builder, group.id, false);
        }
    }

    /// `is_gone`: the group answers 404 to its id, and so has no list of members.
    fn members(&mut self, builder: &PlanBuilder<'_>, group: Guid, is_gone: bool) {
        match builder.input.observed.members(group) {
            Part::Read(members) => self.accounts.extend(members),
            Part::Unread(_) if is_gone => {}
            Part::Unread(why) => self.missing.push(why),
        }
        self.odd(builder, &Listing::Members(group));
    }

    fn odd(&mut self, builder: &PlanBuilder<'_>, listing: &Listing) {
        self.missing.extend(builder.input.observed.not_understood(listing));
    }
}
