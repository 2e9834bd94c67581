//! Groups and roles that a person is in.

use entente_model::Guid;

use crate::builder::PlanBuilder;
use crate::ledger::{LedgerKey, Thing};
use crate::observed::{Holding, Listing, Part};
use crate::path::marks::marker_name;
use crate::path::residue::{Residue, not_asked, odd};

pub(crate) fn memberships(builder: &PlanBuilder<'_>, id: Guid, found: &mut Residue) {
    let marker = builder.entry(LedgerKey::Marker).and_then(|entry| entry.guid());
    let entries = &builder.input.ledger.entries;
    let is_ours = |group: Guid| entries.values().any(|entry| entry.thing == Some(Thing::Group { id: group }));
    for (group, members) in &builder.input.observed.members {
        if Some(*group) != marker && is_ours(*group) && members.read().is_some_and(|members| members.contains(&id)) {
            found.ours.push(format!("group {group}"));
        }
    }
    match builder.input.observed.rights.get(&id).map(|rights| &rights.memberships) {
        Some(Part::Read(holdings)) => {
            let marks = |name: &str| builder.guardrail().is_some_and(|it| marker_name(&it.limits.name_prefix) == name);
            let counts = |it: &&Holding| Some(it.id) != marker && !marks(&it.name);
            let (ours, others): (Vec<_>, Vec<_>) = holdings.iter().filter(counts).partition(|it| is_ours(it.id));
            found.ours.extend(ours.iter().map(|it| format!("group {}", it.name)));
            found.others.extend(others.iter().map(|it| format!("{} {}", it.kind, it.name)));
        }
        Some(Part::Unread(why)) => found.missing.push(("memberships".into(), why.clone())),
        None => found.missing.push(("memberships".into(), not_asked())),
    }
    odd(builder, &Listing::MembershipsOf(id), "memberships", found);
}
