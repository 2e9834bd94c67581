//! Between the words of the wire and the words of the house.
//!
//! Manifests are read through their serde form, so that YAML, JSON and protobuf are parsed by the same code and
//! faulted in the same words.

pub mod access;
pub mod agent;
pub mod manifest;
pub mod time;
