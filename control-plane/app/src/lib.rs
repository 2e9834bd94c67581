//! What each operation of the control plane means: authorise, load, decide, commit, audit, nudge.
//!
//! [`App`] is all of it behind one handle; `entente-grpc` puts doors on it. Knows neither gRPC nor sockets nor which
//! store it has. The floors, lowest first, each naming only those below it (`tests/tidy/circles.rs` sees to it): `identity` for
//! who may connect and who may ask, `history` for how something is decided, committed and published, `channel` for what each
//! tenant's agent is to be told and has said, `reports` for what is kept of that and how tenants stand, `stream` for how an
//! agent connects, speaks and hears, `intent` for every change of intent, `removals` for the proof that a person's access is gone,
//! `app` for the operations, start-up and what runs by itself. `pki` is certificates.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod api_role;
mod app;
mod caller;
mod channel;
mod config;
mod error;
mod history;
mod identities;
mod identity;
mod intent;
mod page;
mod recollection;
mod removals;
mod reports;
mod request_log;
mod rows;
mod running;
mod stream;
mod sync;
mod tenant_phase;
mod word;

pub mod pki;
pub mod provision;

pub use api_role::ApiRole;
pub use app::{
    Agent, App, CreatedToken, Ending, EndingKind, EnrollRequest, Enrolled, EnrollmentToken, NewPrincipal, OpenError,
    Principal, Renewed, RestateError, Roots, TenantPlan, TokenFile,
};
pub use caller::{Caller, Options};
pub use channel::{Outgoing, Refused};
pub use config::{Clock, Config, system_clock};
pub use error::AppError;
pub use history::{
    AuditRecord, AuditedChange, ChangeKind, Event, EventKind, FieldChange, LogError, Meta, ResourceChange, Stored,
};
pub use identity::{AgentRow, Vouch};
pub use intent::{Applied, Change, Delete, Impact, Intents, Outlook, Put, Right, RightsChange, TenantOutlook};
pub use page::{Page, PageRequest};
pub use removals::{Removal, Removals, SignedStatement};
pub use reports::{
    Access, AccessFilter, Displacement, EventFilter, EventStart, EventWatch, Ground, ItemStatus, Party, ReportError,
    Reports, StatusWatch, TenantSelection, TenantStatus, WatchEvent,
};
pub use rows::RowError;
pub use stream::{Connected, Hello, Inbox, Incoming, Outbox, ProtocolError, Welcome};
pub use tenant_phase::TenantPhase;

#[cfg(test)]
mod tests;
