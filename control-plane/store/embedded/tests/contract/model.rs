//! Compares any store with a map: the same operations on both must give the same results. It uses only the trait.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use entente_store::{Commit, CommitError, Expect, Revision, Store};
use proptest::prelude::*;

use crate::suite::Fixture;

#[derive(Debug, Clone)]
enum Step {
    /// Commits sent at once. The store may put them into one group, in this order.
    Commits(Vec<Vec<(u8, Act)>>),
    List {
        prefix: &'static str,
        limit: usize,
    },
    Reopen,
}

#[derive(Debug, Clone)]
enum Act {
    Put(usize),
    Delete,
    ExpectAbsent,
    ExpectPresent,
    /// The model's revision, or another one.
    ExpectAt {
        right: bool,
    },
}

type Model = BTreeMap<String, (Bytes, Revision)>;

/// Few keys, so that they are used often. Some of them are prefixes of others.
fn key(index: u8) -> String {
    ["a", "a/", "a/b", "a/b/c", "b", "b/ä", "c"][usize::from(index) % 7].to_owned()
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => prop_oneof![0..100usize, 4_000..4_200usize, 8_000..30_000usize].prop_map(Act::Put),
        3 => Just(Act::Delete),
        1 => Just(Act::ExpectAbsent),
        1 => Just(Act::ExpectPresent),
        2 => any::<bool>().prop_map(|right| Act::ExpectAt { right }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let commit = prop::collection::vec((any::<u8>(), act()), 0..4);
    let prefix = prop_oneof![Just(""), Just("a"), Just("a/"), Just("b/"), Just("nothing")];
    prop_oneof![
        12 => prop::collection::vec(commit, 1..5).prop_map(Step::Commits),
        4 => (prefix, 1..8usize).prop_map(|(prefix, limit)| Step::List { prefix, limit }),
        1 => Just(Step::Reopen),
    ]
}

pub fn check<F: Fixture>() {
    let config = ProptestConfig { cases: 24, ..ProptestConfig::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    proptest!(config, |(steps in prop::collection::vec(step(), 1..40))| {
        runtime.block_on(run::<F>(steps));
    });
}

async fn run<F: Fixture>(steps: Vec<Step>) {
    let fixture = F::new();
    let mut store = fixture.open().await;
    let (mut model, mut revision) = (Model::new(), Revision(0));
    for step in steps {
        match step {
            Step::Commits(commits) => commit_all(&store, commits, &mut model, &mut revision).await,
            Step::List { prefix, limit } => list(&*store, prefix, limit, &model).await,
            Step::Reopen => {
                drop(store);
                store = fixture.open().await;
            }
        }
        assert_eq!(store.revision(), revision);
    }
    list(&*store, "", 3, &model).await;
}

async fn commit_all(store: &Arc<dyn Store>, commits: Vec<Vec<(u8, Act)>>, model: &mut Model, revision: &mut Revision) {
    let mut running = Vec::new();
    for acts in &commits {
        let (commit, expected) = apply(acts, model, revision);
        running.push((store.commit(commit), expected));
    }
    // They are first polled in this order, so they are queued in this order.
    let (futures, expected): (Vec<_>, Vec<_>) = running.into_iter().unzip();
    for (got, expected) in futures_in_order(futures).await.into_iter().zip(expected) {
        match (got, expected) {
            (Ok(got), Ok(expected)) => assert_eq!(got, expected),
            (Err(CommitError::Conflict { key, found }), Err(expected)) => {
                assert_eq!((key.to_string(), found), expected);
            }
            other => panic!("{other:?}"),
        }
    }
}

/// The results of futures that are polled in order until all are ready.
async fn futures_in_order<T>(futures: Vec<entente_store::BoxFuture<'_, T>>) -> Vec<T> {
    let mut slots: Vec<_> = futures.into_iter().map(|future| (future, None)).collect();
    std::future::poll_fn(|context| {
        for (future, slot) in slots.iter_mut().filter(|(_, slot)| slot.is_none()) {
            if let std::task::Poll::Ready(value) = future.as_mut().poll(context) {
                *slot = Some(value);
            }
        }
        match slots.iter().all(|(_, slot)| slot.is_some()) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    slots.into_iter().filter_map(|(_, slot)| slot).collect()
}

type Expected = Result<Revision, (String, Option<Revision>)>;

/// The commit for `acts`, and the expected result for it and the model.
fn apply(acts: &[(u8, Act)], model: &mut Model, revision: &mut Revision) -> (Commit, Expected) {
    let (mut commit, mut conflict) = (Commit::new(), None);
    let mut writes = BTreeMap::new();
    for (index, act) in acts {
        let key = key(*index);
        let found = model.get(&key).map(|(_, revision)| *revision);
        let expect = match act {
            Act::Put(len) => {
                let value = Bytes::from(vec![*index; *len]);
                commit = commit.put(&*key, value.clone());
                writes.insert(key, Some(value));
                continue;
            }
            Act::Delete => {
                commit = commit.delete(&*key);
                writes.insert(key, None);
                continue;
            }
            Act::ExpectAbsent => Expect::Absent,
            Act::ExpectPresent => Expect::Present,
            Act::ExpectAt { right: true } => Expect::At(found.unwrap_or_default()),
            Act::ExpectAt { right: false } => Expect::At(revision.next()),
        };
        commit = commit.expect(&*key, expect);
        if conflict.is_none() && !expect.holds(found) {
            conflict = Some((key, found));
        }
    }
    if let Some(conflict) = conflict {
        return (commit, Err(conflict));
    }
    writes.retain(|key, value| value.is_some() || model.contains_key(key));
    if !writes.is_empty() {
        *revision = revision.next();
    }
    for (key, value) in writes {
        match value {
            Some(value) => drop(model.insert(key, (value, *revision))),
            None => drop(model.remove(&key)),
        }
    }
    (commit, Ok(*revision))
}

async fn list(store: &dyn Store, prefix: &str, limit: usize, model: &Model) {
    let mut listed = Vec::new();
    let mut next = None;
    loop {
        let page = store.scan(prefix, next.as_deref(), limit).await.unwrap();
        assert!(page.entries.len() <= limit);
        listed.extend(page.entries);
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    let listed: Vec<_> = listed.into_iter().map(|(key, e)| (key.to_string(), (e.value, e.revision))).collect();
    let expected: Vec<_> = model.clone().into_iter().filter(|(key, _)| key.starts_with(prefix)).collect();
    assert_eq!(listed, expected);
    for (key, (value, _)) in expected {
        assert_eq!(store.get(&key).await.unwrap().unwrap().value, value);
    }
}
