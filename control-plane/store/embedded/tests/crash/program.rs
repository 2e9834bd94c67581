//! The program whose power is cut, and what it commits: several tasks at once, each with its own keys, whose content
//! follows from the number of its last commit. So a few numbers determine what must exist afterwards.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use entente_store::{Commit, CommitError, Expect, Revision, STALLED_AFTER, Store};
use entente_store_embedded::{Sizes, SledStore, restore};
use uuid::Uuid;

pub const TASKS: u64 = 6;

/// Each task rewrites these in turn, and deletes some.
const SLOTS: u64 = 5;

/// Runs as the program, if `mode` is one of its modes.
pub fn run(mode: &str, args: &[String]) -> bool {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2).enable_time().build().unwrap()
    };
    match (mode, args) {
        ("write", [dir, commits]) => runtime().block_on(write(open(dir), commits.parse().unwrap())),
        ("full", [dir, switch]) => runtime().block_on(crate::full::run(open(dir), Path::new(switch))),
        ("again", [dir, commits]) => runtime().block_on(again(dir, commits.parse().unwrap())),
        ("stuck", [dir]) => runtime().block_on(stuck(open(dir))),
        ("restore", [dir, archive]) => {
            restore(Path::new(dir), File::open(archive).unwrap()).unwrap();
            println!("restored");
        }
        _ => return false,
    }
    true
}

fn open(dir: &str) -> Arc<SledStore> {
    Arc::new(SledStore::open(Path::new(dir), Uuid::from_u128(1), Sizes::FLEET).unwrap())
}

/// All entries of a task after its first `last` commits.
pub fn content(task: u64, last: u64) -> BTreeMap<String, Vec<u8>> {
    let mut content = BTreeMap::new();
    // Every slot is rewritten within this many commits, so older ones leave nothing else.
    for number in last.saturating_sub(2 * SLOTS).max(1)..=last {
        for (key, value) in writes(task, number) {
            match value {
                Some(value) => drop(content.insert(key, value)),
                None => drop(content.remove(&key)),
            }
        }
    }
    content
}

fn writes(task: u64, number: u64) -> Vec<(String, Option<Vec<u8>>)> {
    let key = |name: &str| format!("{task}/{name}");
    let slot = |i: u64| key(&format!("slot{}", i % SLOTS));
    let mut writes = vec![
        (slot(number), Some(value(task, number))),
        (key("first"), Some(number.to_string().into_bytes())),
        (key("last"), Some(number.to_string().into_bytes())),
    ];
    if number.is_multiple_of(3) {
        writes.push((slot(number + 2), None));
    }
    writes
}

/// Bytes that no other commit writes, of sizes around those at which a value needs another row.
fn value(task: u64, number: u64) -> Vec<u8> {
    let size = [30, 900, 2_000, 4_080, 4_081, 9_000, 30_000][(number % 7) as usize];
    let mut state = task << 32 | number;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..size).map(|_| byte()).collect()
}

pub fn commit(task: u64, number: u64, before: Option<Revision>) -> Commit {
    let expect = before.map_or(Expect::Absent, Expect::At);
    let commit = Commit::new().expect(format!("{task}/first"), expect);
    writes(task, number).into_iter().fold(commit, |commit, (key, value)| match value {
        Some(value) => commit.put(key, value),
        None => commit.delete(key),
    })
}

/// The number of a task's last commit, and its revision.
pub async fn last(store: &SledStore, task: u64) -> Option<(u64, Revision)> {
    let entry = store.get(&format!("{task}/first")).await.unwrap()?;
    Some((std::str::from_utf8(&entry.value).unwrap().parse().unwrap(), entry.revision))
}

/// Continues from the store's state, and prints each commit once it is acknowledged.
async fn write(store: Arc<SledStore>, commits: u64) {
    let tasks: Vec<_> = (0..TASKS).map(|task| tokio::spawn(write_task(store.clone(), task, commits))).collect();
    for task in tasks {
        task.await.unwrap();
    }
    if store.stats().failed {
        after_failure(&store).await;
    }
}

async fn write_task(store: Arc<SledStore>, task: u64, commits: u64) {
    let stands = last(&store, task).await;
    let (mut number, mut before) = stands.map_or((0, None), |(number, rev)| (number, Some(rev)));
    for _ in 0..commits {
        number += 1;
        // Half of them are decided in the writer, like most of the product's commits.
        let done = if number.is_multiple_of(2) {
            store.commit(commit(task, number, before)).await
        } else {
            store.decide(Box::new(move |_, _| Some(commit(task, number, before)))).await
        };
        match done {
            Ok(revision) => {
                println!("ack {task} {number} {}", revision.0);
                before = Some(revision);
            }
            Err(error) => {
                let certain = if error.nothing_applied() { "refused" } else { "unknown" };
                println!("{certain} {task} {number}");
                return;
            }
        }
    }
}

/// A sync fails. The store is reopened on the same machine, with its cache as it was, and continues.
async fn again(dir: &str, commits: u64) {
    let store = open(dir);
    write(store.clone(), commits).await;
    assert!(store.stats().failed, "a sync was to fail");
    drop(store);
    write(open(dir), commits).await;
}

/// A failed store accepts no commits, tells its watchers, and still shows what is durable.
async fn after_failure(store: &SledStore) {
    let revision = store.revision();
    let refused = store.commit(Commit::new().put("late", "x")).await.unwrap_err();
    assert!(matches!(refused, CommitError::Failed { .. }), "{refused}");
    let mut watch = store.watch(revision).unwrap();
    assert_eq!(watch.next().await, Err(entente_store::WatchError::Closed));
    for task in 0..TASKS {
        let number = last(store, task).await.map_or(0, |(number, _)| number);
        println!("shows {task} {number}");
    }
    println!("closed");
}

/// Its third sync hangs for longer than the store waits.
async fn stuck(store: Arc<SledStore>) {
    let put = |key: &'static str| {
        let store = store.clone();
        tokio::spawn(async move { store.commit(Commit::new().put(key, "x")).await })
    };
    put("before").await.unwrap().unwrap();
    let during = put("during");
    while store.stats().syncing_micros < STALLED_AFTER.as_micros() as u64 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let refused = put("refused").await.unwrap();
    assert!(matches!(refused, Err(CommitError::Stalled)), "{refused:?}");
    assert!(store.get("during").await.unwrap().is_none(), "not durable yet, so not shown");
    println!("stalled");
    during.await.unwrap().unwrap();
    put("after").await.unwrap().unwrap();
    println!("recovered");
}
