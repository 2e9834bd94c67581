//! Between the words of the wire and the words of the model.
//!
//! Manifests are read through their serde form, so that YAML, JSON and protobuf are parsed by the same code and
//! report faults in the same words.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod access;
pub mod agent;
pub mod manifest;
pub mod seal;
pub mod time;
