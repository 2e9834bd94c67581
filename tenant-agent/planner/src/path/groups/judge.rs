//! The second judge of writes of groups.

use entente_model::Guid;
use entente_model::desired::{GroupKind, ItemKey};

use super::write::Write;
use crate::change::Change;
use crate::guardrail::Guardrail;
use crate::judge::bench::{Judge, Opinion};
use crate::observed::{Group, Part};

impl Opinion for Write {
    /// How it is called, and that it is not made twice, is asked of all that is made.
    fn write(&self, judge: &mut Judge<'_>, change: &Change) {
        let Self::Create { kind, .. } = self;
        let asked = match change.key.item() {
            Some(ItemKey::Group(key)) => key.kind,
            _ => GroupKind::Plain,
        };
        judge.unless(*kind == asked, "makes groups of the kind that their keys name", change);
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
        let may_hold_roles = it.kind == Some(GroupKind::RoleAssignable);
        it.within.as_ref().is_some_and(|all| {
            let gives_nothing =
                |kind: &str| kind == "administrative unit" || (may_hold_roles && kind == "directory role");
            all.iter().all(|parent| gives_nothing(&parent.kind))
        })
    };
    let is_alone = by_id.is_some_and(is_in_none);
    judge.unless(is_alone, "adds nobody to a group that is in another one", change);
}
