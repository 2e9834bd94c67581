//! Tests the crate as the agent uses it: real HTTP over real TLS, against a service that misbehaves on demand.
#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod batches;
mod delivery;
mod directory_roles;
mod fake;
mod gates;
mod operations;
mod roles;
mod tokens;
