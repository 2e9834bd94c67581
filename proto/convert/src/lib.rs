//! Conversion between the protobuf messages and the model.
//!
//! Manifests are read through their serde form, so that YAML, JSON and protobuf are parsed by the same code and
//! report faults in the same words.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod access;
pub mod agent;
mod go_away;
pub mod manifest;
pub mod seal;
pub mod time;

pub use go_away::{go_away_from_proto, go_away_to_proto};
