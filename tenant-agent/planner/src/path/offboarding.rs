//! How accounts end: blocked first, then their sessions, then the rest. All accounts of a person who is named for removal;
//! one account where its window is over, or its identity is the wrong one.
//!
//! Memberships are removed where memberships are decided (`members.rs`, `groups.rs`). Rights that are not ours are
//! named, and left. The proof is in `proof.rs`.

use entente_model::desired::{Item, ItemKey, Want};
use entente_model::report::{AccountState, ItemState, Reason};
use entente_model::{Guid, Plane, PlaneMode, Timestamp};

use crate::builder::progress::Progress;
use crate::builder::{AHEAD, PlanBuilder, Proposal, Said, passes_at};
use crate::gate;
use crate::guardrail::OnLeave;
use crate::ledger::{LedgerEntry, LedgerKey, Ownership, Thing};
use crate::moment;
use crate::observed::User;
use crate::path::accounts::{self, Account, Accounts};
use crate::path::lookup::Found;
use crate::path::person::{Exit, ExitKind, Person};
use crate::path::proof::{self, Contents};
use crate::path::residue;
use crate::planes::rules;
use crate::verdict::Condition;
use crate::write::{Action, UserWrite};

/// What is named for removal again is removed anew: what was read back before proves nothing of it, and sessions may
/// have begun since. What was read back at a time that was refuted since would be refused: it is read back anew.
pub(crate) fn begin(builder: &mut PlanBuilder<'_>) {
    for item in builder.items() {
        let Want::Absent { since, .. } = item.want else { continue };
        let latest = builder.now().plus(AHEAD);
        let is_refuted = |entry: &LedgerEntry| {
            let proven = entry.proof.as_ref().map(|proof| proof.second_empty_read);
            proven.max(entry.first_empty.map(|first| first.at)).is_some_and(|at| at > latest)
        };
        if builder.entry(&item.key).is_some_and(is_refuted) {
            builder.touch(&item.key, |entry| (entry.first_empty, entry.proof) = (None, None));
        }
        if builder.entry(&item.key).is_some_and(|entry| entry.named != Some(since)) {
            builder.touch(&item.key, |entry| {
                entry.named = Some(since);
                (entry.sessions_revoked, entry.first_empty, entry.proof) = (None, None, None);
            });
        }
    }
}

/// Ends an account. `against` is what stands against it beside the plane's mode.
pub(crate) fn leave(
    builder: &mut PlanBuilder<'_>,
    key: &ItemKey,
    person: &Person<'_>,
    exit: Exit,
    against: Vec<Condition>,
) {
    if let Some(item) = person.item.filter(|_| exit.kind == ExitKind::Named) {
        return leave_all(builder, key, item, person, exit, &against);
    }
    match &person.account {
        Found::Unread(why) => builder.unread(key, why),
        // An invitation may yet make a user: only then is there anything to end.
        Found::Waiting(reason) => builder.wait(key, *reason, "looked up until it is there, or has stayed away"),
        Found::Many(users) => {
            let detail = format!("{} users of the tenant have this address; none is certainly ours", users.len());
            builder.say(key, ItemState::Residual, Some(Reason::Ambiguous), detail);
        }
        Found::Nothing => end(builder, key, exit),
        Found::There(user, ownership) => there(builder, key, user, *ownership, exit, &against),
    }
}

fn there(
    builder: &mut PlanBuilder<'_>,
    key: &ItemKey,
    user: &User,
    ownership: Option<Ownership>,
    exit: Exit,
    against: &[Condition],
) {
    let Some(id) = user.id else { return };
    if ownership != Some(Ownership::Owned) && builder.mode(Plane::Users) != PlaneMode::Verify {
        return end(builder, key, exit);
    }
    let account = Account { id, user: Some(user), state: user.account_state(), named: true, ours: true, doubt: None };
    match shut(builder, &key.into(), &account, exit, against) {
        Some(standing) => standing.say(builder, key),
        None => end(builder, key, exit),
    }
}

/// The account can do nothing more: what is left to say.
fn end(builder: &mut PlanBuilder<'_>, key: &ItemKey, exit: Exit) {
    if exit.kind != ExitKind::Implied {
        exit.say(builder, key);
    }
}

/// Every account of the person: shut where it is ours, named where it is not, and then proven.
fn leave_all(
    builder: &mut PlanBuilder<'_>,
    key: &ItemKey,
    item: &Item,
    person: &Person<'_>,
    exit: Exit,
    against: &[Condition],
) {
    let mut all = accounts::of(builder, key, item);
    accounts::note(builder, key, &all);
    builder.show_accounts(key, all.known());
    let mut open: Vec<Progress> = Vec::new();
    for account in &all.all {
        let at = account.ledger_key(builder, key);
        open.extend(close(builder, &at, account, exit, against));
    }
    match &person.account {
        // An account that is gone for good after it was proven shut is still shut.
        Found::Waiting(_) if proof::is_proven(builder, key) => {}
        Found::Waiting(reason) => {
            let detail = "looked up until it is there, or has stayed away".into();
            open.push(Progress::new(ItemState::Waiting, Some(*reason), detail));
            builder.recheck();
        }
        Found::Unread(why) => all.missing.push(("the account".into(), why.clone())),
        Found::There(..) | Found::Nothing | Found::Many(_) => {}
    }
    if let Some(worst) = open.into_iter().min_by_key(Progress::urgency) {
        proof::note_not_empty(builder, key);
        return if worst.state == ItemState::Unproven {
            proof::say_unproven(builder, key, &all.missing)
        } else {
            worst.say(builder, key)
        };
    }
    let held = all.all.iter().filter(|it| !matches!(it.state, AccountState::Gone | AccountState::Deleted));
    let mut what = residue::of(builder, held.map(|it| it.id));
    what.missing.extend(all.missing.iter().cloned());
    let contents =
        Contents { accounts: all.known(), unseen: all.unseen.clone(), blocked: last_block(builder, key, &all) };
    proof::prove(builder, key, what, contents);
}

/// When the last of our blocks was answered.
fn last_block(builder: &PlanBuilder<'_>, key: &ItemKey, all: &Accounts<'_>) -> Option<Timestamp> {
    let keys = all.all.iter().map(|account| account.ledger_key(builder, key));
    let blocks = keys.filter_map(|at| builder.entry(&at).and_then(|entry| entry.block));
    // One that is dated ahead was answered before now all the same.
    blocks.map(|block| block.at.min(builder.now())).max()
}

/// What one account still has open, if anything.
fn close(
    builder: &mut PlanBuilder<'_>,
    at: &LedgerKey,
    account: &Account<'_>,
    exit: Exit,
    against: &[Condition],
) -> Option<Progress> {
    let is_ours = account.ours || builder.mode(Plane::Users) == PlaneMode::Verify;
    match account.state {
        // Our invitation may have made it; it is reported with the other parts that were not read.
        AccountState::Enabled if !is_ours && builder.entry(at).is_some_and(LedgerEntry::is_undecided) => None,
        AccountState::Enabled if !is_ours && account.doubt.is_some() => {
            // The reasons are among what was not read, and are said from there.
            Some(Progress::new(ItemState::Unproven, None, String::new()))
        }
        AccountState::Enabled if !is_ours => {
            let held = residue::of(builder, [account.id]);
            let holds =
                if held.others.is_empty() { String::new() } else { format!(", and holds {}", held.count_of_others()) };
            let detail = format!("{} is enabled; it was not made by us{holds}", account.name());
            builder.name_here(format!("{} holds", account.name()), held.others);
            Some(Progress::new(ItemState::Residual, Some(Reason::NotOurs), detail))
        }
        AccountState::Enabled | AccountState::Blocked if is_ours => {
            if account.ours && !matches!(at, LedgerKey::Item(ItemKey::User(_))) {
                claim(builder, at, account.id);
            }
            shut(builder, at, account, exit, against)
        }
        // Unread is said with all else that was not read.
        AccountState::Enabled
        | AccountState::Blocked
        | AccountState::Deleted
        | AccountState::Gone
        | AccountState::Unread
        | AccountState::Later(_) => None,
    }
}

/// An account of ours beside the one of the person's own entry gets one of its own.
pub(crate) fn claim(builder: &mut PlanBuilder<'_>, at: &LedgerKey, id: Guid) {
    let thing = Some(Thing::User { id });
    if builder.entry(at).is_none_or(|entry| entry.thing != thing) {
        let epoch = builder.input.version.epoch;
        builder.put(at, LedgerEntry { thing, epoch, ownership: Ownership::Owned, ..LedgerEntry::default() });
    }
}

/// Blocks an account of ours, ends its sessions, deletes it if the file says so. `None` when nothing is left to do.
fn shut(
    builder: &mut PlanBuilder<'_>,
    at: &LedgerKey,
    account: &Account<'_>,
    exit: Exit,
    against: &[Condition],
) -> Option<Progress> {
    let id = account.id;
    if builder.protects_user(id) {
        let detail = format!("the account {} is protected", account.name());
        return Some(Progress::new(ItemState::Refused, Some(Reason::GuardrailProtected), detail));
    }
    let mut against = against.to_vec();
    against.extend(gate::plane(builder, Plane::Users));
    let step = |action: Action, before: &str, after: &str| Proposal {
        key: at.clone(),
        class: exit.class,
        charge: exit.charge,
        action,
        before: before.into(),
        after: after.into(),
        against: against.clone(),
    };
    let block = step(Action::User(UserWrite::Block { user: id, blind: false }), "enabled", "blocked by us");
    let sessions = step(Action::User(UserWrite::RevokeSessions { user: id }), "signed in", "signed out");
    let delete = step(Action::User(UserWrite::Delete { user: id }), "blocked by us", "");
    let is_signed_in = builder.entry(at).is_none_or(|entry| entry.sessions_revoked.is_none());
    let sessions = (exit.is_leaver && does(builder, OnLeave::RevokeSessions) && is_signed_in).then_some(sessions);
    match account.state {
        AccountState::Enabled => return Some(enabled(builder, at, block, sessions)),
        AccountState::Unread => {
            let detail = "the answer does not say whether the account is enabled".into();
            builder.recheck();
            return Some(Progress::new(ItemState::Waiting, Some(Reason::Unread), detail));
        }
        AccountState::Blocked | AccountState::Deleted | AccountState::Gone | AccountState::Later(_) => {}
    }
    if let Some(sessions) = sessions.filter(|_| builder.mode(Plane::Users) == PlaneMode::Manage) {
        return Some(builder.propose_for(sessions, (ItemState::Pending, None), ""));
    }
    // Deleted only when it holds nothing of ours, so that no removal is left to fail.
    let deletes = exit.is_leaver && does(builder, OnLeave::Delete) && residue::of(builder, [id]).ours.is_empty();
    let written = builder.entry(at).and_then(|entry| entry.written);
    if deletes && !builder.may_lag(written, builder.input.settings.replication_lag) {
        return Some(builder.propose_for(delete, (ItemState::Pending, None), ""));
    }
    None
}

/// Without a readable file: what ends access, and nothing that cannot be taken back.
pub(crate) fn does(builder: &PlanBuilder<'_>, step: OnLeave) -> bool {
    builder.guardrail().map_or(step != OnLeave::Delete, |guardrail| guardrail.people.on_leave.contains(&step))
}

fn enabled(builder: &mut PlanBuilder<'_>, at: &LedgerKey, block: Proposal, sessions: Option<Proposal>) -> Progress {
    proof::note_not_empty(builder, at);
    let lag = builder.input.settings.replication_lag;
    let entry = builder.entry_or_new(at);
    let standing = if !does(builder, OnLeave::Block) {
        let detail = "the account stays enabled: the guardrail has no block under people.onLeave".into();
        Progress { script: Some(block.action), ..Progress::new(ItemState::Residual, Some(Reason::PersonTask), detail) }
    } else if builder.may_lag(entry.block.map(|block| block.at), lag) && entry.failure.is_none() {
        builder.recheck();
        Progress::new(ItemState::Waiting, Some(Reason::Propagation), "our block is not visible yet".into())
    } else {
        builder.propose_for(block, (ItemState::Pending, None), "")
    };
    if let Some(sessions) = sessions
        && let Said::Goes = builder.propose(sessions)
    {
        builder.recheck();
    }
    standing
}

/// Whether it is on a plane that the file closes: the agent never looks there, and the report says so.
pub(crate) fn say_unlooked(
    builder: &mut PlanBuilder<'_>,
    key: &ItemKey,
    planes: impl IntoIterator<Item = Plane>,
) -> bool {
    let closed = planes.into_iter().find(|plane| builder.mode(*plane) == PlaneMode::None);
    if let Some(plane) = closed {
        let detail = format!("whether it is there was not looked at: the plane {plane} is none");
        builder.say(key, ItemState::Residual, Some(Reason::GuardrailPlane), detail);
    }
    closed.is_some()
}

/// The thing is not there, or no longer: the item's report says so; a named removal is confirmed by a second look.
pub(crate) fn ended(builder: &mut PlanBuilder<'_>, key: &ItemKey, exit: Exit) {
    match exit.kind {
        ExitKind::Implied if forget_when_certain(builder, key) => {}
        ExitKind::Implied => {
            let detail = "no longer there; looked at again before it is forgotten";
            builder.say(key, ItemState::Waiting, Some(Reason::ConfirmingRemoval), detail);
        }
        ExitKind::Named => {
            let contents = of_member(builder, key);
            proof::confirm(builder, key, contents);
        }
        ExitKind::Window(_) | ExitKind::Barred | ExitKind::Identity => {
            forget_when_certain(builder, key);
            exit.say(builder, key);
        }
    }
}

/// Forgets the entry once looks have stayed empty for longer than the plane lags, or at once where two of them are a proof
/// already. One look may miss what is there, and without an entry it could never be removed. Where our own removal was
/// answered, the half hour by which Defender's lists lag is not waited out.
fn forget_when_certain(builder: &mut PlanBuilder<'_>, key: &ItemKey) -> bool {
    let (now, entry) = (builder.input.now, builder.entry_or_new(key));
    let settings = builder.input.settings;
    let lag = match (key.plane(), entry.removed) {
        (Some(plane), None) => (rules(plane).read_lag)(settings),
        (Some(_), Some(_)) | (None, _) => settings.replication_lag,
    };
    let since = moment::since(entry.empty_since, now);
    let claims_nothing = entry.thing.is_none() && entry.intent.is_none();
    if claims_nothing || entry.proof.is_some() || since.has_passed(lag, builder.input.observed.begun) {
        builder.forget(key);
        return true;
    }
    builder.touch(key, |entry| entry.empty_since = Some(since));
    builder.wake_at(passes_at(since.at, lag));
    false
}

/// Not there; but what was given a moment ago, and never seen, may yet turn up.
pub(crate) fn ended_unless_on_its_way(builder: &mut PlanBuilder<'_>, key: &ItemKey, exit: Exit) {
    let lag = builder.input.settings.replication_lag;
    let on_its_way =
        |entry: &LedgerEntry| entry.applied.is_none() && entry.removed.is_none() && builder.may_lag(entry.written, lag);
    if builder.entry(key).is_some_and(on_its_way) {
        return builder.wait(key, Reason::Propagation, "given a moment ago, and not visible yet");
    }
    ended(builder, key, exit);
}

/// What the proof of a membership's removal names: the person's accounts, in whatever state.
pub(crate) fn of_member(builder: &mut PlanBuilder<'_>, key: &ItemKey) -> Contents {
    let Some(item) = builder.input.items.get(key).filter(|_| key.person().is_some()) else {
        return Contents::default();
    };
    let accounts = accounts::of_member(builder, key, item).known();
    builder.show_accounts(key, accounts.clone());
    Contents { accounts, ..Contents::default() }
}
