//! Azure's roles: assignments and definitions in Azure Resource Manager.

pub mod assignments;
pub mod definitions;
pub mod scopes;
pub mod seeding;
pub mod state;
pub mod tampering;

use super::surface::{SeedError, Surface};
use crate::arm::request::{Request, Target};
use crate::clock::Now;
use crate::control::seed::TenantSeed;
use crate::control::types::{AzureTruth, Truth};
use crate::graph::request as graph;
use crate::http::Reply;
use crate::tenant::Tenant;

pub struct Azure;

impl Surface for Azure {
    /// Graph knows nothing of it.
    fn may(&self, _: &Tenant, _: graph::Request<'_>, _: &str, _: &[&str]) -> Option<bool> {
        None
    }

    fn graph(&self, _: &mut Tenant, _: graph::Request<'_>, _: &str, _: &[&str]) -> Option<Reply> {
        None
    }

    fn arm(&self, tenant: &mut Tenant, request: Request<'_>, target: Target<'_>) -> Option<Reply> {
        let Target { scope, kind, name } = target;
        Some(match (request.call.method.as_str(), kind, name) {
            ("GET", "roleassignments", None) => assignments::list(tenant, request, scope),
            ("GET", "roleassignments", Some(name)) => assignments::get(tenant, request, scope, name),
            ("PUT", "roleassignments", Some(name)) => assignments::put(tenant, request, scope, name),
            ("DELETE", "roleassignments", Some(name)) => assignments::delete(tenant, request, scope, name),
            ("GET", "roledefinitions", None) => definitions::list(&tenant.azure, request, scope),
            ("GET", "roledefinitions", Some(name)) => definitions::get(&tenant.azure, scope, name),
            _ => return None,
        })
    }

    /// The assignments of applications are seeded with them.
    fn seed(&self, tenant: &mut Tenant, seed: &TenantSeed, _: Now) -> Result<(), SeedError> {
        tenant.azure.subscriptions = seed.subscriptions.clone();
        tenant.azure.management_groups = seed.management_groups.clone();
        tenant.azure.root_group = tenant.id.clone();
        Ok(tenant.azure.check_hierarchy()?)
    }

    fn truth(&self, tenant: &Tenant, _: Now, truth: &mut Truth) {
        let of = |one: &state::Assignment| AzureTruth {
            name: one.name.clone(),
            scope: one.scope.clone(),
            role: one.role.clone(),
            principal: one.principal.clone(),
            principal_type: one.principal_type.clone(),
            created_by: one.created_by.clone(),
        };
        truth.azure_assignments.extend(tenant.azure.assignments.values().map(of));
    }
}
