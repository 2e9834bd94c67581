//! Accounts: found or invited, adopted with leave, unblocked if the block was ours.
//!
//! A customer's block is never undone, nor got round with another account of the same operator; what the customer
//! deleted is in `deleted.rs`. How an account ends is in `offboarding.rs`; which ones are only in the ledger in `implied.rs`.

pub(crate) mod judge;
pub(crate) mod permissions;
pub(crate) mod reads;
pub(crate) mod rules;
pub mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use entente_model::desired::{Item, ItemBody, ItemKey, UserBody, UserKey, Want};
use entente_model::plan::ChangeClass;
use entente_model::report::{ItemState, Reason};
use entente_model::time::Phase;
use entente_model::{Guid, OperatorName, Plane, PlaneMode};

use crate::builder::{PlanBuilder, Proposal};
use crate::gate;
use crate::ledger::{Attempt, Charge, Claim, LedgerEntry, Left, Ownership, Thing, Update};
use crate::moment::{self, Moment};
use crate::observed::{Observed, Part, User};
use crate::path::Path;
use crate::path::deleted;
use crate::path::lookup::{Found, Sought, look};
use crate::path::offboarding;
use crate::path::person::{Exit, ExitKind, People, Person};
use crate::reads::is_invitable;
use crate::verdict::{self, Condition};
use crate::write::{Action, UserWrite};

/// A joiner redeems within minutes as a rule, and should not wait for the next comparison then.
const REDEMPTION_LOOK: Duration = Duration::from_secs(30);

/// After this the next comparison is soon enough: the invitation has been left lying.
const FRESH_INVITATION: Duration = Duration::from_secs(60 * 60);

pub(crate) fn decide<'a>(builder: &mut PlanBuilder<'a>) -> People<'a> {
    let mut people = find(builder);
    let blocked = blocked_operators(builder, &people);
    let thrown_out = deleted::operators(&people);
    let made = made_for(builder);
    for (key, person) in &mut people {
        let Some((item, ItemBody::User(UserBody { operator, .. }))) = person.item.map(|item| (item, &item.body)) else {
            continue;
        };
        note_leave(builder, item);
        if builder.mode(Plane::Users) == PlaneMode::None {
            builder.say(key, ItemState::Refused, Some(Reason::GuardrailPlane), "the plane users is none");
            continue;
        }
        person.blocked_by_customer = blocked.contains(operator);
        person.deleted_by_customer = thrown_out.contains(operator);
        match person.exit {
            Some(exit) => offboarding::leave(builder, key, person, exit, Vec::new()),
            None => present(builder, key, person, item, &made),
        }
    }
    people
}

fn find<'a>(builder: &mut PlanBuilder<'a>) -> People<'a> {
    let items = builder.items().filter(|item| matches!(item.key, ItemKey::User(_)));
    let mut people: People<'a> = items.map(|item| (item.key.clone(), seek(builder, &item.key, Some(item)))).collect();
    let in_ledger = builder.input.ledger.items().map(|(key, _)| key).filter(|key| matches!(key, ItemKey::User(_)));
    for key in in_ledger {
        if !people.contains_key(key) {
            people.insert(key.clone(), seek(builder, key, None));
        }
    }
    people
}

fn seek<'a>(builder: &mut PlanBuilder<'a>, key: &ItemKey, item: Option<&'a Item>) -> Person<'a> {
    let observed: &'a Observed = builder.input.observed;
    let mut entry = builder.entry_or_new(key);
    let wanted = match item.map(|item| &item.body) {
        Some(ItemBody::User(UserBody { mail, .. })) => mail.clone(),
        _ => String::new(),
    };
    // What was begun is looked up by the name it was begun with, whatever the item says now.
    let begun_as = entry.intent.as_ref().map(|intent| intent.name.clone());
    let mut account = look_up(builder, &mut entry, begun_as.as_ref().unwrap_or(&wanted));
    if matches!(account, Found::Nothing) && begun_as.is_some_and(|name| !name.eq_ignore_ascii_case(&wanted)) {
        account = look_up(builder, &mut entry, &wanted);
    }
    let user = account.there().map(|(user, _)| user);
    let is_other_kind = user.is_some_and(|user| doubt(builder, &mut entry, user, observed.begun));
    let deletion = deleted::note(builder, key, &mut entry, &account);
    account = deleted::restored(builder, item, &mut entry, account);
    if builder.entry(key).is_some_and(|old| *old != entry) {
        builder.put(key, entry);
    }
    let mut person = Person {
        item,
        account,
        exit: None,
        blocked_by_customer: false,
        deletion,
        deleted_by_customer: false,
        is_settled: false,
    };
    person.exit = item.and_then(|item| exit(builder, item, person.user(), is_other_kind));
    person
}

fn look_up<'a>(builder: &PlanBuilder<'a>, entry: &mut LedgerEntry, mail: &str) -> Found<'a, User> {
    let observed: &'a Observed = builder.input.observed;
    // One of ours from before is known by its id, and is neither what was begun last nor somebody else's.
    let is_from_before = |user: &&User| {
        let id = user.id.filter(|id| entry.guid() != Some(*id));
        id.is_some_and(|id| entry.accounts.get(&id) == Some(&Claim::Ours))
    };
    let by_name = match observed.users_by_mail.get(&mail.to_ascii_lowercase()) {
        Some(Part::Read(users)) => Part::Read(users.iter().filter(|user| !is_from_before(user)).collect()),
        Some(Part::Unread(why)) => Part::Unread(why.clone()),
        // No longer desired, and no creation on its way: no address to look up.
        None if mail.is_empty() => Part::Read(Vec::new()),
        None => Part::unread(Reason::Unread, "was not looked up by mail"),
    };
    let by_id = match entry.guid().and_then(|id| observed.users.get(&id)) {
        Some(Part::Read(user)) => Part::Read(user.as_ref()),
        Some(Part::Unread(why)) => Part::Unread(why.clone()),
        None => Part::unread(Reason::Unread, "was not read"),
    };
    let settings = builder.input.settings;
    let sought = Sought {
        by_id,
        by_name,
        is_from: is_invited_by,
        may_predate: true,
        thing: |user: &User| user.id.map(|id| Thing::User { id }),
        lag: settings.replication_lag,
        removal_lag: settings.replication_lag,
        unseen_for: settings.unseen_for,
        now: builder.input.now,
        begun: observed.begun,
    };
    look(entry, sought)
}

/// Only our invitation can have made it: invited, and created not before the look that did not find it. That it was
/// absent then stands in the intent (Graph: user, creationType). An invitation of one whom the look-up by mail did not
/// show is answered with the id of the guest who was there (Graph: invitation-post).
fn is_invited_by(user: &User, intent: &Attempt) -> Option<bool> {
    let is_later = intent.may_have_made(user.created);
    match &user.creation_type {
        _ if is_later == Some(false) => Some(false),
        Some(creation) if creation == "Invitation" => is_later,
        Some(_) => Some(false),
        // Nothing is said of ordinary accounts; a guest's is missing from this answer.
        None => (user.user_type == "Member").then_some(false),
    }
}

/// Whether the invitation was redeemed by an account that is not an Entra one. The two fields that say so may arrive
/// apart, and ending access for a field that is late would do harm: it takes two looks.
fn doubt(builder: &PlanBuilder<'_>, entry: &mut LedgerEntry, user: &User, begun: Moment) -> bool {
    let speaks_against = user.redeemed == Some(true) && user.is_entra_homed() == Some(false);
    if !speaks_against {
        // What is not shown neither speaks against nor clears.
        entry.doubted = entry.doubted.filter(|_| user.redeemed.is_none() || user.issuers.is_none());
        return false;
    }
    let since = moment::since(entry.doubted, builder.input.now);
    entry.doubted = Some(since);
    since.has_passed(builder.input.settings.replication_lag, begun)
}

/// Why the account is to have nothing, if so.
fn exit(builder: &PlanBuilder<'_>, item: &Item, account: Option<&User>, is_other_kind: bool) -> Option<Exit> {
    if let Want::Absent { cause, .. } = &item.want {
        return Some(Exit::of_cause(*cause));
    }
    if builder.guardrail().is_some_and(|guardrail| gate::is_barred(guardrail, item, account)) {
        return Some(Exit::unsafe_account(ExitKind::Barred));
    }
    if is_other_kind {
        return Some(Exit::unsafe_account(ExitKind::Identity));
    }
    match item.windows.phase(builder.now()) {
        Phase::Open(_) => None,
        phase @ (Phase::Before(_) | Phase::Over) => Some(Exit::window(phase)),
    }
}

/// Operators whom the customer has blocked in any of their accounts.
fn blocked_operators(builder: &PlanBuilder<'_>, people: &People<'_>) -> BTreeSet<OperatorName> {
    let entries = builder.input.ledger.entries.values();
    let by_us = |entry: &&LedgerEntry| entry.block.is_some_and(|block| !block.blind);
    let by_us: BTreeSet<Guid> = entries.filter(by_us).filter_map(LedgerEntry::guid).collect();
    let blocked = people.iter().filter(|(key, person)| {
        let entry = builder.entry(*key);
        let ours = person.id().is_some_and(|id| by_us.contains(&id));
        let lifting = entry.is_some_and(|entry| builder.may_lag(entry.written, builder.input.settings.replication_lag));
        person.user().is_some_and(User::is_blocked) && !ours && !lifting
    });
    blocked.filter_map(|(_, person)| deleted::operator(person.item?)).collect()
}

/// Keeps who has left, so that another history cannot bring them back unasked.
fn note_leave(builder: &mut PlanBuilder<'_>, item: &Item) {
    let ItemKey::User(UserKey { object_id: person, .. }) = item.key else { return };
    let (epoch, now) = (builder.input.version.epoch, builder.now());
    let known = builder.input.ledger.left.get(&person).copied();
    // What was said beside an older state is the state's own word now.
    let is_over = |left: Left| left.epoch != epoch || (left.aside.is_some() && !left.is_aside(builder.input.version));
    match &item.want {
        Want::Absent { cause, .. } if cause.is_leaver() && known.is_none_or(is_over) => {
            let since = known.map_or(now, |left| left.since);
            builder.remember(Update::Left(person, Left { since, epoch, aside: None }));
        }
        Want::Present if known.is_some_and(|left| left.epoch == epoch) => builder.remember(Update::Rejoined(person)),
        Want::Absent { .. } | Want::Present => {}
    }
}

/// Which person's guest an account is that we made: by its id, the key of the person it was made for.
fn made_for(builder: &PlanBuilder<'_>) -> BTreeMap<Guid, ItemKey> {
    let users = builder.input.ledger.items().filter(|(key, _)| matches!(key, ItemKey::User(_)));
    let ids = users.flat_map(|(key, entry)| {
        let own = entry.guid().filter(|_| entry.is_owned());
        let earlier = entry.accounts.iter().filter(|(_, claim)| **claim == Claim::Ours).map(|(id, _)| *id);
        own.into_iter().chain(earlier).map(move |id| (id, key.clone()))
    });
    ids.collect()
}

fn present(
    builder: &mut PlanBuilder<'_>,
    key: &ItemKey,
    person: &mut Person<'_>,
    item: &Item,
    made: &BTreeMap<Guid, ItemKey>,
) {
    let mut against = gate::plane(builder, Plane::Users);
    against.extend(gate::person(builder, item, person.user()));
    against.extend(useless(builder, item));
    match &person.account {
        Found::Unread(_) if !is_looked_up(builder, item) => match builder.guardrail() {
            Some(_) => {
                let detail =
                    "an address that is none, or is outside the guardrail's provider.mailDomains, is not looked up";
                builder.say(key, ItemState::Refused, Some(Reason::GuardrailPerson), detail);
            }
            None => builder.say(key, ItemState::Held, Some(Reason::GuardrailUnreadable), ""),
        },
        Found::Unread(why) => builder.unread(key, &why.clone()),
        Found::Waiting(reason) => await_account(builder, key, *reason),
        Found::Many(users) => {
            let detail = format!("{} users of the tenant have this address", users.len());
            builder.say(key, ItemState::Refused, Some(Reason::Ambiguous), detail);
        }
        Found::Nothing => invite(builder, key, person, item, against),
        Found::There(user, None) if user.id.and_then(|id| made.get(&id)).is_some_and(|other| other != key) => {
            let other = user.id.and_then(|id| made.get(&id)).map(ToString::to_string).unwrap_or_default();
            let detail = format!(
                "{} is our own guest, made for {other}, another home account: an invitation would be redeemed by that \
                 one. The customer deletes the guest in the tenant; then a new one is invited",
                user.upn
            );
            builder.recheck_since(builder.input.now.at);
            builder.say(key, ItemState::Waiting, Some(Reason::OtherAccount), detail);
        }
        Found::There(user, None) if builder.mode(Plane::Users) == PlaneMode::Manage => {
            let user = *user;
            if adopt(builder, key, user, against.clone()) {
                person.account = Found::There(user, Some(Ownership::Adopted));
                found(builder, key, person, user, against);
            }
        }
        Found::There(user, _) => {
            let user = *user;
            found(builder, key, person, user, against);
        }
    }
}

fn is_looked_up(builder: &PlanBuilder<'_>, item: &Item) -> bool {
    let ItemBody::User(UserBody { mail, .. }) = &item.body else { return false };
    builder.guardrail().is_some_and(|guardrail| is_invitable(mail, guardrail))
}

/// An account is there for memberships: if the file refuses each of them for its length, there is nothing to invite
/// for. The account's own windows are merged ones, and so not judged by themselves.
fn useless(builder: &PlanBuilder<'_>, item: &Item) -> Option<Condition> {
    let person = item.key.person();
    let is_membership = |it: &&Item| matches!(it.key, ItemKey::Member(_)) && it.key.person() == person;
    let mut memberships = builder.items().filter(is_membership).filter(|it| it.want == Want::Present).peekable();
    memberships.peek()?;
    memberships.map(|it| gate::length(builder, it)).collect::<Option<Vec<_>>>()?.first().copied()
}

fn await_account(builder: &mut PlanBuilder<'_>, key: &ItemKey, reason: Reason) {
    match builder.missing_state(key) {
        (ItemState::Drifted, drift) => {
            builder.recheck();
            builder.say(key, ItemState::Drifted, drift, "the account is gone; looked at again before that is certain");
        }
        _ => builder.wait(key, reason, "looked up until it is there, or has stayed away for longer than the lag"),
    }
}

fn invite(builder: &mut PlanBuilder<'_>, key: &ItemKey, person: &Person<'_>, item: &Item, mut against: Vec<Condition>) {
    let ItemBody::User(UserBody { mail, display_name, .. }) = &item.body else { return };
    if person.blocked_by_customer {
        return say_blocked(builder, key);
    }
    if person.deleted_by_customer {
        return deleted::say(builder, key, mail, person.deletion.is_some());
    }
    against.extend(gate::room_for_person(builder, key));
    let proposal = Proposal {
        key: key.into(),
        class: ChangeClass::Grant,
        charge: Charge::Joiner,
        action: Action::User(UserWrite::Invite { mail: mail.clone(), display_name: display_name.clone() }),
        before: String::new(),
        after: format!("guest {mail}"),
        against,
    };
    let going = builder.missing_state(key);
    let detail =
        person.deletion.map_or("", |_| "the customer allows a new invitation after having deleted the account");
    if builder.propose_and_say(proposal, going, detail) {
        builder.admitted += 1;
    }
}

fn say_blocked(builder: &mut PlanBuilder<'_>, key: &ItemKey) {
    let detail = "the customer disabled an account of this operator; that is never undone";
    builder.say(key, ItemState::BlockedByCustomer, Some(Reason::CustomerBlocked), detail);
}

fn adopt(builder: &mut PlanBuilder<'_>, key: &ItemKey, user: &User, mut against: Vec<Condition>) -> bool {
    let Some(id) = user.id else { return false };
    if builder.protects_user(id) {
        against.insert(0, Condition::Refused(Reason::GuardrailProtected));
    }
    if user.user_type != "Guest" {
        against.push(Condition::Refused(Reason::GuardrailPerson));
    }
    against.extend(gate::room_for_person(builder, key));
    let adopted = crate::path::adopt::adopt(builder, key, Thing::User { id }, Charge::Joiner, against, &user.upn);
    builder.admitted += u32::from(adopted);
    adopted
}

fn found(builder: &mut PlanBuilder<'_>, key: &ItemKey, person: &mut Person<'_>, user: &User, against: Vec<Condition>) {
    let Some(id) = user.id else { return };
    if builder.protects_user(id) {
        return builder.say(key, ItemState::Refused, Some(Reason::GuardrailProtected), "the account is protected");
    }
    deleted::note_kept(builder, key);
    if user.is_blocked() || builder.entry(key).is_some_and(|entry| entry.block.is_some()) {
        return disabled(builder, key, person, user, id, against);
    }
    if user.enabled.is_none() {
        return builder.wait(key, Reason::Unread, "the answer does not say whether the account is enabled");
    }
    if person.blocked_by_customer {
        return say_blocked(builder, key);
    }
    if let Some(reason) = verdict::refusal(&against) {
        let detail = "the account is there; it is given nothing more";
        return builder.say(key, ItemState::Refused, Some(reason), detail);
    }
    person.is_settled = true;
    if user.redeemed.is_none() || (user.redeemed == Some(true) && user.is_entra_homed() != Some(true)) {
        let detail = "the invitation's redemption is not shown whole, or not by an Entra account: looked at again";
        return builder.wait(key, Reason::Unread, detail);
    }
    if user.redeemed == Some(false) {
        let now = builder.now();
        if user.created.is_some_and(|invited| now.since(invited) < FRESH_INVITATION) {
            builder.wake_at(now.plus(REDEMPTION_LOOK));
        }
        return builder.say(key, ItemState::Waiting, Some(Reason::Redemption), "the operator redeems the invitation");
    }
    match person.ownership() {
        Some(_) => builder.applied(key, Thing::User { id }),
        None => builder.applied_by_others(key, id.to_string()),
    }
}

/// Lifts our own block; leaves the customer's.
fn disabled(
    builder: &mut PlanBuilder<'_>,
    key: &ItemKey,
    person: &Person<'_>,
    user: &User,
    id: Guid,
    mut against: Vec<Condition>,
) {
    let lag = builder.input.settings.replication_lag;
    let entry = builder.entry_or_new(key);
    match entry.block {
        None if builder.may_lag(entry.written, lag) => builder.wait(key, Reason::Propagation, "our block is lifted"),
        None => say_blocked(builder, key),
        // Enabled all the same: our block is not visible yet, or somebody has lifted it.
        Some(block) if user.is_enabled() && builder.may_lag(Some(block.at), lag) => {
            builder.wait(key, Reason::Propagation, "our block is not visible yet");
        }
        Some(_) if user.enabled.is_none() => {
            builder.wait(key, Reason::Unread, "the answer does not say whether the account is enabled");
        }
        Some(_) if user.is_enabled() => {
            builder.touch(key, |entry| entry.block = None);
            builder.wait(key, Reason::Propagation, "somebody lifted our block");
        }
        Some(block) if block.blind => {
            let detail = "the account was blocked without a look at it, when the person left in a hurry: whether the \
                          customer had blocked it before is not known, so that the customer enables it";
            builder.say(key, ItemState::BlockedByCustomer, Some(Reason::CustomerBlocked), detail);
        }
        Some(_) if person.blocked_by_customer => say_blocked(builder, key),
        Some(_) => {
            against.extend(gate::room_for_person(builder, key));
            let proposal = Proposal {
                key: key.into(),
                class: ChangeClass::Grant,
                charge: Charge::Joiner,
                action: Action::User(UserWrite::Unblock { user: id }),
                before: "blocked by us".into(),
                after: "enabled".into(),
                against,
            };
            if builder.propose_and_say(proposal, (ItemState::Pending, None), "our block is lifted") {
                builder.admitted += 1;
            }
        }
    }
}

/// What the ledger holds of an account that is no longer desired ends.
pub(crate) fn withdraw(
    builder: &mut PlanBuilder<'_>,
    path: &Path<'_>,
    key: &ItemKey,
    exit: Exit,
    against: Vec<Condition>,
) {
    let Some(person) = path.people.get(key) else { return };
    match person.account {
        Found::There(user, Some(Ownership::Adopted)) if user.id.is_some_and(|id| builder.input.ledger.is_named(id)) => {
        }
        // Its memberships go by themselves; the account was never ours to end.
        Found::There(_, Some(Ownership::Adopted) | None) | Found::Nothing => builder.forget(key),
        Found::There(_, Some(Ownership::Owned)) | Found::Waiting(_) | Found::Many(_) | Found::Unread(_) => {
            offboarding::leave(builder, key, person, exit, against);
        }
    }
}

/// Why the file does not let the person in any more, if so.
pub(crate) fn refusal(builder: &PlanBuilder<'_>, key: &ItemKey) -> Option<Reason> {
    let Some(item) = builder.wanted(key) else {
        // Left out of what is desired, and not gone yet: judged by the addresses that were used.
        let (guardrail, entry) = (builder.guardrail()?, builder.entry(key)?);
        let is_refused = !entry.addresses.iter().any(|address| is_invitable(address, guardrail));
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
    verdict::refusal(&against).or(is_unread.then_some(Reason::Unread))
}

/// The address of a person, for people.
pub(crate) fn mail(builder: &PlanBuilder<'_>, key: &ItemKey, entry: &LedgerEntry) -> String {
    match builder.input.items.get(key).map(|item| &item.body) {
        Some(ItemBody::User(UserBody { mail, .. })) => mail.clone(),
        _ => entry.addresses.first().cloned().unwrap_or_else(|| key.to_string()),
    }
}
