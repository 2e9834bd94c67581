//! What a person who is named for removal still holds, by every way that this agent looks at, and what it does not
//! look at.

use entente_model::report::Reason;
use entente_model::report::bounds::{self, bounded};
use entente_model::{Guid, Plane, PlaneMode};

use crate::builder::PlanBuilder;
use crate::ledger::{LedgerKey, Thing};
use crate::observed::{Listing, Part, Unread};
use crate::reads;

/// What this version does not look at, whatever the file allows: a receipt claims nothing of it.
pub const NOT_LOOKED_AT: [&str; 6] = [
    "groups of hidden membership, which the agent's permission does not show",
    "groups within groups: a membership is looked at one level deep",
    "eligible assignments (PIM)",
    "application role assignments and consents",
    "ownership of groups and applications",
    "Entra roles scoped to an administrative unit or an application",
];

/// Longest list of scopes in a proof, in bytes: with the rest of what is not looked at, it is as much as is taken.
const MAX_SCOPES_BYTES: usize = bounds::MAX_UNSEEN_BYTES / 4;

/// What is held.
#[derive(Default)]
pub(crate) struct Residue {
    /// Given by us.
    pub ours: Vec<String>,
    /// Given by others: named to the customer alone.
    pub others: Vec<String>,
    /// Asked for, and not answered or not understood.
    pub missing: Vec<(String, Unread)>,
    /// Not asked for.
    pub unseen: Vec<String>,
}

impl Residue {
    /// How much of others' the person holds, for those to whom it is not named.
    pub fn count_of_others(&self) -> String {
        match self.others.len() {
            1 => "1 group or role that we did not give (entente-agent status names it to the customer)".into(),
            count => format!(
                "{count} groups or roles that we did not give (entente-agent status names them to the customer)"
            ),
        }
    }
}

/// What the accounts hold together.
pub(crate) fn of(builder: &PlanBuilder<'_>, ids: impl IntoIterator<Item = Guid>) -> Residue {
    let mut found = Residue::default();
    for id in ids {
        memberships(builder, id, &mut found);
        azure(builder, id, &mut found);
        defender(builder, id, &mut found);
    }
    outside(builder, &mut found);
    found
}

/// Where the agent does not look: by the file, and by what it is.
fn outside(builder: &PlanBuilder<'_>, found: &mut Residue) {
    for plane in [Plane::Groups, Plane::Memberships, Plane::AzureRoles, Plane::DefenderRoles] {
        if builder.mode(plane) == PlaneMode::None {
            found.unseen.push(format!("{plane}: none in the guardrail"));
        }
    }
    if builder.mode(Plane::AzureRoles) != PlaneMode::None {
        let scopes = reads::azure_scopes(builder.input.items, builder.input.ledger, builder.guardrail());
        let scopes: Vec<_> = scopes.into_iter().collect();
        found.unseen.push(match scopes.as_slice() {
            [] => "Azure roles: the guardrail names no scope".into(),
            scopes => bounded(format!("Azure roles outside {}", scopes.join(", ")), MAX_SCOPES_BYTES),
        });
    }
    found.unseen.extend(NOT_LOOKED_AT.iter().map(ToString::to_string));
    found.unseen.sort();
    found.unseen.dedup();
}

fn memberships(builder: &PlanBuilder<'_>, id: Guid, found: &mut Residue) {
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
            let marks = |name: &str| {
                builder.guardrail().is_some_and(|it| crate::path::groups::marker_name(&it.limits.name_prefix) == name)
            };
            let counts = |it: &&crate::observed::Holding| Some(it.id) != marker && !marks(&it.name);
            let (ours, others): (Vec<_>, Vec<_>) = holdings.iter().filter(counts).partition(|it| is_ours(it.id));
            found.ours.extend(ours.iter().map(|it| format!("group {}", it.name)));
            found.others.extend(others.iter().map(|it| format!("{} {}", it.kind, it.name)));
        }
        Some(Part::Unread(why)) => found.missing.push(("memberships".into(), why.clone())),
        None => found.missing.push(("memberships".into(), not_asked())),
    }
    odd(builder, &Listing::MembershipsOf(id), "memberships", found);
}

fn azure(builder: &PlanBuilder<'_>, id: Guid, found: &mut Residue) {
    if builder.mode(Plane::AzureRoles) == PlaneMode::None {
        return;
    }
    let rights = builder.input.observed.rights.get(&id);
    for scope in reads::azure_scopes(builder.input.items, builder.input.ledger, builder.guardrail()) {
        match rights.and_then(|rights| rights.azure.get(&scope)) {
            Some(Part::Read(assignments)) => {
                let held = assignments.iter().filter(|it| it.principal == id);
                found.others.extend(held.map(|it| format!("Azure role {} at {}", it.definition, it.scope)));
            }
            Some(Part::Unread(why)) => found.missing.push((scope.clone(), why.clone())),
            None => found.missing.push((scope.clone(), not_asked())),
        }
        odd(builder, &Listing::AzureOf(id, scope.clone()), &scope, found);
    }
}

fn defender(builder: &PlanBuilder<'_>, id: Guid, found: &mut Residue) {
    if builder.mode(Plane::DefenderRoles) == PlaneMode::None {
        return;
    }
    match builder.input.observed.defender() {
        Part::Read(defender) => {
            let held = defender.assignments.iter().filter(|it| it.principals.contains(&id));
            found.others.extend(held.map(|it| format!("Defender assignment {}", it.display_name)));
        }
        // Where unified RBAC is not active, it gives nothing.
        Part::Unread(why) if why.reason == Reason::UnifiedRbacInactive => {
            found.unseen.push("Defender roles: unified RBAC is not active".into());
        }
        Part::Unread(why) => found.missing.push(("defenderRoles".into(), why)),
    }
    odd(builder, &Listing::Defender, "defenderRoles", found);
}

fn odd(builder: &PlanBuilder<'_>, listing: &Listing, what: &str, found: &mut Residue) {
    let odd = builder.input.observed.not_understood(listing);
    found.missing.extend(odd.map(|why| (what.to_owned(), why)));
}

fn not_asked() -> Unread {
    Unread { reason: Reason::Unread, detail: "looked up by principal at the next look".into() }
}
