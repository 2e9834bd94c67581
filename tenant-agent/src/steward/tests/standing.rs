//! What the agent says of itself, to the control plane, to its log and to `status`: true, with since when, and once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex};

use entente_model::report::{ItemState, Microsoft, MicrosoftState, RevokeAllState, Standing};
use entente_simulator::control::types::Tamper;
use serde_json::json;
use tracing::Level;

use super::refusals::{Log, always, findings};
use super::*;
use crate::receipt::{About, Receipt};
use crate::status_file::StatusFile;
use crate::testing::{CLIENT, analysts};

fn standing(world: &World) -> Standing {
    world.status.borrow().clone().unwrap().standing.clone()
}

fn microsoft(world: &World) -> Microsoft {
    standing(world).microsoft.unwrap()
}

/// Every look until the end of the test is a round of the loop.
async fn rounds(steward: &mut crate::steward::Steward, count: usize) {
    for _ in 0..count {
        steward.round(&CancellationToken::new()).await.unwrap();
    }
}

#[tokio::test]
async fn users_d07_an_agent_that_reaches_no_login_has_read_nothing_and_says_so_also_where_nothing_is_desired() {
    let log = Log::default();
    let _listening = log.listen_at(Level::INFO);
    let mut world = World::new().await;
    world.config.cloud.patience.attempts = 1;
    let cut = Fault { count: None, ..once(on("POST", "/oauth2/v2.0/token$"), FaultAction::DropBefore) };
    world.control.add_fault(&cut).await.unwrap();
    world.desire(10, &[]);
    let mut steward = world.steward().await;
    rounds(&mut steward, 3).await;
    let told = microsoft(&world);
    assert_eq!(told.state, MicrosoftState::Unreachable);
    assert!(told.detail.contains("oauth2/v2.0/token"), "{told:?}");
    assert!(standing(&world).planes.iter().all(|plane| plane.verified.is_none()), "{:?}", standing(&world));
    let plan = steward.preview().await.unwrap_err();
    assert!(plan.contains("could not be looked at"), "{plan}");
    assert_eq!(log.lines("Microsoft cannot be reached"), 1);
    // Since when is kept over a restart.
    drop(steward);
    let mut steward = world.steward().await;
    rounds(&mut steward, 1).await;
    assert_eq!(microsoft(&world).since, told.since);
    world.control.clear_faults().await.unwrap();
    rounds(&mut steward, 2).await;
    assert_eq!(microsoft(&world).state, MicrosoftState::SignedIn);
    assert_eq!((log.lines("Microsoft answers again"), steward.preview().await), (1, Ok(Vec::new())));
}

#[tokio::test]
async fn users_d07_a_plane_that_is_not_read_whole_says_since_when() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    assert_eq!(microsoft(&world).state, MicrosoftState::SignedIn);
    assert!(standing(&world).planes.iter().all(|plane| plane.unread_since.is_none()), "{:?}", standing(&world));
    let fault = always("GET", "/providers/Microsoft.Authorization/roleAssignments", 500, json!({}));
    world.control.add_fault(&fault).await.unwrap();
    rounds(&mut steward, 1).await;
    let unread: Vec<_> = standing(&world).planes.into_iter().filter(|it| it.unread_since.is_some()).collect();
    assert_eq!(unread.iter().map(|it| it.plane.word()).collect::<Vec<_>>(), ["azureRoles"]);
    assert!(unread[0].verified <= unread[0].unread_since, "{unread:?}");
    world.control.clear_faults().await.unwrap();
    rounds(&mut steward, 1).await;
    assert!(standing(&world).planes.iter().all(|plane| plane.unread_since.is_none()), "{:?}", standing(&world));
}

#[tokio::test]
async fn a_plan_says_nothing_to_do_only_of_what_was_read() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    assert_eq!(steward.preview().await, Ok(Vec::new()));
    let forbidden = json!({"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges."}});
    for (path, says) in [
        (
            "/providers/Microsoft.Authorization/roleAssignments",
            "1 item could not be read, the first is azureRole/l1-analyst/",
        ),
        ("/v1.0/groups", "3 items could not be read, the first is group/l1-analyst/standard: "),
    ] {
        world.control.add_fault(&always("GET", path, 403, forbidden.clone())).await.unwrap();
        let told = steward.preview().await.unwrap_err();
        assert!(told.starts_with("would do nothing now; ") && told.contains(says), "{path}: {told}");
        world.control.clear_faults().await.unwrap();
    }
}

#[tokio::test]
async fn users_d26_a_guardrail_that_breaks_is_logged_once_when_it_does_and_once_when_it_is_mended() {
    let log = Log::default();
    let _listening = log.listen_at(Level::INFO);
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    let whole = std::fs::read_to_string(&world.config.guardrail).unwrap();
    world.write_guardrail(&whole.replace("planes:", "plains:"));
    rounds(&mut steward, 5).await;
    assert_eq!(log.lines("the guardrail cannot be used"), 1);
    let since = standing(&world).guardrail_fault_since.unwrap();
    drop(steward);
    let mut steward = world.steward().await;
    rounds(&mut steward, 1).await;
    assert_eq!(standing(&world).guardrail_fault_since, Some(since), "over a restart");
    assert_eq!(log.lines("the guardrail cannot be used"), 2, "once in each run");
    world.write_guardrail(&whole);
    rounds(&mut steward, 5).await;
    assert_eq!(log.lines("the guardrail can be used again"), 1);
    assert_eq!(standing(&world).guardrail_fault_since, None);
}

#[tokio::test]
async fn users_d26_a_sign_in_that_fails_is_logged_once_when_it_does_and_once_when_it_succeeds() {
    let log = Log::default();
    let _listening = log.listen_at(Level::INFO);
    let mut world = World::new().await;
    let text = "AADSTS7000112: Application is disabled.";
    let body = json!({"error": "unauthorized_client", "error_description": text, "error_codes": [7000112]});
    world.control.add_fault(&always("POST", "/oauth2/v2.0/token$", 400, body)).await.unwrap();
    world.desire(10, &[]);
    let mut steward = world.steward().await;
    rounds(&mut steward, 5).await;
    assert_eq!((log.lines("AADSTS7000112"), microsoft(&world).state.word()), (1, "REFUSED"));
    assert!(microsoft(&world).detail.starts_with("AADSTS7000112: "), "{:?}", microsoft(&world));
    world.control.clear_faults().await.unwrap();
    // Another file is tried at once.
    let secret = world.config.guardrail.with_file_name("client-secret");
    std::fs::write(secret, "simulated\n").unwrap();
    rounds(&mut steward, 3).await;
    assert_eq!(log.lines("Microsoft takes the agent's credential again"), 1);
    assert_eq!(microsoft(&world).state, MicrosoftState::SignedIn);
}

#[tokio::test]
async fn users_d03_a_day_of_review_that_is_past_is_told_and_logged_once() {
    let log = Log::default();
    let _listening = log.listen_at(Level::INFO);
    let mut world = World::new().await;
    let whole = std::fs::read_to_string(&world.config.guardrail).unwrap();
    world.write_guardrail(&whole.replace("2099-12-31", "2020-12-31"));
    world.desire(10, &[]);
    let mut steward = world.steward().await;
    rounds(&mut steward, 3).await;
    assert_eq!(standing(&world).review_ends, Some("2021-01-01T00:00:00Z".parse().unwrap()));
    assert_eq!(log.lines("day of review is over"), 1);
}

#[tokio::test]
async fn users_d12_revoke_all_is_told_while_it_runs_and_when_it_is_done() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    assert_eq!(standing(&world).revoke_all, None);
    world.switches().revoke_all().unwrap();
    let mut told = world.status.subscribe();
    rounds(&mut steward, 1).await;
    assert!(told.has_changed().unwrap());
    told.mark_unchanged();
    let running = standing(&world).revoke_all.unwrap();
    assert_eq!(running.state, RevokeAllState::Running);
    world.settle(&mut steward).await;
    let done = standing(&world).revoke_all.unwrap();
    assert_eq!(done.state, RevokeAllState::Done);
    assert!(running.since <= done.since, "{running:?} {done:?}");
    world.switches().resume().unwrap();
    rounds(&mut steward, 1).await;
    assert_eq!(standing(&world).revoke_all, None);
}

#[tokio::test]
async fn users_d14_permissions_that_are_taken_back_are_named_once_and_nothing_is_said_to_be_away_that_was_not_read() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    let nothing = Tamper::SetAppPermissions { app: CLIENT.into(), permissions: Vec::new() };
    world.control.tamper(TENANT, &nothing).await.unwrap();
    // With the next token.
    drop(steward);
    let mut steward = world.steward().await;
    world.until_told(&mut steward, "PERMISSION_MISSING").await;
    rounds(&mut steward, 3).await;
    let told = findings(&world);
    let mut once = told.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), told.len(), "{told:#?}");
    let names: Vec<&str> = told.iter().filter_map(|it| it.split_whitespace().nth(1)).collect();
    assert_eq!(names.iter().filter(|it| **it == "GroupMember.ReadWrite.All").count(), 1, "{told:#?}");
    let status = world.status.borrow().clone().unwrap();
    for item in status.items.values() {
        assert!(!item.detail.contains("the group is not there"), "{item:?}");
        let lacking = item.detail.contains("GroupMember.Read.All");
        assert!(!lacking, "the file asks for another: {item:?}");
    }
    let member = status.items.values().find(|item| item.key.to_string().starts_with("member/")).unwrap();
    assert_eq!(member.state, ItemState::Waiting);
    assert!(member.detail.starts_with("the agent's token lacks Group.Create, Group.ReadBasic.All: "), "{member:?}");
}

#[tokio::test]
async fn users_d27_a_stream_that_is_gone_is_gone_in_status_before_the_next_look() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    let shown = || StatusFile::read(&world.config.state_dir).unwrap().unwrap().connected;
    assert!(shown());
    let cancel = CancellationToken::new();
    let running = tokio::spawn(steward.run(cancel.clone()));
    let turns = async |connected: bool| {
        world.view.send_modify(|view| view.connected = connected);
        let turned = async {
            while shown() != connected {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(ARRIVES, turned).await.unwrap();
    };
    turns(false).await;
    turns(true).await;
    turns(false).await;
    cancel.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn users_d19_a_receipt_names_everything_that_stays_and_what_is_to_be_deleted_by_hand() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0, 1]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    world.switches().revoke_all().unwrap();
    world.settle(&mut steward).await;
    let text = Receipt::read(&world.config.state_dir, About::All).unwrap().unwrap().text();
    let left = |part: &str| text.lines().filter(|line| line.starts_with("  left: ") && line.contains(part)).count();
    assert_eq!((left("ent-anchor"), left("ent-l1-analyst"), left("is blocked")), (1, 1, 2), "{text}");
    assert_eq!(left("REMOVED"), 0, "what is gone is not left: {text}");
    let end = text.lines().last().unwrap();
    assert_eq!(
        end,
        "complete: no access is left of what this agent gave, read back twice. To delete by hand: 1 empty group, \
         2 blocked guests, ent-anchor"
    );
}

#[tokio::test]
async fn a_plan_that_takes_long_holds_up_nothing_else() {
    // The runtime of a test has one thread. Planning waits here until a task beside it has run.
    static PLANNING: AtomicBool = AtomicBool::new(false);
    static RAN: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    steward.spoil = Some(|_| {
        PLANNING.store(true, Ordering::SeqCst);
        let waited = RAN.1.wait_timeout_while(RAN.0.lock().unwrap(), ARRIVES, |ran| !*ran);
        assert!(!waited.unwrap().1.timed_out(), "nothing else ran while the plan was made");
    });
    let beside = tokio::spawn(async {
        while !PLANNING.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        *RAN.0.lock().unwrap() = true;
        RAN.1.notify_all();
    });
    rounds(&mut steward, 1).await;
    beside.await.unwrap();
}
