//! What may happen to a leaver, and how often.

use entente_model::report::Reason;
use proptest::prelude::*;

use super::ROLES;
use crate::tests::tenant::Mishap;

/// How groups and accounts lie within each other.
#[derive(Debug, Clone, Copy)]
pub(super) enum Nesting {
    OursInTheirs,
    PersonInTheirs,
    TheirsInOurs,
}

/// Something that happens.
#[derive(Debug, Clone)]
pub(super) enum Event {
    Join(usize),
    Redeem,
    RenameInIntent(u8),
    RenameInTenant,
    Leave,
    DropMembership,
    CustomerDeletes,
    CustomerRestores,
    CustomerInvitesAgain,
    CustomerAddsAccount,
    CustomerBlocks,
    CustomerEnables,
    CustomerAddsMember(usize),
    CustomerAllows,
    /// A group of ours in the customer's, the person in it, or it in a group of ours.
    Nest(Nesting, usize),
    DirectRole,
    Directory,
    Odd(usize),
    Bent(usize),
    Unfound(usize),
    Unread(usize, bool),
    Mishap(Mishap),
    Jump(i64),
    /// What was told of the time is refuted.
    Refute,
    Restart,
    ReplaceAgent,
    Vouch,
    Lag(u64),
    Calm,
    First,
    Step,
    Wait(u64),
}

pub(super) fn event() -> impl Strategy<Value = Event> {
    let mishap = prop_oneof![
        Just(Mishap::AnswerLost),
        Just(Mishap::CallLost),
        Just(Mishap::Refused(Reason::CloudRefused)),
        Just(Mishap::Refused(Reason::Throttled)),
    ];
    let nesting = prop_oneof![Just(Nesting::OursInTheirs), Just(Nesting::PersonInTheirs), Just(Nesting::TheirsInOurs)];
    prop_oneof![
        3 => (0..ROLES.len()).prop_map(Event::Join),
        4 => Just(Event::Redeem),
        2 => (0..3_u8).prop_map(Event::RenameInIntent),
        2 => Just(Event::RenameInTenant),
        4 => Just(Event::Leave),
        4 => Just(Event::DropMembership),
        3 => Just(Event::CustomerDeletes),
        3 => Just(Event::CustomerRestores),
        2 => Just(Event::CustomerInvitesAgain),
        2 => Just(Event::CustomerAddsAccount),
        1 => Just(Event::CustomerBlocks),
        1 => Just(Event::CustomerEnables),
        1 => (0..ROLES.len()).prop_map(Event::CustomerAddsMember),
        1 => Just(Event::CustomerAllows),
        3 => (nesting, 0..ROLES.len()).prop_map(|(nesting, role)| Event::Nest(nesting, role)),
        2 => Just(Event::DirectRole),
        1 => Just(Event::Directory),
        3 => (0..5_usize).prop_map(Event::Odd),
        2 => (0..4_usize).prop_map(Event::Bent),
        3 => (0..ROLES.len()).prop_map(Event::Unfound),
        2 => (0..4_usize, any::<bool>()).prop_map(|(part, passing)| Event::Unread(part, passing)),
        3 => mishap.prop_map(Event::Mishap),
        3 => prop_oneof![Just(61_i64), Just(3_600), Just(90_000), Just(300_000_000)].prop_map(Event::Jump),
        2 => Just(Event::Refute),
        1 => Just(Event::Restart),
        2 => Just(Event::ReplaceAgent),
        2 => Just(Event::Vouch),
        1 => (0..50_u64).prop_map(Event::Lag),
        1 => Just(Event::Calm),
        1 => Just(Event::First),
        12 => Just(Event::Step),
        8 => (1..120_u64).prop_map(Event::Wait),
        3 => (600..1_500_u64).prop_map(Event::Wait),
    ]
}
