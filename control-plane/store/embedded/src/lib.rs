//! The embedded store: sled in a directory, for one process on one machine.
//!
//! All commits pass through one thread (`writer.rs`), which makes them durable in groups (`group.rs`, `disk.rs`):
//! one sled batch, one flush, one `fdatasync`, and only then the answers. Readers never wait for that: while a group
//! is on its way, they see what stood before it (`rows.rs`). How an entry becomes rows is in `row.rs`.
//!
//! A full disk is waited for (`refill.rs`); anything else that fails ends the writing.
//!
//! It has no transactions over several requests, and knows nothing of what the entries mean.
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
