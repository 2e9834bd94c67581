//! The transparency log as an auditor sees it, checked by somebody else's code.

use std::collections::BTreeSet;

use entente_model::desired::Digest;
use entente_seal::{Log, consistency_proof, inclusion_proof, root_digest};
use entente_store::Commit;
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::{Checkpoint, Hash, check_record, check_tree, record_hash};

use super::agent::Agent;
use super::restart::copy;
use super::*;

/// One root as others read it: the checkpoint, and what its line states.
#[derive(Debug)]
struct Signed {
    checkpoint: Checkpoint,
    word: String,
    root: Vec<u8>,
}

/// Believes nothing but a signature of one of these keys.
fn read(note: &[u8], keys: &[String]) -> Option<Signed> {
    let verifier = |key: &String| Box::new(StandardVerifier::new(key).unwrap()) as Box<dyn signed_note::Verifier>;
    let note = Note::from_bytes(note).ok()?;
    note.verify(&VerifierList::new(keys.iter().map(verifier).collect())).ok()?;
    let checkpoint = Checkpoint::from_bytes(note.text()).ok()?;
    let (word, root) = checkpoint.extension().strip_suffix('\n')?.split_once(' ')?;
    let (word, root) = (word.to_owned(), base64::Engine::decode(&base64::prelude::BASE64_STANDARD, root).ok()?);
    Some(Signed { checkpoint, word, root })
}

/// All roots that the API gives, the oldest first, and the keys that it gives with them.
async fn roots(bed: &Bed) -> (Vec<String>, Vec<String>) {
    let (mut notes, mut keys, mut token) = (Vec::new(), BTreeSet::new(), String::new());
    loop {
        let page = PageRequest { size: 3, token };
        let roots = bed.app.roots(&viewer(), &page).await.unwrap();
        notes.extend(roots.notes.items);
        keys.extend(roots.verifier_keys);
        token = roots.notes.next;
        if token.is_empty() {
            notes.reverse();
            return (notes, keys.into_iter().collect());
        }
    }
}

/// The same, read.
async fn signed(bed: &Bed) -> Vec<Signed> {
    let (notes, keys) = roots(bed).await;
    notes.iter().map(|note| read(note.as_bytes(), &keys).unwrap()).collect()
}

fn theirs(hashes: Vec<Digest>) -> Vec<Hash> {
    hashes.into_iter().map(|it| Hash(it.0)).collect()
}

/// Whether these are the roots of one log from its beginning, each checkpoint with what went before it.
fn hold(roots: &[Signed]) -> bool {
    let leaves: Vec<Digest> = roots.iter().map(|it| root_digest(&it.root)).collect();
    let includes = |size: usize, at: usize| {
        let proof = theirs(inclusion_proof(&leaves[..size], at).unwrap());
        let top = *roots[size - 1].checkpoint.hash();
        check_record(&proof, size as u64, top, at as u64, record_hash(&roots[at].root)).is_ok()
    };
    let goes_on = |size: usize, older: usize| {
        let proof = theirs(consistency_proof(&leaves[..size], older).unwrap());
        let (top, then) = (*roots[size - 1].checkpoint.hash(), *roots[older - 1].checkpoint.hash());
        check_tree(&proof, size as u64, top, older as u64, then).is_ok()
    };
    (1..=roots.len()).all(|size| {
        let checkpoint = &roots[size - 1].checkpoint;
        let same_log = checkpoint.origin() == roots[0].checkpoint.origin() && roots[size - 1].word == "entente-state";
        let all = (0..size).all(|at| includes(size, at)) && (1..=size).all(|older| goes_on(size, older));
        checkpoint.size() == size as u64 && same_log && all
    })
}

#[tokio::test]
async fn others_can_prove_every_root_and_that_the_log_only_grew() {
    let bed = Bed::with_sample().await;
    for members in [&["maya"][..], &["maya", "jonas"], &["li"]] {
        bed.apply(vec![squad(members)]).await.unwrap();
    }
    let before = signed(&bed).await.len();
    let bed = bed.restart(async |_, _| {}).await;
    bed.leave("operators/li").await;
    bed.apply(vec![squad(&["maya", "jonas"])]).await.unwrap();
    let roots = signed(&bed).await;
    assert!(before > 3 && roots.len() > before, "{before}, {}", roots.len());
    assert!(hold(&roots));
}

#[tokio::test]
async fn one_flipped_byte_anywhere_is_found() {
    let bed = Bed::with_sample().await;
    bed.apply(vec![squad(&["maya"])]).await.unwrap();
    bed.apply(vec![squad(&["li"])]).await.unwrap();
    let (notes, keys) = roots(&bed).await;
    let newest = notes.last().unwrap().as_bytes();
    for at in 0..newest.len() {
        let mut bent = newest.to_vec();
        bent[at] ^= 1;
        assert!(read(&bent, &keys).is_none(), "byte {at} of a note");
    }
    let roots = signed(&bed).await;
    let (size, top) = (roots.len(), *roots.last().unwrap().checkpoint.hash());
    let leaves: Vec<Digest> = roots.iter().map(|it| root_digest(&it.root)).collect();
    let proof = theirs(inclusion_proof(&leaves, 0).unwrap());
    let includes = |proof: &Vec<Hash>, leaf: &[u8]| check_record(proof, size as u64, top, 0, record_hash(leaf)).is_ok();
    assert!(includes(&proof, &roots[0].root));
    for at in 0..roots[0].root.len() {
        let mut bent = roots[0].root.clone();
        bent[at] ^= 1;
        assert!(!includes(&proof, &bent), "byte {at} of a root");
    }
    let then = *roots[1].checkpoint.hash();
    let growth = theirs(consistency_proof(&leaves, 2).unwrap());
    let goes_on = |proof: &Vec<Hash>| check_tree(proof, size as u64, top, 2, then).is_ok();
    assert!(goes_on(&growth));
    for at in 0..32 {
        for hash in 0..proof.len() {
            let mut bent = proof.clone();
            bent[hash].0[at] ^= 1;
            assert!(!includes(&bent, &roots[0].root), "byte {at} of hash {hash} of an inclusion");
        }
        for hash in 0..growth.len() {
            let mut bent = growth.clone();
            bent[hash].0[at] ^= 1;
            assert!(!goes_on(&bent), "byte {at} of hash {hash} of a growth");
        }
    }
}

#[tokio::test]
async fn a_lease_shows_the_log_and_is_not_in_it() {
    let bed = Bed::with_sample().await;
    let mut agent = Agent::enrol(&bed, "contoso").await;
    agent.connect(&bed).await;
    agent.hear(&bed).await;
    bed.app.parts().leases.renew();
    let Some(Outgoing::Lease(seal)) = agent.next() else { panic!("a lease is due") };
    let (_, keys) = roots(&bed).await;
    let (lease, all) = (read(&seal.note, &keys).unwrap(), signed(&bed).await);
    let newest = all.last().unwrap();
    assert_eq!(lease.word, "entente-lease");
    assert_eq!(
        (lease.checkpoint.origin(), lease.checkpoint.size(), lease.checkpoint.hash()),
        (newest.checkpoint.origin(), newest.checkpoint.size(), newest.checkpoint.hash())
    );
    assert!(all.iter().all(|it| it.root != lease.root));
    assert!(hold(&all));
}

/// Lets another key sign from now on.
async fn with_key(bed: Bed, online: Vec<u8>, serial: u64) -> Bed {
    let now = bed.app.now();
    let key = OnlineKey::from_pkcs8(&online).unwrap().public();
    let delegation = Statement::Delegation { key, not_before: now, not_after: now.plus(90 * DAY), serial };
    let Bed { dir, root, ca, time, app, .. } = bed;
    drop(app);
    let store = open_store(&dir);
    provision::import(&*store, root.public(), &root.state(&delegation)).await.unwrap();
    let app = open(store, &online, &ca, &time).await.unwrap();
    Bed { dir, root, online, ca, time, app }
}

#[tokio::test]
async fn a_new_key_begins_a_log_and_one_that_comes_back_goes_on_with_its_own() {
    let bed = Bed::with_sample().await;
    let (first, second) = (bed.online.clone(), generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap());
    let bed = with_key(bed, second.expose().to_vec(), 2).await;
    bed.apply(vec![squad(&["maya"])]).await.unwrap();
    let bed = with_key(bed, first, 3).await;
    bed.apply(vec![squad(&["li"])]).await.unwrap();
    let all = signed(&bed).await;
    let origins = [0, all.len() - 3].map(|at| all[at].checkpoint.origin().to_owned());
    let [ours, theirs] = origins.map(|origin| {
        let (is, not): (Vec<_>, Vec<_>) = (0..all.len()).partition(|at| all[*at].checkpoint.origin() == origin);
        assert!(!is.is_empty() && !not.is_empty());
        is
    });
    assert_ne!(ours, theirs);
    let mut logs = [Vec::new(), Vec::new()];
    for (at, root) in all.into_iter().enumerate() {
        logs[usize::from(theirs.contains(&at))].push(root);
    }
    assert!(logs.iter().all(|log| log.len() > 1 && hold(log)));
}

#[tokio::test]
async fn a_new_epoch_begins_a_log_and_a_restored_backup_forks_the_one_that_it_was_in() {
    let bed = Bed::with_sample().await;
    let (live, backup) = (bed.dir.path().join("store"), bed.dir.path().join("backup"));
    let Bed { dir, root, online, ca, time, app } = bed;
    drop(app);
    copy(&live, &backup);
    let app = open(open_store(&dir), &online, &ca, &time).await.unwrap();
    let bed = Bed { dir, root, online, ca, time, app };
    bed.apply(vec![squad(&["maya"])]).await.unwrap();
    let lost = signed(&bed).await;

    let Bed { dir, root, online, ca, time, app } = bed;
    drop(app);
    std::fs::remove_dir_all(&live).unwrap();
    std::fs::rename(&backup, &live).unwrap();
    let app = open(open_store(&dir), &online, &ca, &time).await.unwrap();
    let bed = Bed { dir, root, online, ca, time, app };
    for members in [&["li"][..], &["jonas"], &["maya", "jonas"]] {
        bed.apply(vec![squad(members)]).await.unwrap();
    }
    let forked = signed(&bed).await;
    assert!(forked.len() > lost.len() && hold(&forked) && hold(&lost), "each is a log");
    let leaves: Vec<Digest> = forked.iter().map(|it| root_digest(&it.root)).collect();
    let (newest, kept) = (&forked.last().unwrap().checkpoint, &lost.last().unwrap().checkpoint);
    assert_eq!(newest.origin(), kept.origin());
    let proof = theirs(consistency_proof(&leaves, lost.len()).unwrap());
    assert!(
        check_tree(&proof, newest.size(), *newest.hash(), kept.size(), *kept.hash()).is_err(),
        "who kept one sees it"
    );

    let bed = bed
        .restart(async |store, root| {
            let statement = root.state(&Statement::Epoch { epoch: 2, reason: "restored".into() });
            provision::import(store, root.public(), &statement).await.unwrap();
        })
        .await;
    bed.apply(vec![squad(&["li"])]).await.unwrap();
    let after: Vec<Signed> = signed(&bed).await.into_iter().skip(forked.len()).collect();
    assert!(after.len() > 1 && hold(&after));
    assert_ne!(after[0].checkpoint.origin(), newest.origin());
}

#[tokio::test]
async fn a_log_that_does_not_agree_with_its_newest_root_is_not_gone_on_with() {
    let bed = Bed::with_sample().await;
    let key = crate::rows::log(bed.app.parts().history.online.id(), bed.app.parts().history.epoch);
    let older = bed.app.parts().history.store.get(&key).await.unwrap().unwrap().value;
    bed.apply(vec![squad(&["maya"])]).await.unwrap();
    let Bed { dir, online, ca, time, app, .. } = bed;
    let head = app.parts().history.published().head.root;
    drop(app);
    let row = async |store: &Arc<dyn Store>| {
        String::from_utf8(store.get(&key).await.unwrap().unwrap().value.to_vec()).unwrap()
    };
    let store = open_store(&dir);
    let whole = row(&store).await;
    let size = signed_size(&whole);
    let mut grown = Log::kept(size.0, size.1.clone()).unwrap();
    grown.append(Digest([7; 32]));
    let of = |log: &Log, root: Digest| {
        let edge: String = log.edge().iter().map(ToString::to_string).collect();
        format!(r#"{{"format":1,"row":{{"size":{},"edge":"{edge}","root":"{root}"}}}}"#, log.size())
    };
    let bent = Log::kept(size.0, vec![Digest([7; 32]); size.1.len()]).unwrap();
    let kept = Log::kept(size.0, size.1).unwrap();
    assert_eq!(of(&kept, head), whole, "the row as it is written");
    let wrong = [
        Some(of(&grown, head)),
        Some(of(&bent, head)),
        Some(of(&kept, Digest([7; 32]))),
        Some(of(&Log::default(), head)),
        Some(String::from_utf8(older.to_vec()).unwrap()),
        None,
    ];
    for wrong in wrong {
        let told = format!("{wrong:?}");
        let commit = match wrong {
            Some(row) => Commit::new().put(key.clone(), row.into_bytes()),
            None => Commit::new().delete(key.clone()),
        };
        store.commit(commit).await.unwrap();
        let error = open(store.clone(), &online, &ca, &time).await.unwrap_err();
        assert!(matches!(error, OpenError::Log(_)), "{told}: {error}");
        assert!(error.to_string().contains("restore the store"), "{error}");
    }
    store.commit(Commit::new().put(key.clone(), whole.into_bytes())).await.unwrap();
    // Without the newest root nobody can tell how the log stood, with its row or without.
    let newest = crate::rows::root(head);
    let root = store.get(&newest).await.unwrap().unwrap().value;
    store.commit(Commit::new().delete(newest.clone())).await.unwrap();
    let error = open(store.clone(), &online, &ca, &time).await.unwrap_err();
    assert!(matches!(error, OpenError::Log(_)), "{error}");
    let log_row = store.get(&key).await.unwrap().unwrap().value;
    store.commit(Commit::new().delete(key.clone())).await.unwrap();
    let error = open(store.clone(), &online, &ca, &time).await.unwrap_err();
    assert!(matches!(error, OpenError::Log(_)), "{error}");
    store.commit(Commit::new().put(key.clone(), log_row).put(newest, root)).await.unwrap();
    open(store, &online, &ca, &time).await.unwrap();
}

fn signed_size(row: &str) -> (u64, Vec<Digest>) {
    let row: Value = serde_json::from_str(row).unwrap();
    let edge = hex::decode(row["row"]["edge"].as_str().unwrap()).unwrap();
    (row["row"]["size"].as_u64().unwrap(), edge.chunks(32).map(|it| Digest(it.try_into().unwrap())).collect())
}

#[tokio::test]
async fn roots_come_to_viewers_page_by_page_and_a_strange_token_is_refused() {
    let bed = Bed::with_sample().await;
    for token in ["x", &"0".repeat(63), &"ab".repeat(32)] {
        let page = PageRequest { size: 0, token: token.into() };
        assert!(matches!(bed.app.roots(&viewer(), &page).await, Err(AppError::Invalid(_))), "{token}");
    }
    let (notes, keys) = roots(&bed).await;
    assert_eq!(notes.len(), signed(&bed).await.len());
    assert!(!keys.is_empty());
}
