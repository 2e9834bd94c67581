//! Memberships: the only thing that a person is given. Rights hang on the group.
//!
//! Given when the account is there, redeemed by the right identity and not blocked; removed whenever the person or
//! the membership has come to an end, whatever else is true.

pub(crate) mod judge;
pub(crate) mod permissions;
pub(crate) mod residue;
pub(crate) mod rules;
pub mod write;

use std::collections::BTreeSet;

use entente_model::desired::{Item, ItemKey, MemberKey, UserKey, Want};
use entente_model::plan::ChangeClass;
use entente_model::report::{ItemState, Reason};
use entente_model::time::Phase;
use entente_model::{Guid, Plane, PlaneMode};

use crate::builder::{PlanBuilder, Proposal};
use crate::gate;
use crate::ledger::LedgerEntry;
use crate::ledger::{Charge, Ownership, Thing};
use crate::observed::{Group, Listing, Part, Unread};
use crate::path::accounts;
use crate::path::groups::{Groups, say_no_group, usable};
use crate::path::inherited;
use crate::path::inherited::Carrier;
use crate::path::lookup::Found;
use crate::path::offboarding;
use crate::path::person::{Exit, ExitKind, People, Person};
use crate::path::proof;
use crate::path::unsupported;
use crate::path::users;
use crate::verdict::{self, Condition};
use crate::write::{Action, MemberWrite};

pub(crate) fn decide(builder: &mut PlanBuilder<'_>, people: &People<'_>, groups: &Groups<'_>) {
    for item in builder.items() {
        let ItemKey::Member(member) = &item.key else { continue };
        if unsupported::is(item) {
            continue;
        }
        let plane = plane(&item.key);
        if builder.mode(plane) == PlaneMode::None {
            let detail = format!("the plane {plane} is none");
            builder.say(&item.key, ItemState::Refused, Some(Reason::GuardrailPlane), detail);
            continue;
        }
        let person = people.get(&member.user().into());
        match exit(builder, item, person) {
            Some(exit) => end(builder, &item.key, person, groups, exit, Vec::new()),
            None => {
                let group = member.group().into();
                match usable(builder, groups, &group) {
                    Some(group) => give(builder, item, person, group),
                    None if person.is_some_and(|person| person.item.is_some()) => {
                        say_no_group(builder, groups, &group, &item.key);
                    }
                    None => say_no_account(builder, &item.key),
                }
            }
        }
    }
}

/// The plane that a membership is on.
fn plane(key: &ItemKey) -> Plane {
    key.plane().unwrap_or(Plane::Memberships)
}

fn plane_of_group(key: &ItemKey) -> Option<Plane> {
    key.group().and_then(|group| ItemKey::from(group).plane())
}

/// Why the membership is to end: its own end, or the person's.
fn exit(builder: &PlanBuilder<'_>, item: &Item, person: Option<&Person<'_>>) -> Option<Exit> {
    if let Want::Absent { cause, .. } = &item.want {
        return Some(Exit::of_cause(*cause));
    }
    let of_person = person.and_then(|person| person.exit);
    if let Some(exit) = of_person.filter(|exit| !matches!(exit.kind, ExitKind::Window(_) | ExitKind::Implied)) {
        return Some(exit);
    }
    match item.windows.phase(builder.now()) {
        Phase::Open(_) => of_person.filter(|exit| matches!(exit.kind, ExitKind::Window(_))),
        phase @ (Phase::Before(_) | Phase::Over) => Some(Exit::window(phase)),
    }
}

fn say_no_account(builder: &mut PlanBuilder<'_>, key: &ItemKey) {
    builder.say(key, ItemState::Waiting, Some(Reason::Dependency), "the account is not in the desired state");
}

fn give(builder: &mut PlanBuilder<'_>, item: &Item, person: Option<&Person<'_>>, group: (Guid, Option<Ownership>)) {
    let (key, (group, ownership)) = (&item.key, group);
    let Some((person, subject)) = person.and_then(|person| Some((person, person.item?))) else {
        return say_no_account(builder, key);
    };
    let members = match builder.input.observed.members(group) {
        Part::Read(members) => members,
        Part::Unread(why) => return builder.unread(key, &why),
    };
    if let Some(user) = person.id().filter(|user| members.contains(user)) {
        return there(builder, key, person, group, user, ownership);
    }
    let user = match person.ready() {
        Ok(user) => user,
        Err((state, reason, detail)) => return builder.say(key, state, Some(reason), detail),
    };
    let written = builder.entry(key).and_then(|entry| entry.written);
    if builder.may_lag(written, builder.input.settings.replication_lag) {
        return builder.wait(key, Reason::Propagation, "written, and not visible yet");
    }
    let mut against = gate::plane(builder, plane(key));
    against.extend(gate::person(builder, subject, person.user()));
    against.extend(gate::length(builder, item));
    against.extend(protection(builder, group, user));
    let carried = inherited::against(builder, &Carrier { id: group, key: key.group() });
    if carried.iter().any(|(_, it)| *it == Condition::Unread) && inherited::is_on_its_way(builder, group) {
        builder.recheck();
    }
    let first = carried.first().map(|(right, condition)| {
        let is_unread = *condition == Condition::Unread;
        let why = if is_unread { "that was not read or not understood" } else { "the guardrail does not allow it" };
        format!("a member has {right} too, and {why}")
    });
    against.extend(carried.into_iter().map(|(_, condition)| condition));
    let going = builder.missing_state(key);
    let proposal = Proposal {
        key: key.into(),
        class: ChangeClass::Grant,
        charge: Charge::Other,
        action: Action::Member(MemberWrite::Add { group, user }),
        before: String::new(),
        after: "member".into(),
        against,
    };
    builder.propose_and_say(proposal, going, first.as_deref().unwrap_or_default());
}

fn protection(builder: &PlanBuilder<'_>, group: Guid, user: Guid) -> Option<Condition> {
    let protected = builder.protects_group(group) || builder.protects_user(user);
    protected.then_some(Condition::Refused(Reason::GuardrailProtected))
}

/// A member, as it should be: and yet worth nothing if the account is blocked.
fn there(
    builder: &mut PlanBuilder<'_>,
    key: &ItemKey,
    person: &Person<'_>,
    group: Guid,
    user: Guid,
    ownership: Option<Ownership>,
) {
    let thing = Thing::Member { group, user };
    if ownership.is_none() || builder.mode(plane(key)) == PlaneMode::Verify {
        builder.applied_by_others(key, thing.object_id());
    } else {
        // In an adopted group, a membership that we did not begin is the customer's.
        let theirs =
            ownership == Some(Ownership::Adopted) && builder.entry(key).is_none_or(|entry| entry.thing.is_none());
        builder.applied(key, thing);
        if theirs {
            builder.touch(key, |entry| entry.ownership = Ownership::Adopted);
        }
    }
    if person.blocked_by_customer {
        let detail = "a member of the group, but the customer disabled the account";
        builder.say(key, ItemState::BlockedByCustomer, Some(Reason::CustomerBlocked), detail);
    }
}

/// Ends one membership, and says how far that is.
pub(crate) fn end(
    builder: &mut PlanBuilder<'_>,
    key: &ItemKey,
    person: Option<&Person<'_>>,
    groups: &Groups<'_>,
    exit: Exit,
    mut against: Vec<Condition>,
) {
    let Some(group_key) = key.group().map(ItemKey::from) else { return };
    let remembered = match builder.entry(key).and_then(|entry| entry.thing.clone()) {
        Some(Thing::Member { group, user }) => Some((group, user)),
        _ => None,
    };
    let group =
        usable(builder, groups, &group_key).or_else(|| remembered.map(|(group, _)| (group, builder.owner_of(group))));
    let user = person.and_then(Person::id).or(remembered.map(|(_, user)| user));
    let (Some((group, ownership)), Some(user)) = (group, user) else {
        return end_unseen(builder, key, person, groups.get(&group_key), exit);
    };
    match builder.input.observed.members(group) {
        Part::Unread(_) if offboarding::say_unlooked(builder, key, plane_of_group(key)) => return,
        // A group that is gone holds nobody; but one that is shown elsewhere is not gone, whatever its id answers.
        Part::Unread(_) if is_group_gone(builder, group) => {
            let holds = still_holds(builder, group, user);
            return match holds {
                Ok(()) => offboarding::ended(builder, key, exit),
                Err(why) => unseen(builder, key, exit, why),
            };
        }
        Part::Unread(why) => {
            if !remove_unseen(builder, key, group, user, ownership, exit, &against) {
                unseen(builder, key, exit, why);
            }
            return;
        }
        Part::Read(members) if !members.contains(&user) => {
            return match others(builder, key, members, exit) {
                Some(others) => held_by(builder, key, ownership, &others),
                None => absent(builder, key, group, exit),
            };
        }
        Part::Read(_) => {}
    }
    proof::note_not_empty(builder, key);
    let is_ours = match ownership {
        Some(Ownership::Owned) => true,
        Some(Ownership::Adopted) => builder.entry(key).is_some_and(|entry| entry.thing.is_some() && entry.is_owned()),
        None => builder.mode(plane(key)) == PlaneMode::Verify,
    };
    if !is_ours && exit.kind == ExitKind::Implied {
        return builder.forget(key);
    }
    if !is_ours {
        return builder.say(
            key,
            ItemState::Residual,
            Some(Reason::NotOurs),
            "the customer put the person in the group",
        );
    }
    let entry = builder.entry_or_new(key);
    if builder.may_lag(entry.written, builder.input.settings.replication_lag) && entry.failure.is_none() {
        return builder.wait(key, Reason::Propagation, "removed, and still visible");
    }
    against.extend(gate::plane(builder, plane(key)));
    against.extend(protection(builder, group, user));
    let proposal = Proposal {
        key: key.into(),
        class: exit.class,
        charge: exit.charge,
        action: Action::Member(MemberWrite::Remove { group, user }),
        before: "member".into(),
        after: String::new(),
        against,
    };
    builder.propose_and_say(proposal, (ItemState::Pending, None), "");
}

/// Other accounts of the person that are members, as one that was restored from the recycle bin.
fn others(builder: &PlanBuilder<'_>, key: &ItemKey, members: &BTreeSet<Guid>, exit: Exit) -> Option<Vec<Guid>> {
    let item = builder.input.items.get(key).filter(|_| exit.kind == ExitKind::Named)?;
    Some(accounts::of_person(builder, item, members)).filter(|others| !others.is_empty())
}

/// Who is in a group of ours without an item is taken out of it by `groups.rs`.
fn held_by(builder: &mut PlanBuilder<'_>, key: &ItemKey, ownership: Option<Ownership>, others: &[Guid]) {
    let others: Vec<_> = others.iter().map(ToString::to_string).collect();
    let detail = format!("other accounts of the person are in the group: {}", others.join(", "));
    proof::note_not_empty(builder, key);
    offboarding::of_member(builder, key);
    if ownership != Some(Ownership::Owned) {
        return builder.say(key, ItemState::Residual, Some(Reason::NotOurs), detail);
    }
    builder.recheck_since(proof::named_since(builder, key));
    builder.say(key, ItemState::Waiting, Some(Reason::Propagation), detail);
}

/// There is no pair of ids to look at: over only where the group or the account was looked for, and is not there.
fn end_unseen(
    builder: &mut PlanBuilder<'_>,
    key: &ItemKey,
    person: Option<&Person<'_>>,
    group: Option<&Found<'_, Group>>,
    exit: Exit,
) {
    let account = person.map(|person| &person.account);
    // Not there by its address of now; but the person may have another account, which may be in the group.
    let is_known_otherwise = exit.kind == ExitKind::Named && is_known_otherwise(builder, key);
    if is_known_otherwise
        && let Some(Found::There(group, ownership)) = group
        && let Part::Read(members) = builder.input.observed.members(group.id)
    {
        return match others(builder, key, members, exit) {
            Some(others) => held_by(builder, key, *ownership, &others),
            None => absent(builder, key, group.id, exit),
        };
    }
    let is_without_account = matches!(account, Some(Found::Nothing)) && !is_known_otherwise;
    let is_gone = matches!(group, Some(Found::Nothing)) || is_without_account;
    // Nothing of ours to remember, or nothing said to be over.
    let claims_nothing = matches!(exit.kind, ExitKind::Implied | ExitKind::Window(Phase::Before(_)));
    if is_gone || claims_nothing {
        return offboarding::ended(builder, key, exit);
    }
    proof::note_not_empty(builder, key);
    if offboarding::say_unlooked(builder, key, plane_of_group(key).into_iter().chain([Plane::Users])) {
        return;
    }
    match (group, account) {
        (Some(Found::Unread(why)), _) | (_, Some(Found::Unread(why))) => builder.unread(key, why),
        (Some(Found::Waiting(reason)), _) | (_, Some(Found::Waiting(reason))) => {
            builder.wait(key, *reason, "looked up until the group and the account are there, or have stayed away");
        }
        (Some(Found::There(group, None)), _) => {
            let detail = format!("group {} is not ours: who is in it was not looked at", group.display_name);
            builder.say(key, ItemState::Residual, Some(Reason::NotOurs), detail);
        }
        _ => {
            let detail = "the group or the account is not certainly known: whether it is there was not looked at";
            builder.say(key, ItemState::Residual, Some(Reason::Ambiguous), detail);
        }
    }
}

/// Whether the person who is named for removal has accounts or addresses beside the one that is looked up.
fn is_known_otherwise(builder: &PlanBuilder<'_>, key: &ItemKey) -> bool {
    let want = builder.input.items.get(key).map(|item| &item.want);
    matches!(want, Some(Want::Absent { known, addresses, .. }) if !known.is_empty() || !addresses.is_empty())
}

fn is_group_gone(builder: &PlanBuilder<'_>, group: Guid) -> bool {
    matches!(builder.input.observed.group(group), Part::Read(None))
}

/// Not in the list: which proves it only if every entry of the list was understood.
fn absent(builder: &mut PlanBuilder<'_>, key: &ItemKey, group: Guid, exit: Exit) {
    let odd = builder.input.observed.odd(&Listing::Members(group)).first().cloned();
    match odd.filter(|_| exit.kind == ExitKind::Named) {
        Some(text) => {
            let detail = format!("not understood: {text}");
            unseen(builder, key, exit, Unread { reason: Reason::CloudRefused, detail });
        }
        None => offboarding::ended_unless_on_its_way(builder, key, exit),
    }
}

/// Whether a group whose id answers nothing is shown by its name, or by the person's own memberships.
pub(crate) fn still_holds(builder: &PlanBuilder<'_>, group: Guid, user: Guid) -> Result<(), Unread> {
    let observed = builder.input.observed;
    let named = observed.groups_by_name.values().filter_map(Part::read).flatten().any(|it| it.id == group);
    let held = observed.rights.get(&user).and_then(|rights| rights.memberships.read());
    let held = held.into_iter().flatten().any(|it| it.id == group);
    if !named && !held {
        return Ok(());
    }
    let shown = if named { "its name" } else { "the person's memberships" };
    let detail = format!("the group {group} is not found by its id, and shown by {shown}");
    Err(Unread { reason: Reason::CloudRefused, detail })
}

/// Named for removal and not seen: no proof.
fn unseen(builder: &mut PlanBuilder<'_>, key: &ItemKey, exit: Exit, why: Unread) {
    match exit.kind {
        ExitKind::Named if proof::is_proven(builder, key) => builder.say(key, ItemState::Removed, None, ""),
        ExitKind::Named => {
            offboarding::of_member(builder, key);
            proof::say_unproven(builder, key, &[("who is in the group".into(), why)]);
        }
        ExitKind::Window(_) | ExitKind::Barred | ExitKind::Identity | ExitKind::Implied => builder.unread(key, &why),
    }
}

/// Removes a membership by its two ids while the list cannot be read: the ids are known, and a second removal changes
/// nothing. The removal is proven only by the list.
fn remove_unseen(
    builder: &mut PlanBuilder<'_>,
    key: &ItemKey,
    group: Guid,
    user: Guid,
    ownership: Option<Ownership>,
    exit: Exit,
    against: &[Condition],
) -> bool {
    let entry = builder.entry_or_new(key);
    let is_known = entry.thing == Some(Thing::Member { group, user }) && entry.is_owned();
    let is_due = entry.removed.is_none() && entry.proof.is_none() && exit.kind != ExitKind::Implied;
    if !is_due || !(is_known || ownership == Some(Ownership::Owned)) {
        return false;
    }
    let mut against = against.to_vec();
    against.extend(gate::plane(builder, plane(key)));
    against.extend(protection(builder, group, user));
    proof::note_not_empty(builder, key);
    let proposal = Proposal {
        key: key.into(),
        class: exit.class,
        charge: exit.charge,
        action: Action::Member(MemberWrite::Remove { group, user }),
        before: "member, as far as is known".into(),
        after: String::new(),
        against,
    };
    builder.propose_and_say(proposal, (ItemState::Pending, None), "the group's members cannot be read");
    true
}

pub(crate) fn refusal(builder: &PlanBuilder<'_>, key: &ItemKey) -> Option<Reason> {
    let (home, object_id) = key.person()?;
    let user = ItemKey::User(UserKey { home: home.clone(), object_id });
    users::refusal(builder, &user).or_else(|| verdict::refusal(&[gate::length(builder, builder.wanted(key)?)?]))
}

pub(crate) fn describe(builder: &PlanBuilder<'_>, key: &ItemKey, entry: &LedgerEntry) -> String {
    let ItemKey::Member(MemberKey { role, home, object_id, .. }) = key else { return key.to_string() };
    let user = ItemKey::User(UserKey { home: home.clone(), object_id: *object_id });
    format!("{} as {}", users::mail(builder, &user, entry), role.id())
}
