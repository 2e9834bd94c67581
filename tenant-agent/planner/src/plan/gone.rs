//! How an account ends, and the proof that it has: blocked first, then its sessions, then the rest; read back twice,
//! further apart than the replication lag.
//!
//! Memberships are removed where memberships are decided (`members.rs`, `groups.rs`). Rights that are not ours are
//! named, and left.

use std::time::Duration;

use entente_model::desired::{ItemKey, Want};
use entente_model::report::{ItemState, Reason, RemovalProof};
use entente_model::{Guid, Plane, PlaneMode, Timestamp};

use super::draft::{Draft, Proposal, has_passed, passes_at};
use super::lookup::Found;
use super::person::{Exit, ExitKind, Person};
use super::{gate, script};
use crate::action::Action;
use crate::guardrail::OnLeave;
use crate::ledger::{Block, Entry, Ownership, Thing, anchor_key};
use crate::observed::{Part, Unread, User};
use crate::reads;
use crate::verdict::Condition;

/// By when Microsoft's own caches follow a change, by plane. Users: an access token that was given out lives for 60
/// to 90 minutes (Entra: access token lifetime). Memberships and groups: up to 15 minutes (Entra: service limits,
/// role changes). Azure: up to 10 minutes (Azure: troubleshoot RBAC). Defender names none: an hour, as for its scopes.
const EFFECT_DELAYS: [(Plane, Duration); 5] = [
    (Plane::Users, Duration::from_secs(90 * 60)),
    (Plane::Groups, Duration::from_secs(15 * 60)),
    (Plane::Memberships, Duration::from_secs(15 * 60)),
    (Plane::AzureRoles, Duration::from_secs(10 * 60)),
    (Plane::DefenderRoles, Duration::from_secs(60 * 60)),
];

/// What is named for removal again is removed anew: what was read back before proves nothing of it, and sessions may
/// have begun since.
pub(super) fn begin(draft: &mut Draft<'_>) {
    for item in draft.items() {
        let Want::Absent { since, .. } = item.want else { continue };
        if draft.entry(&item.key).is_some_and(|entry| entry.named != Some(since)) {
            draft.touch(&item.key, |entry| {
                entry.named = Some(since);
                (entry.sessions_revoked, entry.first_empty, entry.proof) = (None, None, None);
            });
        }
    }
}

/// Ends an account. `against` is what stands against it beside the plane's mode.
pub(super) fn leave(draft: &mut Draft<'_>, key: &ItemKey, person: &Person<'_>, exit: Exit, against: Vec<Condition>) {
    match &person.account {
        Found::Unread(why) => draft.unread(key, why),
        // An invitation may yet make a user: only then is there anything to end.
        Found::Waiting(reason) => draft.wait(key, *reason, "looked up until it is there, or has stayed away"),
        Found::Many(users) => {
            let detail = format!("{} users of the tenant have this address; none is certainly ours", users.len());
            draft.say(key, ItemState::Residual, Some(Reason::Ambiguous), detail);
        }
        Found::Nothing => end(draft, key, None, exit),
        Found::There(user, ownership) => there(draft, key, user, *ownership, exit, against),
    }
}

fn there(
    draft: &mut Draft<'_>,
    key: &ItemKey,
    user: &User,
    ownership: Option<Ownership>,
    exit: Exit,
    against: Vec<Condition>,
) {
    let Some(id) = user.id else { return };
    let is_ours = ownership == Some(Ownership::Owned);
    if is_ours || draft.mode(Plane::Users) == PlaneMode::Verify {
        return own(draft, key, user, id, exit, against);
    }
    if user.enabled && exit.kind == ExitKind::Named {
        note_not_empty(draft, key);
        let what = residue(draft, id);
        let mut detail = format!("{} is enabled; it was there before us", user.upn);
        if !what.others.is_empty() {
            detail = format!("{detail}, and holds {}", what.others.join(", "));
        }
        return draft.say(key, ItemState::Residual, Some(Reason::NotOurs), detail);
    }
    end(draft, key, Some(id), exit);
}

fn own(draft: &mut Draft<'_>, key: &ItemKey, user: &User, id: Guid, exit: Exit, mut against: Vec<Condition>) {
    if draft.protects_user(id) {
        return draft.say(key, ItemState::Refused, Some(Reason::GuardrailProtected), "the account is protected");
    }
    against.extend(gate::plane(draft, Plane::Users));
    let step = |action: Action, before: &str, after: &str| Proposal {
        key: key.clone(),
        class: exit.class,
        charge: exit.charge,
        action,
        before: before.into(),
        after: after.into(),
        against: against.clone(),
    };
    let block = step(Action::BlockUser { user: id }, "enabled", "blocked by us");
    let sessions = step(Action::RevokeSessions { user: id }, "signed in", "signed out");
    let delete = step(Action::DeleteUser { user: id }, "blocked by us", "");
    let is_signed_in = draft.entry(key).is_none_or(|entry| entry.sessions_revoked.is_none());
    let sessions = (exit.is_leaver && does(draft, OnLeave::RevokeSessions) && is_signed_in).then_some(sessions);
    if user.enabled {
        return enabled(draft, key, block, sessions);
    }
    confirm_block(draft, key);
    if let Some(sessions) = sessions.filter(|_| draft.mode(Plane::Users) == PlaneMode::Manage) {
        draft.propose_and_say(sessions, (ItemState::Pending, None), "");
        return;
    }
    // Deleted only when it holds nothing of ours, so that no removal is left to fail.
    let deletes = exit.is_leaver && does(draft, OnLeave::Delete) && residue(draft, id).ours.is_empty();
    let written = draft.entry(key).and_then(|entry| entry.written);
    if deletes && !draft.may_lag(written, draft.input.settings.replication_lag) {
        draft.propose_and_say(delete, (ItemState::Pending, None), "");
        return;
    }
    end(draft, key, Some(id), exit);
}

/// Without a readable file: what ends access, and nothing that cannot be taken back.
fn does(draft: &Draft<'_>, step: OnLeave) -> bool {
    draft.guardrail().map_or(step != OnLeave::Delete, |guardrail| guardrail.people.on_leave.contains(&step))
}

fn enabled(draft: &mut Draft<'_>, key: &ItemKey, block: Proposal, sessions: Option<Proposal>) {
    note_not_empty(draft, key);
    let lag = draft.input.settings.replication_lag;
    let entry = draft.entry_or_new(key);
    if !does(draft, OnLeave::Block) {
        let detail = "the account stays enabled: the guardrail has no block under people.onLeave";
        draft.say(key, ItemState::Residual, Some(Reason::PersonTask), detail);
        draft.set_script(key, script::of(&block.action, &draft.input.settings.graph));
    } else if draft.may_lag(entry.block.map(|block| block.at), lag) && entry.failure.is_none() {
        draft.wait(key, Reason::Propagation, "our block is not visible yet");
    } else {
        draft.propose_and_say(block, (ItemState::Pending, None), "");
    }
    if let Some(sessions) = sessions {
        draft.propose(sessions);
    }
}

/// An account that was enabled when we began to block it, and is disabled now, was blocked by us.
fn confirm_block(draft: &mut Draft<'_>, key: &ItemKey) {
    if let Some(block) = draft.entry(key).and_then(|entry| entry.block).filter(|block| !block.confirmed) {
        draft.touch(key, |entry| entry.block = Some(Block { confirmed: true, ..block }));
    }
}

/// The account can do nothing more: what is left to say.
fn end(draft: &mut Draft<'_>, key: &ItemKey, id: Option<Guid>, exit: Exit) {
    match exit.kind {
        ExitKind::Implied => {}
        ExitKind::Named => prove(draft, key, id),
        _ => exit.say(draft, key),
    }
}

/// Something is there again: the proof, if there was one, no longer holds.
pub(super) fn note_not_empty(draft: &mut Draft<'_>, key: &ItemKey) {
    // Of an account, whether its id answers is the look-up's to note: another one may have its address.
    let is_account = matches!(key, ItemKey::User { .. });
    if draft.entry(key).is_some() {
        draft.touch(key, |entry| {
            (entry.first_empty, entry.proof) = (None, None);
            entry.empty_since = entry.empty_since.filter(|_| is_account);
        });
    }
}

/// On a plane that the file closes nobody looks, however long it is waited: that is said, and left.
pub(super) fn say_unlooked(draft: &mut Draft<'_>, key: &ItemKey, planes: impl IntoIterator<Item = Plane>) -> bool {
    let closed = planes.into_iter().find(|plane| draft.mode(*plane) == PlaneMode::None);
    if let Some(plane) = closed {
        let detail = format!("whether it is there was not looked at: the plane {plane} is none");
        draft.say(key, ItemState::Residual, Some(Reason::GuardrailPlane), detail);
    }
    closed.is_some()
}

/// What is not there, or no longer: said, and where it was named, confirmed by a second look.
pub(super) fn ended(draft: &mut Draft<'_>, key: &ItemKey, exit: Exit) {
    match exit.kind {
        ExitKind::Implied if forget_when_certain(draft, key) => {}
        ExitKind::Implied => {
            let detail = "no longer there; looked at again before it is forgotten";
            draft.say(key, ItemState::Waiting, Some(Reason::ConfirmingRemoval), detail);
        }
        ExitKind::Named => confirm(draft, key, Vec::new()),
        _ => {
            forget_when_certain(draft, key);
            exit.say(draft, key);
        }
    }
}

/// What one look misses may turn up again, and would then be nobody's to remove: forgotten once looks have stayed
/// empty for longer than the plane lags, or at once where two of them are a proof already. Where our own removal was
/// answered, the half hour by which Defender's lists lag is not waited out.
fn forget_when_certain(draft: &mut Draft<'_>, key: &ItemKey) -> bool {
    let (now, entry) = (draft.now(), draft.entry_or_new(key));
    let settings = draft.input.settings;
    let lag = match (key.plane(), entry.removed) {
        (Some(Plane::DefenderRoles), None) => settings.defender_lag,
        _ => settings.replication_lag,
    };
    let since = entry.empty_since.unwrap_or(now);
    let claims_nothing = entry.thing.is_none() && entry.intent.is_none();
    if claims_nothing || entry.proof.is_some() || has_passed(since, lag, draft.input.observed.begun) {
        draft.forget(key);
        return true;
    }
    draft.touch(key, |entry| entry.empty_since = Some(since));
    draft.wake_at(passes_at(since, lag));
    false
}

/// Not there; but what was given a moment ago, and never seen, may yet turn up.
pub(super) fn ended_unless_on_its_way(draft: &mut Draft<'_>, key: &ItemKey, exit: Exit) {
    let lag = draft.input.settings.replication_lag;
    let on_its_way =
        |entry: &Entry| entry.applied.is_none() && entry.removed.is_none() && draft.may_lag(entry.written, lag);
    if draft.entry(key).is_some_and(on_its_way) {
        return draft.wait(key, Reason::Propagation, "given a moment ago, and not visible yet");
    }
    ended(draft, key, exit);
}

/// What a person still holds.
#[derive(Default)]
struct Residue {
    /// Given by us.
    ours: Vec<String>,
    /// Given by others.
    others: Vec<String>,
    /// What could not be read, and will not be by waiting.
    unread: Vec<String>,
    /// What may be readable soon.
    passing: Option<Unread>,
}

impl Residue {
    fn miss(&mut self, what: &str, why: &Unread) {
        if why.is_passing() {
            self.passing.get_or_insert_with(|| why.clone());
        } else {
            self.unread.push(format!("{what}: {}", why.reason.word()));
        }
    }
}

fn prove(draft: &mut Draft<'_>, key: &ItemKey, id: Option<Guid>) {
    let what = id.map(|id| residue(draft, id)).unwrap_or_default();
    // Proven, and by idle reads not looked up by principal again.
    let is_proven = draft.entry(key).is_some_and(|entry| entry.proof.is_some());
    if is_proven && what.ours.is_empty() && what.others.is_empty() {
        return draft.say(key, ItemState::Removed, None, "");
    }
    if !what.others.is_empty() {
        let detail = format!("holds what we did not give: {}", what.others.join(", "));
        draft.find(Plane::Users, Reason::NotOurs, format!("{key} {detail}"));
        note_not_empty(draft, key);
        return draft.say(key, ItemState::Residual, Some(Reason::NotOurs), detail);
    }
    if !what.ours.is_empty() {
        note_not_empty(draft, key);
        // What takes it away looks again by itself; where nobody does, there is little to look for.
        draft.recheck_since(named_since(draft, key));
        let detail = format!("still holds {}", what.ours.join(", "));
        return draft.say(key, ItemState::Waiting, Some(Reason::Propagation), detail);
    }
    match what.passing {
        Some(why) => draft.unread(key, &why),
        None => confirm(draft, key, what.unread),
    }
}

/// When its removal was named.
fn named_since(draft: &Draft<'_>, key: &ItemKey) -> Timestamp {
    match draft.input.items.get(key).map(|item| &item.want) {
        Some(Want::Absent { since, .. }) => *since,
        _ => draft.now(),
    }
}

/// Empty now; gone when it is empty again after the lag.
pub(super) fn confirm(draft: &mut Draft<'_>, key: &ItemKey, unread: Vec<String>) {
    let (now, begun, lag) = (draft.now(), draft.input.observed.begun, draft.input.settings.replication_lag);
    let named = named_since(draft, key);
    let first = draft.entry(key).and_then(|entry| entry.first_empty).unwrap_or(now);
    draft.touch(key, |entry| (entry.named, entry.first_empty) = (Some(named), Some(first)));
    if !has_passed(first, lag, begun) {
        draft.say(key, ItemState::Waiting, Some(Reason::ConfirmingRemoval), "read back empty once");
        return draft.wake_at(passes_at(first, lag));
    }
    let plane = key.plane();
    let delay = EFFECT_DELAYS.iter().find(|(it, _)| Some(*it) == plane).map_or(Duration::ZERO, |(_, delay)| *delay);
    let proof = RemovalProof {
        named,
        first_empty_read: first,
        second_empty_read: begun,
        effective_by: first.plus(delay),
        unseen: unread,
        ..RemovalProof::default()
    };
    draft.touch(key, |entry| {
        entry.proof.get_or_insert(proof);
        (entry.applied, entry.failure) = (None, None);
    });
    draft.say(key, ItemState::Removed, None, "");
}

fn residue(draft: &Draft<'_>, id: Guid) -> Residue {
    let mut found = Residue::default();
    memberships(draft, id, &mut found);
    azure(draft, id, &mut found);
    defender(draft, id, &mut found);
    found
}

fn memberships(draft: &Draft<'_>, id: Guid, found: &mut Residue) {
    let anchor = draft.entry(&anchor_key()).and_then(|entry| entry.guid());
    let entries = &draft.input.ledger.entries;
    let is_ours = |group: Guid| entries.values().any(|entry| entry.thing == Some(Thing::Group { id: group }));
    for (group, members) in &draft.input.observed.members {
        if Some(*group) != anchor && is_ours(*group) && members.read().is_some_and(|members| members.contains(&id)) {
            found.ours.push(format!("group {group}"));
        }
    }
    match draft.input.observed.rights.get(&id).map(|rights| &rights.memberships) {
        Some(Part::Read(holdings)) => {
            let others = holdings.iter().filter(|it| Some(it.id) != anchor && !is_ours(it.id));
            found.others.extend(others.map(|it| format!("{} {}", it.kind, it.name)));
            let ours = holdings.iter().filter(|it| Some(it.id) != anchor && is_ours(it.id));
            found.ours.extend(ours.map(|it| format!("group {}", it.name)));
        }
        Some(Part::Unread(why)) => found.miss("memberships", why),
        None => found.miss("memberships", &not_asked()),
    }
}

fn azure(draft: &Draft<'_>, id: Guid, found: &mut Residue) {
    if draft.mode(Plane::AzureRoles) == PlaneMode::None {
        return found.unread.push("azureRoles: none in the guardrail".into());
    }
    let rights = draft.input.observed.rights.get(&id);
    for scope in reads::azure_scopes(draft.input.items, draft.input.ledger, draft.guardrail()) {
        match rights.and_then(|rights| rights.azure.get(&scope)) {
            Some(Part::Read(assignments)) => {
                let held = assignments.iter().filter(|it| it.principal == id);
                found.others.extend(held.map(|it| format!("Azure role {} at {}", it.definition, it.scope)));
            }
            Some(Part::Unread(why)) => found.miss(&scope, why),
            None => found.miss(&scope, &not_asked()),
        }
    }
}

fn defender(draft: &Draft<'_>, id: Guid, found: &mut Residue) {
    if draft.mode(Plane::DefenderRoles) == PlaneMode::None {
        return found.unread.push("defenderRoles: none in the guardrail".into());
    }
    match draft.input.observed.defender() {
        Part::Read(defender) => {
            let held = defender.assignments.iter().filter(|it| it.principals.contains(&id));
            found.others.extend(held.map(|it| format!("Defender assignment {}", it.display_name)));
        }
        Part::Unread(why) => found.miss("defenderRoles", &why),
    }
}

fn not_asked() -> Unread {
    Unread { reason: Reason::Unread, detail: "looked up by principal at the next look".into() }
}
