//! Measures durable commits of 2 KiB per second, by the number of writers, and compares with appending and syncing the
//! same bytes alone. `cargo run -p entente-store-embedded --release --example commit_bench -- [DIRECTORY]`. The figures
//! depend on the machine and the moment: compare the ratios of one run.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use entente_store::{Commit, Store};
use entente_store_embedded::{Sizes, SledStore};
use uuid::Uuid;

const VALUE_BYTES: usize = 2048;
const TIME: Duration = Duration::from_secs(2);
const ROUNDS: usize = 3;
/// Keys that each writer overwrites in turn.
const KEYS: u64 = 64;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let place = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let dir = Path::new(&place).join(format!("commit-bench-{}", std::process::id()));
    std::fs::create_dir(&dir)?;
    let store = Arc::new(SledStore::open(&dir.join("store"), Uuid::new_v4(), Sizes::FLEET)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    println!("round  raw append+fdatasync  c=1     c=16    c=64    (per second; c=1 / raw)");
    for round in 0..ROUNDS {
        let raw = raw(&dir.join("raw"))?;
        let by_writers = [1, 16, 64].map(|writers| runtime.block_on(run(&store, writers)));
        let [one, some, many] = by_writers;
        println!("{round:<6} {raw:<21.0} {one:<7.0} {some:<7.0} {many:<7.0} {:.2}", one / raw);
    }
    let stats = store.stats();
    let sync_ms = stats.sync_micros as f64 / stats.groups as f64 / 1000.0;
    println!("{} commits in {} groups, {sync_ms:.2} ms a sync", stats.commits, stats.groups);
    println!("groups of up to 1, 2, 4, ... commits: {:?}", stats.group_sizes);
    drop(store);
    std::fs::remove_dir_all(dir)?;
    Ok(())
}

fn raw(path: &Path) -> std::io::Result<f64> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let (began, mut count) = (Instant::now(), 0u32);
    while began.elapsed() < TIME {
        file.write_all(&[count as u8; VALUE_BYTES])?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

/// Each value differs from the previous one, because sled skips a write that changes nothing.
async fn run(store: &Arc<SledStore>, writers: u64) -> f64 {
    let began = Instant::now();
    let write = |store: Arc<SledStore>, writer: u64| async move {
        let mut count = 0u64;
        while began.elapsed() < TIME {
            let mut value = vec![writer as u8; VALUE_BYTES];
            value[..8].copy_from_slice(&count.to_le_bytes());
            let key = format!("{writer}/{}", count % KEYS);
            store.commit(Commit::new().put(key, value)).await.expect("the disk takes it");
            count += 1;
        }
        count
    };
    let tasks: Vec<_> = (0..writers).map(|w| tokio::spawn(write(store.clone(), w))).collect();
    let mut total = 0;
    for task in tasks {
        total += task.await.expect("a writer ends");
    }
    total as f64 / began.elapsed().as_secs_f64()
}
