//! A backup is the whole store at one revision, or it is refused.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use entente_store::{Commit, RestoreError, Revision, Store, StoreExt, export};
use entente_store_embedded::{Sizes, SledStore, restore};
use tempfile::TempDir;
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(1);

fn open(dir: &Path) -> SledStore {
    SledStore::open(dir, ID, Sizes::FLEET).unwrap()
}

async fn content(store: &dyn Store) -> BTreeMap<String, (Vec<u8>, Revision)> {
    let (mut all, mut next) = (BTreeMap::new(), None);
    loop {
        let page = store.scan("", next.as_deref(), 1000).await.unwrap();
        let entries = page.entries.into_iter();
        all.extend(entries.map(|(key, e)| (key.to_string(), (e.value.to_vec(), e.revision))));
        next = page.next;
        if next.is_none() {
            return all;
        }
    }
}

async fn filled(dir: &Path) -> SledStore {
    let store = open(dir);
    for i in 0..30u8 {
        let large = vec![i; usize::from(i) * 1000];
        let commit = Commit::new().put(format!("large/{i}"), large).put("last", vec![i]);
        store.commit(commit.put(format!("gone/{i}"), "x")).await.unwrap();
    }
    store.commit((0..30).fold(Commit::new(), |c, i| c.delete(format!("gone/{i}")))).await.unwrap();
    store
}

#[tokio::test]
async fn a_restored_store_is_the_exported_one() {
    let dir = TempDir::new().unwrap();
    let store = filled(&dir.path().join("a")).await;
    let mut archive = Vec::new();
    let exported = export(&store, &mut archive).await.unwrap();
    assert_eq!((exported.revision, exported.records), (Revision(31), 31));
    let place = dir.path().join("below").join("b");
    let restored = restore(&place, &archive[..]).unwrap();
    assert_eq!((restored.id, restored.revision), (ID, Revision(31)));
    let again = SledStore::open(&place, Uuid::from_u128(2), Sizes::FLEET).unwrap();
    assert_eq!((again.id(), again.revision()), (ID, Revision(31)));
    assert_eq!(content(&again).await, content(&store).await);
    assert_eq!(again.commit(Commit::new().put("x", "")).await.unwrap(), Revision(32));
    assert!(matches!(restore(&place, &archive[..]), Err(RestoreError::NotEmpty { .. })));
}

#[tokio::test]
async fn a_cut_or_altered_export_restores_nothing() {
    let dir = TempDir::new().unwrap();
    let store = filled(&dir.path().join("a")).await;
    let mut archive = Vec::new();
    export(&store, &mut archive).await.unwrap();
    let place = dir.path().join("b");
    let check = |archive: &[u8], what: &str| {
        restore(&place, archive).expect_err(what);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "{what} left something behind");
    };
    let end = archive.len();
    for cut in [0, 5, 16, 20, 36, 40, 1000, end / 2, end - 49, end - 40, end - 1] {
        check(&archive[..cut], &format!("cut at {cut}"));
    }
    for at in (0..end).step_by(end / 40).chain(end - 49..end) {
        let mut altered = archive.clone();
        altered[at] ^= 1;
        check(&altered, &format!("altered at {at}"));
    }
    check(&[&archive[..], b"x"].concat(), "something appended");
    let newer = [&archive[..16], &9u32.to_be_bytes(), &archive[20..]].concat();
    assert!(matches!(restore(&place, &newer[..]), Err(RestoreError::Format { found: 9, known: 1 })));
    restore(&place, &archive[..]).unwrap();
}

/// Every commit keeps two keys equal and counts in a third, so a torn export would show.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_of_a_busy_store_is_that_store_at_one_revision() {
    let dir = TempDir::new().unwrap();
    let store = Arc::new(open(&dir.path().join("a")));
    let filler = (0..3000).fold(Commit::new(), |c, i| c.put(format!("m/{i:04}"), vec![0; 100]));
    store.commit(filler).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let (writer, stopped) = (store.clone(), stop.clone());
    let writing = tokio::spawn(async move {
        for i in 0u32.. {
            if stopped.load(Ordering::SeqCst) {
                break;
            }
            let write = writer.commit_with(move |_, next| {
                let n = next.to_string();
                let commit = Commit::new().put("a", n.clone()).put("z", n);
                let key = format!("m/{:04}", i % 3000);
                Ok::<_, ()>((if i % 2 == 0 { commit.delete(key) } else { commit.put(key, "") }, ()))
            });
            write.await.unwrap();
        }
    });
    for round in 0..3 {
        let mut archive = Vec::new();
        let exported = export(&*store, &mut archive).await.unwrap();
        let place = dir.path().join(format!("r{round}"));
        restore(&place, &archive[..]).unwrap();
        let restored = content(&open(&place)).await;
        let newest = exported.revision.to_string().into_bytes();
        if exported.revision > Revision(1) {
            assert_eq!(restored["a"], (newest.clone(), exported.revision));
            assert_eq!(restored["z"], (newest, exported.revision));
        }
    }
    stop.store(true, Ordering::SeqCst);
    writing.await.unwrap();
    assert!(store.revision() > Revision(10), "the writer was at work meanwhile");
}
