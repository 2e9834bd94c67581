//! Groups: one for each role and identity class, on which the role's rights hang; and the marker group, which gives
//! no access and marks our users.
//!
//! A group of the right name that is not ours may carry rights of the customer's: it is used only with the
//! customer's leave, and only if it bears our mark. Groups are never deleted: that takes a wider permission.

pub(crate) mod judge;
pub(crate) mod permissions;
pub(crate) mod reads;
pub(crate) mod rules;
pub mod write;

use std::collections::{BTreeMap, BTreeSet};

use entente_model::desired::{GroupBody, GroupKey, GroupKind, Item, ItemBody, ItemKey, Want};
use entente_model::plan::ChangeClass;
use entente_model::report::{ItemState, Reason};
use entente_model::{Guid, Plane, PlaneMode};

use crate::builder::{PlanBuilder, Proposal, Purpose, Said, passes_at};
use crate::gate;
use crate::ledger::{Attempt, Charge, LedgerKey, Ownership, Thing};
use crate::observed::{Group, Observed, Part};
use crate::path::Path;
use crate::path::accounts;
use crate::path::inherited;
use crate::path::lookup::{Found, Sought, look};
use crate::path::person::{Exit, ExitKind, People};
use crate::verdict::Condition;
use crate::write::{Action, GroupWrite, MemberWrite};

/// By the group item's key: those desired, and those in the ledger.
pub(crate) type Groups<'a> = BTreeMap<ItemKey, Found<'a, Group>>;

/// The plane that a group is on.
fn plane(key: &ItemKey) -> Plane {
    key.plane().unwrap_or(Plane::Groups)
}

/// The plane that members of a group are on.
fn plane_of_members(key: &ItemKey) -> Plane {
    of_key(key).map_or(Plane::Memberships, GroupKey::plane_of_members)
}

fn kind(key: &ItemKey) -> GroupKind {
    of_key(key).map(|key| key.kind).unwrap_or_default()
}

/// Whether a group can carry directory roles is decided when it is made.
fn is_of_another_kind(group: &Group, asked: &ItemKey) -> bool {
    group.kind.is_some_and(|it| it != kind(asked))
}

fn of_key(key: &ItemKey) -> Option<&GroupKey> {
    if let ItemKey::Group(key) = key { Some(key) } else { None }
}

/// The group's id and whose it is, if it is there and may be used.
pub(crate) fn usable(
    builder: &PlanBuilder<'_>,
    groups: &Groups<'_>,
    key: &ItemKey,
) -> Option<(Guid, Option<Ownership>)> {
    match groups.get(key)? {
        Found::There(_, None) if builder.mode(plane(key)) != PlaneMode::Verify => None,
        Found::There(group, _) if is_of_another_kind(group, key) => None,
        Found::There(group, ownership) => Some((group.id, *ownership)),
        Found::Nothing | Found::Waiting(_) | Found::Many(_) | Found::Unread(_) => None,
    }
}

/// Of an item that needs a group which may not be used: that it is not there only where it was looked for.
pub(crate) fn say_no_group(builder: &mut PlanBuilder<'_>, groups: &Groups<'_>, group: &ItemKey, key: &ItemKey) {
    match groups.get(group) {
        Some(Found::Unread(why)) => builder.unread_on(key, group.plane(), &why.clone()),
        _ => builder.say(key, ItemState::Waiting, Some(Reason::Dependency), "the group is not there"),
    }
}

pub(crate) fn decide<'a>(builder: &mut PlanBuilder<'a>, people: &People<'a>) -> Groups<'a> {
    let mut groups = Groups::new();
    for item in builder.items() {
        if let (ItemKey::Group(_), ItemBody::Group(GroupBody { display_name, description })) = (&item.key, &item.body) {
            let mut found = seek(builder, &item.key.clone().into(), display_name);
            decide_one(builder, item, display_name, description, &mut found);
            groups.insert(item.key.clone(), found);
        }
    }
    for (key, entry) in builder.input.ledger.items() {
        if matches!(key, ItemKey::Group(_)) && !groups.contains_key(key) {
            let name = entry.intent.as_ref().map(|intent| intent.name.clone()).unwrap_or_default();
            let found = seek(builder, &key.into(), &name);
            groups.insert(key.clone(), found);
        }
    }
    for (key, found) in &groups {
        if let Found::There(group, ownership) = found {
            inherited::find_nested(builder, group);
            remove_extras(builder, people, key, group, *ownership);
        }
    }
    empty_old_ones(builder, people);
    groups
}

/// A group of ours that was deleted may be restored, with its members: nobody is to be in it.
fn empty_old_ones(builder: &mut PlanBuilder<'_>, people: &People<'_>) {
    let entries = builder.input.ledger.items().filter(|(key, _)| matches!(key, ItemKey::Group(_)));
    let old: Vec<(Plane, Guid)> = entries
        .flat_map(|(key, entry)| entry.accounts.keys().map(|id| (plane_of_members(key), *id)))
        .filter(|(plane, _)| builder.mode(*plane) != PlaneMode::None)
        .collect();
    for (plane, id) in old {
        let Part::Read(Some(group)) = builder.input.observed.group(id) else { continue };
        let Some(members) = builder.input.observed.members(id).read().copied() else { continue };
        members.iter().for_each(|user| extra(builder, people, plane, group, *user));
    }
}

pub(crate) fn seek<'a>(builder: &mut PlanBuilder<'a>, key: &LedgerKey, name: &str) -> Found<'a, Group> {
    let observed: &'a Observed = builder.input.observed;
    let mut entry = builder.entry_or_new(key);
    let by_name = match observed.groups_by_name.get(name) {
        Some(Part::Read(groups)) => Part::Read(groups.iter().collect()),
        Some(Part::Unread(why)) => Part::Unread(why.clone()),
        // No longer desired, and no creation on its way: no name to look up.
        None if name.is_empty() => Part::Read(Vec::new()),
        None => Part::unread(Reason::Unread, "was not looked up by name"),
    };
    let by_id = match entry.guid().and_then(|id| observed.groups.get(&id)) {
        Some(Part::Read(group)) => Part::Read(group.as_ref()),
        Some(Part::Unread(why)) => Part::Unread(why.clone()),
        None => Part::unread(Reason::Unread, "was not read"),
    };
    let is_from = |group: &Group, intent: &Attempt| intent.may_have_made(group.created);
    let thing = |group: &Group| Some(Thing::Group { id: group.id });
    let (settings, now, begun) = (builder.input.settings, builder.input.now, builder.input.observed.begun);
    let (lag, unseen_for) = (settings.replication_lag, settings.unseen_for);
    let removal_lag = lag;
    let sought =
        Sought { by_id, by_name, is_from, may_predate: false, thing, lag, removal_lag, unseen_for, now, begun };
    let found = look(&mut entry, sought);
    if builder.entry(key).is_some_and(|old| *old != entry) {
        builder.put(key, entry);
    }
    found
}

fn decide_one<'a>(builder: &mut PlanBuilder<'a>, item: &Item, name: &str, mark: &str, found: &mut Found<'a, Group>) {
    let key = &item.key;
    let mode = builder.mode(plane(key));
    if mode == PlaneMode::None {
        let detail = format!("the plane {} is none", plane(key));
        return builder.say(key, ItemState::Refused, Some(Reason::GuardrailPlane), detail);
    }
    if item.want != Want::Present {
        return leave_group(builder, key, found);
    }
    match found {
        Found::Unread(why) => builder.unread(key, &why.clone()),
        Found::Waiting(reason) => match builder.missing_state(key) {
            (ItemState::Drifted, drift) => {
                builder.recheck();
                builder.say(
                    key,
                    ItemState::Drifted,
                    drift,
                    "the group is gone; looked up again before it is made anew",
                );
            }
            _ => builder.wait(key, *reason, "looked up until it is there, or has stayed away for longer than the lag"),
        },
        Found::Many(groups) => {
            let detail = format!("{} groups are called {name}", groups.len());
            builder.say(key, ItemState::Refused, Some(Reason::Ambiguous), detail);
        }
        Found::Nothing => create(builder, key, name, mark),
        Found::There(group, _) if is_of_another_kind(group, key) => {
            let detail = format!("a group of the name {name} is there, and of another kind: that cannot be changed");
            builder.say(key, ItemState::Refused, Some(Reason::Ambiguous), detail);
        }
        Found::There(group, None) if mode == PlaneMode::Verify => builder.applied_by_others(key, group.id.to_string()),
        Found::There(group, None) => {
            let group = *group;
            if adopt(builder, key, group, mark) {
                *found = Found::There(group, Some(Ownership::Adopted));
                builder.applied(key, Thing::Group { id: group.id });
            }
        }
        Found::There(group, Some(_)) if builder.protects_group(group.id) => {
            builder.say(key, ItemState::Refused, Some(Reason::GuardrailProtected), "the group is protected");
        }
        Found::There(group, Some(_)) => {
            let group = *group;
            builder.applied(key, Thing::Group { id: group.id });
            if group.display_name != name {
                let detail = format!("somebody renamed it to {}", group.display_name);
                builder.say(key, ItemState::Drifted, Some(Reason::DriftChanged), detail);
            }
        }
    }
}

fn create(builder: &mut PlanBuilder<'_>, key: &ItemKey, name: &str, mark: &str) {
    let mut against = gate::plane(builder, plane(key));
    against.extend(gate::group(builder, name));
    let going = builder.missing_state(key);
    let proposal = Proposal {
        key: key.into(),
        class: ChangeClass::Grant,
        charge: Charge::Other,
        action: new_group(name, mark, kind(key)),
        before: String::new(),
        after: format!("group {name}"),
        against,
    };
    if builder.propose_and_say(proposal, going, "") {
        builder.grouped += 1;
    }
}

/// The nickname takes fewer characters than the name, and no more than 64 (Graph: group-post-groups).
pub(crate) fn new_group(name: &str, mark: &str, kind: GroupKind) -> Action {
    let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '-' || *c == '_';
    let mail_nickname = name.chars().filter(plain).take(64).collect();
    let (display_name, description) = (name.into(), mark.into());
    Action::Group(GroupWrite::Create { display_name, mail_nickname, description, kind })
}

/// What stands against using a group that was there before us.
pub(crate) fn against_adoption(
    builder: &PlanBuilder<'_>,
    group: &Group,
    mark: &str,
    kind: GroupKind,
) -> Vec<Condition> {
    let mut against = Vec::new();
    if builder.protects_group(group.id) {
        against.push(Condition::Refused(Reason::GuardrailProtected));
    }
    if group.kind != Some(kind) || group.description != mark {
        against.push(Condition::Refused(Reason::NotOurs));
    }
    against
}

fn adopt(builder: &mut PlanBuilder<'_>, key: &ItemKey, group: &Group, mark: &str) -> bool {
    let mut against = against_adoption(builder, group, mark, kind(key));
    against.extend(gate::plane(builder, plane(key)));
    against.extend(gate::group(builder, &group.display_name));
    let what = format!("a group {}", group.display_name);
    crate::path::adopt::adopt(builder, key, Thing::Group { id: group.id }, Charge::Free, against, &what)
}

/// A group that is named for removal: what hung on it is removed by its own items; the empty group is a person's
/// task.
fn leave_group(builder: &mut PlanBuilder<'_>, key: &ItemKey, found: &Found<'_, Group>) {
    match found {
        Found::There(group, _) => say_left_over(builder, key, group),
        Found::Nothing => crate::path::proof::confirm(builder, key, crate::path::proof::Contents::default()),
        Found::Unread(why) => builder.unread(key, &why.clone()),
        Found::Waiting(reason) => builder.wait(key, *reason, ""),
        Found::Many(_) => builder.say(key, ItemState::Residual, Some(Reason::Ambiguous), ""),
    }
}

pub(crate) fn say_left_over(builder: &mut PlanBuilder<'_>, key: &ItemKey, group: &Group) {
    let detail = format!("group {} is left; deleting groups is a person's task", group.display_name);
    builder.say(key, ItemState::Residual, Some(Reason::PersonTask), detail);
    builder.set_script(key, write::delete_script(group.id));
}

/// Members whom no item and no entry of ours stands for. Memberships of our own groups may always be removed.
fn remove_extras(
    builder: &mut PlanBuilder<'_>,
    people: &People<'_>,
    key: &ItemKey,
    group: &Group,
    ownership: Option<Ownership>,
) {
    let verified = ownership.is_none() && builder.mode(plane(key)) == PlaneMode::Verify;
    let is_ours = ownership == Some(Ownership::Owned);
    let desired = builder.input.items.contains_key(key);
    if !(is_ours || verified) || builder.mode(plane_of_members(key)) == PlaneMode::None {
        return;
    }
    let Some(members) = builder.input.observed.members(group.id).read().copied() else { return };
    let accounted = accounted(builder, people, key, group.id);
    for user in members.difference(&accounted) {
        // A group that no role needs any more is a person's task; nobody who leaves is left in it.
        if desired || (is_ours && (leaves(builder, people, *user) || is_dropped(builder, key, *user))) {
            extra(builder, people, plane_of_members(key), group, *user);
        }
    }
}

/// Whether it is an account, any one, of a person who leaves.
fn leaves(builder: &PlanBuilder<'_>, people: &People<'_>, user: Guid) -> bool {
    exits(builder, people, user).any(|exit| exit.kind == ExitKind::Named && exit.is_leaver)
}

/// Why the person of an account is to have nothing, where that may not wait.
fn ending(builder: &PlanBuilder<'_>, people: &People<'_>, user: Guid) -> Option<Exit> {
    exits(builder, people, user).find(|exit| exit.charge == Charge::Free)
}

fn exits(builder: &PlanBuilder<'_>, people: &People<'_>, user: Guid) -> impl Iterator<Item = Exit> {
    people.iter().filter_map(move |(key, person)| {
        let is_theirs =
            person.id() == Some(user) || builder.entry(key).is_some_and(|entry| entry.accounts.contains_key(&user));
        person.exit.filter(|_| is_theirs)
    })
}

/// Whether it is an account of a person whose membership of this group is named for removal.
fn is_dropped(builder: &PlanBuilder<'_>, key: &ItemKey, user: Guid) -> bool {
    let ids = BTreeSet::from([user]);
    let is_of = |it: &ItemKey| {
        let ItemKey::Member(member) = it else { return false };
        *key == member.group().into()
    };
    let mut dropped = builder.items().filter(|item| item.want != Want::Present && is_of(&item.key));
    dropped.any(|item| !accounts::of_person(builder, item, &ids).is_empty())
}

/// Those who have an item or an entry, which decides about them.
fn accounted(builder: &PlanBuilder<'_>, people: &People<'_>, key: &ItemKey, group: Guid) -> BTreeSet<Guid> {
    let with_item = builder.input.items.keys().filter_map(|it| {
        let ItemKey::Member(member) = it else { return None };
        let of_this = *key == member.group().into();
        people.get(&member.user().into()).filter(|_| of_this).and_then(|person| person.id())
    });
    let with_entry = builder.input.ledger.items().filter_map(|(it, entry)| match (it, &entry.thing) {
        (ItemKey::Member(_), Some(Thing::Member { group: of, user })) if *of == group => Some(*user),
        _ => None,
    });
    with_item.chain(with_entry).collect()
}

fn extra(builder: &mut PlanBuilder<'_>, people: &People<'_>, plane: Plane, group: &Group, user: Guid) {
    let detail = format!("user {user} is in group {} without an item", group.display_name);
    builder.find(plane, Reason::DriftExtra, detail);
    let key = LedgerKey::Extra { group: group.id, user };
    let lag = builder.input.settings.replication_lag;
    let written = builder.entry(&key).and_then(|entry| entry.written).filter(|at| builder.may_lag(Some(*at), lag));
    if let Some(written) = written {
        // No item of its own says so; a leaver's proof may wait for it.
        return builder.wake_at(passes_at(written, lag));
    }
    let mut against = gate::plane(builder, plane);
    if builder.protects_user(user) || builder.protects_group(group.id) {
        against.push(Condition::Refused(Reason::GuardrailProtected));
    }
    let (class, charge) = match ending(builder, people, user) {
        _ if leaves(builder, people, user) => (ChangeClass::Leaver, Charge::Free),
        // A block would be refused before: what may not wait takes this along.
        Some(exit) if plane == Plane::EntraRoles => (exit.class, exit.charge),
        _ if plane == Plane::EntraRoles && builder.purpose == Purpose::RevokeAll => (ChangeClass::Leaver, Charge::Free),
        _ => (ChangeClass::OtherRemoval, Charge::Other),
    };
    let (before, action) =
        (format!("in {}", group.display_name), Action::Member(MemberWrite::Remove { group: group.id, user }));
    let proposal = Proposal { key, class, charge, action, before, after: String::new(), against };
    if let Said::Goes = builder.propose(proposal) {
        builder.recheck();
    }
}

/// What is said of a group that is no longer desired: groups are left.
pub(crate) fn withdraw(builder: &mut PlanBuilder<'_>, path: &Path<'_>, key: &ItemKey) {
    match path.groups.get(key) {
        Some(Found::There(group, Some(Ownership::Owned))) => say_left_over(builder, key, group),
        Some(Found::There(group, Some(Ownership::Adopted))) if builder.input.ledger.is_named(group.id) => {}
        Some(Found::Many(groups)) => {
            let detail = format!("{} groups have its name; none is certainly ours", groups.len());
            builder.say(key, ItemState::Residual, Some(Reason::Ambiguous), detail);
        }
        Some(Found::Unread(why)) => builder.unread(key, why),
        Some(Found::Waiting(reason)) => builder.wait(key, *reason, "looked up before it is given up"),
        Some(Found::There(_, Some(Ownership::Adopted) | None) | Found::Nothing) | None => builder.forget(key),
    }
}
