//! The embedded store: sled in a directory, for one process on one machine.
//!
//! All commits go through one thread (`writer.rs`), which makes them durable in groups (`group.rs`, `disk.rs`): one
//! sled batch, one flush, one `fdatasync`, and only then the responses. Readers never wait for that: while a group is
//! being written, they see the previous entries (`rows.rs`). `row.rs` turns an entry into rows.
//!
//! If the disk is full, the store waits for room (`refill.rs`); any other failure ends writing.
//!
//! It has no transactions over several requests, and does not know what entries mean.
//!
//! Start at `store.rs`.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod disk;
mod full;
mod group;
mod limits;
mod refill;
mod request;
mod reserve;
mod restore;
mod row;
mod rows;
mod shared;
mod sizes;
mod store;
mod watchdog;
mod writer;

pub use restore::{Restored, restore};
pub use sizes::Sizes;
pub use store::SledStore;
