//! The nouns of Entente, shared by the control plane and the tenant agent.
//!
//! Start at [`intent`] for what the service provider writes, [`desired`] for what one customer tenant should hold,
//! [`plan`] for what an agent would do about it, and [`report`] for what it found. This crate does no IO and reads no
//! clock. It does not know how its types are sent or stored: wire forms are in `entente-proto` and `entente-seal`, rows
//! in `entente-app`.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod capability;
pub mod catalog;
mod cause;
pub mod desired;
mod go_away;
pub mod intent;
pub mod mail;
pub mod map;
pub mod name;
pub mod nearest;
pub mod plan;
pub mod plane;
pub mod removal;
pub mod report;
pub mod revocation;
pub mod scope;
pub mod text;
pub mod time;
pub mod violation;
pub mod word;

pub use go_away::GoAwayReason;
pub use map::Map;
pub use name::{
    AgentName, AssignmentName, Guid, HomeName, OperatorName, PrincipalName, RoleName, RoleVersion, SquadName,
    TenantName, TokenName,
};
pub use plane::{Plane, PlaneMode, PlaneWord, RESERVED};
pub use time::{Date, Timestamp, Window, Windows};
pub use violation::Violation;
