//! Two stands of a tenant as text, and what happened between them.

use entente_model::Timestamp;
use entente_model::report::RevokeAll;

use super::*;

const MAYA: &str = "member/l1/standard/nordwall/0b0de000-0000-4000-8000-000000000003";

fn item(key: &str, state: ItemState, reason: Option<Reason>) -> ItemReport {
    ItemReport {
        key: key.parse().unwrap(),
        state,
        reason,
        detail: String::new(),
        object_id: None,
        owned: true,
        redeem_url: None,
        script: None,
        accounts: Vec::new(),
        proof: None,
        revision: 1,
        since: Timestamp::from_unix(60),
    }
}

fn mended(number: u64) -> Mended {
    let at = Timestamp::from_unix;
    let (key, reason, detail) = (MAYA.parse().unwrap(), Reason::DriftMissing, String::new());
    Mended { number, key, reason, detail, found: at(60), mended: at(62) }
}

fn name(key: &ItemKey) -> String {
    if key.to_string() == MAYA { "Maya as l1".into() } else { key.to_string() }
}

/// Nothing is new but what is set.
fn said<'a>() -> Said<'a> {
    Said {
        items: Vec::new(),
        before: None,
        after: None,
        mended: Vec::new(),
        phases: (Some(TenantPhase::Converged), TenantPhase::Converged),
        explanation: String::new(),
        name: &name,
    }
}

fn check(said: &Said<'_>, expected: &[&str]) {
    let word = |kind| serde_json::to_value(kind).unwrap().as_str().unwrap().to_owned();
    let lines: Vec<_> = said.happened().iter().map(|it| format!("{} {}", word(it.kind), it.text)).collect();
    assert_eq!(lines, expected);
}

#[test]
fn what_is_as_it_was_is_nothing_that_happened() {
    let refused = item(MAYA, ItemState::Refused, Some(Reason::GuardrailPerson));
    let drifted = item(MAYA, ItemState::Drifted, Some(Reason::DriftMissing));
    let standing = Standing {
        guardrail: "ab".into(),
        guardrail_fault: Some("line 1".into()),
        findings: vec![extra("user 7 is in group l1 without an item")],
        revoke_all: Some(RevokeAll { state: RevokeAllState::Done.into(), since: Timestamp::from_unix(1) }),
        ..Standing::default()
    };
    let items = vec![(Some(&refused), &refused), (Some(&drifted), &drifted)];
    check(&Said { items, before: Some(&standing), after: Some(&standing), ..said() }, &[]);
}

fn extra(detail: &str) -> Finding {
    Finding { plane: entente_model::Plane::Memberships.into(), reason: Reason::DriftExtra, detail: detail.into() }
}

#[test]
fn a_phase_is_told_with_the_one_before_it_and_why() {
    let phases = (Some(TenantPhase::Converged), TenantPhase::Paused);
    let explanation = "the customer paused the agent".to_owned();
    check(
        &Said { phases, explanation, ..said() },
        &["PHASE_CHANGED PAUSED, was CONVERGED: the customer paused the agent"],
    );
    check(&Said { phases: (None, TenantPhase::Converged), ..said() }, &["PHASE_CHANGED CONVERGED"]);
}

#[test]
fn an_item_is_refused_once_for_each_reason() {
    let applied = item(MAYA, ItemState::Applied, None);
    let person = item(MAYA, ItemState::Refused, Some(Reason::GuardrailPerson));
    let role = item(MAYA, ItemState::Refused, Some(Reason::GuardrailRole));
    let told = |was, now| Said { items: vec![(was, now)], ..said() };
    check(&told(None, &person), &["ITEM_REFUSED Maya as l1: GUARDRAIL_PERSON"]);
    check(&told(Some(&applied), &person), &["ITEM_REFUSED Maya as l1: GUARDRAIL_PERSON"]);
    check(&told(Some(&person), &role), &["ITEM_REFUSED Maya as l1: GUARDRAIL_ROLE"]);
    check(&told(Some(&role), &applied), &[]);
}

#[test]
fn drift_is_found_and_mended_by_state_where_the_agent_has_no_word_for_it() {
    let applied = item(MAYA, ItemState::Applied, None);
    let drifted = item(MAYA, ItemState::Drifted, Some(Reason::DriftMissing));
    let told = |was, now| Said { items: vec![(Some(was), now)], ..said() };
    check(&told(&applied, &drifted), &["DRIFT_FOUND Maya as l1: DRIFT_MISSING"]);
    check(&told(&drifted, &applied), &["DRIFT_MENDED Maya as l1 is as it should be again"]);
    // Neither is that it cannot be read.
    let unread = item(MAYA, ItemState::Waiting, Some(Reason::Unread));
    check(&told(&drifted, &unread), &[]);
    let word = mended(1);
    let both = Said { mended: vec![&word], ..told(&drifted, &applied) };
    check(&both, &["DRIFT_MENDED Maya as l1: DRIFT_MISSING; found 1970-01-01T00:01:00Z, mended 1970-01-01T00:01:02Z"]);
}

#[test]
fn what_is_extra_is_found_and_that_it_is_not_found_any_more_says_nothing() {
    let (none, some) = (
        Standing::default(),
        Standing { findings: vec![extra("user 7 is in group l1 without an item")], ..Standing::default() },
    );
    let told = |before, after| Said { before: Some(before), after: Some(after), ..said() };
    check(&told(&none, &some), &["DRIFT_FOUND user 7 is in group l1 without an item"]);
    check(&told(&some, &none), &[]);
}

#[test]
fn a_guardrail_changes_by_its_content_and_by_whether_it_can_be_used() {
    let of = |digest: &str, fault: Option<&str>| Standing {
        guardrail: digest.into(),
        guardrail_fault: fault.map(Into::into),
        ..Standing::default()
    };
    let (one, two) = ("aa".repeat(32), "bb".repeat(32));
    let told = |before: &Standing, after: &Standing, expected: &[&str]| {
        check(&Said { before: Some(before), after: Some(after), ..said() }, expected);
    };
    let changed = "GUARDRAIL_CHANGED the guardrail file changed: sha256 bbbbbbbbbbbb, was aaaaaaaaaaaa";
    told(&of(&one, None), &of(&two, None), &[changed]);
    told(&of(&one, None), &of(&two, Some("line\u{1b}[1m 1")), &[&format!("{changed}; it cannot be used: line [1m 1")]);
    let same = "GUARDRAIL_CHANGED the guardrail file is the same, sha256 aaaaaaaaaaaa; it can be used again";
    told(&of(&one, Some("line 1")), &of(&one, None), &[same]);
    check(&Said { after: Some(&of(&one, None)), ..said() }, &[]);
}

#[test]
fn taking_everything_back_begins_and_is_done() {
    let of = |state: Option<RevokeAllState>| Standing {
        revoke_all: state.map(|state| RevokeAll { state: state.into(), since: Timestamp::from_unix(1) }),
        ..Standing::default()
    };
    let (none, running, done) = (of(None), of(Some(RevokeAllState::Running)), of(Some(RevokeAllState::Done)));
    let told = |before, after| Said { before: Some(before), after: Some(after), ..said() };
    check(&told(&none, &running), &["REVOKE_ALL_BEGUN the customer takes back everything that was given"]);
    let text = "REVOKE_ALL_DONE the customer has taken back everything; read back empty twice";
    check(&told(&running, &done), &[text]);
    check(&told(&done, &none), &[]);
}

#[test]
fn much_at_once_is_one_story_and_its_texts_are_bounded() {
    let long = "x".repeat(5_000);
    let key = |n: u32| format!("user/nordwall/0b0de000-0000-4000-8000-{n:012}");
    let reason = Some(Reason::GuardrailPerson);
    let refused = |n| ItemReport { detail: long.clone(), ..item(&key(n), ItemState::Refused, reason) };
    let all: Vec<_> = (0..100).map(refused).collect();
    let happened = Said { items: all.iter().map(|it| (None, it)).collect(), ..said() }.happened();
    assert_eq!(happened.len(), 21);
    assert!(happened.iter().all(|it| it.text.len() <= crate::history::event::MAX_EVENT_BYTES));
    assert_eq!(happened[20].text, "80 more items are refused");
}

#[test]
fn what_happened_is_told_in_its_order_and_not_by_its_kind() {
    let at = Timestamp::from_unix;
    // Mended, and drifted again before the report; refused before either.
    let drifted = |since| ItemReport { since: at(since), ..item(MAYA, ItemState::Drifted, Some(Reason::DriftMissing)) };
    let refused =
        ItemReport { since: at(61), ..item("group/l1/standard", ItemState::Refused, Some(Reason::GuardrailPlane)) };
    let word = mended(1);
    let told = |drift: &ItemReport| {
        let items = vec![(None, drift), (None, &refused)];
        let phases = (Some(TenantPhase::Converged), TenantPhase::Partial);
        let standing = |guardrail: &str| Standing { guardrail: guardrail.into(), ..Standing::default() };
        let (before, after) = (standing("ab"), standing("cd"));
        let said = Said { items, mended: vec![&word], phases, before: Some(&before), after: Some(&after), ..said() };
        said.happened().iter().map(|it| it.kind).collect::<Vec<_>>()
    };
    use EventKind::{DriftFound, DriftMended, GuardrailChanged, ItemRefused, PhaseChanged};
    let order = [GuardrailChanged, ItemRefused, DriftMended, DriftFound, PhaseChanged];
    assert_eq!(told(&drifted(65)), order);
    // Of the same second: what is mended by now was so before what is not.
    assert_eq!(told(&drifted(62)), order);
}
