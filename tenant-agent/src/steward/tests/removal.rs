//! Leavers, and taking everything back.

use entente_model::plan::{ChangeClass, Verdict};
use entente_model::report::ItemState;
use entente_planner::ledger::Charge;
use entente_planner::plan::Change;
use entente_planner::write::{Action, UserWrite};
use entente_seal::{removal_signature_holds, removal_statement};

use super::*;
use crate::clock;
use crate::status_file::StatusFile;
use crate::testing::{analysts, left, mail, member, scaffold, until, user};

#[tokio::test]
async fn a_leaver_is_gone_by_two_reads_and_colleagues_keep_what_they_have() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0, 1]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    world.desire(11, &[analysts(&[1]), vec![left(user(0)), left(member(0))]].concat());
    world.settle(&mut steward).await;
    assert!(world.is_gone(0).await, "{}", world.told());
    assert!(!world.is_gone(1).await);
    let status = world.status.borrow().clone().unwrap();
    let proof = status.items[&user(0).key].proof.clone().unwrap();
    assert!(proof.second_empty_read > proof.first_empty_read, "{proof:?}");
    assert_eq!(status.items[&user(1).key].state, ItemState::Applied);
    assert!(world.writes().await.iter().any(|write| write.ends_with("revokeSignInSessions")));
}

/// What the first step for person 0 writes, where something else comes while the block is under way.
async fn first_writes(comes: impl FnOnce(&World)) -> Vec<String> {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0, 1]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    let before = world.writes().await.len();
    world.desire(11, &[analysts(&[1]), vec![left(user(0)), left(member(0))]].concat());
    world.view.send_modify(|view| view.fresh_until = None);
    let barrier = world.control.add_barrier(on("PATCH", "^/v1.0/users/"), When::Before).await.unwrap();
    let round = tokio::spawn(async move {
        let desired = steward.parts.view.borrow().desired.clone().unwrap();
        steward.first(&desired, &CancellationToken::new()).await.unwrap();
    });
    world.control.wait_barrier(barrier.id, 1, ARRIVES).await.unwrap();
    comes(&world);
    world.control.remove_barrier(barrier.id, Release::Proceed).await.unwrap();
    round.await.unwrap();
    world.writes().await.split_off(before)
}

#[tokio::test]
async fn neither_a_lease_nor_another_leaver_puts_off_what_is_done_first() {
    let is_whole = |writes: &[String]| {
        let has = |method: &str| writes.iter().any(|write| write.starts_with(method));
        has("PATCH") && has("DELETE")
    };
    let lease = first_writes(|world| world.view.send_modify(|view| view.fresh_until = Some(Duration::MAX))).await;
    assert!(is_whole(&lease), "{lease:?}");
    let both = [0, 1].iter().flat_map(|n| [left(user(*n)), left(member(*n))]).collect::<Vec<_>>();
    let another = first_writes(|world| world.desire(12, &[scaffold(), both].concat())).await;
    assert!(is_whole(&another), "{another:?}");
    // Who comes back meanwhile keeps what was not taken yet.
    let back = first_writes(|world| world.desire(12, &analysts(&[0, 1]))).await;
    assert!(!is_whole(&back), "{back:?}");
}

/// Whether the report's proof carries a signature of that agent's over what it says.
fn is_signed_by(world: &World, agent: &str) -> bool {
    use base64::Engine as _;
    let status = world.status.borrow().clone().unwrap();
    let key = user(0).key;
    let proof = status.items[&key].proof.clone().unwrap();
    let signed = proof.signed.clone().unwrap();
    let decode = |text: &str| base64::engine::general_purpose::STANDARD.decode(text).unwrap();
    let certificate = decode(&signed.certificate);
    let (_, certificate) = x509_parser::parse_x509_certificate(&certificate).unwrap();
    let statement = removal_statement(world.config.entra_tenant, &agent.parse().unwrap(), &key, &proof);
    let public_key = &certificate.public_key().subject_public_key.data;
    removal_signature_holds(&statement, public_key, &decode(&signed.signature))
}

#[tokio::test]
async fn a_proof_of_before_a_new_enrolment_is_signed_anew_and_then_left_alone() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    world.desire(11, &[scaffold(), vec![left(user(0)), left(member(0))]].concat());
    world.settle(&mut steward).await;
    assert!(is_signed_by(&world, "tenants/contoso/agents/a1"));
    drop(steward);
    world.enroll_anew("tenants/contoso/agents/a2");
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    assert!(is_signed_by(&world, "tenants/contoso/agents/a2"));
    drop(steward);
    // It is kept: the next look signs nothing.
    let said = |world: &World| world.status.borrow().clone().unwrap().items[&user(0).key].proof.clone();
    let before = said(&world);
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    assert_eq!(said(&world), before);
}

#[tokio::test]
async fn a_plan_that_breaks_a_rule_lets_nobody_in_and_leavers_go_all_the_same() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    steward.spoil = Some(|plan| {
        plan.changes.retain(|change| !matches!(change.action, Action::User(UserWrite::Invite { .. })));
        let (home, user) = ("user/nordwall/0b0de000-0000-4000-8000-000000000001", entente_model::Guid::from_u128(7));
        plan.changes.push(Change {
            looked: None,
            key: home.parse().unwrap(),
            class: ChangeClass::OtherRemoval,
            charge: Charge::Free,
            verdict: Verdict::Allowed,
            reason: None,
            action: Action::User(UserWrite::Delete { user }),
            before: String::new(),
            after: String::new(),
        });
    });
    world.desire(11, &[scaffold(), vec![left(user(0)), left(member(0)), user(1), member(1)]].concat());
    world.until_told(&mut steward, &format!("{} REMOVED", user(0).key)).await;
    assert!(world.is_gone(0).await, "{}", world.told());
    let writes = world.writes().await;
    assert!(!writes.iter().any(|write| write.starts_with("DELETE /v1.0/users/")), "{writes:?}");
    assert!(world.control.rights(TENANT, &mail(1)).await.unwrap().users.is_empty());
    let alarms = StatusFile::read(&world.config.state_dir).unwrap().unwrap().alarms;
    assert!(alarms.iter().any(|alarm| alarm.contains("the plan breaks a rule")), "{alarms:?}");
}

#[tokio::test]
async fn an_end_date_holds_without_a_lease_and_nothing_is_given_then() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    let end = clock::wall().plus(Duration::from_secs(2));
    world
        .desire(11, &[vec![until(user(0), end), until(member(0), end)], scaffold(), vec![user(1), member(1)]].concat());
    // The lease is over before anything is done.
    world.view.send_modify(|view| view.fresh_until = Some(Duration::ZERO));
    world.settle(&mut steward).await;
    assert!(world.is_gone(0).await, "{}", world.told());
    assert!(world.told().contains("HELD LEASE_OVER"), "{}", world.told());
    assert!(world.control.rights(TENANT, &mail(1)).await.unwrap().users.is_empty());
}

#[tokio::test]
async fn without_a_readable_guardrail_leavers_go_and_nobody_comes() {
    let mut world = World::new().await;
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    world.write_guardrail("guardrail: 1\nmistake: yes\n");
    world.desire(11, &[scaffold(), vec![left(user(0)), left(member(0)), user(1), member(1)]].concat());
    // Whose addresses may be looked up, the file says: without it no more than the block is claimed.
    world.until_told(&mut steward, &format!("{} UNPROVEN", user(0).key)).await;
    assert!(world.is_gone(0).await, "{}", world.told());
    assert!(world.control.rights(TENANT, &mail(1)).await.unwrap().users.is_empty());
    let status = world.status.borrow().clone().unwrap();
    let fault = status.standing.guardrail_fault.clone().unwrap();
    assert!(fault.contains("mistake") && !fault.contains("cannot be used"), "said by the sentence around it: {fault}");
}

#[tokio::test]
async fn a_guardrail_that_pins_another_key_is_no_guardrail() {
    let mut world = World::new().await;
    let other = format!("ed25519:{}", "ab".repeat(32));
    world.write_guardrail(
        &crate::testing::guardrail("manage").replace(&crate::testing::root().id().to_string(), &other),
    );
    world.desire(10, &analysts(&[0]));
    let mut steward = world.steward().await;
    world.settle(&mut steward).await;
    assert_eq!(world.writes().await, Vec::<String>::new());
    let status = world.status.borrow().clone().unwrap();
    assert!(status.standing.guardrail_fault.as_deref().is_some_and(|fault| fault.contains("stateKey")), "{status:?}");
}
