//! The promises of the trait, as one suite for all stores. It uses only the trait.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use entente_store::{
    Commit, CommitError, CommitWithError, Expect, MAX_COMMIT_BYTES, MAX_COMMIT_KEYS, MAX_KEY_BYTES, MAX_PAGE_ENTRIES,
    MAX_VALUE_BYTES, Page, ReadError, Revision, Store, StoreExt, View, Watch, WatchError,
};
use entente_store_embedded::Sizes;

/// Makes a store, empty at first. Opened again, it has what it had.
pub trait Fixture {
    fn new() -> Self;
    fn open(&self) -> impl Future<Output = Arc<dyn Store>>;
}

pub async fn suite<F: Fixture>() {
    a_commit_is_read_back_with_its_revision::<F>().await;
    an_unmet_expectation_changes_nothing_and_names_the_key::<F>().await;
    each_commit_that_changes_something_takes_one_revision::<F>().await;
    pages_join_to_the_whole_listing::<F>().await;
    a_decision_sees_the_state_and_the_revision_it_will_get::<F>().await;
    decisions_that_race_never_overtake_each_other::<F>().await;
    a_decision_that_panics_harms_nobody_else::<F>().await;
    watchers_see_every_commit_once_and_in_order::<F>().await;
    a_watcher_that_fell_behind_is_told_to_list_again::<F>().await;
    what_exceeds_a_bound_is_refused_by_its_name::<F>().await;
    commits_within_the_bounds_are_taken::<F>().await;
    a_caller_that_goes_away_leaves_a_whole_commit_or_none::<F>().await;
    everything_is_there_after_a_restart::<F>().await;
}

async fn value(store: &dyn Store, key: &str) -> Option<Bytes> {
    store.get(key).await.unwrap().map(|entry| entry.value)
}

fn keys(page: &Page) -> Vec<&str> {
    page.entries.iter().map(|(key, _)| &**key).collect()
}

async fn a_commit_is_read_back_with_its_revision<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open().await;
    assert_eq!(store.revision(), Revision(0));
    assert_eq!(store.get("a").await.unwrap(), None);
    let first = store.commit(Commit::new().put("a", "1").put("b", "2")).await.unwrap();
    let second = store.commit(Commit::new().put("a", "3").delete("b")).await.unwrap();
    assert_eq!((first, second, store.revision()), (Revision(1), Revision(2), Revision(2)));
    let entry = store.get("a").await.unwrap().unwrap();
    assert_eq!((entry.value, entry.revision), (Bytes::from("3"), second));
    assert_eq!(store.get("b").await.unwrap(), None);
    store.commit(Commit::new().put("empty", "")).await.unwrap();
    assert_eq!(value(&*store, "empty").await, Some(Bytes::new()));
}

async fn an_unmet_expectation_changes_nothing_and_names_the_key<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open().await;
    let first = store.commit(Commit::new().put("a", "1")).await.unwrap();
    let unmet = [
        ("a", Expect::Absent, Some(first)),
        ("a", Expect::At(first.next()), Some(first)),
        ("b", Expect::Present, None),
        ("b", Expect::At(first), None),
    ];
    for (key, expect, stands) in unmet {
        let commit = Commit::new().expect("a", Expect::At(first)).expect(key, expect);
        match store.commit(commit.put("a", "2").put("c", "2")).await {
            Err(CommitError::Conflict { key: named, found }) => {
                assert_eq!((&*named, found), (key, stands));
            }
            other => panic!("{key} {expect:?}: {other:?}"),
        }
    }
    assert_eq!(value(&*store, "a").await.unwrap(), "1");
    assert_eq!(value(&*store, "c").await, None);
    assert_eq!(store.revision(), first);
    let met = Commit::new().expect("a", Expect::Present).expect("b", Expect::Absent);
    store.commit(met.expect("a", Expect::At(first)).put("b", "1")).await.unwrap();
}

async fn each_commit_that_changes_something_takes_one_revision<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open().await;
    assert_eq!(store.commit(Commit::new()).await.unwrap(), Revision(0));
    assert_eq!(store.commit(Commit::new().delete("absent")).await.unwrap(), Revision(0));
    assert_eq!(store.commit(Commit::new().put("a", "same")).await.unwrap(), Revision(1));
    assert_eq!(store.commit(Commit::new().put("a", "same")).await.unwrap(), Revision(2));
    assert_eq!(store.commit(Commit::new().delete("b").delete("a")).await.unwrap(), Revision(3));
    let event = store.watch(Revision(2)).unwrap().next().await.unwrap();
    let deleted: Vec<&str> = event.changes.iter().map(|change| &*change.key).collect();
    assert_eq!(deleted, ["a"], "an absent key was not deleted");
}

async fn pages_join_to_the_whole_listing<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open().await;
    let mut commit = Commit::new().put("t", "before").put("tz", "after").put("ta/", "exact");
    for i in 0..MAX_PAGE_ENTRIES + 5 {
        commit = commit.put(format!("ta/{i:05}"), "x");
    }
    let revision = store.commit(commit).await.unwrap();
    let first = store.scan("ta/", None, usize::MAX).await.unwrap();
    assert_eq!((first.entries.len(), first.revision), (MAX_PAGE_ENTRIES, revision));
    let rest = store.scan("ta/", first.next.as_deref(), usize::MAX).await.unwrap();
    assert_eq!((rest.entries.len(), rest.next), (6, None));
    let small = store.scan("ta/", Some("ta/00001"), 2).await.unwrap();
    assert_eq!(keys(&small), ["ta/00002", "ta/00003"]);
    assert_eq!(small.next.as_deref(), Some("ta/00003"));
    let exact = store.scan("ta/0100", Some("ta/01002"), 2).await.unwrap();
    assert_eq!(keys(&exact), ["ta/01003", "ta/01004"]);
    assert_eq!(exact.next, None, "no empty last page");
    assert_eq!(keys(&store.scan("ta/", Some("a"), 1).await.unwrap()), ["ta/"]);
    assert!(store.scan("ta/", Some("u"), 1).await.unwrap().entries.is_empty());
    assert_eq!(keys(&store.scan("", None, 2).await.unwrap()), ["t", "ta/"]);
}

fn count(view: &dyn View) -> Result<u64, ReadError> {
    let entry = view.get("counter")?;
    Ok(entry.map_or(0, |e| String::from_utf8(e.value.to_vec()).unwrap().parse().unwrap()))
}

async fn a_decision_sees_the_state_and_the_revision_it_will_get<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open().await;
    store.commit(Commit::new().put("p/a", "1").put("p/c", "1").put("q", "1")).await.unwrap();
    let decided = store.commit_with(|view, next| {
        let listed: Vec<String> = view.scan("p/", None, 10)?.entries.iter().map(|(key, _)| key.to_string()).collect();
        assert_eq!(view.revision().next(), next);
        Ok::<_, ReadError>((Commit::new().put("p/b", next.to_string()).delete("p/a"), listed))
    });
    let (revision, listed) = decided.await.unwrap();
    assert_eq!((revision, listed), (Revision(2), vec!["p/a".to_owned(), "p/c".to_owned()]));
    assert_eq!(value(&*store, "p/b").await.unwrap(), "2", "it could name its own revision");
    assert_eq!(keys(&store.scan("p/", None, 10).await.unwrap()), ["p/b", "p/c"]);

    let refused = store.commit_with(|_, _| Err::<(Commit, ()), _>("no")).await;
    assert!(matches!(refused, Err(CommitWithError::Refused("no"))));
    let nothing = store.commit_with(|_, _| Ok::<_, ()>((Commit::new(), 5))).await.unwrap();
    assert_eq!((nothing, store.revision()), ((Revision(2), 5), Revision(2)));
    let unmet = |_: &dyn View, _| Ok::<_, ()>((Commit::new().expect("q", Expect::Absent), ()));
    let conflict = store.commit_with(unmet).await;
    assert!(matches!(conflict, Err(CommitWithError::Commit(CommitError::Conflict { .. }))));
}

/// The writer sees earlier commits of the group, which readers cannot see yet.
async fn decisions_that_race_never_overtake_each_other<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open().await;
    let add = |store: Arc<dyn Store>| async move {
        for _ in 0..20 {
            let add = store.commit_with(|view, next| {
                let count = count(view)? + 1;
                let listed = view.scan("log/", None, 1000)?.entries.len() as u64;
                assert_eq!(listed, count - 1, "a listing sees the group too");
                let log = format!("log/{next}");
                Ok::<_, ReadError>((Commit::new().put("counter", count.to_string()).put(log, ""), ()))
            });
            add.await.unwrap();
        }
    };
    let tasks: Vec<_> = (0..16).map(|_| tokio::spawn(add(store.clone()))).collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(value(&*store, "counter").await.unwrap(), "320");
    assert_eq!(store.revision(), Revision(320));
}

async fn a_decision_that_panics_harms_nobody_else<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open().await;
    let panics = store.commit_with(|_, _| -> Result<(Commit, ()), ()> { panic!("on purpose") });
    let (panicked, other) = tokio::join!(panics, store.commit(Commit::new().put("a", "1")));
    assert!(matches!(panicked, Err(CommitWithError::Commit(CommitError::Panicked))));
    other.unwrap();
    store.commit(Commit::new().put("b", "1")).await.unwrap();
}

async fn next(watch: &mut Watch) -> Revision {
    let event = tokio::time::timeout(Duration::from_secs(20), watch.next()).await;
    event.expect("an event within 20 s").unwrap().revision
}

async fn watchers_see_every_commit_once_and_in_order<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open().await;
    let mut early = store.watch(Revision(0)).unwrap();
    let done = Arc::new(AtomicUsize::new(0));
    let write = |store: Arc<dyn Store>, task: usize, done: Arc<AtomicUsize>| async move {
        for i in 0..25 {
            store.commit(Commit::new().put(format!("{task}/{i}"), "x")).await.unwrap();
        }
        done.fetch_add(1, Ordering::SeqCst);
    };
    for task in 0..4 {
        tokio::spawn(write(store.clone(), task, done.clone()));
    }
    for expected in 1..=100 {
        assert_eq!(next(&mut early).await, Revision(expected));
        assert!(store.revision() >= Revision(expected), "seen only when durable");
    }
    let mut late = store.watch(Revision(40)).unwrap();
    assert_eq!(next(&mut late).await, Revision(41));
    let mut now = store.watch(store.revision()).unwrap();
    assert_eq!(now.try_next().unwrap(), None);
    store.commit(Commit::new().put("a", "1").put("b", "2").delete("0/0")).await.unwrap();
    let event = now.next().await.unwrap();
    let changes: Vec<_> = event.changes.iter().map(|c| (&*c.key, c.value.as_deref())).collect();
    assert_eq!(changes, [("0/0", None), ("a", Some(&b"1"[..])), ("b", Some(&b"2"[..]))]);
    let ahead = store.watch(Revision(1000)).unwrap_err();
    assert_eq!(ahead, WatchError::Ahead { after: Revision(1000), newest: Revision(101) });
    drop(store);
    assert_eq!(now.next().await, Err(WatchError::Closed));
}

async fn a_watcher_that_fell_behind_is_told_to_list_again<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open().await;
    let mut slow = store.watch(Revision(0)).unwrap();
    let all = Sizes::FLEET.history_events as u64 + 10;
    let mut running = tokio::task::JoinSet::new();
    for i in 0..all {
        let store = store.clone();
        running.spawn(async move { store.commit(Commit::new().put("k", i.to_string())).await.unwrap() });
    }
    running.join_all().await;
    let behind = WatchError::Compacted { after: Revision(0), oldest: Revision(11) };
    assert_eq!(slow.next().await, Err(behind.clone()));
    assert_eq!(store.watch(Revision(0)).unwrap_err(), behind);
    let page = store.scan("", None, 10).await.unwrap();
    let mut again = store.watch(page.revision).unwrap();
    store.commit(Commit::new().put("k", "new")).await.unwrap();
    assert_eq!(next(&mut again).await, Revision(all + 1));
}

async fn what_exceeds_a_bound_is_refused_by_its_name<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open().await;
    let many = (0..=MAX_COMMIT_KEYS).fold(Commit::new(), |c, i| c.put(i.to_string(), ""));
    let large = Bytes::from(vec![0; MAX_VALUE_BYTES]);
    let count = MAX_COMMIT_BYTES / MAX_VALUE_BYTES;
    let heavy = (0..count).fold(Commit::new(), |c, i| c.put(i.to_string(), large.clone()));
    let refusals = [
        (many, "MAX_COMMIT_KEYS"),
        (heavy, "MAX_COMMIT_BYTES"),
        (Commit::new().put("k", vec![0; MAX_VALUE_BYTES + 1]), "MAX_VALUE_BYTES"),
        (Commit::new().put("k".repeat(MAX_KEY_BYTES + 1), ""), "MAX_KEY_BYTES"),
        (Commit::new().delete(""), "MAX_KEY_BYTES"),
        (Commit::new().expect("k".repeat(MAX_KEY_BYTES + 1), Expect::Absent), "MAX_KEY_BYTES"),
    ];
    for (commit, bound) in refusals {
        let decided = commit.clone();
        let refused = store.commit(commit).await.unwrap_err();
        assert!(refused.to_string().contains(bound), "{refused}");
        assert!(refused.nothing_applied());
        let refused = store.commit_with(move |_, _| Ok::<_, ()>((decided.clone(), ()))).await;
        let Err(CommitWithError::Commit(refused)) = refused else { panic!("{refused:?}") };
        assert!(refused.to_string().contains(bound), "{refused}");
    }
    assert_eq!(store.revision(), Revision(0));
}

async fn commits_within_the_bounds_are_taken<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open().await;
    let key = "ü".repeat(MAX_KEY_BYTES / 2);
    let large = Bytes::from(vec![7; MAX_VALUE_BYTES]);
    store.commit(Commit::new().put(&*key, large.clone())).await.unwrap();
    assert_eq!(value(&*store, &key).await.unwrap(), large);
    let part = vec![9; MAX_COMMIT_BYTES / MAX_COMMIT_KEYS - 8];
    let many = (0..MAX_COMMIT_KEYS).fold(Commit::new(), |c, i| c.put(format!("{i:08}"), part.clone()));
    let revision = store.commit(many).await.unwrap();
    assert_eq!(store.get("00008191").await.unwrap().unwrap().revision, revision);
    store.commit(Commit::new().put(&*key, "small")).await.unwrap();
    assert_eq!(value(&*store, &key).await.unwrap(), "small");
}

async fn a_caller_that_goes_away_leaves_a_whole_commit_or_none<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open().await;
    for i in 0..200 {
        let n = i.to_string();
        let commit = store.commit(Commit::new().put("a", n.clone()).put("b", n));
        // One poll queues it. Then the caller is gone.
        let _ = tokio::time::timeout(Duration::ZERO, commit).await;
        let page = store.scan("", None, 2).await.unwrap();
        let values: Vec<_> = page.entries.iter().map(|(_, entry)| entry.value.clone()).collect();
        assert!(values.is_empty() || values[0] == values[1], "half a commit: {values:?}");
    }
    store.commit(Commit::new().put("c", "")).await.unwrap();
    assert_eq!(value(&*store, "a").await, value(&*store, "b").await);
}

async fn everything_is_there_after_a_restart<F: Fixture>() {
    let fixture = F::new();
    let store = fixture.open().await;
    let id = store.id();
    let large = Bytes::from(vec![5; 50_000]);
    store.commit(Commit::new().put("a", "1").put("large", large.clone())).await.unwrap();
    let revision = store.commit(Commit::new().put("b", "2").delete("a")).await.unwrap();
    drop(store);
    let store = fixture.open().await;
    assert_eq!((store.id(), store.revision()), (id, revision));
    assert_eq!(keys(&store.scan("", None, 10).await.unwrap()), ["b", "large"]);
    assert_eq!(value(&*store, "large").await.unwrap(), large);
    assert_eq!(store.commit(Commit::new().put("c", "3")).await.unwrap(), revision.next());
}
