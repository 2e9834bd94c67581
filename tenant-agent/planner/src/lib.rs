//! What the tenant agent does, decided without doing anything.
//!
//! Desired state, what was observed, the ledger of what we made, the customer's guardrail and the time become a
//! [`plan::Plan`]. Nothing here does IO, awaits, draws a random number or asks what time it is. Start at [`plan`];
//! [`guardrail`] is the customer's file, [`ledger`] what the agent remembers, [`observed`] what it saw, [`reads`]
//! what it has to look at, [`judge`] a second opinion that shares no logic with the plan, and [`salvage`] what is done in
//! spite of its faults. The session with the control plane is `entente-session`'s, the calls to Microsoft are
//! `entente-cloud`'s, the loop is `entente-agent`'s.
//!
//! `path/` has people, the groups of roles and who is in them: all rights reach people on it. `planes/` has the rights,
//! a folder for each plane: what it reads, decides, writes and judges, with its rows of permissions and its section of the
//! guardrail. `planes.rs` names every plane; [`write`] every write, and [`effect`] what any of them does. A new plane
//! is a folder and a line in each of these, and the compiler asks for the rest.

#![deny(clippy::wildcard_enum_match_arm)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm))]

mod assignment_name;
mod builder;
pub mod capability;
pub mod change;
pub mod condition;
pub mod consent;
pub mod difference;
pub mod effect;
mod gate;
pub mod guardrail;
pub mod input;
pub mod judge;
pub mod ledger;
pub mod moment;
pub mod need;
pub mod observed;
mod path;
pub mod permission;
pub mod plan;
mod planes;
pub mod reads;
pub mod record;
pub mod reference;
pub mod salvage;
mod script;
pub mod verdict;
pub mod write;

pub use assignment_name::assignment_name;

#[cfg(test)]
mod tests;
