//! Twenty calls in one request, each with its own result.

use std::sync::Mutex;

use entente_cloud::{Added, Failure, Membership, Removed};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fake::{Fake, Reply, Request, error, error_body, hang_up, reply};

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// The number in the last or only id of a batch part's url.
fn subject(part: &Value) -> u128 {
    let text = part["body"]["@odata.id"].as_str().unwrap_or_else(|| part["url"].as_str().unwrap());
    let word = |c: char| !c.is_ascii_hexdigit() && c != '-';
    let last = text.split(word).rfind(|w| w.len() == 36).unwrap();
    Uuid::parse_str(last).unwrap().as_u128()
}

/// Answers each part by `script`, in reverse order. `None` leaves a part out.
fn batch(request: &Request, script: impl Fn(&Value) -> Option<(u16, Value, Value)>) -> Reply {
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1.0/$batch"));
    let parts = request.json()["requests"].as_array().unwrap().clone();
    assert!(parts.len() <= 20, "{} parts", parts.len());
    let answer = |part: &Value| {
        let (status, headers, body) = script(part)?;
        Some(json!({"id": part["id"], "status": status, "headers": headers, "body": body}))
    };
    reply(200, json!({"responses": parts.iter().rev().filter_map(answer).collect::<Vec<_>>()}))
}

fn user(number: u128) -> Value {
    json!({"id": id(number), "userPrincipalName": format!("user-{number}")})
}

fn no(code: &str, message: &str) -> Value {
    error_body(code, message)
}

#[tokio::test]
async fn each_part_has_its_own_end_in_the_order_asked() {
    let fake = Fake::start(|request, n| {
        batch(request, |part| match (subject(part), n) {
            (1, _) => Some((204, json!({}), Value::Null)),
            (2, _) => Some((
                400,
                json!({}),
                no(
                    "Request_BadRequest",
                    "One or more added object references already exist for the following modified properties: 'members'.",
                ),
            )),
            (3, _) => Some((404, json!({}), no("Request_ResourceNotFound", "no such object"))),
            (4, 0) => Some((429, json!({"Retry-After": "0"}), no("TooManyRequests", "slow down"))),
            (4, _) => Some((204, json!({}), Value::Null)),
            (5, _) => Some((403, json!({}), no("Authorization_RequestDenied", "no"))),
            (6, _) => Some((404, json!({}), no("UnknownError", "who knows"))),
            (7, 0) => Some((424, json!({}), no("FailedDependency", "other"))),
            (7, _) => Some((204, json!({}), Value::Null)),
            (8, 0) => None,
            (8, _) => Some((400, json!({}), no("Request_BadRequest", "added object references already exist"))),
            _ => Some((503, json!({}), no("serviceNotAvailable", "later"))),
        })
    });
    let fake = fake.await;
    let cloud = fake.cloud();
    let members: Vec<_> = (1..=9).map(|n| Membership { group: id(100), member: id(n) }).collect();
    let ends = cloud.graph().add_members(&members).await;

    let words = ends.iter().map(|end| match end {
        Ok(Added::Added) => "added",
        Ok(Added::AlreadyThere) => "already there",
        Ok(Added::NotYetThere) => "not yet there",
        Err(Failure::Refused(_)) => "refused",
        Err(Failure::Throttled { .. }) => "throttled",
        Err(Failure::Unknown { .. }) => "unknown",
        Err(_) => "other",
    });
    assert_eq!(
        words.collect::<Vec<_>>(),
        ["added", "already there", "not yet there", "added", "refused", "refused", "added", "already there", "unknown"]
    );
    let rounds: Vec<_> = fake.requests().iter().map(|r| r.json()["requests"].as_array().unwrap().len()).collect();
    assert_eq!(rounds, [9, 4, 1], "only what may be tried again is");
    assert_eq!((cloud.usage().writes, cloud.usage().throttled), (14, 1));
}

#[tokio::test]
async fn a_lost_batch_leaves_reads_to_repeat_and_writes_to_repeat_only_if_that_is_harmless() {
    let fake = Fake::start(|request, n| match n {
        0 => hang_up(),
        _ => batch(request, |part| Some((200, json!({}), user(subject(part))))),
    });
    let fake = fake.await;
    let users = fake.cloud().graph().get_users(&[id(1), id(2)]).await;
    let ids: Vec<_> = users.into_iter().map(|u| u.unwrap().unwrap().id).collect();
    assert_eq!(ids, [id(1), id(2)]);

    let fake = Fake::start(|_, _| hang_up()).await;
    let members = [1, 2].map(|n| Membership { group: id(100), member: id(n) });
    for end in fake.cloud().graph().remove_members(&members).await {
        assert!(end.unwrap_err().may_have_applied());
    }
    assert_eq!(fake.requests().len(), 3);
}

#[tokio::test]
async fn a_refused_batch_refuses_its_parts_and_never_reads_as_not_there() {
    for status in [400, 403, 404] {
        let fake = Fake::start(move |_, _| error(status, "BadRequest", "the batch")).await;
        for end in fake.cloud().graph().get_users(&[id(1), id(2)]).await {
            assert!(matches!(end.unwrap_err(), Failure::Refused(_)), "{status}");
        }
        assert_eq!(fake.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_throttled_or_unauthorised_batch_is_tried_again_as_a_whole() {
    let fake = Fake::start(|request, n| match n {
        0 => error(429, "TooManyRequests", "slow down").header("Retry-After", 0),
        1 => error(401, "InvalidAuthenticationToken", "expired"),
        _ => batch(request, |_| Some((204, json!({}), Value::Null))),
    });
    let fake = fake.await;
    let members = [1, 2].map(|n| Membership { group: id(100), member: id(n) });
    for end in fake.cloud().graph().remove_members(&members).await {
        assert_eq!(end.unwrap(), Removed::Removed);
    }
    assert_eq!((fake.requests().len(), fake.logins().len()), (3, 2));
}

#[tokio::test]
async fn more_than_twenty_go_in_several_requests() {
    let fake = Fake::start(|request, _| {
        batch(request, |part| {
            let number = subject(part);
            match number % 7 {
                0 => Some((404, json!({}), no("Request_ResourceNotFound", "gone"))),
                _ => Some((200, json!({}), user(number))),
            }
        })
    });
    let fake = fake.await;
    let ids: Vec<_> = (1..=45).map(id).collect();
    let users = fake.cloud().graph().get_users(&ids).await;
    for (asked, found) in ids.iter().zip(users) {
        let found = found.unwrap().map(|u| u.id);
        assert_eq!(found, (asked.as_u128() % 7 != 0).then_some(*asked));
    }
    assert_eq!(fake.requests().len(), 3);
}

#[tokio::test]
async fn listings_in_a_batch_go_on_to_their_next_pages_together() {
    let fake = Fake::start(|request, _| {
        batch(request, |part| {
            let url = part["url"].as_str().unwrap();
            assert!(url.starts_with("/groups/"), "relative to the version: {url}");
            let (group, page) = (subject(part), usize::from(url.contains("page=2")));
            let member = |n: u128| json!({"@odata.type": "#microsoft.graph.user", "id": id(group * 10 + n)});
            match (group, page) {
                (3, _) => Some((404, json!({}), no("Request_ResourceNotFound", "no group"))),
                (2, _) | (_, 1) => Some((200, json!({}), json!({"value": [member(2)]}))),
                _ => Some((
                    200,
                    json!({}),
                    json!({"value": [member(1)], "@odata.nextLink":
                format!("https://graph.microsoft.com/v1.0/groups/{}/members?page=2", id(group))}),
                )),
            }
        })
    });
    let fake = fake.await;
    let mut lists = fake.cloud().graph().list_members_of(&[id(1), id(2), id(3), id(4)]).await.into_iter();
    let mut ids = || lists.next().unwrap().map(|l| l.entries.iter().map(|m| m.id.as_u128()).collect::<Vec<_>>());
    assert_eq!(ids().unwrap(), [11, 12]);
    assert_eq!(ids().unwrap(), [22]);
    assert!(matches!(ids().unwrap_err(), Failure::NotFound(_)), "a missing group is not an empty one");
    assert_eq!(ids().unwrap(), [41, 42]);
    assert_eq!(fake.requests().len(), 2);
}

#[tokio::test]
async fn removing_members_in_a_batch_never_names_the_member_without_its_ref() {
    let seen: &'static Mutex<Vec<Value>> = Box::leak(Box::default());
    let fake = Fake::start(move |request, _| {
        batch(request, |part| {
            seen.lock().unwrap().push(part.clone());
            Some((204, json!({}), Value::Null))
        })
    });
    let fake = fake.await;
    let members = [1, 2].map(|n| Membership { group: id(100), member: id(n) });
    fake.cloud().graph().remove_members(&members).await;
    for part in seen.lock().unwrap().iter() {
        assert_eq!(part["method"], "DELETE");
        assert!(part["url"].as_str().unwrap().ends_with("/$ref"), "{part}");
        assert_eq!(part["headers"]["x-ms-throttle-priority"], "High");
    }
}

#[tokio::test]
async fn a_write_that_the_batchs_answer_leaves_out_may_have_been_applied() {
    let fake = Fake::start(|request, _| batch(request, |_| None)).await;
    let members = [1, 2].map(|n| Membership { group: id(100), member: id(n) });
    for end in fake.cloud().graph().remove_members(&members).await {
        assert!(end.unwrap_err().may_have_applied());
    }
}
