//! What a restart keeps, and what it refuses to start with.

use entente_model::report::ItemState;

use super::agent::Agent;
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn architecture_7_12_a_stop_waits_for_what_is_being_committed() {
    let bed = Bed::new().await;
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (begin, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let app = bed.app.clone();
    let commit = app.commit(move |_| {
        begin.send(()).unwrap();
        Ok(held.recv().is_ok())
    });
    // The caller is gone, and the commit goes on.
    tokio::time::timeout(Duration::from_millis(50), commit).await.unwrap_err();
    begun.recv().await.unwrap();
    assert!(!bed.app.shutdown(Duration::from_millis(50)).await, "it is not over yet");
    release.send(()).unwrap();
    assert!(bed.app.shutdown(Duration::from_secs(60)).await);
}

#[tokio::test]
async fn a_restart_keeps_digests_statuses_and_who_may_connect() {
    let bed = Bed::with_sample().await;
    let mut agent = Agent::enrol(&bed, "contoso").await;
    agent.connect(&bed).await;
    agent.hear(&bed).await;
    agent.report_applied().await;
    agent.disconnect();
    let before = bed.status(&tenant("contoso"));
    let stored = bed.app.get(&viewer(), &name("squads/nordic")).unwrap();
    assert_eq!(before.counts.keys().collect::<Vec<_>>(), [&ItemState::Applied]);

    let bed = bed.restart(async |_, _| {}).await;
    let after = bed.status(&tenant("contoso"));
    assert_eq!(after, before);
    assert_eq!(bed.app.get(&viewer(), &name("squads/nordic")).unwrap(), stored);
    agent.connect(&bed).await;
    assert!(!agent.welcome.as_ref().unwrap().resend_reports);
    bed.app.parts().leases.renew();
    assert_eq!(agent.hear(&bed).await, ["lease"], "the same content, so nothing is sent");
    assert_eq!(bed.status(&tenant("contoso")).phase, TenantPhase::Converged);
}

/// A copy of a store's directory, as a backup takes it of a stopped server.
pub(super) fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn a_restored_backup_parks_the_agents_that_have_seen_more() {
    let bed = Bed::with_sample().await;
    let mut agent = Agent::enrol(&bed, "contoso").await;
    let (live, backup) = (bed.dir.path().join("store"), bed.dir.path().join("backup"));
    let bed = bed.restart(async |_, _| {}).await;
    let Bed { dir, root, online, ca, time, app } = bed;
    drop(app);
    copy(&live, &backup);
    let app = open(open_store(&dir), &online, &ca, &time).await.unwrap();
    let bed = Bed { dir, root, online, ca, time, app };
    agent.connect(&bed).await;
    bed.apply(vec![squad(&["maya"])]).await.unwrap();
    agent.hear(&bed).await;
    agent.disconnect();

    let Bed { dir, root, online, ca, time, app } = bed;
    drop(app);
    std::fs::remove_dir_all(&live).unwrap();
    std::fs::rename(&backup, &live).unwrap();
    let app = open(open_store(&dir), &online, &ca, &time).await.unwrap();
    let bed = Bed { dir, root, online, ca, time, app };
    // The restored store counts on to the agent's revision and beyond, in another history.
    for members in [&["li"][..], &["maya", "li"], &["maya", "jonas"]] {
        bed.apply(vec![squad(members)]).await.unwrap();
    }
    assert!(bed.app.parts().history.store.revision().0 > agent.held.as_ref().unwrap().version.revision);
    agent.connect(&bed).await;
    assert!(agent.welcome.as_ref().unwrap().parked.is_some());
    assert!(agent.hear(&bed).await.is_empty());
    assert_eq!(bed.status(&tenant("contoso")).phase, TenantPhase::Parked);
}

#[tokio::test]
async fn the_chain_of_roots_and_records_goes_on_after_a_restart() {
    let bed = Bed::with_sample().await;
    let before = bed.app.parts().history.published().head;
    let bed = bed.restart(async |_, _| {}).await;
    let after = bed.app.parts().history.published().head;
    assert_eq!(after.audit, before.audit);
    assert_ne!(after.root, before.root);
    bed.apply(vec![squad(&["maya"])]).await.unwrap();
    let records = bed.app.audit(&viewer(), &page(), None).await.unwrap().items;
    assert_eq!(records[0].previous, records[1].digest);
}

#[tokio::test]
async fn a_server_that_may_not_sign_does_not_start_and_names_the_remedy() {
    let bed = Bed::with_sample().await;
    bed.sleep(91 * DAY);
    let Bed { dir, online, ca, time, app, root } = bed;
    drop(app);
    let store = open_store(&dir);
    let error = open(store.clone(), &online, &ca, &time).await.unwrap_err().to_string();
    assert!(error.contains("ended") && error.contains("entente-control-plane delegate"), "{error}");

    let other = generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap().expose().to_vec();
    let error = open(store.clone(), &other, &ca, &time).await.unwrap_err().to_string();
    assert!(error.contains("no statement") && error.contains("entente-control-plane delegate"), "{error}");

    let stranger = RootKey::from_pkcs8(generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap().expose()).unwrap();
    let signed = stranger.state(&Statement::Epoch { epoch: 9, reason: "theft".into() });
    let refused = provision::import(&*store, stranger.public(), &signed).await.unwrap_err();
    assert!(matches!(refused, provision::ImportError::OtherRoot { .. }), "{refused}");
    let refused = provision::import(&*store, root.public(), &signed).await.unwrap_err();
    assert!(matches!(refused, provision::ImportError::Statement(_)), "{refused}");

    let now = Timestamp::from_unix(time.load(Ordering::SeqCst));
    let key = OnlineKey::from_pkcs8(&online).unwrap().public();
    let renewed = Statement::Delegation { key, not_before: now, not_after: now.plus(90 * DAY), serial: 2 };
    provision::import(&*store, root.public(), &root.state(&renewed)).await.unwrap();
    open(store, &online, &ca, &time).await.unwrap();
}

#[tokio::test]
async fn an_empty_store_is_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    let random = ring::rand::SystemRandom::new();
    let online = generate_pkcs8(&random).unwrap().expose().to_vec();
    let ca = create_ca("soc.example", Timestamp::from_unix(start()), DAY).unwrap();
    let time = Arc::new(AtomicI64::new(start()));
    let error = open(open_store(&dir), &online, &(ca.certificate_pem, ca.key_pem), &time).await.unwrap_err();
    assert!(error.to_string().contains("entente-control-plane init"), "{error}");
}

#[tokio::test]
async fn rows_of_a_deleted_tenant_are_cleaned_up_at_once() {
    let bed = Bed::with_sample().await;
    let mut agent = Agent::enrol(&bed, "fabrikam").await;
    agent.connect(&bed).await;
    agent.hear(&bed).await;
    agent.report_applied().await;
    bed.relabel("fabrikam", 2).await;
    let rows = async || bed.app.parts().history.store.scan("status/fabrikam/", None, 100).await.unwrap().entries.len();
    assert!(rows().await > 0);
    bed.app.start();
    bed.delete("tenants/fabrikam").await.unwrap();
    let gone = async {
        while bed.app.parts().history.store.get("standing/fabrikam").await.unwrap().is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone).await.unwrap();
    assert_eq!(rows().await, 0);
}
