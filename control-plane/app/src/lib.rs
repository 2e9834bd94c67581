//! What each operation of the control plane means: authorise, load, decide, commit, audit, nudge.
//!
//! [`App`] is all of it behind one handle; `entente-grpc` puts doors on it. Knows neither gRPC nor sockets nor which
//! store it has. Where to go: `change` for every change of intent, `writer` for how one is committed and published,
//! `desk` for what an agent is told, `status` for what it has said, `events` for what happened, `removals` for the proof that somebody is gone,
//! `pki` for certificates, `endings` for what ends when, `stated` for the root key's word, `open` for start-up, `tasks` for what runs by itself.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod agents;
mod app;
mod audit;
mod batch;
mod caller;
mod change;
mod cleanup;
mod config;
mod desk;
mod displacement;
mod endings;
mod error;
mod events;
mod leases;
mod memory;
mod missing;
mod open;
mod page;
mod plan;
mod principals;
mod registry;
mod removals;
mod replay;
mod rows;
mod stated;
mod status;
mod tasks;
mod tokens;
mod world;
mod writer;

pub mod pki;
pub mod provision;

pub use agents::{Agent, EnrollRequest, Enrolled, Renewed};
pub use app::App;
pub use audit::{AuditRecord, AuditedChange};
pub use caller::{ApiRole, Caller};
pub use change::{
    Applied, Change, ChangeKind, Delete, FieldChange, Impact, Outlook, Put, ResourceChange, Right, RightsChange,
    TenantOutlook,
};
pub use config::{Clock, Config, system_clock};
pub use desk::{AwayReason, Connected, Hello, Inbox, Incoming, Outbox, Outgoing, ProtocolError, Refused, Welcome};
pub use displacement::{Displacement, Vouch};
pub use endings::{Ending, EndingKind};
pub use error::AppError;
pub use events::{Event, EventFilter, EventKind, EventStart, EventWatch};
pub use open::OpenError;
pub use page::{Page, PageRequest};
pub use plan::TenantPlan;
pub use principals::{NewPrincipal, Principal};
pub use removals::{Removal, SignedStatement};
pub use replay::Options;
pub use rows::RowError;
pub use stated::RestateError;
pub use status::access::{Access, AccessFilter, Ground};
pub use status::phase::TenantPhase;
pub use status::report::ReportError;
pub use status::select::TenantSelection;
pub use status::view::{ItemStatus, TenantStatus};
pub use status::watch::{StatusWatch, WatchEvent};
pub use status::whose::Party;
pub use tokens::{CreatedToken, EnrollmentToken, TokenFile};
pub use world::{Meta, Stored};

#[cfg(test)]
mod tests;
