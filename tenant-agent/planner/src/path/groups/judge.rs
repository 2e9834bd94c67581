//! The second judge of writes of groups.

use entente_model::Guid;

use super::write::Write;
use crate::change::Change;
use crate::guardrail::Guardrail;
use crate::judge::{Judge, Opinion};
use crate::observed::{Group, Part};

impl Opinion for Write {
    /// How it is called, and that it is not made twice, is asked of all that is made.
    fn write(&self, _: &mut Judge<'_>, _: &Change) {
        let Self::Create { .. } = self;
    }

    /// A group is no role.
    fn role(&self, judge: &mut Judge<'_>, change: &Change, _: &Guardrail) {
        judge.unless(false, "gives only allowed capabilities", change);
    }
}

/// A group that is in another one gives what that one has.
pub(crate) fn joins(judge: &mut Judge<'_>, change: &Change, group: Guid) {
    let by_id = judge.input.observed.groups.get(&group).and_then(Part::read).and_then(Option::as_ref);
    let is_in_none = |it: &Group| {
        it.within.as_ref().is_some_and(|all| all.iter().all(|parent| parent.kind == "administrative unit"))
    };
    let is_alone = by_id.is_some_and(is_in_none);
    judge.unless(is_alone, "adds nobody to a group that is in another one", change);
}
