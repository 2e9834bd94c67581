//! Promises of a store with files beyond the trait: one process at a time, and never a wrong value.

use std::fs;
use std::path::Path;

use entente_store::{Commit, OpenError, ReadError, Revision, Store, StoreExt};
use entente_store_embedded::{Sizes, SledStore};
use tempfile::TempDir;
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(1);

fn open(dir: &Path) -> Result<SledStore, OpenError> {
    SledStore::open(dir, ID, Sizes::FLEET)
}

/// The rows, opened without the store. The segment size is the store's own.
fn rows(dir: &Path) -> sled::Db {
    sled::Config::new().path(dir.join("sled")).segment_size(8 << 20).open().unwrap()
}

#[tokio::test]
async fn a_second_process_is_refused_while_the_store_is_open() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).unwrap();
    let refused = open(dir.path()).unwrap_err();
    assert!(matches!(refused, OpenError::InUse { .. }), "{refused}");
    drop(store);
    open(dir.path()).unwrap();
}

#[tokio::test]
async fn the_id_is_given_once() {
    let dir = TempDir::new().unwrap();
    drop(open(dir.path()).unwrap());
    assert_eq!(SledStore::open(dir.path(), Uuid::from_u128(2), Sizes::FLEET).unwrap().id(), ID);
}

#[tokio::test]
async fn a_store_of_another_format_is_refused_with_the_remedy() {
    let dir = TempDir::new().unwrap();
    drop(open(dir.path()).unwrap());
    let mark = fs::read_to_string(dir.path().join("STORE")).unwrap();
    fs::write(dir.path().join("STORE"), mark.replace(" 1 ", " 2 ")).unwrap();
    let refused = open(dir.path()).unwrap_err();
    assert!(matches!(refused, OpenError::Format { .. }));
    assert!(refused.to_string().contains("format 2, this program knows 1: run the program"));
    fs::write(dir.path().join("STORE"), mark).unwrap();
    let row = [&2u32.to_be_bytes()[..], &[0; 28]].concat();
    rows(dir.path()).insert(b"m", row).unwrap();
    assert!(matches!(open(dir.path()), Err(OpenError::Format { found, .. }) if found == "2"));
}

#[tokio::test]
async fn a_store_that_lost_its_data_or_its_mark_is_not_taken_for_a_new_one() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).unwrap();
    store.commit(Commit::new().put("a", "1")).await.unwrap();
    drop(store);
    let mark = fs::read(dir.path().join("STORE")).unwrap();
    fs::write(dir.path().join("STORE"), "").unwrap();
    assert!(matches!(open(dir.path()), Err(OpenError::Damaged { what, .. }) if what.contains("STORE")));
    let other = String::from_utf8(mark.clone()).unwrap().replace("0001", "0009");
    fs::write(dir.path().join("STORE"), other).unwrap();
    assert!(matches!(open(dir.path()), Err(OpenError::OtherStore { .. })));
    fs::write(dir.path().join("STORE"), mark).unwrap();
    fs::remove_dir_all(dir.path().join("sled")).unwrap();
    assert!(matches!(open(dir.path()), Err(OpenError::Damaged { what, .. }) if what.contains("data")));
}

#[tokio::test]
async fn an_altered_row_is_an_error_that_names_its_key_and_never_a_value() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).unwrap();
    store.commit(Commit::new().put("good", "1").put("bad", "secret")).await.unwrap();
    drop(store);
    let rows = rows(dir.path());
    let mut row = rows.get(b"ebad").unwrap().unwrap().to_vec();
    *row.last_mut().unwrap() ^= 1;
    rows.insert(b"ebad", row).unwrap();
    drop(rows);

    let store = open(dir.path()).unwrap();
    let is_named = |error: &ReadError| {
        assert!(!error.to_string().contains("secre"), "no value in an error");
        matches!(error, ReadError::Corrupt { key } if &**key == "bad")
    };
    assert!(is_named(&store.get("bad").await.unwrap_err()));
    assert!(is_named(&store.scan("", None, 9).await.unwrap_err()));
    let decided = store.commit_with(|view, _| view.get("bad").map(|_| (Commit::new(), ()))).await;
    assert!(matches!(decided, Err(entente_store::CommitWithError::Refused(e)) if is_named(&e)));
    store.commit(Commit::new().put("bad", "2")).await.unwrap_err();
    assert_eq!(store.get("good").await.unwrap().unwrap().value, "1");
    assert_eq!(store.commit(Commit::new().put("good", "2")).await.unwrap(), Revision(2));
}

/// sled never syncs the files that it makes for large pages, so there must be none.
#[tokio::test]
async fn no_value_of_any_size_makes_sled_use_a_file_of_its_own() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).unwrap();
    for round in 0..3u8 {
        for len in [100, 4_000, 4_096, 16_000, 70_000, 1_048_576] {
            let mut commit = Commit::new();
            // Long keys too, because they make sled's inner pages large.
            for i in 0..7 {
                commit = commit.put(format!("{i}{}", "k".repeat(500)), vec![round; len]);
            }
            store.commit(commit).await.unwrap();
        }
    }
    let many = |i: u32| format!("{i:08}{}", "x".repeat(500));
    for block in 0..4 {
        let keys = (block * 2_000)..(block + 1) * 2_000;
        store.commit(keys.fold(Commit::new(), |c, i| c.put(many(i), vec![1; 300]))).await.unwrap();
    }
    let blobs = || fs::read_dir(dir.path().join("sled/blobs")).unwrap().count();
    assert_eq!(blobs(), 0);
    drop(store);
    assert_eq!(blobs(), 0);
    let store = open(dir.path()).unwrap();
    assert_eq!(store.get(&many(7_999)).await.unwrap().unwrap().value.len(), 300);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_that_arrive_together_share_a_sync_and_are_counted() {
    let dir = TempDir::new().unwrap();
    let store = std::sync::Arc::new(open(dir.path()).unwrap());
    let mut running = tokio::task::JoinSet::new();
    for i in 0..500 {
        let store = store.clone();
        running.spawn(async move { store.commit(Commit::new().put(i.to_string(), "x")).await.unwrap() });
    }
    running.join_all().await;
    let stats = store.stats();
    assert_eq!(stats.commits, 500);
    assert!(stats.groups < 250, "{} groups of 500 commits", stats.groups);
    assert_eq!(stats.group_sizes.iter().sum::<u64>(), stats.groups);
    assert!(stats.sync_micros > 0 && !stats.failed);
}
