//! Who may connect and who may ask: what is kept of principals, agents and enrolment tokens, and the tables of them.

mod agent;
mod principal;
mod tables;
mod token;

pub use agent::Vouch;
pub(crate) use agent::{AgentRow, Leaf};
pub(crate) use principal::PrincipalRow;
pub(crate) use tables::{Consequence, Registry, RegistryChange, Tables};
pub(crate) use token::{TokenRow, Used};
