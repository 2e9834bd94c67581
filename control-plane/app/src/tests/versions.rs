//! A store and agents that are not of one time: a restored backup, rows of a later version, a tenant that is made anew.

use entente_model::report::ItemState;
use entente_store::Commit;

use super::agent::Agent;
use super::restart::copy;
use super::*;
use crate::reports::{ReportError, keep};

/// Runs `lost` on the server, and then takes it back to where it was.
async fn restored(bed: Bed, lost: impl AsyncFnOnce(&Bed)) -> Bed {
    let (live, backup) = (bed.dir.path().join("store"), bed.dir.path().join("backup"));
    let Bed { dir, root, online, ca, time, app } = bed;
    drop(app);
    copy(&live, &backup);
    let app = open(open_store(&dir), &online, &ca, &time).await.unwrap();
    let bed = Bed { dir, root, online, ca, time, app };
    lost(&bed).await;
    let Bed { dir, root, online, ca, time, app } = bed;
    drop(app);
    std::fs::remove_dir_all(&live).unwrap();
    std::fs::rename(&backup, &live).unwrap();
    let app = open(open_store(&dir), &online, &ca, &time).await.unwrap();
    Bed { dir, root, online, ca, time, app }
}

async fn new_epoch(bed: Bed, epoch: u64) -> Bed {
    bed.restart(async |store, root| {
        let statement = root.state(&Statement::Epoch { epoch, reason: "restored".into() });
        provision::import(store, root.public(), &statement).await.unwrap();
    })
    .await
}

async fn renewed(bed: &Bed, peer_before: &Peer) -> Peer {
    let (_, csr) = create_key_and_csr().unwrap();
    peer(&bed.app.renew(peer_before, &csr).await.unwrap().certificate_pem)
}

fn away(refused: Result<(), Refused>) -> GoAwayReason {
    refused.unwrap_err().reason
}

#[tokio::test]
async fn architecture_7_1_agents_that_renewed_since_a_restored_backup_come_back_with_a_persons_word() {
    let bed = Bed::with_sample().await;
    let mut agent = Agent::enrol(&bed, "contoso").await;
    agent.connect(&bed).await;
    agent.hear(&bed).await;
    agent.disconnect();
    let bed = restored(bed, async |bed| {
        bed.sleep(20 * DAY);
        agent.peer = renewed(bed, &agent.peer).await;
    })
    .await;
    bed.sleep(DAY);

    assert_eq!(away(agent.try_connect(&bed).await), GoAwayReason::NotKnown, "nobody has revoked it");
    let status = bed.status(&tenant("contoso"));
    assert_eq!(status.phase, TenantPhase::Parked);
    assert!(status.explanation.contains("new-epoch"), "{}", status.explanation);

    let bed = new_epoch(bed, 2).await;
    agent.connect(&bed).await;
    assert_eq!(agent.hear(&bed).await, ["delta"]);
    assert_eq!(agent.held.as_ref().unwrap().version.epoch, 2);
    agent.disconnect();
    // It renews as any, and with that the store knows it.
    bed.sleep(15 * DAY);
    agent.peer = renewed(&bed, &agent.peer).await;
    agent.connect(&bed).await;
}

#[tokio::test]
async fn only_what_was_made_before_the_new_epoch_is_taken_for_forgotten() {
    let bed = Bed::with_sample().await;
    let first = bed.enrol(&tenant("contoso")).await;
    bed.sleep(20 * DAY);
    let second = renewed(&bed, &first).await;
    bed.sleep(20 * DAY);
    let third = renewed(&bed, &second).await;
    let bed = new_epoch(bed, 2).await;
    let reason = |bed: &Bed, peer: &Peer| bed.app.admit_agent(peer).map_err(|refused| refused.reason);
    assert_eq!(reason(&bed, &first), Err(GoAwayReason::Revoked), "replaced by what is known");
    bed.app.admit_agent(&third).unwrap();
    // One from a history after that epoch, as after a second restored backup.
    bed.sleep(20 * DAY);
    let mut later = Peer { serial: pki::Serial::random().unwrap(), ..third.clone() };
    (later.not_before, later.not_after) = (bed.app.now(), bed.app.now().plus(30 * DAY));
    assert_eq!(reason(&bed, &later), Err(GoAwayReason::NotKnown));
    let Who::Agent(name) = &third.who else { panic!("an agent's certificate") };
    bed.app.revoke_agent(&admin(), name, &options()).await.unwrap();
    let bed = new_epoch(bed, 3).await;
    for peer in [&first, &second, &third, &later] {
        assert_eq!(reason(&bed, peer), Err(GoAwayReason::Revoked), "a new epoch brings back nobody who was revoked");
    }
}

#[tokio::test]
async fn a_certificate_that_has_ended_is_no_revocation() {
    let bed = Bed::with_sample().await;
    let mut agent = Agent::enrol(&bed, "contoso").await;
    agent.connect(&bed).await;
    agent.hear(&bed).await;
    bed.sleep(31 * DAY);
    bed.app.parts().streams.pulse();
    assert_eq!(agent.hear(&bed).await.last().unwrap(), "away: not known");
    agent.disconnect();
    assert_eq!(away(agent.try_connect(&bed).await), GoAwayReason::NotKnown);
}

async fn reported(bed: &Bed) -> Agent {
    let mut agent = Agent::enrol(bed, "contoso").await;
    agent.connect(bed).await;
    agent.hear(bed).await;
    agent.report_applied().await;
    agent.disconnect();
    agent
}

async fn status_rows(bed: &Bed) -> Vec<String> {
    let page = bed.app.parts().history.store.scan("status/contoso/", None, 100).await.unwrap();
    page.entries.iter().map(|(key, _)| key.to_string()).collect()
}

#[tokio::test]
async fn architecture_1_5_a_reported_row_that_cannot_be_read_is_asked_for_again() {
    for standing in [false, true] {
        let bed = Bed::with_sample().await;
        let mut agent = reported(&bed).await;
        let row = status_rows(&bed).await.remove(0);
        let key = if standing { "standing/contoso".to_owned() } else { row };
        let bed = bed.restart(async |store, _| {
            store.commit(Commit::new().put(key.as_str(), "{\"shape\": \"later\"}")).await.unwrap();
        });
        // It asks as long as nothing was said, over restarts.
        let bed = bed.await.restart(async |_, _| {}).await;
        assert!(bed.app.parts().channels.was_enrolled(&bed.app.parts().registry.tables(), &tenant("contoso")));
        agent.connect(&bed).await;
        assert!(agent.welcome.as_ref().unwrap().resend_reports);
        agent.report_applied().await;
        assert_eq!(bed.status(&tenant("contoso")).counts.keys().collect::<Vec<_>>(), [&ItemState::Applied]);
        agent.disconnect();
        let bed = bed.restart(async |_, _| {}).await;
        agent.connect(&bed).await;
        assert!(!agent.welcome.as_ref().unwrap().resend_reports);
    }
}

#[tokio::test]
async fn architecture_1_5_a_server_that_was_rolled_back_reads_rows_with_later_words() {
    let bed = Bed::with_sample().await;
    let mut agent = reported(&bed).await;
    let key = status_rows(&bed).await.remove(0);
    let bed = bed.restart(async |store, _| {
        let row = store.get(&key).await.unwrap().unwrap();
        let text = String::from_utf8(row.value.to_vec()).unwrap().replace("\"APPLIED\"", "\"SHINING\"");
        store.commit(Commit::new().put(key.as_str(), text)).await.unwrap();
    });
    let bed = bed.await;
    agent.connect(&bed).await;
    let status = bed.status(&tenant("contoso"));
    assert_eq!(status.counts.get(&ItemState::of("SHINING")), Some(&1));
    assert_eq!(status.phase, TenantPhase::Partial);
}

#[tokio::test]
async fn architecture_7_10_a_report_in_flight_does_not_outlive_its_tenant() {
    let bed = Bed::with_sample().await;
    let agent = reported(&bed).await;
    let Who::Agent(name) = &agent.peer.who else { panic!("an agent's certificate") };
    let channel = bed.app.parts().channels.get(&tenant("contoso")).unwrap();
    let item = agent.item(agent.desired()[0].key.clone(), ItemState::Drifted);
    bed.relabel("contoso", 1).await;
    bed.delete("tenants/contoso").await.unwrap();
    bed.app.parts().cleanup.look().await.unwrap();
    bed.apply(vec![customer("contoso", 1)]).await.unwrap();
    let said = entente_model::report::Report { items: vec![item], ..Default::default() };
    let kept = keep::keep(&bed.app.parts().reports, &channel, name, said, false).await;
    assert!(matches!(kept, Err(ReportError::Gone)), "{kept:?}");
    assert!(status_rows(&bed).await.is_empty());
}

#[tokio::test]
async fn architecture_7_8_a_restart_forgets_no_clone() {
    let bed = Bed::with_sample().await;
    let mut one = Agent::enrol(&bed, "contoso").await;
    one.connect(&bed).await;
    one.hear(&bed).await;
    let mut other = one.copy();
    other.connect(&bed).await;
    assert_eq!(one.hear(&bed).await, ["ping", "away: clone"]);
    one.disconnect();
    other.disconnect();
    let bed = bed.restart(async |_, _| {}).await;
    assert_eq!(bed.status(&tenant("contoso")).phase, TenantPhase::Parked);
    one.connect(&bed).await;
    assert!(one.welcome.as_ref().unwrap().parked.is_some());
    bed.app.resend_tenant(&editor(), &tenant("contoso")).await.unwrap();
    one.disconnect();
    one.connect(&bed).await;
    assert_eq!(one.welcome.as_ref().unwrap().parked, None);
}
