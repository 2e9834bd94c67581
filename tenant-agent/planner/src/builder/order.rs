//! The order of a plan.
//!
//! Removals first, leavers before all; then grants. A removal from somebody who gains something in the same plan comes
//! after the grants, so that a mover is never without both: make before break. Leavers gain nothing, and so never wait.
//!
//! Within these, what an account may do is ended before anything else, and the rest follows from what a key depends on
//! ([`LedgerKey::depends_on`]): given after it, and taken away before it.

use std::collections::{BTreeMap, BTreeSet};

use entente_model::Guid;
use entente_model::desired::{GroupKind, ItemKey};
use entente_model::plan::{ChangeClass, Verdict};
use entente_model::report::Reason;

use crate::change::Change;
use crate::input::Input;
use crate::ledger::{Ledger, LedgerKey};
use crate::write::{AccountEffect, Action, Describe, Effect, MemberWrite};

pub(crate) fn sort(changes: &mut [Change], input: &Input<'_>) {
    let gaining: BTreeSet<_> = changes
        .iter()
        .filter(|change| change.class == ChangeClass::Grant && change.verdict == Verdict::Allowed)
        .filter_map(|change| change.key.person().map(|(_, id)| id))
        .collect();
    let (given, taken) = places(changes);
    let leaving: BTreeSet<Guid> = changes.iter().filter_map(|it| leaves_role_group(it, input.ledger)).collect();
    changes.sort_by_cached_key(|change| {
        let gains = change.key.person().is_some_and(|(_, id)| gaining.contains(&id));
        let phase = match change.class {
            ChangeClass::Grant => 1,
            ChangeClass::Leaver | ChangeClass::Expiry | ChangeClass::OtherRemoval => u8::from(gains) * 2,
        };
        let class = match change.class {
            ChangeClass::Leaver => 0,
            ChangeClass::Expiry => 1,
            ChangeClass::OtherRemoval => 2,
            ChangeClass::Grant => 3,
        };
        let place = if change.action.effect().is_removal() { &taken } else { &given };
        (phase, class, step(change, input, &leaving), place.get(&change.key).copied())
    });
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// The block alone ends access.
    Block,
    /// Who is in a role-assignable group can be blocked only by a privileged role (Graph: user-update, sensitive actions): out
    /// of it first, and then blocked. Nobody else's block waits for that.
    LeaveRoleGroup,
    BlockAfterwards,
    EndSessions,
    Remove,
    /// An account that holds roles cannot be blocked before they are gone (Graph: user-update, sensitive actions).
    RefusedBlock,
    /// An account goes after what it holds.
    DeleteAccount,
    Unblock,
    Give,
}

/// The account that the change takes out of a role-assignable group, if it does.
fn leaves_role_group(change: &Change, ledger: &Ledger) -> Option<Guid> {
    let Action::Member(MemberWrite::Remove { group, user }) = change.action else { return None };
    let kind = if let LedgerKey::Item(ItemKey::Member(key)) = &change.key {
        Some(key.kind)
    } else {
        ledger.group_of(group).map(|key| key.kind)
    };
    (kind == Some(GroupKind::RoleAssignable) && change.verdict == Verdict::Allowed).then_some(user)
}

fn step(change: &Change, input: &Input<'_>, leaving: &BTreeSet<Guid>) -> Step {
    let is_refused = || {
        let failure = input.ledger.get(&change.key).and_then(|entry| entry.failure.as_ref());
        failure.is_some_and(|failure| matches!(failure.reason, Reason::CloudRefused | Reason::PermissionMissing))
    };
    match change.action.effect() {
        Effect::Account(effect) => match effect {
            AccountEffect::Blocks { .. } if is_refused() => Step::RefusedBlock,
            AccountEffect::Blocks { user, .. } if leaving.contains(&user) => Step::BlockAfterwards,
            AccountEffect::Blocks { .. } => Step::Block,
            AccountEffect::EndsSessions { .. } => Step::EndSessions,
            AccountEffect::Deletes { .. } => Step::DeleteAccount,
            AccountEffect::Unblocks { .. } => Step::Unblock,
        },
        Effect::Removes(_) if leaves_role_group(change, input.ledger).is_some() => Step::LeaveRoleGroup,
        Effect::Removes(_) => Step::Remove,
        Effect::Creates { .. } | Effect::Puts(_) | Effect::Changes { .. } => Step::Give,
    }
}

type Places = BTreeMap<LedgerKey, usize>;

/// In which order the keys of these changes are given, and in which they are taken away.
fn places(changes: &[Change]) -> (Places, Places) {
    // The marker group before the users that it marks. Otherwise what does not depend on each other goes by kinds of
    // writes, and then by key.
    let order = |change: &Change| (change.key != LedgerKey::Marker, kind(&change.action), change.key.clone());
    let keys = |all: &dyn Fn(&&Change) -> bool| -> Vec<LedgerKey> {
        let keys: BTreeSet<_> = changes.iter().filter(all).map(order).collect();
        keys.into_iter().map(|(_, _, key)| key).collect()
    };
    let is_removal = |change: &&Change| change.action.effect().is_removal();
    let (given, taken) = (keys(&|change| !is_removal(change)), keys(&is_removal));
    let mut needs: BTreeMap<LedgerKey, Vec<LedgerKey>> = BTreeMap::new();
    let mut needed_by: BTreeMap<LedgerKey, Vec<LedgerKey>> = BTreeMap::new();
    for key in given.iter().chain(&taken) {
        for other in key.depends_on() {
            needed_by.entry(other.clone()).or_default().push(key.clone());
            needs.entry(key.clone()).or_default().push(other);
        }
    }
    (arranged(&given, &needs), arranged(&taken, &needed_by))
}

fn kind(action: &Action) -> u8 {
    match action {
        Action::User(_) => 0,
        Action::Group(_) => 1,
        Action::Member(_) => 2,
        Action::Azure(_) => 3,
        Action::Defender(_) => 4,
        Action::Entra(_) => 5,
    }
}

/// Each key after those that come before it by `before`, and otherwise in the order given.
fn arranged(keys: &[LedgerKey], before: &BTreeMap<LedgerKey, Vec<LedgerKey>>) -> Places {
    fn visit(
        key: &LedgerKey,
        keys: &[LedgerKey],
        before: &BTreeMap<LedgerKey, Vec<LedgerKey>>,
        places: &mut BTreeMap<LedgerKey, Option<usize>>,
        next: &mut usize,
    ) {
        // What is being visited has no place yet: a circle, which no kind has, would end here.
        if !keys.contains(key) || places.contains_key(key) {
            return;
        }
        places.insert(key.clone(), None);
        before.get(key).into_iter().flatten().for_each(|first| visit(first, keys, before, places, next));
        places.insert(key.clone(), Some(*next));
        *next += 1;
    }
    let (mut places, mut next) = (BTreeMap::new(), 0);
    keys.iter().for_each(|key| visit(key, keys, before, &mut places, &mut next));
    places.into_iter().filter_map(|(key, place)| Some((key, place?))).collect()
}
