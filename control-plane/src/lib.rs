//! The control plane as a process: its command line, its configuration, its wiring, and how it starts and stops.
//!
//! What an operation means is `entente-app`'s, what a client sees `entente-grpc`'s, what rests on disk
//! `entente-store`'s. Start at [`run`] for the server; [`init`] makes everything that one needs.
//!
//! A library too, so that a program which links it can re-execute itself as a control plane.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod admin;
mod backup;
mod cli;
mod config;
mod failure;
mod files;
mod init;
mod logging;
mod run;
mod statements;

pub use cli::main_with_args;
pub use config::{Agents, Config, KeyPair, Listen, Log, LogFormat, Signing, Timing};
pub use failure::Failure;
pub use init::{Init, Initialised, init};
pub use run::{Bound, Ready, run};
