//! The server as its clients see it: made by `init`, run in this process or as a process of its own, called over
//! mutual TLS on loopback.

#![allow(clippy::unwrap_used)] // A test that cannot go on says so by panicking.

mod agents;
mod api;
mod commands;
mod full_disk;
mod process;
mod storm;
mod support;
