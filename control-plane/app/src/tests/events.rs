//! What happened in a tenant: recorded with what it is about, once, bounded, listed and followed.

use entente_model::report::{ItemState, Mended, Reason, Report, Standing};
use futures::FutureExt;

use super::agent::Agent;
use super::*;

async fn connected(bed: &Bed, id: &str) -> Agent {
    let mut agent = Agent::enrol(bed, id).await;
    agent.connect(bed).await;
    agent.hear(bed).await;
    agent
}

fn word(kind: EventKind) -> String {
    serde_json::to_value(kind).unwrap().as_str().unwrap().to_owned()
}

async fn list(bed: &Bed, filter: &EventFilter) -> Vec<Event> {
    bed.app.reports().list_events(&viewer(), filter, &page()).await.unwrap().items
}

/// The oldest first, in short.
async fn told(bed: &Bed, id: &str) -> Vec<String> {
    let filter = EventFilter { tenant: Some(tenant(id)), ..EventFilter::default() };
    let short = |it: &Event| format!("{} {}", word(it.kind), it.text.split([':', ';']).next().unwrap_or_default());
    list(bed, &filter).await.iter().rev().map(short).collect()
}

#[tokio::test]
async fn users_events_a_night_has_a_history_and_a_repeated_report_adds_nothing() {
    let bed = Bed::with_sample().await;
    let mut agent = connected(&bed, "contoso").await;
    agent.report_applied().await;
    let name = agent.desired()[0].key.clone();
    let paused = Standing { paused: true, ..agent.standing() };
    for standing in [paused.clone(), paused, agent.standing(), agent.standing()] {
        agent.report_with(Vec::new(), Vec::new(), false, standing).await;
    }
    let drifted = agent.item(name.clone(), ItemState::Drifted);
    let applied = agent.item(name, ItemState::Applied);
    for item in [drifted.clone(), drifted, applied.clone(), applied] {
        agent.report(vec![item], Vec::new(), false).await;
    }
    let told = told(&bed, "contoso").await;
    assert!(told[0].starts_with("AGENT_ENROLLED tenants/contoso/agents/"), "{told:?}");
    assert_eq!(
        told[1..],
        [
            "PHASE_CHANGED CONVERGED",
            "PHASE_CHANGED PAUSED, was CONVERGED",
            "PHASE_CHANGED CONVERGED, was PAUSED",
            "DRIFT_FOUND Defender assignment ent-l1",
            "PHASE_CHANGED PARTIAL, was CONVERGED",
            "DRIFT_MENDED Defender assignment ent-l1 is as it should be again",
            "PHASE_CHANGED CONVERGED, was PARTIAL",
        ]
    );
}

fn mended(agent: &Agent, number: u64) -> Mended {
    let at = |seconds| Timestamp::from_unix(start() + seconds);
    let (key, reason, detail) = (agent.desired()[0].key.clone(), Reason::DriftMissing, String::new());
    Mended { number, key, reason, detail, found: at(1), mended: at(2) }
}

#[tokio::test]
async fn what_an_agent_mended_between_two_reports_is_told_once_also_after_a_restart() {
    let bed = Bed::with_sample().await;
    let mut agent = connected(&bed, "contoso").await;
    agent.report_applied().await;
    let of = |numbers: &[u64], agent: &Agent| {
        let mended = numbers.iter().map(|number| mended(agent, *number)).collect();
        Incoming::Report { report: Report { number: 9, mended, ..Report::default() }, full: false }
    };
    agent.say(of(&[1], &agent)).await.unwrap();
    // The acknowledgement was lost, and something came to it.
    agent.say(of(&[1, 2], &agent)).await.unwrap();
    agent.disconnect();
    let bed = bed.restart(async |_, _| {}).await;
    agent.connect(&bed).await;
    agent.hear(&bed).await;
    agent.say(of(&[1, 2], &agent)).await.unwrap();
    let told = told(&bed, "contoso").await;
    assert_eq!(told.iter().filter(|it| it.starts_with("DRIFT_MENDED")).count(), 2, "{told:?}");
    agent.say(of(&[3; 101], &agent)).await.unwrap_err();
}

#[tokio::test]
async fn agents_that_come_and_go_and_what_they_refuse_are_told() {
    let bed = Bed::with_sample().await;
    let first = connected(&bed, "contoso").await;
    let mut second = Agent::enrol(&bed, "contoso").await;
    for _ in 0..2 {
        second.mute = true;
        second.connect(&bed).await;
        let nonce = loop {
            match second.next() {
                Some(Outgoing::Snapshot { nonce, .. } | Outgoing::Delta { nonce, .. }) => break nonce,
                Some(_) => {}
                None => panic!("no state is sent"),
            }
        };
        let errors = vec!["bad\u{1b}[2J seal".to_owned()];
        second.say(Incoming::Nack { nonce, permanent: true, errors }).await.unwrap();
        second.disconnect();
    }
    let Who::Agent(name) = &second.peer.who else { panic!("an agent's certificate") };
    for _ in 0..2 {
        bed.app.revoke_agent(&admin(), name, &options()).await.unwrap();
    }
    let Who::Agent(former) = &first.peer.who else { panic!("an agent's certificate") };
    let told = told(&bed, "contoso").await;
    let expected = [
        format!("AGENT_ENROLLED {former}"),
        format!("AGENT_ENROLLED {name}"),
        format!("AGENT_DISPLACED {name} took the place of the live agent {former}"),
        told[3].clone(),
        format!("AGENT_REVOKED {name} was revoked by principals/admin"),
    ];
    assert_eq!(told, expected);
    assert!(told[3].starts_with("TENANT_PARKED the agent refused version") && !told[3].contains('\u{1b}'), "{told:?}");
}

#[tokio::test]
async fn who_was_proven_gone_and_is_there_again_is_told() {
    let bed = Bed::with_sample().await;
    let mut agent = connected(&bed, "contoso").await;
    agent.report_applied().await;
    bed.leave("operators/maya").await;
    agent.hear(&bed).await;
    agent.report_removed().await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    let key = agent.absent().into_iter().find(|key| key.to_string().starts_with("user/")).unwrap();
    let back = agent.item(key, ItemState::Residual);
    agent.report(vec![back], Vec::new(), false).await;
    bed.app.parts().removals.settle_removals().await.unwrap();
    let told = told(&bed, "contoso").await;
    assert!(told.contains(&"ACCOUNT_CAME_BACK operators/maya".to_owned()), "{told:?}");
}

#[tokio::test]
async fn only_so_many_are_kept_of_each_tenant_and_one_tenant_pushes_out_no_other() {
    let bed = Bed::with_sample().await;
    let (mut noisy, mut quiet) = (connected(&bed, "contoso").await, connected(&bed, "fabrikam").await);
    quiet.report_applied().await;
    noisy.report_applied().await;
    for n in 0..520_u64 {
        let standing = Standing { guardrail: format!("{n:064}"), paused: n % 2 == 0, ..noisy.standing() };
        noisy.report_with(Vec::new(), Vec::new(), false, standing).await;
        noisy.hear(&bed).await;
    }
    let all = async |prefix: &str| {
        let (mut count, mut after) = (0, None);
        loop {
            let page = bed.app.parts().history.store.scan(prefix, after.as_deref(), 1_000).await.unwrap();
            count += page.entries.len();
            match page.next {
                Some(next) => after = Some(next),
                None => return count,
            }
        }
    };
    assert_eq!(all("event/contoso/").await, 1_000);
    assert_eq!(all("event/fabrikam/").await, 2);
    assert_eq!(all("event-at/").await, 1_002);
    assert_eq!(told(&bed, "fabrikam").await.len(), 2);
}

#[tokio::test]
async fn lists_are_of_a_tenant_or_of_all_since_a_time_and_in_pages() {
    let bed = Bed::with_sample().await;
    let mut contoso = connected(&bed, "contoso").await;
    contoso.report_applied().await;
    bed.sleep(DAY);
    let fabrikam = connected(&bed, "fabrikam").await;
    let paused = Standing { paused: true, ..contoso.standing() };
    contoso.report_with(Vec::new(), Vec::new(), false, paused).await;
    let of = async |filter: EventFilter| {
        let mut numbers = Vec::new();
        let mut page = PageRequest { size: 1, ..PageRequest::default() };
        loop {
            let got = bed.app.reports().list_events(&viewer(), &filter, &page).await.unwrap();
            numbers.extend(got.items.iter().map(|it| it.number));
            if got.next.is_empty() {
                return numbers;
            }
            page.token = got.next;
        }
    };
    assert_eq!(of(EventFilter::default()).await, [4, 3, 2, 1]);
    let since = Some(Timestamp::from_unix(start() + 60));
    assert_eq!(of(EventFilter { since, ..EventFilter::default() }).await, [4, 3]);
    let tenant_of = |id| EventFilter { tenant: Some(tenant(id)), ..EventFilter::default() };
    assert_eq!(of(tenant_of("contoso")).await, [4, 2, 1]);
    assert_eq!(of(EventFilter { since, ..tenant_of("contoso") }).await, [4]);
    let kinds = vec![EventKind::AgentEnrolled];
    assert_eq!(of(EventFilter { kinds, ..EventFilter::default() }).await, [3, 1]);
    let unknown = bed.app.reports().list_events(&viewer(), &tenant_of("nowhere"), &page()).await.unwrap_err();
    assert!(matches!(unknown, AppError::NotFound { .. }), "{unknown:?}");
    drop(fabrikam);
}

#[tokio::test]
async fn a_watch_tells_each_event_once_and_in_order_from_where_it_is_asked_to() {
    let bed = Bed::with_sample().await;
    let mut agent = connected(&bed, "contoso").await;
    agent.report_applied().await;
    let watch = async |start, id: Option<&str>| {
        let filter = EventFilter { tenant: id.map(tenant), ..EventFilter::default() };
        bed.app.reports().watch_events(&viewer(), filter, start).await
    };
    let numbers = |watch: &mut EventWatch| {
        let mut numbers = Vec::new();
        while let Some(Some(event)) = watch.next().now_or_never() {
            numbers.push(event.unwrap().number);
        }
        numbers
    };
    let mut now = watch(EventStart::Now, None).await.unwrap();
    let mut after = watch(EventStart::After(1), None).await.unwrap();
    let mut since = watch(EventStart::Since(Timestamp::from_unix(start())), None).await.unwrap();
    let mut other = watch(EventStart::After(0), Some("fabrikam")).await.unwrap();
    assert!(now.next().now_or_never().is_none());
    let paused = Standing { paused: true, ..agent.standing() };
    agent.report_with(Vec::new(), Vec::new(), false, paused).await;
    let seen = [numbers(&mut now), numbers(&mut after), numbers(&mut since), numbers(&mut other)];
    assert_eq!(seen, [vec![3], vec![2, 3], vec![1, 2, 3], vec![]]);
    let ahead = watch(EventStart::After(9), None).await.unwrap_err();
    assert!(ahead.to_string().contains("was a backup restored"), "{ahead}");
    bed.app.shutdown(Duration::from_secs(5)).await;
    assert!(now.next().await.is_none());
}

#[tokio::test]
async fn a_tenant_that_is_deleted_takes_its_events_along() {
    let bed = Bed::with_sample().await;
    let mut agent = connected(&bed, "contoso").await;
    agent.report_applied().await;
    let _silent = Agent::enrol(&bed, "fabrikam").await;
    bed.relabel("contoso", 1).await;
    bed.relabel("fabrikam", 2).await;
    bed.delete("tenants/contoso").await.unwrap();
    bed.delete("tenants/fabrikam").await.unwrap();
    bed.app.parts().cleanup.look().await.unwrap();
    for prefix in ["event/", "event-at/"] {
        assert_eq!(bed.app.parts().history.store.scan(prefix, None, 10).await.unwrap().entries, [], "{prefix}");
    }
}
