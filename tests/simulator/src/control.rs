//! The control API under `/_sim/`: what a test may do to the simulator and ask of it.
//!
//! `routes` serves it, `client` is its typed client, `seed` and `types` are the JSON of both.

pub mod client;
pub mod routes;
pub mod seed;
pub mod types;

pub use client::{Client, ControlError};
