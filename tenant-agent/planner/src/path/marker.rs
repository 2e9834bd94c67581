//! The accounts that the anchor group marks as made by us, and what of that could not be read: after the loss of a
//! ledger, or of an id, this is how they are found.

use std::collections::BTreeSet;

use entente_model::Guid;
use entente_model::report::Reason;

use crate::builder::Draft;
use crate::ledger::{Entry, anchor_key};
use crate::observed::{Group, Listing, Part, Unread};
use crate::path::groups;

#[derive(Default)]
pub(crate) struct Marks {
    pub accounts: BTreeSet<Guid>,
    /// Asked for, and not answered or not understood: an account that is not among the marked ones may be one of them.
    pub missing: Vec<Unread>,
}

pub(crate) fn of(draft: &Draft<'_>) -> Marks {
    let mut marks = Marks::default();
    let by_ledger = draft.entry(&anchor_key()).and_then(Entry::guid);
    if let Some(id) = by_ledger {
        marks.members(draft, id, matches!(draft.input.observed.group(id), Part::Read(None)));
    }
    match draft.guardrail() {
        Some(guardrail) => {
            marks.named(draft, &crate::path::groups::anchor_name(&guardrail.limits.name_prefix), by_ledger)
        }
        None if by_ledger.is_none() => marks.missing.push(Unread {
            reason: Reason::GuardrailUnreadable,
            detail: "without a readable guardrail the group that marks our accounts is not looked up".into(),
        }),
        None => {}
    }
    marks
}

impl Marks {
    /// The groups of that name which bear the anchor's mark, also one that is not taken for ours after the ledger was
    /// lost.
    fn named(&mut self, draft: &Draft<'_>, name: &str, by_ledger: Option<Guid>) {
        let named: Vec<&Group> = match draft.input.observed.by_name(name) {
            Part::Read(groups) => groups.iter().filter(|group| groups::is_anchor(group)).collect(),
            Part::Unread(why) => return self.missing.push(why),
        };
        self.odd(draft, &Listing::GroupsByName(name.to_owned()));
        let is_gone = |id: Guid| matches!(draft.input.observed.group(id), Part::Read(None));
        for group in named.into_iter().filter(|group| Some(group.id) != by_ledger || is_gone(group.id)) {
            self.members(draft, group.id, false);
        }
    }

    /// `is_gone`: the group answers 404 to its id, and so has no list of members.
    fn members(&mut self, draft: &Draft<'_>, group: Guid, is_gone: bool) {
        match draft.input.observed.members(group) {
            Part::Read(members) => self.accounts.extend(members),
            Part::Unread(_) if is_gone => {}
            Part::Unread(why) => self.missing.push(why),
        }
        self.odd(draft, &Listing::Members(group));
    }

    fn odd(&mut self, draft: &Draft<'_>, listing: &Listing) {
        self.missing.extend(draft.input.observed.not_understood(listing));
    }
}
