//! One good proof, and each way in which a proof is bad.

use std::sync::LazyLock;

use super::*;
use crate::desired::ItemKey;

static KNOWN: LazyLock<BTreeSet<Guid>> = LazyLock::new(|| [1, 2].map(Guid::from_u128).into());

const NAMED: i64 = 1_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(NAMED + seconds)
}

fn account(id: u128, state: AccountState) -> KnownAccount {
    KnownAccount { id: Guid::from_u128(id), name: String::new(), state, owned: true }
}

fn proof() -> RemovalProof {
    RemovalProof {
        named: at(0),
        blocked: Some(at(2)),
        first_empty_read: at(10),
        second_empty_read: at(80),
        effective_by: at(5_400),
        accounts: vec![account(1, AccountState::Blocked), account(2, AccountState::Gone)],
        ..RemovalProof::default()
    }
}

fn membership() -> Subject {
    Subject::Membership("member/l1/standard/nordwall/0b0de000-0000-4000-8000-000000000005".parse::<ItemKey>().unwrap())
}

/// The verdict on a proof if accounts 1 and 2 are known. `change` alters the case.
fn check<'a>(proof: &RemovalProof, change: impl FnOnce(&mut Case<'a>)) -> Result<(), Fault> {
    let mut case = Case {
        named: at(0),
        subject: &Subject::Person,
        known: &KNOWN,
        has_more: false,
        reported: &[],
        seen_by_others: None,
        last_read: None,
        speaker: Speaker { enrolled: at(-1_000), vouched: false },
        now: at(90),
    };
    change(&mut case);
    judge(proof, &case)
}

#[test]
fn a_proof_that_names_every_account_and_makes_sense_is_accepted() {
    assert_eq!(check(&proof(), |_| {}), Ok(()));
    // An account more than the known ones is no fault.
    let more = [proof().accounts, vec![account(3, AccountState::Deleted)]].concat();
    assert_eq!(check(&RemovalProof { accounts: more, ..proof() }, |_| {}), Ok(()));
}

#[test]
fn attacks_g04b_a_proof_without_the_known_account_is_refused() {
    let none = RemovalProof { accounts: Vec::new(), ..proof() };
    assert_eq!(check(&none, |_| {}), Err(Fault::Misses(Guid::from_u128(1))));
    let one = RemovalProof { accounts: vec![account(1, AccountState::Blocked)], ..proof() };
    assert_eq!(check(&one, |_| {}), Err(Fault::Misses(Guid::from_u128(2))));
    let nobody = BTreeSet::new();
    assert_eq!(check(&none, |case| case.known = &nobody), Ok(()));
}

#[test]
fn field_reports_kind_1_a_second_account_that_is_not_shut_is_no_removal() {
    for state in [AccountState::Enabled, AccountState::Unread] {
        let second = account(2, state);
        let open = Err(Fault::Open { id: second.id, state });
        let accounts = vec![account(1, AccountState::Blocked), second];
        assert_eq!(check(&RemovalProof { accounts: accounts.clone(), ..proof() }, |_| {}), open);
        // Also if only the report has it.
        assert_eq!(check(&proof(), |case| case.reported = &accounts), open);
    }
    let third = [account(3, AccountState::Gone)];
    assert_eq!(check(&proof(), |case| case.reported = &third), Err(Fault::Misses(Guid::from_u128(3))));
    assert_eq!(check(&proof(), |case| case.has_more = true), Err(Fault::TooMany));
}

#[test]
fn whoever_only_loses_a_membership_keeps_the_account() {
    let with = |state| RemovalProof { accounts: vec![account(1, state), account(2, AccountState::Gone)], ..proof() };
    let membership = membership();
    assert_eq!(check(&with(AccountState::Enabled), |case| case.subject = &membership), Ok(()));
    let unread = check(&with(AccountState::Unread), |case| case.subject = &membership);
    assert_eq!(unread, Err(Fault::Open { id: Guid::from_u128(1), state: AccountState::Unread }));
}

#[test]
fn attacks_g05_times_that_make_no_sense_are_refused() {
    let with = |change: fn(&mut RemovalProof)| {
        let mut proof = proof();
        change(&mut proof);
        check(&proof, |_| {})
    };
    let named = at(0);
    let of_other = with(|it| it.named = at(1));
    assert_eq!(of_other, Err(Fault::OtherRemoval { found: at(1), named }));
    // The agent's clock jumps by an hour between the reads.
    let jump = with(|it| it.second_empty_read = at(3_610));
    assert_eq!(jump, Err(Fault::InFuture { what: "its second read", time: at(3_610), now: at(90) }));
    let late = with(|it| it.blocked = Some(at(391)));
    assert_eq!(late, Err(Fault::InFuture { what: "its block", time: at(391), now: at(90) }));
    assert_eq!(with(|it| it.second_empty_read = at(390)), Ok(()), "clocks differ");
    let same = with(|it| it.second_empty_read = it.first_empty_read);
    assert_eq!(same, Err(Fault::OutOfOrder { first: at(10), second: at(10) }));
    let early = with(|it| it.first_empty_read = at(-301));
    assert_eq!(early, Err(Fault::BeforeNamed { what: "its first read", time: at(-301), named }));
    assert_eq!(with(|it| it.first_empty_read = at(-300)), Ok(()), "clocks differ");
    assert_eq!(with(|it| it.blocked = Some(at(-9_000))), Ok(()), "blocked long before");
    assert_eq!(with(|it| it.effective_by = at(2)), Ok(()), "dead as soon as it is blocked");
    let dead = with(|it| it.effective_by = at(1));
    assert_eq!(dead, Err(Fault::EffectiveEarly { effective: at(1), blocked: at(2) }));
}

#[test]
fn who_came_back_is_proven_by_reads_of_afterwards() {
    assert_eq!(check(&proof(), |case| case.last_read = Some(at(9))), Ok(()));
    let old = Err(Fault::OldReads { first: at(10), last: at(80) });
    assert_eq!(check(&proof(), |case| case.last_read = Some(at(80))), old);
}

#[test]
fn attacks_g01_an_agent_that_came_after_the_account_was_seen_is_vouched_for_first() {
    let new = Speaker { enrolled: at(1), vouched: false };
    let seen = Some(at(-500));
    let unvouched = Fault::Unvouched { enrolled: at(1), seen: at(-500) };
    let judged = |speaker, seen| {
        check(&proof(), |case| {
            case.speaker = speaker;
            case.seen_by_others = seen;
        })
    };
    assert_eq!(judged(new, seen), Err(unvouched.clone()));
    assert_eq!(judged(Speaker { vouched: true, ..new }, seen), Ok(()));
    assert_eq!(judged(new, None), Ok(()), "nobody else ever saw it");
    assert_eq!(unvouched.reason(), Reason::AgentUnvouched);
    assert_eq!(Fault::TooMany.reason(), Reason::ProofRefused);
    let at_once = Speaker { enrolled: at(-500), vouched: false };
    assert!(judged(at_once, seen).is_err(), "within one second, who was first is not known");
}
