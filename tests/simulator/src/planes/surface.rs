//! What the simulator has to know of a plane. There are no defaults, so that each plane answers every question.

use crate::clock::Now;
use crate::control::seed::TenantSeed;
use crate::control::types::Truth;
use crate::http::Reply;
use crate::switches::UnknownSwitch;
use crate::tenant::Tenant;
use crate::{arm::request as arm, graph::request as graph};

pub trait Surface: Sync {
    /// Whether the permissions in the token cover a Graph request; `None`: the path is not this plane's.
    fn may(&self, tenant: &Tenant, request: graph::Request<'_>, version: &str, parts: &[&str]) -> Option<bool>;

    /// Answers a Graph request that is covered; `None`: the path is not this plane's.
    fn graph(&self, tenant: &mut Tenant, request: graph::Request<'_>, version: &str, parts: &[&str]) -> Option<Reply>;

    /// Answers an ARM request; `None`: it is not this plane's.
    fn arm(&self, tenant: &mut Tenant, request: arm::Request<'_>, target: arm::Target<'_>) -> Option<Reply>;

    /// Makes its part of a new tenant.
    fn seed(&self, tenant: &mut Tenant, seed: &TenantSeed, now: Now) -> Result<(), SeedError>;

    /// Tells what is really in it, whatever its readers see. `truth::person` has who has what by it, and asks no plane.
    fn truth(&self, tenant: &Tenant, now: Now, truth: &mut Truth);
}

/// A seed that makes no tenant.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    #[error("tenant {id:?}: the id is not a GUID")]
    BadId { id: String },
    #[error("tenant: {0}")]
    Switch(#[from] UnknownSwitch),
    #[error(transparent)]
    Hierarchy(#[from] super::azure::scopes::BadHierarchy),
    #[error("app {app}: {reason}")]
    Certificate { app: String, reason: String },
    #[error("directory role {name:?} is not among those of the simulator")]
    DirectoryRole { name: String },
    #[error("group {group}: member {member:?} is neither an object id nor the mail or UPN of a seeded user")]
    Member { group: String, member: String },
}
