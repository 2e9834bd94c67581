//! What a person who is named for removal still holds, by every way that this agent looks at, and what it does not
//! look at.

use entente_model::report::Reason;
use entente_model::{Guid, Plane, PlaneMode};

use crate::builder::PlanBuilder;
use crate::observed::{Listing, Unread};
use crate::planes::rules;

/// What this version does not look at, whatever the file allows: a receipt claims nothing of it.
pub const NOT_LOOKED_AT: [&str; 6] = [
    "groups of hidden membership, which the agent's permission does not show",
    "groups within groups: a membership is looked at one level deep",
    "eligible assignments (PIM)",
    "application role assignments and consents",
    "ownership of groups and applications",
    "Entra roles that are custom, or scoped to an administrative unit or an application, where entraRoles is none",
];

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

pub(crate) fn odd(builder: &PlanBuilder<'_>, listing: &Listing, what: &str, found: &mut Residue) {
    let odd = builder.input.observed.not_understood(listing);
    found.missing.extend(odd.map(|why| (what.to_owned(), why)));
}

pub(crate) fn not_asked() -> Unread {
    Unread { reason: Reason::Unread, detail: "looked up by principal at the next look".into() }
}

/// What the accounts hold together, by every way that this agent looks at.
pub(crate) fn of(builder: &PlanBuilder<'_>, ids: impl IntoIterator<Item = Guid>) -> Residue {
    let mut found = Residue::default();
    for id in ids {
        Plane::ALL.iter().copied().for_each(|plane| (rules(plane).residue)(builder, id, &mut found));
    }
    found.unseen.extend(Plane::ALL.iter().copied().flat_map(|plane| (rules(plane).unseen)(builder)));
    found.unseen.extend(NOT_LOOKED_AT.iter().map(ToString::to_string));
    found
}

/// That the file closes a plane, if so.
pub(crate) fn closed(builder: &PlanBuilder<'_>, plane: Plane) -> Vec<String> {
    let is_closed = builder.mode(plane) == PlaneMode::None;
    is_closed.then(|| format!("{plane}: none in the guardrail")).into_iter().collect()
}
