//! The meaning of one answer, case by case.

use super::*;
use serde_json::json;
use std::io;
use std::sync::Arc;

const NAME: &str = "VERB /things/{id}";
/// Longer than any wait.
const ENOUGH: Duration = Duration::from_secs(60);
const GONE: &str = "Request_ResourceNotFound";

fn call(effect: Effect) -> Call {
    let (method, lane) = match effect {
        Effect::Read => (Method::GET, None),
        Effect::Idempotent => (Method::DELETE, Some(Lane::Graph)),
        Effect::Once => (Method::POST, Some(Lane::Graph)),
    };
    Call { method, effect, lane, ..Call::read(Service::Graph, NAME, "/things/1".into()).of(Absence::Directory) }
}

fn reply(status: u16) -> Attempt {
    coded(status, "SomeCode")
}

fn coded(status: u16, code: &str) -> Attempt {
    Attempt::Exchange(Exchange::Reply(Reply {
        status,
        retry_after: None,
        request_id: Some("r-1".into()),
        body: json!({"error": {"code": code, "message": "words"}}),
        date: None,
        garbled: false,
        bytes: 0,
    }))
}

fn bare(status: u16) -> Attempt {
    Attempt::Exchange(Exchange::Reply(Reply {
        status,
        retry_after: None,
        request_id: None,
        body: Value::Null,
        date: None,
        garbled: false,
        bytes: 0,
    }))
}

fn throttled(seconds: u64) -> Attempt {
    Attempt::Exchange(Exchange::Reply(Reply {
        status: 429,
        retry_after: Some(Duration::from_secs(seconds)),
        request_id: None,
        body: Value::Null,
        date: None,
        garbled: false,
        bytes: 0,
    }))
}

fn lost() -> Attempt {
    Attempt::Exchange(Exchange::Lost(Arc::new(io::Error::other("connection reset"))))
}

fn not_sent() -> Attempt {
    Attempt::Exchange(Exchange::NotSent(Arc::new(io::Error::other("connection refused"))))
}

/// Judges the attempts in turn. The words are "again" (with its other demands) and the end.
fn story(effect: Effect, attempts: Vec<Attempt>) -> Vec<String> {
    let call = call(effect);
    let mut trail = Trail::default();
    attempts
        .into_iter()
        .map(|attempt| match trail.judge(&call, attempt, &Patience::default(), ENOUGH, 1.0) {
            Step::Again { fresh_connection: true, .. } => "again on a new connection".to_owned(),
            Step::Again { renew_token: true, .. } => "again with a new token".to_owned(),
            Step::Again { .. } => "again".to_owned(),
            Step::Done(Ok(reply)) => format!("ok {}", reply.status),
            Step::Done(Err(failure)) => word(&failure).to_owned(),
        })
        .collect()
}

fn word(failure: &Failure) -> &'static str {
    match failure {
        Failure::Refused(_) => "refused",
        Failure::NotFound(_) => "not found",
        Failure::Throttled { .. } => "throttled",
        Failure::Unavailable { .. } => "unavailable",
        Failure::Unknown { .. } => "unknown",
        Failure::NotSent { .. } => "not sent",
        Failure::Unreadable { .. } => "unreadable",
        _ => "other",
    }
}

use Effect::{Idempotent, Once, Read};

#[test]
fn a_write_that_would_make_a_second_object_is_never_repeated_in_doubt() {
    for attempt in [lost(), reply(500), reply(502), reply(503), reply(504), reply(408)] {
        assert_eq!(story(Once, vec![attempt]), ["unknown"]);
    }
}

#[test]
fn a_write_that_was_certainly_not_applied_is_repeated_whatever_it_is() {
    for effect in [Read, Idempotent, Once] {
        assert_eq!(story(effect, vec![not_sent(), throttled(1), bare(204)]), ["again", "again", "ok 204"]);
        assert_eq!(
            story(effect, vec![reply(424), coded(409, "Directory_ConcurrencyViolation"), bare(200)]),
            ["again", "again", "ok 200"]
        );
    }
}

#[test]
fn reads_and_idempotent_writes_are_repeated_and_then_told_apart() {
    let again = "again on a new connection";
    assert_eq!(story(Read, vec![lost(), reply(503), reply(504)]), [again, again, "unavailable"]);
    assert_eq!(story(Idempotent, vec![lost(), reply(503), reply(504)]), [again, again, "unknown"]);
}

#[test]
fn after_a_lost_write_only_success_or_absence_tells_the_state() {
    let again = "again on a new connection";
    assert_eq!(story(Idempotent, vec![lost(), reply(403)]), [again, "unknown"]);
    assert_eq!(story(Idempotent, vec![lost(), not_sent(), not_sent()]), [again, "again", "unknown"]);
    assert_eq!(story(Idempotent, vec![lost(), throttled(60)]), [again, "unknown"]);
    assert_eq!(story(Idempotent, vec![lost(), coded(404, GONE)]), [again, "not found"]);
    assert_eq!(story(Idempotent, vec![lost(), bare(204)]), [again, "ok 204"]);
}

#[test]
fn a_refusal_after_a_lost_attempt_is_still_readable() {
    let (call, patience) = (call(Idempotent), Patience::default());
    let mut trail = Trail::default();
    trail.judge(&call, lost(), &patience, ENOUGH, 0.0);
    let Step::Done(Err(failure)) = trail.judge(&call, coded(409, "RoleAssignmentExists"), &patience, ENOUGH, 0.0)
    else {
        panic!("a 409 ends it");
    };
    assert!(failure.may_have_applied());
    assert!(failure.refusal().unwrap().has_code("RoleAssignmentExists"));
}

#[test]
fn a_long_retry_after_is_handed_back_rather_than_slept_through() {
    for effect in [Read, Idempotent, Once] {
        assert_eq!(story(effect, vec![throttled(6)]), ["throttled"]);
    }
    let mut trail = Trail::default();
    let Step::Done(Err(failure)) = trail.judge(&call(Read), throttled(77), &Patience::default(), ENOUGH, 0.0) else {
        panic!("77 s is longer than the longest wait");
    };
    assert_eq!(failure.retry_after(), Some(Duration::from_secs(77)));
}

#[test]
fn what_has_no_time_left_is_told_as_it_stands() {
    for (effect, attempt, expected) in [
        (Read, lost(), "unavailable"),
        (Idempotent, lost(), "unknown"),
        (Once, not_sent(), "not sent"),
        (Read, throttled(3), "throttled"),
    ] {
        for left in [Duration::ZERO, Duration::from_millis(100)] {
            let step = Trail::default().judge(&call(effect), attempt.clone(), &Patience::default(), left, 1.0);
            let Step::Done(Err(failure)) = step else { panic!("{effect:?} with {left:?} left") };
            assert_eq!(word(&failure), expected);
        }
    }
}

#[test]
fn throttling_that_does_not_end_is_told_as_throttling() {
    assert_eq!(story(Once, vec![bare(429), bare(429), bare(429)]), ["again", "again", "throttled"]);
}

#[test]
fn a_token_is_renewed_once() {
    assert_eq!(story(Once, vec![reply(401), bare(201)]), ["again with a new token", "ok 201"]);
    assert_eq!(story(Read, vec![reply(401), reply(401)]), ["again with a new token", "refused"]);
}

#[test]
fn a_404_counts_as_absence_only_in_the_services_own_words() {
    for effect in [Read, Idempotent, Once] {
        for (code, word) in [
            (GONE, "not found"),
            ("request_resourcenotfound", "not found"),
            ("UnknownError", "refused"),
            ("ResourceNotFound", "refused"),
            ("NotFound", "refused"),
            ("RoleAssignmentNotFound", "refused"),
            ("", "refused"),
        ] {
            assert_eq!(story(effect, vec![coded(404, code)]), [word], "{code}");
        }
        assert_eq!(story(effect, vec![bare(404)]), ["refused"]);
        assert_eq!(story(effect, vec![coded(400, GONE)]), ["refused"]);
    }
}

#[test]
fn each_service_has_its_own_words_for_absence_and_a_collection_none() {
    let word_of = |absence, code| {
        let step = Trail::default().judge(&call(Read).of(absence), coded(404, code), &Patience::default(), ENOUGH, 0.0);
        let Step::Done(Err(failure)) = step else { panic!("a 404 ends it") };
        word(&failure)
    };
    use Absence::{Defender, Directory, Never, RoleAssignment, RoleDefinition};
    for (absence, code) in [
        (Directory, GONE),
        (Defender, GONE),
        (RoleAssignment, "RoleAssignmentNotFound"),
        (RoleDefinition, "RoleDefinitionDoesNotExist"),
    ] {
        assert_eq!(word_of(absence, code), "not found", "{absence:?}");
        for other in ["SubscriptionNotFound", "ResourceGroupNotFound", "NotFound", "ResourceNotFound"] {
            assert_eq!(word_of(absence, other), "refused", "{absence:?} {other}");
        }
        assert_eq!(word_of(Never, code), "refused");
    }
}

#[test]
fn a_redirect_is_a_success_only_where_the_contract_says_so() {
    assert_eq!(story(Read, vec![bare(302)]), ["unreadable"]);
    assert_eq!(story(Once, vec![bare(302)]), ["unknown"]);
    let lenient = Call { redirect_is_success: true, ..call(Once) };
    let step = Trail::default().judge(&lenient, bare(302), &Patience::default(), ENOUGH, 0.0);
    assert!(matches!(step, Step::Done(Ok(reply)) if reply.status == 302));
}

#[test]
fn waits_double_and_keep_half_of_themselves_for_jitter() {
    let ms = |attempts, jitter| backoff(Duration::from_millis(500), attempts, jitter).as_millis();
    assert_eq!((ms(1, 0.0), ms(1, 1.0), ms(2, 0.0), ms(3, 1.0)), (250, 500, 500, 2_000));
    assert!(ms(u32::MAX, 1.0) < 60_000_000, "bounded whatever the count");
}
