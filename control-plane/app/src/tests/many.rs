//! Many writers at once: nothing is lost, and what agents end up with is what the intent compiles to.

use super::agent::Agent;
use super::*;

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
            app.change(&editor(), Change { puts, deletes: Vec::new() }, &options()).await.unwrap().revision
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
    let digest = bed.app.world().fleet.tenant(&tenant("contoso")).unwrap().digest();
    assert_eq!(agent.items.digest(), digest);
    assert_eq!(agent.desired().iter().filter(|item| item.key.to_string().starts_with("user/")).count(), 34);
    let records = bed.app.audit(&viewer(), &page(), None).await.unwrap().items;
    assert!(records.windows(2).all(|pair| pair[0].previous == pair[1].digest));

    agent.disconnect();
    let bed = bed.restart(async |_, _| {}).await;
    assert_eq!(bed.app.world().fleet.tenant(&tenant("contoso")).unwrap().digest(), digest, "compiled anew, the same");
}
