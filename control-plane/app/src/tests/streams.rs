//! What an agent is told: whole states, deltas, leases; and who is sent away.

use entente_model::desired::Digest;

use super::agent::Agent;
use super::*;

#[tokio::test]
async fn a_new_agent_gets_its_state_and_then_a_lease() {
    let bed = Bed::with_sample().await;
    let mut agent = Agent::enrol(&bed, "contoso").await;
    assert_eq!(bed.status(&tenant("contoso")).phase, TenantPhase::Offline);
    agent.connect(&bed).await;
    assert_eq!(agent.hear(&bed).await, ["snapshot"]);
    bed.app.parts().leases.renew();
    assert_eq!(agent.hear(&bed).await, ["lease"]);
    assert_eq!(bed.status(&tenant("contoso")).revisions_behind, 0);
    bed.app.parts().leases.renew();
    assert!(agent.hear(&bed).await.is_empty(), "a fresh lease is not renewed");
    bed.sleep(Duration::from_secs(16 * 60));
    bed.app.parts().leases.renew();
    assert_eq!(agent.hear(&bed).await, ["lease"], "after a quarter it is");
}

#[tokio::test]
async fn a_change_is_a_delta_for_those_whom_it_touches() {
    let bed = Bed::with_sample().await;
    let (mut contoso, mut fabrikam) = (Agent::enrol(&bed, "contoso").await, Agent::enrol(&bed, "fabrikam").await);
    for agent in [&mut contoso, &mut fabrikam] {
        agent.connect(&bed).await;
        assert_eq!(agent.hear(&bed).await, ["snapshot"]);
    }
    bed.relabel("fabrikam", 2).await;
    assert!(contoso.hear(&bed).await.is_empty());
    assert_eq!(fabrikam.hear(&bed).await, ["delta"]);
    assert!(fabrikam.items.len() < contoso.items.len());
}

#[tokio::test]
async fn a_reconnect_resumes_or_gets_a_delta_or_a_snapshot() {
    let bed = Bed::with_sample().await;
    let mut agent = Agent::enrol(&bed, "contoso").await;
    agent.connect(&bed).await;
    agent.hear(&bed).await;
    bed.app.parts().leases.renew();
    agent.hear(&bed).await;

    agent.disconnect();
    agent.connect(&bed).await;
    assert_eq!(agent.hear(&bed).await, ["lease"], "the same content");

    agent.disconnect();
    bed.apply(vec![squad(&["maya"])]).await.unwrap();
    agent.connect(&bed).await;
    assert_eq!(bed.status(&tenant("contoso")).revisions_behind, 1);
    assert_eq!(agent.hear(&bed).await, ["delta"], "a known base");

    agent.disconnect();
    for round in 0..9 {
        bed.apply(vec![squad(if round % 2 == 0 { &["maya", "li"] } else { &["maya"] })]).await.unwrap();
        bed.apply(vec![person(&format!("p{round}"), 100 + round), squad(&["maya", &format!("p{round}")])])
            .await
            .unwrap();
    }
    agent.connect(&bed).await;
    assert_eq!(agent.hear(&bed).await, ["snapshot"], "an older base is no longer remembered");
}

#[tokio::test]
async fn one_state_is_in_flight_and_of_several_newer_ones_only_the_latest_follows() {
    let bed = Bed::with_sample().await;
    let mut agent = Agent::enrol(&bed, "contoso").await;
    agent.connect(&bed).await;
    let Some(Outgoing::Snapshot { nonce, .. }) = agent.next() else { panic!("a snapshot") };
    for members in [&["maya"][..], &["li"], &["maya", "jonas"]] {
        bed.apply(vec![squad(members)]).await.unwrap();
        assert!(agent.next().is_none());
    }
    agent.say(Incoming::Nack { nonce, permanent: false, errors: vec!["disk full".into()] }).await.unwrap();
    assert!(agent.next().is_none(), "not before a while has passed");
    bed.sleep(Duration::from_secs(11));
    assert_eq!(agent.hear(&bed).await, ["snapshot"]);
    assert_eq!(agent.items.digest(), bed.app.snapshot().fleet.tenant(&tenant("contoso")).unwrap().digest());
    assert!(agent.say(Incoming::Accepted { nonce }).await.is_err(), "an old nonce is none");
    assert_eq!(agent.hear(&bed).await, ["away: protocol"]);
}

#[tokio::test]
async fn a_refusal_parks_until_something_newer_or_a_person() {
    let bed = Bed::with_sample().await;
    let mut agent = Agent::enrol(&bed, "contoso").await;
    agent.connect(&bed).await;
    let refuse = async |agent: &mut Agent| {
        let Some(Outgoing::Snapshot { nonce, .. } | Outgoing::Delta { nonce, .. }) = agent.next() else { panic!() };
        agent.say(Incoming::Nack { nonce, permanent: true, errors: vec!["bad signature".into()] }).await.unwrap();
    };
    refuse(&mut agent).await;
    assert!(agent.next().is_none());
    let status = bed.status(&tenant("contoso"));
    assert_eq!(status.phase, TenantPhase::Parked);
    assert!(status.parked.unwrap().contains("bad signature"));

    bed.app.resend_tenant(&editor(), &tenant("contoso")).await.unwrap();
    let newest = bed.app.audit(&viewer(), &page(), None).await.unwrap().items.remove(0);
    assert_eq!((newest.actor.as_str(), newest.method.as_str()), ("principals/editor", "ResendTenant"));
    assert!(
        newest.summary.contains("ends the alarm") && newest.summary.contains("bad signature"),
        "{}",
        newest.summary
    );
    refuse(&mut agent).await;
    bed.apply(vec![squad(&["maya"])]).await.unwrap();
    assert_eq!(agent.hear(&bed).await, ["snapshot"]);
    assert_eq!(bed.status(&tenant("contoso")).parked, None);
}

#[tokio::test]
async fn answers_to_what_a_resend_replaced_mean_nothing_and_break_nothing() {
    let bed = Bed::with_sample().await;
    let contoso = tenant("contoso");
    let mut agent = Agent::enrol(&bed, "contoso").await;
    agent.connect(&bed).await;
    let errors = || vec!["disk full".into()];
    for answer in [
        |nonce, _| Incoming::Received { nonce },
        |nonce, _| Incoming::Accepted { nonce },
        |nonce, errors| Incoming::Nack { nonce, permanent: false, errors },
        |nonce, errors| Incoming::Nack { nonce, permanent: true, errors },
    ] {
        let Some(Outgoing::Snapshot { nonce, .. }) = agent.next() else { panic!("a snapshot") };
        bed.app.resend_tenant(&editor(), &contoso).await.unwrap();
        agent.say(answer(nonce, errors())).await.unwrap();
        assert_eq!(bed.status(&contoso).parked, None);
    }
    assert_eq!(agent.hear(&bed).await, ["snapshot"]);
    assert_eq!(bed.status(&contoso).revisions_behind, 0);
    for never in [0, 99] {
        assert!(agent.say(Incoming::Accepted { nonce: never }).await.is_err(), "{never} was never sent");
    }
}

#[tokio::test]
async fn a_newer_stream_of_the_same_run_displaces_the_older() {
    let bed = Bed::with_sample().await;
    let mut older = Agent::enrol(&bed, "contoso").await;
    let mut newer = older.copy();
    newer.boot_id.clone_from(&older.boot_id);
    older.connect(&bed).await;
    older.hear(&bed).await;
    newer.connect(&bed).await;
    assert_eq!(older.hear(&bed).await, ["away: displaced"]);
    assert_eq!(newer.hear(&bed).await, ["snapshot"]);
    older.disconnect();
    assert!(bed.status(&tenant("contoso")).connected, "the older one's end does not end the newer");
}

#[tokio::test]
async fn an_older_stream_of_another_run_that_still_answers_is_a_clone() {
    let bed = Bed::with_sample().await;
    let mut one = Agent::enrol(&bed, "contoso").await;
    one.connect(&bed).await;
    one.hear(&bed).await;
    let mut other = one.copy();
    other.connect(&bed).await;
    assert_eq!(one.hear(&bed).await, ["ping", "away: clone"]);
    assert_eq!(other.hear(&bed).await.last().unwrap(), "away: clone");
    let status = bed.status(&tenant("contoso"));
    assert_eq!(status.phase, TenantPhase::Parked);
    one.disconnect();
    other.disconnect();

    one.connect(&bed).await;
    assert!(one.welcome.as_ref().unwrap().parked.is_some());
    bed.apply(vec![squad(&["maya"])]).await.unwrap();
    assert!(one.hear(&bed).await.is_empty(), "neither is told anything");
    one.disconnect();
    // A new agent ends the alarm, and the former certificate with it.
    let mut fresh = Agent::enrol(&bed, "contoso").await;
    fresh.connect(&bed).await;
    assert_eq!(fresh.hear(&bed).await, ["snapshot"]);
    assert_eq!(one.try_connect(&bed).await.unwrap_err().reason, GoAwayReason::Revoked);
}

#[tokio::test]
async fn an_older_stream_that_is_silent_is_only_a_restart() {
    let bed = Bed::with_sample().await;
    let mut older = Agent::enrol(&bed, "contoso").await;
    older.connect(&bed).await;
    older.hear(&bed).await;
    older.mute = true;
    let mut newer = older.copy();
    newer.connect(&bed).await;
    assert_eq!(older.hear(&bed).await, ["ping"]);
    bed.sleep(Duration::from_secs(31));
    bed.app.parts().streams.pulse();
    assert_eq!(older.hear(&bed).await, ["away: displaced"]);
    assert_eq!(bed.status(&tenant("contoso")).parked, None);
    bed.apply(vec![squad(&["maya"])]).await.unwrap();
    assert_eq!(newer.hear(&bed).await, ["delta"]);
}

#[tokio::test]
async fn revocation_and_the_end_of_a_certificate_cut_the_stream() {
    let bed = Bed::with_sample().await;
    let mut contoso = Agent::enrol(&bed, "contoso").await;
    let mut fabrikam = Agent::enrol(&bed, "fabrikam").await;
    contoso.connect(&bed).await;
    fabrikam.connect(&bed).await;
    let agent = bed.app.list_agents(&viewer(), Some(&tenant("contoso")), &page()).unwrap().items.remove(0);
    assert!(agent.connected);
    bed.sleep(Duration::from_secs(1));
    bed.app.revoke_agent(&admin(), &agent.name, &options()).await.unwrap();
    assert_eq!(contoso.hear(&bed).await, ["away: revoked"]);
    assert_eq!(bed.status(&tenant("contoso")).phase, TenantPhase::AgentRevoked);

    bed.sleep(31 * DAY);
    bed.app.parts().streams.pulse();
    assert_eq!(fabrikam.hear(&bed).await.last().unwrap(), "away: not known", "ended, and not revoked");
}

#[tokio::test]
async fn silence_ends_a_stream_and_pings_keep_it() {
    let bed = Bed::with_sample().await;
    let mut agent = Agent::enrol(&bed, "contoso").await;
    agent.connect(&bed).await;
    agent.hear(&bed).await;
    for _ in 0..5 {
        bed.sleep(Duration::from_secs(61));
        bed.app.parts().streams.pulse();
        assert_eq!(agent.hear(&bed).await, ["ping"]);
    }
    agent.mute = true;
    bed.sleep(Duration::from_secs(181));
    bed.app.parts().streams.pulse();
    assert!(!bed.status(&tenant("contoso")).connected, "also if nobody polls its stream any more");
    assert!(agent.hear(&bed).await.last().unwrap().starts_with("away"));
}

#[tokio::test]
async fn a_deleted_tenant_sends_its_agent_away() {
    let bed = Bed::with_sample().await;
    let mut agent = Agent::enrol(&bed, "fabrikam").await;
    agent.connect(&bed).await;
    agent.hear(&bed).await;
    bed.relabel("fabrikam", 2).await;
    bed.delete("tenants/fabrikam").await.unwrap();
    assert_eq!(agent.hear(&bed).await, ["away: revoked"]);
    assert_eq!(agent.try_connect(&bed).await.unwrap_err().reason, GoAwayReason::Revoked);
    assert_eq!(bed.app.reports().tenant_status(&viewer(), &tenant("fabrikam")).unwrap_err().reason(), "NOT_FOUND");
    // A tenant of the same name is another one.
    bed.apply(vec![customer("fabrikam", 2)]).await.unwrap();
    assert_eq!(bed.status(&tenant("fabrikam")).phase, TenantPhase::Unenrolled);
    assert_eq!(agent.try_connect(&bed).await.unwrap_err().reason, GoAwayReason::Revoked);
}

#[tokio::test]
async fn an_agent_of_another_history_is_parked_until_a_new_epoch() {
    let bed = Bed::with_sample().await;
    let mut agent = Agent::enrol(&bed, "contoso").await;
    agent.connect(&bed).await;
    agent.hear(&bed).await;
    agent.disconnect();
    // As after a restored backup: the state that the agent holds was never signed here.
    agent.held.as_mut().unwrap().root = Digest([7; 32]);
    agent.connect(&bed).await;
    assert!(agent.welcome.as_ref().unwrap().parked.as_ref().unwrap().contains("new-epoch"));
    bed.apply(vec![squad(&["maya"])]).await.unwrap();
    assert!(agent.hear(&bed).await.is_empty());
    // The agent is told who leaves all the same: once on each connection.
    bed.leave("operators/maya").await;
    assert_eq!(agent.hear(&bed).await, ["leavers: 1"]);
    bed.app.parts().leases.grant();
    assert!(agent.hear(&bed).await.is_empty());
    agent.disconnect();
    agent.connect(&bed).await;
    assert_eq!(agent.hear(&bed).await, ["leavers: 1"]);
    assert_eq!(bed.app.resend_tenant(&editor(), &tenant("contoso")).await.unwrap_err().reason(), "CONTRADICTS");
    agent.disconnect();

    let bed = bed.restart(async |store, root| {
        let statement = root.state(&Statement::Epoch { epoch: 2, reason: "restored".into() });
        provision::import(store, root.public(), &statement).await.unwrap();
        provision::import(store, root.public(), &statement).await.expect("twice is the same as once");
        let other = root.state(&Statement::Epoch { epoch: 2, reason: "another".into() });
        assert!(provision::import(store, root.public(), &other).await.is_err(), "an epoch follows");
    });
    let bed = bed.await;
    agent.connect(&bed).await;
    assert_eq!(agent.hear(&bed).await, ["snapshot"]);
    assert_eq!(agent.held.as_ref().unwrap().version.epoch, 2);
}

#[tokio::test]
async fn a_new_epoch_begins_with_a_state_even_of_the_same_content() {
    let bed = Bed::with_sample().await;
    let mut agent = Agent::enrol(&bed, "contoso").await;
    agent.connect(&bed).await;
    agent.hear(&bed).await;
    agent.disconnect();
    let bed = bed.restart(async |store, root| {
        let statement = root.state(&Statement::Epoch { epoch: 2, reason: "a drill".into() });
        provision::import(store, root.public(), &statement).await.unwrap();
    });
    let bed = bed.await;
    agent.connect(&bed).await;
    assert_eq!(agent.hear(&bed).await, ["delta"]);
    bed.app.parts().leases.grant();
    assert_eq!(agent.hear(&bed).await, ["lease"]);
}

#[tokio::test]
async fn leases_follow_a_stream_and_a_state_without_being_asked_for() {
    let bed = Bed::with_sample().await;
    let mut agent = Agent::enrol(&bed, "contoso").await;
    agent.connect(&bed).await;
    agent.hear(&bed).await;
    bed.app.parts().leases.grant();
    assert_eq!(agent.hear(&bed).await, ["lease"]);
    bed.apply(vec![squad(&["maya"])]).await.unwrap();
    assert_eq!(agent.hear(&bed).await, ["delta"]);
    bed.app.parts().leases.grant();
    assert_eq!(agent.hear(&bed).await, ["lease"]);
    bed.app.parts().leases.grant();
    assert!(agent.hear(&bed).await.is_empty());
}

#[tokio::test]
async fn an_agent_that_does_not_read_is_sent_away() {
    let bed = Bed::with_sample().await;
    let mut agent = Agent::enrol(&bed, "contoso").await;
    agent.connect(&bed).await;
    let mut reports = 0;
    let refused = loop {
        let report = entente_model::report::Report { number: reports, ..Default::default() };
        reports += 1;
        if let Err(error) = agent.say(Incoming::Report { report, full: false }).await {
            break error;
        }
    };
    assert!(matches!(refused, ProtocolError::Unread));
    assert_eq!(agent.hear(&bed).await, ["away: protocol"]);
}

#[tokio::test]
async fn shutting_down_tells_the_agents_and_waits_for_them() {
    let bed = Bed::with_sample().await;
    let mut agent = Agent::enrol(&bed, "contoso").await;
    bed.app.start();
    agent.connect(&bed).await;
    agent.hear(&bed).await;
    assert!(!bed.app.shutdown(Duration::from_millis(50)).await, "a stream is still there");
    assert_eq!(agent.hear(&bed).await.last().unwrap(), "away: shutdown");
    agent.disconnect();
    assert!(bed.app.shutdown(Duration::from_secs(10)).await);
    assert_eq!(agent.try_connect(&bed).await.unwrap_err().reason, GoAwayReason::Shutdown);
}
