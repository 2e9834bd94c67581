//! The program whose disk fills up several times: it commits until it is refused, and continues once there is room.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use entente_store::{Commit, CommitError, Store, Watch};
use entente_store_embedded::SledStore;

use crate::program::{TASKS, commit, last};

/// How often the disk fills up.
const ROUNDS: usize = 3;

/// Commits of each task before the disk fills up.
const BEFORE: u64 = 8;

/// Longer than the store takes to notice room, on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub async fn run(store: Arc<SledStore>, switch: &Path) {
    let mut watch = store.watch(store.revision()).unwrap();
    for _ in 0..ROUNDS {
        for task in 0..TASKS {
            write(&store, task, BEFORE).await.expect("there is room");
        }
        fs::write(switch, "").unwrap();
        let tasks: Vec<_> = (0..TASKS).map(|task| tokio::spawn(until_refused(store.clone(), task))).collect();
        for task in tasks {
            task.await.unwrap();
        }
        while_full(&store).await;
        fs::remove_file(switch).unwrap();
        room_again(&store).await;
    }
    nothing_is_missed(&store, &mut watch);
    println!("went on");
}

/// Continues to commit from the task's current number, and prints each commit once it is acknowledged.
async fn write(store: &SledStore, task: u64, commits: u64) -> Result<(), CommitError> {
    // If nothing can be read, nothing can be written either.
    store.get(&format!("{task}/first")).await?;
    let stands = last(store, task).await;
    let (mut number, mut before) = stands.map_or((0, None), |(number, revision)| (number, Some(revision)));
    for _ in 0..commits {
        number += 1;
        let revision = store.commit(commit(task, number, before)).await?;
        println!("ack {task} {number} {}", revision.0);
        before = Some(revision);
    }
    Ok(())
}

async fn until_refused(store: Arc<SledStore>, task: u64) {
    let refused = write(&store, task, u64::MAX).await.unwrap_err();
    let text = refused.to_string();
    match refused {
        CommitError::Full { .. } => println!("refused {task} 0"),
        CommitError::FullUnknown { .. } => println!("unknown {task} 0"),
        CommitError::Read(_) => return println!("unread {task} 0"),
        other => panic!("{other:?}"),
    }
    assert!(text.contains("the disk is full") && text.contains("make room"), "{text}");
}

/// Every commit is refused. Prints what can be read.
async fn while_full(store: &SledStore) {
    assert!(store.stats().full && !store.stats().failed);
    let refused = store.commit(Commit::new().put("late", "x")).await.unwrap_err();
    assert!(matches!(refused, CommitError::Full { .. }) && refused.nothing_applied(), "{refused:?}");
    for task in 0..TASKS {
        match store.get(&format!("{task}/first")).await {
            Ok(entry) => {
                let entry = entry.unwrap();
                assert!(entry.revision <= store.revision());
                println!("shows {task} {}", std::str::from_utf8(&entry.value).unwrap());
            }
            Err(_) => println!("unread {task} 0"),
        }
    }
}

async fn room_again(store: &SledStore) {
    let begun = Instant::now();
    while let Err(refused) = store.commit(Commit::new().put("room", "x")).await {
        assert!(matches!(refused, CommitError::Full { .. }), "{refused:?}");
        assert!(begun.elapsed() < PATIENCE, "the store does not go on: {refused:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(!store.stats().full);
}

/// A watcher sees every commit, whatever the disk does meanwhile.
fn nothing_is_missed(store: &SledStore, watch: &mut Watch) {
    let seen: Vec<u64> = std::iter::from_fn(|| watch.try_next().unwrap()).map(|event| event.revision.0).collect();
    assert_eq!(seen, (1..=store.revision().0).collect::<Vec<_>>());
}
