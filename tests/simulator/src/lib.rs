//! A stand-in for Entra ID, Microsoft Graph and Azure Resource Manager over real HTTPS, many tenants in one process.
//!
//! For tests, for the demo, and for anyone who wants to try an agent without a tenant. State is in memory. It knows
//! nothing about Entente: any Microsoft client that can use another host works with it.
//!
//! Start with [`Simulator::start`] (or the binary), fill it through [`control::Client`]. `front` takes a
//! request in; `graph`, `arm` and `token` route it to its plane, which has a folder in `planes`; `tenant` is the state,
//! `truth` is what is really in it; `switches` lists what is uncertain about Microsoft's behaviour. See README.md.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod arm;
mod assertion;
mod call_log;
mod clock;
pub mod connect_proxy;
pub mod control;
mod disturbance;
mod front;
mod graph;
mod http;
mod lock;
mod planes;
mod replicated;
mod simulator;
pub mod switches;
mod tenant;
pub mod tls;
mod token;
mod truth;
mod world;

pub use simulator::{Config, Running, Simulator, StartError};
