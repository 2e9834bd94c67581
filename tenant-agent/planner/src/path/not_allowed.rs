//! What we gave and the file, as it is now, does not allow any more: for the customer, who may take it away by a command.
//!
//! A narrower file stops grants; what is there stays until it is no longer wanted, or until a person on the customer's
//! host says so. By the same questions as a grant (`gate.rs`), so that nothing that is taken comes back. What cannot be
//! judged for good is not here: who is no longer desired goes by itself. What was not read is UNREAD, and not refused.

use std::collections::BTreeSet;

use entente_model::desired::{
    DefenderAssignmentKey, DefenderRoleBody, DefenderRoleKey, Item, ItemBody, ItemKey, MemberKey, UserBody, UserKey,
    Want,
};
use entente_model::report::Reason;
use entente_model::{PlaneMode, catalog};

use crate::builder::{PlanBuilder, Purpose};
use crate::change::Plan;
use crate::gate;
use crate::guardrail::Guardrail;
use crate::input::Input;
use crate::input::Settings;
use crate::ledger::{Ledger, LedgerEntry, LedgerKey, Thing, Update};
use crate::moment::Moment;
use crate::observed::{Observed, Part};
use crate::plan::revoke_all;
use crate::reads;
use crate::verdict::Condition;

/// One thing that we gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAllowed {
    pub key: ItemKey,
    /// [`Reason::Unread`] where that could not be told by this look.
    pub reason: Reason,
    /// What it is, for a person.
    pub what: String,
    /// Taken away already, as far as our own calls were answered.
    pub is_taken: bool,
}

impl NotAllowed {
    /// For certain, and still to be taken.
    pub fn is_open(&self) -> bool {
        self.reason != Reason::Unread && !self.is_taken
    }
}

/// Everything in the ledger that gives access, is ours, and is not allowed. Without a readable file nothing.
pub fn not_allowed(input: &Input<'_>) -> Vec<NotAllowed> {
    let Ok(guardrail) = input.guardrail else { return Vec::new() };
    let builder = PlanBuilder::new(input, Purpose::Converge);
    let ours = input.ledger.items().filter(|(_, entry)| entry.thing.is_some() && entry.is_owned());
    let refused = ours.filter_map(|(key, entry)| {
        let reason = by_plane(guardrail, key).or_else(|| refusal(&builder, key, entry))?;
        let is_taken = entry.removed.is_some() || entry.block.is_some();
        Some(NotAllowed { key: key.clone(), reason, what: what(&builder, key, entry), is_taken })
    });
    refused.collect()
}

/// What is to be done and how it stands, for these keys alone: as where the customer ends everything.
pub fn revoke(
    keys: &BTreeSet<ItemKey>,
    ledger: &Ledger,
    observed: &Observed,
    guardrail: Option<&Guardrail>,
    settings: &Settings,
    now: Moment,
) -> Plan {
    let mut plan = revoke_all(ledger, observed, guardrail, settings, now);
    let is_one = |key: &LedgerKey| key.item().is_some_and(|key| keys.contains(key));
    plan.changes.retain(|change| is_one(&change.key));
    plan.reports.retain(|report| keys.contains(&report.key));
    plan.findings.clear();
    plan.updates.retain(|update| matches!(update, Update::Put(key, _) | Update::Forget(key) if is_one(key)));
    plan
}

/// A plane that the file has closed. The group alone gives nothing.
fn by_plane(guardrail: &Guardrail, key: &ItemKey) -> Option<Reason> {
    let plane = key.plane().filter(|_| !matches!(key, ItemKey::Group(_)))?;
    (guardrail.mode(plane) == PlaneMode::None).then_some(Reason::GuardrailPlane)
}

fn refusal(builder: &PlanBuilder<'_>, key: &ItemKey, entry: &LedgerEntry) -> Option<Reason> {
    match key {
        ItemKey::User(_) => person(builder, key),
        ItemKey::Member(MemberKey { home, object_id, .. }) => {
            let user = ItemKey::User(UserKey { home: home.clone(), object_id: *object_id });
            person(builder, &user).or_else(|| gate::refusal(&[gate::length(builder, wanted(builder, key)?)?]))
        }
        ItemKey::AzureRole(_) => match &entry.thing {
            Some(Thing::AzureRole { scope, definition, .. }) => {
                let against = gate::azure(builder, scope, *definition);
                let is_unread = against.contains(&Condition::Unread);
                gate::refusal(&against).or(is_unread.then_some(Reason::Unread))
            }
            _ => None,
        },
        // An assignment gives what its role holds.
        ItemKey::DefenderRole(DefenderRoleKey { role })
        | ItemKey::DefenderAssignment(DefenderAssignmentKey { role, .. }) => {
            match &wanted(builder, &ItemKey::DefenderRole(DefenderRoleKey { role: role.clone() }))?.body {
                ItemBody::DefenderRole(DefenderRoleBody { permissions, .. }) => {
                    gate::refusal(&gate::defender(builder, permissions))
                }
                _ => None,
            }
        }
        ItemKey::Group(_) | ItemKey::Other(_) => None,
    }
}

fn person(builder: &PlanBuilder<'_>, key: &ItemKey) -> Option<Reason> {
    let Some(item) = wanted(builder, key) else {
        // Left out of what is desired, and not gone yet: judged by the addresses that were used.
        let (guardrail, entry) = (builder.guardrail()?, builder.entry(key)?);
        let is_refused = !entry.addresses.iter().any(|address| reads::is_invitable(address, guardrail));
        return (is_refused && !entry.addresses.is_empty()).then_some(Reason::GuardrailPerson);
    };
    let account = builder.entry(key).and_then(LedgerEntry::guid).map(|id| builder.input.observed.user(id));
    let (account, is_unread) = match account {
        Some(Part::Unread(_)) => (None, true),
        Some(Part::Read(user)) => (user, false),
        None => (None, false),
    };
    let against = gate::person(builder, item, account);
    let is_unread = is_unread || against.contains(&Condition::Unread);
    gate::refusal(&against).or(is_unread.then_some(Reason::Unread))
}

fn wanted<'a>(builder: &PlanBuilder<'a>, key: &ItemKey) -> Option<&'a Item> {
    builder.input.items.get(key).filter(|item| item.want == Want::Present)
}

fn what(builder: &PlanBuilder<'_>, key: &ItemKey, entry: &LedgerEntry) -> String {
    let mail = |key: &ItemKey| match builder.input.items.get(key).map(|item| &item.body) {
        Some(ItemBody::User(UserBody { mail, .. })) => mail.clone(),
        _ => entry.addresses.first().cloned().unwrap_or_else(|| key.to_string()),
    };
    match (key, &entry.thing) {
        (ItemKey::User(_), _) => format!("the account of {}", mail(key)),
        (ItemKey::Member(MemberKey { role, home, object_id, .. }), _) => {
            let user = ItemKey::User(UserKey { home: home.clone(), object_id: *object_id });
            format!("{} as {}", mail(&user), role.id())
        }
        (_, Some(Thing::AzureRole { scope, definition, .. })) => {
            let known = catalog::AZURE_ROLES.iter().find(|role| role.id == *definition);
            let name = known.map_or_else(|| definition.to_string(), |role| role.name.to_owned());
            format!("{name} at {scope}")
        }
        (ItemKey::DefenderRole(DefenderRoleKey { role }), _) => format!("the Defender role of {}", role.id()),
        (ItemKey::DefenderAssignment(DefenderAssignmentKey { role, .. }), _) => {
            format!("what {} may do in Defender", role.id())
        }
        _ => key.to_string(),
    }
}
