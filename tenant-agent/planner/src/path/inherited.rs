//! The rights that hang on a group, by a role's items, by somebody else, or by what the group itself is in: each new member
//! has them.
//!
//! A right that the file does not allow is given to nobody more. The rights' own planes say that it is there, and remove
//! what is ours; those who are members stay.

use entente_model::desired::GroupKey;
use entente_model::report::Reason;
use entente_model::{Guid, Plane};

use crate::builder::PlanBuilder;
use crate::observed::Group;
use crate::planes::{rights_first, rules};
use crate::verdict::Condition;

/// A group on which rights hang, and its key; none for the marker group, which is to carry nothing.
pub(crate) struct Carrier {
    pub id: Guid,
    pub key: Option<GroupKey>,
}

/// What stands against giving what the group carries, and what that is, for people.
pub(crate) fn against(builder: &PlanBuilder<'_>, group: &Carrier) -> Vec<(String, Condition)> {
    let mut found = Vec::new();
    rights_first().for_each(|plane| (rules(plane).inherited)(builder, group, &mut found));
    found.retain(|(_, condition)| *condition != Condition::Clear);
    found
}

/// Whether what the group holds may be readable soon.
pub(crate) fn is_on_its_way(builder: &PlanBuilder<'_>, group: Guid) -> bool {
    Plane::ALL.iter().copied().any(|plane| (rules(plane).is_on_its_way)(builder, group))
}

/// A group that is in another one gives what that one has, of which this agent sees a part at most.
pub(crate) fn nested(builder: &PlanBuilder<'_>, group: Guid, found: &mut Vec<(String, Condition)>) {
    let seen = builder.input.observed.group(group).read().copied().flatten();
    match seen.and_then(|it| it.parents().map(Iterator::count)) {
        Some(0) => {}
        Some(count) => {
            let what = format!("what {} may have that the group is in", of_parents(count));
            found.push((what, Condition::Refused(Reason::GuardrailCapability)));
        }
        None => found.push(("what the group is in".into(), Condition::Unread)),
    }
}

/// Says of which of our groups the members have more than we gave, by a group or role that our group is in. Which that is, is
/// told to the customer alone.
pub(crate) fn find_nested(builder: &mut PlanBuilder<'_>, group: &Group) {
    let parents: Vec<String> =
        group.parents().into_iter().flatten().map(|it| format!("{} {}", it.kind, it.name)).collect();
    if !parents.is_empty() {
        let (name, count) = (&group.display_name, of_parents(parents.len()));
        let detail =
            format!("group {name} is in {count}, not by us: nobody is added to it, as members have what that has");
        builder.find(Plane::Groups, Reason::NotOurs, detail);
        builder.name_here(format!("group {name} is in"), parents);
    }
}

/// How many, for those to whom they are not named.
fn of_parents(count: usize) -> String {
    if count == 1 { "another group or role".into() } else { format!("{count} other groups or roles") }
}
