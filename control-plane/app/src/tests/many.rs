//! Many writers at once: nothing is lost, and what agents end up with is what the intent compiles to.

use std::sync::mpsc;

use super::agent::Agent;
use super::*;
use crate::history::AuditEntry;

/// Far longer than anything here takes: it ends a test that would wait for ever.
const FOR_EVER: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_changes_all_hold_and_agents_follow_in_order() {
    const WRITERS: u32 = 32;
    let bed = Bed::with_sample().await;
    let mut agent = Agent::enrol(&bed, "contoso").await;
    agent.connect(&bed).await;
    agent.hear(&bed).await;
    let write = |number: u32| {
        let app = bed.app.clone();
        tokio::spawn(async move {
            let id = format!("p{number}");
            let assignment = manifest(json!({
                "kind": "Assignment", "name": format!("assignments/{id}"), "operator": format!("operators/{id}"),
                "role": "socRoles/l1@1", "tenants": {"names": ["tenants/contoso"]}, "justification": "load",
                "owner": "operators/jonas",
            }));
            let puts = vec![person(&id, 100 + number), assignment];
            let puts = puts.into_iter().map(|manifest| Put::Set { manifest, etag: None }).collect();
            app.intents().change(&editor(), Change { puts, deletes: Vec::new() }, &options()).await.unwrap().revision
        })
    };
    let mut revisions = Vec::new();
    for task in (0..WRITERS).map(write).collect::<Vec<_>>() {
        revisions.push(task.await.unwrap());
        // Verifies each state against the one before: a lower version would be refused.
        agent.hear(&bed).await;
    }
    revisions.sort_unstable();
    revisions.dedup();
    assert_eq!(revisions.len() as u32, WRITERS, "each change has a revision of its own");
    agent.hear(&bed).await;
    bed.app.parts().leases.renew();
    assert_eq!(agent.hear(&bed).await, ["lease"]);
    let digest = bed.app.snapshot().fleet.tenant(&tenant("contoso")).unwrap().digest();
    assert_eq!(agent.items.digest(), digest);
    assert_eq!(agent.desired().iter().filter(|item| item.key.to_string().starts_with("user/")).count(), 34);
    let records = bed.app.audit(&viewer(), &page(), None).await.unwrap().items;
    assert!(records.windows(2).all(|pair| pair[0].previous == pair[1].digest));

    agent.disconnect();
    let bed = bed.restart(async |_, _| {}).await;
    assert_eq!(
        bed.app.snapshot().fleet.tenant(&tenant("contoso")).unwrap().digest(),
        digest,
        "compiled anew, the same"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn architecture_7_6_what_is_published_does_not_wait_for_a_commit_that_is_being_decided() {
    let bed = Bed::with_sample().await;
    let ((begins, has_begun), (ends, may_end)) = (mpsc::channel(), mpsc::channel());
    let app = bed.app.clone();
    let decide = tokio::spawn(async move {
        let decided = app.commit(move |decision| {
            begins.send(()).unwrap();
            may_end.recv().unwrap();
            let entry = AuditEntry::by_agent(&"tenants/contoso/agents/a".parse().unwrap(), "Test", "decided");
            decision.record(entry);
            Ok(())
        });
        decided.await.unwrap().0
    });
    let app = bed.app.clone();
    let look = tokio::task::spawn_blocking(move || {
        has_begun.recv().unwrap();
        app.parts().leases.renew();
        (app.audit_head(), app.parts().history.settled().is_some())
    });
    let looked = tokio::time::timeout(FOR_EVER, look).await;
    ends.send(()).unwrap();
    let revision = decide.await.unwrap();
    let (head, is_settled) = looked.expect("nothing waits").unwrap();
    assert!(head.is_some() && !is_settled, "an account that is seen meanwhile is not known to the commit");
    let newest = bed.app.parts().history.settled().expect("nothing is decided any more");
    assert!(newest.revision < revision, "no intent changed");
    assert_ne!(bed.app.audit_head(), head);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn architecture_7_6_a_dry_run_leaves_the_async_worker_free() {
    let bed = Bed::with_sample().await;
    let channel = bed.app.parts().channels.get(&tenant("contoso")).unwrap();
    let ((locks, is_locked), (ends, may_end)) = (mpsc::channel(), mpsc::channel::<()>());
    let lock = std::thread::spawn(move || {
        let _held = channel.lock();
        locks.send(()).unwrap();
        may_end.recv().unwrap();
    });
    is_locked.recv().unwrap();
    let app = bed.app.clone();
    let leave = tokio::spawn(async move {
        let dry = Options { validate_only: true, ..options() };
        app.intents().leave_operator(&editor(), &"operators/li".parse().unwrap(), &dry).await
    });
    // Behind the dry run in the only worker's queue.
    let (runs, has_run) = mpsc::channel();
    tokio::spawn(async move { runs.send(()) });
    let other = has_run.recv_timeout(FOR_EVER);
    ends.send(()).unwrap();
    assert_eq!(leave.await.unwrap().unwrap().impact.people, 1);
    lock.join().unwrap();
    other.expect("the worker is free");
}
