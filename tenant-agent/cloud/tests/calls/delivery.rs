//! The result of a call if the request or its answer is lost, refused, delayed or redirected.

use std::time::Duration;

use entente_cloud::{Cloud, Config, Endpoints, Failure, Membership, NewInvitation, Removed, Scope, Secret, UserType};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fake::{Fake, error, hang_up, reply, silence};

const MAYA: Uuid = Uuid::from_u128(0xa1);

fn invitation() -> NewInvitation {
    NewInvitation {
        mail: "maya@nordwall.example".into(),
        display_name: "Maya".into(),
        redirect_url: "https://nordwall.example/welcome".into(),
        user_type: UserType::Guest,
    }
}

fn user() -> Value {
    json!({"id": MAYA, "userPrincipalName": "maya", "mail": "maya@nordwall.example"})
}

async fn closed_port() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("https://localhost:{}", listener.local_addr().unwrap().port())
}

#[tokio::test]
async fn an_invitation_whose_answer_is_lost_is_unknown_and_was_sent_once() {
    let fake = Fake::start(|_, _| hang_up()).await;
    let failure = fake.cloud().graph().invite(&invitation()).await.unwrap_err();
    assert!(failure.may_have_applied(), "{failure:?}");
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn an_invitation_that_meets_a_server_error_is_unknown_and_was_sent_once() {
    for status in [500, 502, 503, 504] {
        let fake = Fake::start(move |_, _| error(status, "serviceNotAvailable", "later")).await;
        let failure = fake.cloud().graph().invite(&invitation()).await.unwrap_err();
        assert!(failure.may_have_applied(), "{status}: {failure:?}");
        assert_eq!(fake.requests().len(), 1);
    }
}

#[tokio::test]
async fn an_invitation_whose_answer_does_not_come_in_time_is_unknown() {
    let fake = Fake::start(|_, _| silence()).await;
    let mut config = fake.config();
    config.patience.answer = Duration::from_secs(2);
    let failure = Cloud::new(config).unwrap().graph().invite(&invitation()).await.unwrap_err();
    assert!(failure.may_have_applied(), "{failure:?}");
}

#[tokio::test]
async fn an_invitation_accepted_in_words_we_cannot_read_is_unknown() {
    for body in [Value::Null, json!({"id": 7}), json!({"invitedUser": {}})] {
        let fake = Fake::start(move |_, _| reply(201, body.clone())).await;
        let failure = fake.cloud().graph().invite(&invitation()).await.unwrap_err();
        assert!(failure.may_have_applied(), "{failure:?}");
    }
}

#[tokio::test]
async fn a_refused_connection_is_certainly_not_sent() {
    let fake = Fake::start(|_, _| reply(200, json!({}))).await;
    let endpoints = Endpoints { graph: closed_port().await, ..fake.config().endpoints };
    let cloud = Cloud::new(Config { endpoints, ..fake.config() }).unwrap();
    let failure = cloud.graph().invite(&invitation()).await.unwrap_err();
    assert!(matches!(failure, Failure::NotSent { .. }), "{failure:?}");
    assert_eq!(cloud.usage().writes, 3, "not sent is safe to try again, three times in all");
}

#[tokio::test]
async fn a_service_whose_certificate_is_not_trusted_gets_nothing() {
    let fake = Fake::start(|_, _| reply(200, user())).await;
    let other = Fake::start(|_, _| reply(200, user())).await;
    let endpoints = Endpoints { graph: other.address(), ..fake.config().endpoints };
    let cloud = Cloud::new(Config { endpoints, ..fake.config() }).unwrap();
    let failure = cloud.graph().get_user(MAYA).await.unwrap_err();
    assert!(matches!(failure, Failure::NotSent { .. }), "{failure:?}");
    assert!(other.everything().is_empty());
}

#[tokio::test]
async fn a_proxy_that_refuses_means_not_sent_and_every_request_goes_through_it() {
    let proxy = Fake::plain(|_, _| reply(403, Value::Null)).await;
    let fake = Fake::start(|_, _| reply(200, user())).await;
    let config = Config { proxy: Some(Secret::new(format!("http://127.0.0.1:{}", proxy.port))), ..fake.config() };
    let failure = Cloud::new(config).unwrap().graph().get_user(MAYA).await.unwrap_err();
    assert!(matches!(failure, Failure::NoToken(_)) && failure.is_passing() && !failure.may_have_applied());
    assert!(fake.everything().is_empty());
    assert!(proxy.everything().iter().all(|r| r.method == "CONNECT"));
    assert!(!proxy.everything().is_empty());
}

#[tokio::test]
async fn a_service_that_never_answers_holds_a_listing_and_a_batch_up_no_longer_than_their_time() {
    let fake = Fake::start(|_, _| silence()).await;
    let mut config = fake.config();
    (config.patience.listing, config.patience.batch) = (Duration::from_secs(1), Duration::from_secs(1));
    let graph = Cloud::new(config).unwrap().graph();
    let place = Membership { group: MAYA, member: MAYA };
    let places = [place, place];
    let begun = std::time::Instant::now();
    let (listing, listings, reads, writes) = tokio::join!(
        graph.list_members(MAYA),
        graph.list_members_of(&[MAYA, MAYA]),
        graph.get_users(&[MAYA, MAYA]),
        graph.remove_members(&places),
    );
    assert!(begun.elapsed() < Duration::from_secs(20), "far less than one answer may take (30 s)");
    assert!(matches!(listing.unwrap_err(), Failure::Unavailable { .. }));
    assert!(listings.into_iter().all(|end| matches!(end, Err(Failure::Unavailable { .. }))));
    assert!(reads.into_iter().all(|end| matches!(end, Err(Failure::Unavailable { .. }))));
    assert!(writes.into_iter().all(|end| end.is_err_and(|failure| failure.may_have_applied())));
}

#[tokio::test]
async fn what_a_used_up_time_keeps_from_going_was_certainly_not_sent() {
    let fake = Fake::start(|_, _| silence()).await;
    let mut config = fake.config();
    config.patience.batch = Duration::from_secs(1);
    let graph = Cloud::new(config).unwrap().graph();
    let members: Vec<_> = (0..21).map(|n| Membership { group: MAYA, member: Uuid::from_u128(n) }).collect();
    let ends = graph.remove_members(&members).await;
    assert!(ends[..20].iter().all(|end| end.as_ref().is_err_and(Failure::may_have_applied)));
    assert!(matches!(ends[20], Err(Failure::NotSent { .. })), "{:?}", ends[20]);
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn a_list_of_members_that_leads_back_to_itself_is_left_at_once() {
    let next = "https://graph.microsoft.com/v1.0/groups/next?$skiptoken=1";
    let fake = Fake::start(move |_, _| reply(200, json!({"value": [{"id": MAYA}], "@odata.nextLink": next}))).await;
    let failure = fake.cloud().graph().list_members(MAYA).await.unwrap_err();
    assert!(matches!(failure, Failure::Unreadable { .. }), "{failure:?}");
    assert_eq!(fake.requests().len(), 2);
}

#[tokio::test]
async fn reads_are_repeated_on_a_new_connection_after_503() {
    let fake = Fake::start(|_, n| match n {
        0 => reply(200, user()),
        1 => error(503, "serviceNotAvailable", "later"),
        _ => reply(200, user()),
    });
    let fake = fake.await;
    let graph = fake.cloud().graph();
    graph.get_user(MAYA).await.unwrap();
    assert!(graph.get_user(MAYA).await.unwrap().is_some());
    let connections: Vec<_> = fake.requests().iter().map(|r| r.connection).collect();
    assert_eq!(connections[0], connections[1], "connections are kept");
    assert_ne!(connections[1], connections[2], "and left after a 503");
}

#[tokio::test]
async fn a_read_that_is_never_answered_is_unavailable_after_three_attempts() {
    let fake = Fake::start(|_, _| hang_up()).await;
    let failure = fake.cloud().graph().get_user(MAYA).await.unwrap_err();
    assert!(matches!(failure, Failure::Unavailable { .. }), "{failure:?}");
    assert!(failure.is_passing() && !failure.may_have_applied());
    assert_eq!(fake.requests().len(), 3);
}

#[tokio::test]
async fn a_deletion_whose_answer_is_lost_is_repeated_and_found_gone() {
    let fake = Fake::start(|_, n| match n {
        0 => hang_up(),
        _ => error(404, "Request_ResourceNotFound", "no such user"),
    });
    let fake = fake.await;
    assert_eq!(fake.cloud().graph().delete_user(MAYA).await.unwrap(), Removed::WasNotThere);
    assert_eq!(fake.requests().len(), 2);
}

#[tokio::test]
async fn throttling_is_waited_out_when_short_even_for_an_invitation() {
    let fake = Fake::start(|_, n| match n {
        0 => error(429, "TooManyRequests", "slow down").header("Retry-After", 0),
        1 => error(429, "TooManyRequests", "slow down"),
        _ => error(400, "Request_BadRequest", "no"),
    });
    let fake = fake.await;
    let cloud = fake.cloud();
    let failure = cloud.graph().invite(&invitation()).await.unwrap_err();
    assert!(matches!(failure, Failure::Refused(_)), "{failure:?}");
    assert_eq!((cloud.usage().writes, cloud.usage().throttled), (3, 2));
}

#[tokio::test]
async fn throttling_is_handed_back_when_long() {
    let fake = Fake::start(|_, _| reply(429, Value::Null).header("Retry-After", 120)).await;
    let failure = fake.cloud().graph().get_user(MAYA).await.unwrap_err();
    assert_eq!(failure.retry_after(), Some(Duration::from_secs(120)));
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed_by_read_or_write() {
    let elsewhere = Fake::start(|_, _| reply(200, user())).await;
    let target = elsewhere.address();
    let fake = Fake::start(move |_, _| reply(307, Value::Null).header("Location", &target)).await;
    let graph = fake.cloud().graph();
    let read = graph.get_user(MAYA).await.unwrap_err();
    assert!(matches!(read, Failure::Unreadable { .. }), "{read:?}");
    let write = graph.set_account_enabled(MAYA, false).await.unwrap_err();
    assert!(write.may_have_applied(), "{write:?}");
    assert!(elsewhere.everything().is_empty());
}

#[tokio::test]
async fn a_next_page_elsewhere_is_refused_and_its_host_gets_nothing() {
    let elsewhere = Fake::start(|_, _| reply(200, json!({"value": []}))).await;
    let next = format!("{}/v1.0/next", elsewhere.address());
    let fake = Fake::start(move |_, _| reply(200, json!({"value": [], "@odata.nextLink": next}))).await;
    let failure = fake.cloud().graph().list_members(MAYA).await.unwrap_err();
    assert!(matches!(failure, Failure::Unreadable { .. }), "{failure:?}");
    assert!(elsewhere.everything().is_empty());
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let fake = Fake::start(|_, _| reply(200, json!({"id": MAYA, "displayName": "x".repeat(9 * 1024 * 1024)}))).await;
    let failure = fake.cloud().graph().get_user(MAYA).await.unwrap_err();
    assert!(matches!(failure, Failure::Unreadable { .. }), "{failure:?}");
}

#[tokio::test]
async fn a_proxys_404_does_not_make_a_leaver_gone() {
    for answer in [
        reply(404, json!("<html>not found</html>")),
        reply(404, Value::Null),
        error(404, "UnknownError", ""),
        error(404, "NotFound", "no route"),
        error(404, "Authorization_IdentityNotFound", "the identity of the calling application"),
    ] {
        let fake = Fake::start(move |_, _| answer.clone()).await;
        let graph = fake.cloud().graph();
        let place = Membership { group: MAYA, member: MAYA };
        assert!(matches!(graph.get_user(MAYA).await.unwrap_err(), Failure::Refused(_)));
        assert!(matches!(graph.delete_user(MAYA).await.unwrap_err(), Failure::Refused(_)));
        assert!(matches!(graph.remove_member(place).await.unwrap_err(), Failure::Refused(_)));
        assert!(matches!(graph.add_member(place).await.unwrap_err(), Failure::Refused(_)));
        assert!(matches!(graph.list_members(MAYA).await.unwrap_err(), Failure::Refused(_)));
    }
}

#[tokio::test]
async fn an_assignment_whose_scope_is_out_of_sight_is_not_gone() {
    let scope = Scope::parse("/subscriptions/1").unwrap();
    for code in ["SubscriptionNotFound", "ResourceGroupNotFound", "InvalidResourceType", ""] {
        let fake = Fake::start(move |_, _| error(404, code, "no")).await;
        let arm = fake.cloud().arm();
        assert!(matches!(arm.get_role_assignment(&scope, MAYA).await.unwrap_err(), Failure::Refused(_)), "{code}");
        assert!(matches!(arm.delete_role_assignment(&scope, MAYA).await.unwrap_err(), Failure::Refused(_)), "{code}");
    }
    let fake = Fake::start(|_, _| error(404, "RoleAssignmentNotFound", "no")).await;
    let arm = fake.cloud().arm();
    assert_eq!(arm.get_role_assignment(&scope, MAYA).await.unwrap(), None);
    assert_eq!(arm.delete_role_assignment(&scope, MAYA).await.unwrap(), Removed::WasNotThere);
}

#[tokio::test]
async fn a_success_in_words_that_are_no_json_is_not_taken_for_done() {
    let fake = Fake::start(|_, _| reply(200, Value::Null).text("<html>welcome to the guest network</html>")).await;
    let graph = fake.cloud().graph();
    assert!(graph.delete_user(MAYA).await.unwrap_err().may_have_applied());
    assert!(graph.set_account_enabled(MAYA, false).await.unwrap_err().may_have_applied());
    assert!(matches!(graph.get_user(MAYA).await.unwrap_err(), Failure::Unreadable { .. }));
}

#[tokio::test]
async fn a_refusal_carries_the_services_words_and_the_requests_name() {
    let fake = Fake::start(|_, _| error(403, "Authorization_RequestDenied", "Insufficient privileges")).await;
    let failure = fake.cloud().graph().set_account_enabled(MAYA, false).await.unwrap_err();
    let refusal = failure.refusal().unwrap();
    assert_eq!((refusal.status, refusal.code.as_str()), (403, "Authorization_RequestDenied"));
    assert!(refusal.request_id.as_deref().unwrap().starts_with("r-"));
    assert!(!failure.to_string().contains(&MAYA.to_string()), "no person's id in {failure}");
}

#[tokio::test]
async fn each_request_has_a_name_of_its_own_and_revocations_say_that_they_are_urgent() {
    let fake = Fake::start(|_, _| reply(204, Value::Null)).await;
    let graph = fake.cloud().graph();
    graph.set_account_enabled(MAYA, true).await.unwrap();
    graph.set_account_enabled(MAYA, false).await.unwrap();
    graph.revoke_sessions(MAYA).await.unwrap();
    let priorities: Vec<_> = fake.requests().iter().map(|r| r.headers.get("x-ms-throttle-priority").cloned()).collect();
    assert_eq!(priorities, [None, Some("High".into()), Some("High".into())]);
    let ids: std::collections::HashSet<_> =
        fake.requests().iter().map(|r| r.headers["client-request-id"].clone()).collect();
    assert_eq!(ids.len(), 3);
    assert_eq!(fake.requests()[2].json(), json!({}), "graph wants a body even here");
}
