//! The scenarios, and what must hold in each.

use std::collections::BTreeMap;
use std::path::Path;

use entente_store::{Commit, Entry, Key, Revision, Store, export};
use entente_store_embedded::{Sizes, SledStore, restore};
use tempfile::TempDir;
use uuid::Uuid;

use crate::power::{Disk, Ended, Keep, NO_TROUBLE, Trouble};
use crate::program::{self, TASKS};

/// Commits of each task in one run.
const COMMITS: &str = "40";
/// Power cuts of one disk in a row, so that a start after a cut is cut too.
const CUTS: u64 = 8;
const CHAINS: u64 = 4;
/// The calls of a start. They are few compared with a run, so every other pair of cuts falls among them.
const START_CALLS: u64 = 16;

/// Power cuts of a program whose disk fills up.
const FULL_CUTS: u64 = 6;

/// The last commit of each task.
type Numbers = [u64; TASKS as usize];

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap().block_on(future)
}

fn write(disk: &Disk, trouble: Trouble) -> Ended {
    disk.run("write", &[disk.path().join("store").to_str().unwrap(), COMMITS], trouble)
}

/// Raises `numbers` to what the program printed with `word`. Returns how often it did, and the newest revision in it.
fn said(ended: &Ended, word: &str, numbers: &mut Numbers) -> (u64, Revision) {
    let (mut count, mut newest) = (0, Revision(0));
    for line in &ended.said {
        let mut words = line.split(' ');
        if words.next() != Some(word) {
            continue;
        }
        let mut number = || words.next().map_or(0, |word| word.parse::<u64>().unwrap());
        let (task, last) = (number() as usize, number());
        numbers[task] = numbers[task].max(last);
        newest = newest.max(Revision(number()));
        count += 1;
    }
    (count, newest)
}

/// The last complete commit of each task in the store, or what is wrong.
fn standing(dir: &Path, newest: Revision) -> Result<Numbers, String> {
    let store = SledStore::open(dir, Uuid::from_u128(1), Sizes::FLEET).map_err(|e| format!("{e}: {e:?}"))?;
    if store.revision() < newest {
        return Err(format!("stands at {}, acknowledged {newest}", store.revision()));
    }
    let mut numbers = Numbers::default();
    for task in 0..TASKS {
        let number = block_on(program::last(&store, task)).map_or(0, |(number, _)| number);
        let found = entries(&store, &format!("{task}/"))?;
        if found.values().any(|entry| entry.revision > store.revision()) {
            return Err(format!("an entry of task {task} is newer than the store"));
        }
        let values = found.into_iter().map(|(key, entry)| (key.to_string(), entry.value.to_vec()));
        if values.collect::<BTreeMap<_, _>>() != program::content(task, number) {
            return Err(format!("commit {number} of task {task} stands by halves"));
        }
        numbers[task as usize] = number;
    }
    Ok(numbers)
}

fn entries(store: &SledStore, prefix: &str) -> Result<BTreeMap<Key, Entry>, String> {
    let (mut all, mut next) = (BTreeMap::new(), None::<Key>);
    loop {
        let page = block_on(store.scan(prefix, next.as_deref(), 1000)).map_err(|e| e.to_string())?;
        all.extend(page.entries);
        next = page.next;
        if next.is_none() {
            return Ok(all);
        }
    }
}

/// The number of calls that change something in an undisturbed run. The cuts are spread over them.
fn calls(trouble: Trouble) -> u64 {
    let ended = write(&Disk::new(), trouble);
    for seen in ["calls", "writes", "range_syncs"] {
        // Commits of several tasks go to the disk together, but a task waits for each of its own.
        assert!(ended.count(seen) >= COMMITS.parse().unwrap(), "the shim saw {} {seen}", ended.count(seen));
    }
    assert!(!ended.killed && ended.said.len() > 200);
    ended.count("calls")
}

/// Pseudo-random numbers from a seed.
fn spread(seed: u64) -> u64 {
    (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 16
}

pub fn acknowledged_survives() -> String {
    let calls = calls(NO_TROUBLE);
    let chains = std::env::var("CRASH_CHAINS").map_or(CHAINS, |chains| chains.parse().unwrap());
    let (mut cuts, mut acks, mut kept, mut dropped) = (0, 0, 0, 0);
    for chain in 0..chains {
        let disk = Disk::new();
        let mut stands = Numbers::default();
        let mut newest = Revision(0);
        for cut in 0..CUTS {
            let seed = chain * CUTS + cut;
            let keep = [Keep::None, Keep::Writes, Keep::Pieces, Keep::All];
            let keep = keep[((chain + cut) % 4) as usize];
            let within = if cut / 2 % 2 == 1 { START_CALLS } else { calls };
            let crash_at = 1 + spread(seed) % within;
            let trouble = Trouble { crash_at, keep, seed, ..NO_TROUBLE };
            let ended = write(&disk, trouble);
            let mut acknowledged = stands;
            let (acked, revision) = said(&ended, "ack", &mut acknowledged);
            newest = newest.max(revision);
            let found = standing(&disk.copy().path().join("store"), newest);
            let found = found.unwrap_or_else(|wrong| panic!("chain {chain}, {trouble:?}: {wrong}"));
            for (found, acknowledged) in found.iter().zip(acknowledged) {
                let expected = acknowledged..=acknowledged + 1; // One more was under way.
                assert!(expected.contains(found), "chain {chain}, {trouble:?}: {found} of {expected:?}");
            }
            stands = found;
            cuts += u64::from(ended.killed);
            acks += acked;
            kept += ended.count("kept");
            dropped += ended.count("dropped");
        }
    }
    assert!(cuts > chains * CUTS / 2 && acks > 0 && dropped > 0 && kept > 0);
    format!("{cuts} power cuts, {acks} acknowledged, {dropped} unsynced writes dropped, {kept} kept")
}

pub fn lost_without_fdatasync() -> String {
    let ignored = Trouble { ignore_fdatasync: true, ..NO_TROUBLE };
    let calls = calls(ignored);
    let (mut cuts, mut acks) = (0, 0);
    for seed in 0..6 {
        let disk = Disk::new();
        let crash_at = calls / 2 + spread(seed) % (calls / 2);
        let ended = write(&disk, Trouble { crash_at, seed, ..ignored });
        if !ended.killed {
            continue; // The last calls of a run are those of a clean end, which syncs.
        }
        let mut acknowledged = Numbers::default();
        let (acked, newest) = said(&ended, "ack", &mut acknowledged);
        let found = standing(&disk.path().join("store"), newest);
        assert!(acked > 0 && found.is_err(), "seed {seed}: the loss went unnoticed, found {found:?}");
        cuts += 1;
        acks += acked;
    }
    assert!(cuts >= 3);
    format!("{cuts} power cuts, {acks} acknowledged, loss noticed each time")
}

pub fn fails_closed() -> String {
    let mut acks = 0;
    for fail in [5, 20, 33] {
        let disk = Disk::new();
        let ended = write(&disk, Trouble { fail, ..NO_TROUBLE });
        assert_eq!(ended.said.last().unwrap(), "closed");
        let mut acknowledged = Numbers::default();
        let (acked, newest) = said(&ended, "ack", &mut acknowledged);
        let mut shown = Numbers::default();
        said(&ended, "shows", &mut shown);
        assert_eq!(shown, acknowledged, "readers see what is durable, and no more");
        assert!(said(&ended, "unknown", &mut Numbers::default()).0 > 0);
        assert_eq!(standing(&disk.path().join("store"), newest), Ok(acknowledged));
        acks += acked;
    }
    format!("3 failed syncs, {acks} acknowledged before and there afterwards, none after")
}

pub fn restart_after_failed_sync() -> String {
    let mut acks = 0;
    for fail in [5, 20, 33] {
        let disk = Disk::new();
        let store = disk.path().join("store");
        let ended = disk.run("again", &[store.to_str().unwrap(), COMMITS], Trouble { fail, ..NO_TROUBLE });
        let mut acknowledged = Numbers::default();
        let (acked, newest) = said(&ended, "ack", &mut acknowledged);
        assert_eq!(standing(&store, newest), Ok(acknowledged), "sync {fail}");
        acks += acked;
    }
    format!("3 failed syncs, {acks} acknowledged before and after, and there")
}

pub fn full_disk() -> String {
    fills_up(NO_TROUBLE)
}

/// What the sync found no room for is dropped, but can be read until the cache is emptied.
pub fn full_disk_found_by_the_sync() -> String {
    fills_up(Trouble { late: true, copies: true, ..NO_TROUBLE })
}

fn fills_up(kind: Trouble) -> String {
    let run = |disk: &Disk, trouble| {
        let (store, switch) = (disk.path().join("store"), disk.full());
        disk.run("full", &[store.to_str().unwrap(), switch.to_str().unwrap()], trouble)
    };
    let calls = run(&Disk::new(), kind).count("calls");
    let (mut acks, mut cuts) = (0, 0);
    for cut in 0..=FULL_CUTS {
        // The first two are not cut; the others are cut before, while and after the disk is full.
        let crash_at = if cut < 2 { 0 } else { 1 + spread(cut) % calls };
        let keep = [Keep::None, Keep::Writes, Keep::Pieces, Keep::All][(cut % 4) as usize];
        // In every other run, another program takes the room that the store had reserved for this.
        let taken = cut % 2 == 1;
        let (disk, trouble) =
            (Disk::new(), Trouble { crash_at, keep, seed: cut, taken, copies: kind.copies || cut % 3 == 0, ..kind });
        let ended = run(&disk, trouble);
        assert!(ended.killed || ended.said.last().unwrap() == "went on");
        let mut acknowledged = Numbers::default();
        let (acked, newest) = said(&ended, "ack", &mut acknowledged);
        if !taken {
            let open = ["unknown", "unread"].map(|word| said(&ended, word, &mut Numbers::default()).0);
            assert_eq!(open, [0, 0], "{trouble:?}: with room set aside, everyone is told, and everything is read");
            let mut shown = Numbers::default();
            said(&ended, "shows", &mut shown);
            assert!(shown.iter().zip(acknowledged).all(|(shown, acknowledged)| *shown <= acknowledged));
        }
        let found = standing(&disk.path().join("store"), newest);
        let found = found.unwrap_or_else(|wrong| panic!("{trouble:?}: {wrong}"));
        for (found, acknowledged) in found.iter().zip(acknowledged) {
            let expected = acknowledged..=acknowledged + 1;
            assert!(expected.contains(found), "{trouble:?}: {found} of {expected:?}");
        }
        acks += acked;
        cuts += u64::from(ended.killed);
    }
    format!("{acks} acknowledged and there, {cuts} power cuts")
}

pub fn stuck_disk() -> String {
    let disk = Disk::new();
    let store = disk.path().join("store");
    // The first sync belongs to the store's creation.
    let ended = disk.run("stuck", &[store.to_str().unwrap()], Trouble { hang: 3, ..NO_TROUBLE });
    assert_eq!(ended.said, ["stalled", "recovered"]);
    let store = SledStore::open(&store, Uuid::nil(), Sizes::FLEET).unwrap();
    for (key, there) in [("before", true), ("during", true), ("refused", false), ("after", true)] {
        assert_eq!(block_on(store.get(key)).unwrap().is_some(), there, "{key}");
    }
    "a sync of 7 s".to_owned()
}

pub fn restore_is_whole() -> String {
    let origin = TempDir::new().unwrap();
    let archive = origin.path().join("archive");
    std::fs::write(&archive, archive_of(&origin.path().join("store"))).unwrap();
    let run = |disk: &Disk, trouble| {
        let place = disk.path().join("below/restored");
        disk.run("restore", &[place.to_str().unwrap(), archive.to_str().unwrap()], trouble)
    };
    let calls = run(&Disk::new(), NO_TROUBLE).count("calls");
    let (mut whole, mut none) = (0, 0);
    for cut in 0..3 * (calls + 1) {
        let (crash_at, disk) = (1 + cut / 3, Disk::new());
        let keep = [Keep::None, Keep::Pieces, Keep::All][(cut % 3) as usize];
        let ended = run(&disk, Trouble { crash_at, keep, seed: cut, ..NO_TROUBLE });
        let place = disk.path().join("below/restored");
        if place.exists() {
            whole += 1;
        } else {
            none += 1;
            assert!(ended.said.is_empty(), "call {crash_at}: it was restored, and is gone");
            let again = restore(&place, std::fs::File::open(&archive).unwrap());
            again.expect("restores over what is left");
        }
        let store = SledStore::open(&place, Uuid::nil(), Sizes::FLEET).unwrap();
        assert_eq!(store.revision(), Revision(20), "call {crash_at}");
        assert_eq!(block_on(store.scan("", None, 1000)).unwrap().entries.len(), 20);
    }
    assert!(whole > 3 && none > 0, "{whole} whole, {none} none");
    format!("{} power cuts, {whole} left the whole store and {none} none", 3 * calls)
}

fn archive_of(dir: &Path) -> Vec<u8> {
    let store = SledStore::open(dir, Uuid::from_u128(1), Sizes::FLEET).unwrap();
    block_on(async {
        for i in 0..20usize {
            store.commit(Commit::new().put(i.to_string(), vec![i as u8; i * 500])).await.unwrap();
        }
        let mut archive = Vec::new();
        export(&store, &mut archive).await.unwrap();
        archive
    })
}
