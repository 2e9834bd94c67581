//! The promises of every store, tested on the embedded one, and those of a store with files.
#![allow(clippy::unwrap_used)] // A test says by panicking that something it needs failed.

mod archive;
mod files;
mod model;
mod suite;

use std::sync::Arc;

use entente_store::Store;
use entente_store_embedded::{Sizes, SledStore};
use tempfile::TempDir;
use uuid::Uuid;

/// An embedded store in its own directory.
#[derive(Debug)]
struct Embedded {
    dir: TempDir,
}

impl suite::Fixture for Embedded {
    fn new() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    async fn open(&self) -> Arc<dyn Store> {
        let dir = self.dir.path().join("store");
        Arc::new(SledStore::open(&dir, Uuid::from_u128(7), Sizes::FLEET).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_store_keeps_every_promise_of_the_trait() {
    suite::suite::<Embedded>().await;
}

#[test]
fn the_embedded_store_behaves_as_a_map_does_over_restarts_too() {
    model::check::<Embedded>();
}
