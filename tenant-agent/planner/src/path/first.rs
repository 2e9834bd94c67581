//! What is done for leavers as soon as their removal is known, before the tenant is looked at: their accounts are
//! blocked and their memberships deleted by the ids that the ledger holds. A slow or broken service must not hold that
//! up. Once for each removal; everything after is the whole plan's.

use std::collections::{BTreeMap, BTreeSet};

use entente_model::desired::{Item, ItemKey, Want};
use entente_model::report::Reason;
use entente_model::{Guid, Plane};

use crate::builder::{PlanBuilder, Proposal};
use crate::gate;
use crate::guardrail::OnLeave;
use crate::ledger::{Claim, Ledger, LedgerEntry, LedgerKey, Thing};
use crate::observed::{Part, User};
use crate::path::offboarding;
use crate::path::person::Exit;
use crate::verdict::Condition;
use crate::write::{Action, MemberWrite, UserWrite};

/// Accounts of ours whose block does not wait for a whole look. One short read of each says whether the customer had
/// blocked it already; where that is not answered at once, it is blocked unseen.
pub fn first_reads(items: &BTreeMap<ItemKey, Item>, ledger: &Ledger) -> BTreeSet<Guid> {
    let fresh = items.values().filter_map(|item| Some((item, fresh(item, ledger.get(&item.key))?)));
    fresh.filter(|(item, _)| matches!(item.key, ItemKey::User(_))).flat_map(|(_, entry)| ours(entry)).collect()
}

/// Whether anything is to be done first.
pub fn has_first(items: &BTreeMap<ItemKey, Item>, ledger: &Ledger) -> bool {
    items.values().any(|item| fresh(item, ledger.get(&item.key)).is_some())
}

/// The entry of what has been named for removal since the ledger last heard of it.
fn fresh<'a>(item: &Item, entry: Option<&'a LedgerEntry>) -> Option<&'a LedgerEntry> {
    let Want::Absent { since, .. } = &item.want else { return None };
    entry.filter(|entry| entry.named != Some(*since) && item.key.person().is_some())
}

fn ours(entry: &LedgerEntry) -> Vec<Guid> {
    let main = entry.guid().filter(|_| entry.is_owned());
    let others = entry.accounts.iter().filter(|(_, claim)| **claim == Claim::Ours).map(|(id, _)| *id);
    main.into_iter().chain(others).collect()
}

pub(crate) fn decide(builder: &mut PlanBuilder<'_>) {
    let ledger = builder.input.ledger;
    for item in builder.items() {
        let Some(entry) = fresh(item, ledger.get(&item.key)) else { continue };
        let Want::Absent { cause, .. } = &item.want else { continue };
        let exit = Exit::of_cause(*cause);
        match &item.key {
            ItemKey::User(_) => {
                ours(entry).into_iter().for_each(|id| block(builder, &item.key, entry, id, exit));
                memberships(builder, item, exit);
            }
            ItemKey::Member(_) => remove(builder, &item.key, entry, exit),
            ItemKey::Group(_)
            | ItemKey::AzureRole(_)
            | ItemKey::DefenderRole(_)
            | ItemKey::DefenderAssignment(_)
            | ItemKey::EntraRole(_)
            | ItemKey::Other(_) => {}
        }
    }
    offboarding::begin(builder);
}

fn block(builder: &mut PlanBuilder<'_>, key: &ItemKey, entry: &LedgerEntry, id: Guid, exit: Exit) {
    let seen: Option<&User> = match builder.input.observed.user(id) {
        Part::Read(None) => return,
        Part::Read(user) => user,
        Part::Unread(_) => None,
    };
    let is_blocked = seen.is_some_and(User::is_blocked);
    if is_blocked || !offboarding::does(builder, OnLeave::Block) {
        return;
    }
    let is_main = entry.guid() == Some(id);
    let at = if is_main { key.into() } else { LedgerKey::Account(id) };
    if !is_main {
        offboarding::claim(builder, &at, id);
    }
    let mut against = gate::plane(builder, Plane::Users);
    against.extend(builder.protects_user(id).then_some(Condition::Refused(Reason::GuardrailProtected)));
    let blind = !seen.is_some_and(User::is_enabled);
    propose(
        builder,
        &at,
        exit,
        Action::User(UserWrite::Block { user: id, blind }),
        "enabled, as far as is known",
        against,
    );
}

/// Of a person who leaves, also the memberships that have no item of their own any more.
fn memberships(builder: &mut PlanBuilder<'_>, item: &Item, exit: Exit) {
    let person = item.key.person();
    let ledger = builder.input.ledger;
    for (key, entry) in ledger.items().filter(|(key, _)| matches!(key, ItemKey::Member(_))) {
        if key.person() == person && !builder.input.items.contains_key(key) {
            remove(builder, key, entry, exit);
        }
    }
}

fn remove(builder: &mut PlanBuilder<'_>, key: &ItemKey, entry: &LedgerEntry, exit: Exit) {
    let Some(Thing::Member { group, user }) = entry.thing else { return };
    if !entry.is_owned() || entry.removed.is_some() {
        return;
    }
    let mut against = gate::plane(builder, key.plane().unwrap_or(Plane::Memberships));
    let is_protected = builder.protects_group(group) || builder.protects_user(user);
    against.extend(is_protected.then_some(Condition::Refused(Reason::GuardrailProtected)));
    propose(
        builder,
        &key.into(),
        exit,
        Action::Member(MemberWrite::Remove { group, user }),
        "member, as far as is known",
        against,
    );
}

fn propose(
    builder: &mut PlanBuilder<'_>,
    key: &LedgerKey,
    exit: Exit,
    action: Action,
    before: &str,
    against: Vec<Condition>,
) {
    let proposal = Proposal {
        key: key.into(),
        class: exit.class,
        charge: exit.charge,
        action,
        before: before.into(),
        after: String::new(),
        against,
    };
    builder.propose(proposal);
}
