//! A whole fleet on one machine: a simulated cloud, a control plane, an agent for each customer, the command line.
//!
//! The processes are real: a program that links this crate runs itself again in another [`role`], over real TLS on
//! loopback. Only the cloud is simulated. The stories and the demo start with [`Fleet::start`]. [`customer`] has the
//! customers, [`provider`] the service provider's intent.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod customer;
pub mod fleet;
pub mod process;
pub mod provider;
pub mod role;
pub mod wait;

pub use customer::Customer;
pub use fleet::{Fleet, FleetSpec, free_ports};
pub use wait::eventually;
