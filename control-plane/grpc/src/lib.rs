//! The API over gRPC: the only server-side crate that knows tonic.
//!
//! [`transport`] lets connections in and knows whose they are; [`server`] puts services on the ports; `access`,
//! `admin`, `fleet` and `agent` parse a request, call `entente-app` and convert its answer; `status` alone turns an
//! error into what a client sees. What an operation means is decided in `entente-app`, and nothing here.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod access;
mod admin;
mod agent;
mod call;
mod fleet;
mod mask;
mod parse;
mod roles;
pub mod server;
mod status;
#[cfg(test)]
mod testing;
pub mod transport;

pub use agent::Rate;
