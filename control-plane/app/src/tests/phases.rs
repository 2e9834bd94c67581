//! The phase of a tenant in the worst cases, and its explanation. A missing fact never makes a tenant CONVERGED.

use entente_model::report::{
    Finding, ItemState, Microsoft, MicrosoftState, Reason, RevokeAll, RevokeAllState, Standing,
};
use entente_model::{Plane, PlaneMode};
use expect_test::{Expect, expect};
use futures::{FutureExt, StreamExt};

use super::agent::Agent;
use super::*;

/// An agent that has done everything, and says of itself what is changed here.
async fn with(bed: &Bed, change: impl FnOnce(&mut Standing)) -> Agent {
    let mut agent = Agent::enrol(bed, "contoso").await;
    agent.connect(bed).await;
    agent.hear(bed).await;
    agent.report_applied().await;
    assert_eq!(bed.status(&tenant("contoso")).phase, TenantPhase::Converged);
    let mut standing = agent.standing();
    change(&mut standing);
    agent.report_with(Vec::new(), Vec::new(), false, standing).await;
    agent
}

fn check(bed: &Bed, id: &str, expected: Expect) {
    let status = bed.status(&tenant(id));
    let since = status.since.map_or_else(String::new, |at| format!(" since {at}"));
    expected.assert_eq(&format!("{}{since} ({:?})\n{}\n", status.phase.word(), status.party, status.explanation));
}

async fn said(change: impl FnOnce(&mut Standing), expected: Expect) {
    let bed = Bed::with_sample().await;
    let agent = with(&bed, change).await;
    check(&bed, "contoso", expected);
    drop(agent);
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn microsoft(state: MicrosoftState, detail: &str) -> Option<Microsoft> {
    Some(Microsoft { state: state.into(), since: at("2026-12-01T11:20:00Z"), detail: detail.into() })
}

#[tokio::test]
async fn users_d01_a_paused_agent_is_paused_and_not_converged() {
    let pause = |it: &mut Standing| {
        (it.paused, it.paused_since) = (true, Some(at("2026-12-01T11:30:00Z")));
    };
    said(
        pause,
        expect![[r#"
            PAUSED since 2026-12-01T11:30:00Z (Customer)
            the customer paused the agent since 2026-12-01T11:30:00Z: nothing is given or taken away, leavers neither; end dates take effect; customer's move: `entente-agent resume`
        "#]],
    )
    .await;
    // An older agent does not say since when.
    said(
        |it| it.paused = true,
        expect![[r#"
            PAUSED (Customer)
            the customer paused the agent: nothing is given or taken away, leavers neither; end dates take effect; customer's move: `entente-agent resume`
        "#]],
    )
    .await;
}

#[tokio::test]
async fn users_d02_a_guardrail_that_cannot_be_used_is_a_phase_of_its_own() {
    let fault = |it: &mut Standing| {
        // As an older agent says it.
        it.guardrail_fault = Some("the guardrail cannot be used: line 11, column 3: unknown field usrs".into());
        it.guardrail_fault_since = Some(at("2026-12-01T11:30:00Z"));
        it.guardrail.clear();
        it.planes.iter_mut().for_each(|plane| plane.mode = PlaneMode::None.into());
    };
    said(
        fault,
        expect![[r#"
            GUARDRAIL_FAULT since 2026-12-01T11:30:00Z (Customer)
            the guardrail cannot be used since 2026-12-01T11:30:00Z: line 11, column 3: unknown field usrs; nothing is given, leavers go; customer's move: mend or restore the file
        "#]],
    )
    .await;
}

#[tokio::test]
async fn users_d03_a_day_of_review_that_is_over_is_seen_from_that_moment_on() {
    let bed = Bed::with_sample().await;
    let ends = Timestamp::from_unix(start()).plus(DAY);
    let mut agent = with(&bed, |it| it.review_ends = Some(ends)).await;
    let status = bed.status(&tenant("contoso"));
    assert_eq!((status.phase, status.standing.review_ends), (TenantPhase::Converged, Some(ends)));
    let endings = bed.app.list_endings(&viewer(), &page()).unwrap().items;
    assert!(endings.iter().any(|it| it.kind == EndingKind::GuardrailReview && !it.over), "{endings:?}");
    bed.sleep(DAY);
    check(
        &bed,
        "contoso",
        expect![[r#"
            REVIEW_PAST since 2026-12-02T12:00:00Z (Customer)
            the guardrail's day of review ended on 2026-12-02T12:00:00Z: nothing new is given, removals go on; customer's move: review the file, and write a later `reviewBy`
        "#]],
    );
    agent.disconnect();
    bed.sleep(DAY);
    check(
        &bed,
        "contoso",
        expect![[r#"
            REVIEW_PAST since 2026-12-02T12:00:00Z (Customer)
            the guardrail's day of review ended on 2026-12-02T12:00:00Z: nothing new is given, removals go on; as last said: the agent is not connected since 2026-12-02T12:00:00Z, and nothing new reaches it, no leaver either; customer's move: review the file, and write a later `reviewBy`
        "#]],
    );
}

#[tokio::test]
async fn what_is_done_is_counted_of_what_is_desired_now() {
    let bed = Bed::with_sample().await;
    let mut agent = with(&bed, |_| {}).await;
    let done = || {
        let status = bed.status(&tenant("contoso"));
        (status.done, status.items)
    };
    let all = agent.desired().len() as u32;
    assert_eq!(done(), (all, all));
    // The agent has not taken away yet what Maya had.
    agent.disconnect();
    bed.apply(vec![squad(&["li"])]).await.unwrap();
    let (done, items) = done();
    assert!(items < all && done == items, "{done} of {items}, before {all}");
}

#[tokio::test]
async fn a_day_of_review_that_is_over_reaches_who_watches_though_nobody_reports_it() {
    let bed = Bed::with_sample().await;
    // Sooner than the stream of a silent agent is cut, which would be told too.
    let soon = Duration::from_secs(5);
    let _agent = with(&bed, |it| it.review_ends = Some(Timestamp::from_unix(start()).plus(soon))).await;
    bed.app.parts().streams.pulse();
    let mut watch = bed.app.reports().watch_tenant_statuses(&viewer(), Vec::new()).unwrap();
    let mut seen = || std::iter::from_fn(|| watch.next().now_or_never().flatten()).count();
    assert_eq!(seen(), 3, "both as they are, and that this is all");
    bed.sleep(soon);
    bed.app.parts().streams.pulse();
    assert_eq!(seen(), 1, "it comes by the clock");
    bed.app.parts().streams.pulse();
    assert_eq!(seen(), 0, "once");
    assert_eq!(bed.status(&tenant("contoso")).phase, TenantPhase::ReviewPast);
}

#[tokio::test]
async fn users_d07_what_was_not_read_makes_nothing_converged() {
    said(
        |it| it.microsoft = microsoft(MicrosoftState::Unreachable, "login.microsoftonline.com: no such host"),
        expect![[r#"
            CLOUD_UNREACHABLE since 2026-12-01T11:20:00Z (Microsoft)
            Microsoft does not answer the agent since 2026-12-01T11:20:00Z: login.microsoftonline.com: no such host; Microsoft's move: it goes on by itself; if it lasts, the customer looks at the agent's way to the Internet
        "#]],
    )
    .await;
    said(
        |it| it.microsoft = microsoft(MicrosoftState::Refused, "AADSTS7000112: the application is disabled"),
        expect![[r#"
            CANNOT_SIGN_IN since 2026-12-01T11:20:00Z (Customer)
            the agent cannot sign in at Microsoft since 2026-12-01T11:20:00Z: AADSTS7000112: the application is disabled; customer's move: see to the agent's application and credential in Entra ID
        "#]],
    )
    .await;
    // An older agent says it so.
    let finding = Finding {
        plane: Plane::Users.into(),
        reason: Reason::CredentialRefused,
        detail: "AADSTS7000222: the secret has ended".into(),
    };
    said(
        |it| (it.microsoft, it.findings) = (None, vec![finding]),
        expect![[r#"
            CANNOT_SIGN_IN (Customer)
            the agent cannot sign in at Microsoft: AADSTS7000222: the secret has ended; customer's move: see to the agent's application and credential in Entra ID
        "#]],
    )
    .await;
    said(
        |it| it.planes[0].verified = None,
        expect![[r#"
            WAITING (Agent)
            not read back whole: users; agent's move: it is tried again
        "#]],
    )
    .await;
    said(
        |it| it.planes[3].unread_since = Some(at("2026-12-01T11:30:00Z")),
        expect![[r#"
            WAITING (Agent)
            not read back whole: azureRoles; agent's move: it is tried again
        "#]],
    )
    .await;
    let later = |it: &mut Standing| it.microsoft.as_mut().unwrap().state = entente_model::word::Open::of("DREAMING");
    said(
        later,
        expect![[r#"
            WAITING since 2026-12-01T12:00:00Z (Provider)
            its agent says of Microsoft DREAMING, which is not known here; your move: update the control plane
        "#]],
    )
    .await;
}

#[tokio::test]
async fn users_d07_a_tenant_of_which_nothing_is_desired_is_converged_only_by_an_agent_that_has_signed_in() {
    let bed = Bed::with_sample().await;
    bed.relabel("contoso", 1).await;
    let mut agent = Agent::enrol(&bed, "contoso").await;
    agent.connect(&bed).await;
    agent.hear(&bed).await;
    assert!(agent.desired().is_empty());
    let unread = |agent: &Agent, microsoft| {
        let mut standing = Standing { microsoft, ..agent.standing() };
        standing.planes.iter_mut().for_each(|plane| plane.verified = None);
        standing
    };
    for (microsoft, phase) in [
        (None, TenantPhase::Waiting),
        (microsoft(MicrosoftState::Unreachable, "no such host"), TenantPhase::CloudUnreachable),
        (microsoft(MicrosoftState::SignedIn, ""), TenantPhase::Converged),
    ] {
        let standing = unread(&agent, microsoft);
        agent.report_with(Vec::new(), Vec::new(), true, standing).await;
        assert_eq!(bed.status(&tenant("contoso")).phase, phase);
    }
}

#[tokio::test]
async fn users_d11_a_revoked_agent_is_not_one_that_never_enrolled() {
    let bed = Bed::with_sample().await;
    let mut agent = with(&bed, |_| {}).await;
    check(
        &bed,
        "fabrikam",
        expect![[r#"
            UNENROLLED (Provider)
            no agent has enrolled, and no unused token is there; your move: `entente tokens create fabrikam`, for the customer to enrol with
        "#]],
    );
    let Who::Agent(name) = agent.peer.who.clone() else { panic!("an agent's certificate") };
    bed.sleep(Duration::from_secs(60));
    bed.app.revoke_agent(&admin(), &name, &options()).await.unwrap();
    agent.hear(&bed).await;
    let text = bed.status(&tenant("contoso")).explanation.replace(&name.to_string(), "AGENT");
    expect!["AGENT was revoked on 2026-12-01T12:01:00Z, and no other has enrolled: 7 items which it reported may still be there, and no agent removes leavers; your move: `entente tokens create contoso`, for the customer to enrol with"].assert_eq(&text);
    let mut watch = bed.app.reports().watch_tenant_statuses(&viewer(), vec![tenant("fabrikam")]).unwrap();
    let mut seen = || std::iter::from_fn(|| watch.next().now_or_never().flatten()).count();
    assert_eq!(seen(), 2, "as it is, and that this is all");
    for id in ["contoso", "fabrikam"] {
        bed.app.create_token(&admin(), &tenant(id), Duration::ZERO, true, &options()).await.unwrap();
    }
    assert_eq!(seen(), 1, "a token is made");
    assert!(bed.status(&tenant("contoso")).explanation.ends_with("unused, it ends on 2026-12-04T12:01:00Z"));
    check(
        &bed,
        "fabrikam",
        expect![[r#"
            UNENROLLED (Customer)
            no agent has enrolled; customer's move: enrol with the token that was made; unused, it ends on 2026-12-04T12:01:00Z
        "#]],
    );
    // Another agent ends it, and has said nothing yet.
    let mut fresh = Agent::enrol(&bed, "contoso").await;
    fresh.connect(&bed).await;
    fresh.hear(&bed).await;
    assert_eq!(bed.status(&tenant("contoso")).phase, TenantPhase::Converging, "what the other said does not count");
}

#[tokio::test]
async fn users_d12_revoke_all_is_seen_while_it_runs_and_when_it_is_done() {
    let revoke_all = |state: RevokeAllState| {
        move |it: &mut Standing| {
            it.paused = true;
            it.revoke_all = Some(RevokeAll { state: state.into(), since: at("2026-12-01T11:30:00Z") });
        }
    };
    said(
        revoke_all(RevokeAllState::Running),
        expect![[r#"
            REVOKE_ALL_RUNNING since 2026-12-01T11:30:00Z (Agent)
            since 2026-12-01T11:30:00Z the customer takes back everything that was given; agent's move: nothing is given meanwhile, nor after it, until the customer says `entente-agent resume`
        "#]],
    )
    .await;
    let bed = Bed::with_sample().await;
    let mut agent = with(&bed, revoke_all(RevokeAllState::Done)).await;
    // Nothing is reported of what is desired.
    let standing = agent.standing();
    let keys = agent.desired().into_iter().map(|item| item.key).collect();
    let mut ended = standing.clone();
    revoke_all(RevokeAllState::Done)(&mut ended);
    agent.report_with(Vec::new(), keys, false, ended).await;
    check(
        &bed,
        "contoso",
        expect![[r#"
            REVOKE_ALL_DONE since 2026-12-01T11:30:00Z (Customer)
            the customer took back everything that was given; read back empty twice by 2026-12-01T11:30:00Z; customer's move: nothing is given until the customer says `entente-agent resume`
        "#]],
    );
    agent.disconnect();
    bed.sleep(DAY);
    check(
        &bed,
        "contoso",
        expect![[r#"
            REVOKE_ALL_DONE since 2026-12-01T11:30:00Z (Customer)
            the customer took back everything that was given; read back empty twice by 2026-12-01T11:30:00Z; as last said: the agent is not connected since 2026-12-01T12:00:00Z, and nothing new reaches it, no leaver either; customer's move: nothing is given until the customer says `entente-agent resume`
        "#]],
    );
}

#[tokio::test]
async fn who_is_offline_says_since_when_and_what_still_holds() {
    let bed = Bed::with_sample().await;
    let mut agent = with(&bed, |_| {}).await;
    agent.disconnect();
    bed.sleep(DAY);
    check(
        &bed,
        "contoso",
        expect![[r#"
            OFFLINE since 2026-12-01T12:00:00Z (Customer)
            the agent is not connected since 2026-12-01T12:00:00Z; while it runs, end dates and removals that it was told of take effect there; nothing new arrives, no leaver either; customer's move: see that the agent runs and reaches us
        "#]],
    );
    bed.sleep(DAY * 31);
    check(
        &bed,
        "contoso",
        expect![[r#"
            OFFLINE since 2026-12-01T12:00:00Z (Provider)
            the agent is not connected since 2026-12-01T12:00:00Z; while it runs, end dates and removals that it was told of take effect there; nothing new arrives, no leaver either; your move: its certificate ended on 2026-12-31T12:00:00Z; `entente tokens create contoso`, for the customer to enrol with
        "#]],
    );
    bed.enrol(&tenant("fabrikam")).await;
    check(
        &bed,
        "fabrikam",
        expect![[r#"
            OFFLINE (Customer)
            the agent is not connected, and never was since it enrolled; while it runs, end dates and removals that it was told of take effect there; nothing new arrives, no leaver either; customer's move: see that the agent runs and reaches us
        "#]],
    );
}

#[tokio::test]
async fn open_items_say_why_and_whose_move_it_is() {
    let bed = Bed::with_sample().await;
    let mut agent = with(&bed, |_| {}).await;
    let keys: Vec<_> = agent.desired().into_iter().map(|item| item.key).collect();
    let item = |n: usize, state, reason| {
        let mut item = agent.item(keys[n].clone(), state);
        item.reason = Some(reason);
        item
    };
    let waiting =
        vec![item(0, ItemState::Waiting, Reason::Redemption), item(1, ItemState::Waiting, Reason::Dependency)];
    let refused = vec![
        item(2, ItemState::Refused, Reason::GuardrailCapability),
        item(3, ItemState::Refused, Reason::GuardrailCapability),
        item(4, ItemState::Held, Reason::OverCap),
    ];
    agent.report(waiting, Vec::new(), false).await;
    check(
        &bed,
        "contoso",
        expect![[r#"
            WAITING (Provider)
            1 WAITING (REDEMPTION), 1 WAITING (DEPENDENCY); your move: `entente items contoso --state WAITING` lists them, `entente explain contoso ITEM` says what to do
        "#]],
    );
    agent.report(refused, Vec::new(), false).await;
    check(
        &bed,
        "contoso",
        expect![[r#"
            PARTIAL (Customer)
            2 REFUSED (GUARDRAIL_CAPABILITY), 1 HELD (OVER_CAP); customer's move: `entente items contoso --state REFUSED` lists them, `entente explain contoso ITEM` says what to do
        "#]],
    );
}

#[test]
fn the_order_in_which_phases_are_said_stands_in_the_api() {
    let text = include_str!("../../../../proto/proto/entente/fleet/v1/fleet_service.proto");
    let comment = text.split("If several apply, the first in this order counts:").nth(1).unwrap();
    let comment = comment.split('.').next().unwrap();
    let printed = comment.replace("//", " ").split(',').map(|it| it.trim().to_owned()).collect::<Vec<_>>();
    let printed: Vec<String> = printed.iter().map(|it| it.split_whitespace().collect()).collect();
    assert_eq!(printed, TenantPhase::PRECEDENCE.iter().map(|it| it.word()).collect::<Vec<_>>());
    assert!(TenantPhase::PRECEDENCE.is_sorted(), "the order of the list is that of the phases");
}

fn finding(plane: &str, reason: &str, detail: &str) -> Finding {
    let plane = entente_model::word::Open::of(plane);
    Finding { plane, reason: Reason::of(reason), detail: detail.into() }
}

fn mode(it: &mut Standing, mode: PlaneMode) {
    it.planes.iter_mut().for_each(|plane| plane.mode = mode.into());
}

#[tokio::test]
async fn what_was_found_and_should_not_be_leaves_no_tenant_converged() {
    let extra = finding("memberships", "DRIFT_EXTRA", "user 7 is in group ent-l1 without an item");
    let settled = |bed: &Bed| bed.status(&tenant("contoso")).settled;
    for (findings, by, settles, expected) in [
        (
            vec![extra.clone()],
            PlaneMode::Verify,
            true,
            expect![[r#"
            PARTIAL (Customer)
            found on memberships, DRIFT_EXTRA: user 7 is in group ent-l1 without an item; customer's move: take it away in the tenant: the agent takes out members alone, and those on a plane that it manages
        "#]],
        ),
        (
            vec![extra.clone()],
            PlaneMode::Manage,
            false,
            expect![[r#"
            PARTIAL (Agent)
            found on memberships, DRIFT_EXTRA: user 7 is in group ent-l1 without an item; agent's move: the agent goes on by itself
        "#]],
        ),
        (
            vec![finding("entraRoles", "DRIFT_EXTRA", "user 7 is in group ent-l1-entra without an item")],
            PlaneMode::Manage,
            false,
            expect![[r#"
                PARTIAL (Agent)
                found on entraRoles, DRIFT_EXTRA: user 7 is in group ent-l1-entra without an item; agent's move: the agent goes on by itself
            "#]],
        ),
        (
            vec![finding("azureRoles", "DRIFT_EXTRA", "group 9 has a role that we did not give"), extra],
            PlaneMode::Manage,
            false,
            expect![[r#"
                PARTIAL (Customer)
                found on azureRoles, DRIFT_EXTRA: group 9 has a role that we did not give; and 1 more; customer's move: take it away in the tenant: the agent takes out members alone, and those on a plane that it manages
            "#]],
        ),
        (
            vec![finding("azureRoles", "PERMISSION_MISSING", "Role.Read is not granted")],
            PlaneMode::Verify,
            true,
            expect![[r#"
                PARTIAL (Customer)
                found on azureRoles, PERMISSION_MISSING: Role.Read is not granted; customer's move: grant the agent's application what `entente-agent permissions` lists
            "#]],
        ),
        (
            vec![finding("dreams", "NEW_FINDING", "seen")],
            PlaneMode::Manage,
            true,
            expect![[r#"
            PARTIAL (Provider)
            found on dreams, NEW_FINDING: seen; your move: update the control plane
        "#]],
        ),
    ] {
        let bed = Bed::with_sample().await;
        let agent = with(&bed, |it| {
            mode(it, by);
            it.findings = findings;
        })
        .await;
        check(&bed, "contoso", expected);
        assert_eq!(settled(&bed), settles);
        drop(agent);
    }
}
