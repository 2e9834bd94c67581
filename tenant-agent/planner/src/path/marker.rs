//! The group that marks our users, for people who look at the tenant and for the day the ledger is lost. It gives no access.

use entente_model::desired::GroupKind;
use entente_model::plan::ChangeClass;
use entente_model::report::Reason;
use entente_model::{Guid, Plane};

use crate::builder::{PlanBuilder, Proposal, Purpose, Said};
use crate::gate;
use crate::ledger::{Charge, LedgerKey, Ownership, Thing};
use crate::observed::Group;
use crate::path::adopt::try_adopt;
use crate::path::groups::{against_adoption, new_group, seek};
use crate::path::inherited::{self, Carrier};
use crate::path::lookup::Found;
use crate::path::marks::{MARKER_DESCRIPTION, marker_name};
use crate::path::person::{People, Person};
use crate::permission;
use crate::verdict::Condition;
use crate::write::{Action, MemberWrite};

/// Makes the marker group when there is somebody to mark, and marks.
pub(crate) fn decide(builder: &mut PlanBuilder<'_>, people: &People<'_>) {
    let Some(guardrail) = builder.guardrail().filter(|it| permission::marks(it)) else { return };
    let owned = |person: &&_| Person::ownership(person) == Some(Ownership::Owned);
    let users: Vec<Guid> = people.values().filter(owned).filter_map(|person| person.id()).collect();
    if users.is_empty() {
        return;
    }
    let (key, name) = (LedgerKey::Marker, marker_name(&guardrail.limits.name_prefix));
    match seek(builder, &key, &name) {
        Found::Nothing => {
            let against = gate::plane(builder, Plane::Users);
            let action = new_group(&name, MARKER_DESCRIPTION, GroupKind::Plain);
            let after = format!("group {name}");
            let (class, charge) = (ChangeClass::Grant, Charge::Free);
            let made = builder.propose(Proposal { key, class, charge, action, before: String::new(), after, against });
            // Held or paused, it is not on its way: nothing to look for until the next comparison.
            if matches!(made, Said::Goes) {
                builder.recheck();
            }
        }
        Found::There(group, Some(_)) => {
            inherited::find_nested(builder, group);
            let members = builder.input.observed.members(group.id).read().copied();
            if members.is_none() {
                await_marker(builder);
            }
            for user in users {
                let is_member = members.is_none_or(|members| members.contains(&user));
                mark(builder, user, group.id, is_member);
            }
        }
        Found::There(group, None) => {
            if !adopt_marker(builder, group) {
                let detail = format!("a group {name} is there and not ours; our users go unmarked");
                builder.find(Plane::Users, Reason::NotOurs, detail);
            }
        }
        Found::Waiting(_) | Found::Unread(_) => await_marker(builder),
        Found::Many(_) => builder.find(Plane::Users, Reason::Ambiguous, format!("several groups are called {name}")),
    }
}

fn adopt_marker(builder: &mut PlanBuilder<'_>, group: &Group) -> bool {
    let against = against_adoption(builder, group, MARKER_DESCRIPTION, GroupKind::Plain);
    let thing = Thing::Group { id: group.id };
    try_adopt(builder, &LedgerKey::Marker, thing, Charge::Free, against, "").is_none()
}

/// Membership in the marker group gives no access, so it is not urgent: looked for soon after the group was made or missed,
/// then with backoff.
fn await_marker(builder: &mut PlanBuilder<'_>) {
    let entry = builder.entry(LedgerKey::Marker);
    if let Some(since) = entry.and_then(|entry| entry.empty_since.map(|it| it.at).or(entry.written)) {
        builder.recheck_since(since);
    }
}

/// Marks a user of ours, once what the group carries was read and gives nothing.
fn mark(builder: &mut PlanBuilder<'_>, user: Guid, marker: Guid, is_member: bool) {
    let key = LedgerKey::Marked(user);
    let lag = builder.input.settings.replication_lag;
    let lagging = builder.entry(&key).is_some_and(|entry| builder.may_lag(entry.written, lag));
    if is_member || lagging || builder.purpose == Purpose::RevokeAll || builder.protects_user(user) {
        return;
    }
    let mut against = gate::plane(builder, Plane::Users);
    if builder.protects_group(marker) {
        against.push(Condition::Refused(Reason::GuardrailProtected));
    }
    let marker = Carrier { id: marker, key: None };
    against.extend(inherited::against(builder, &marker).into_iter().map(|(_, condition)| condition));
    let proposal = Proposal {
        key,
        class: ChangeClass::Grant,
        charge: Charge::Free,
        action: Action::Member(MemberWrite::Add { group: marker.id, user }),
        before: String::new(),
        after: "marked as ours".into(),
        against,
    };
    if let Said::Goes = builder.propose(proposal) {
        builder.recheck();
    }
}
