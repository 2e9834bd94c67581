//! Directory roles of Entra: who holds which over the whole tenant. Eligibility (PIM) is not simulated.

pub mod graph;
pub mod held;
pub mod seeding;
pub mod state;
pub mod tampering;

use self::state::{EntraAssignment, role};
use super::surface::{SeedError, Surface};
use crate::arm::request as arm;
use crate::clock::Now;
use crate::control::seed::TenantSeed;
use crate::control::types::{EntraTruth, Truth};
use crate::graph::request::Request;
use crate::http::Reply;
use crate::tenant::Tenant;

const WRITE: &str = "RoleManagement.ReadWrite.Directory";
const READ: &[&str] = &["RoleManagement.Read.Directory", WRITE, "Directory.Read.All", "Directory.ReadWrite.All"];
/// Named by the page for assignments too, and not by the data (Graph: rbacapplication-list-roleassignments).
const READ_ALL: &[&str] = &["RoleManagement.Read.All"];

pub struct Entra;

impl Surface for Entra {
    fn may(&self, tenant: &Tenant, request: Request<'_>, _: &str, parts: &[&str]) -> Option<bool> {
        let holds = |any: &[&str]| request.caller.holds(any);
        Some(match (request.call.method.as_str(), below(parts)?) {
            ("GET", ["roleDefinitions", ..]) => holds(READ) || holds(READ_ALL),
            ("GET", ["roleAssignments", ..]) => {
                let wide = tenant.switches.is("read_all_reads_directory_roles", "yes");
                holds(READ) || (wide && holds(READ_ALL))
            }
            ("GET", _) => true,
            // Custom roles can be rewritten with less; they are not served.
            _ => holds(&[WRITE]),
        })
    }

    fn graph(&self, tenant: &mut Tenant, request: Request<'_>, _: &str, parts: &[&str]) -> Option<Reply> {
        Some(graph::handle(tenant, request, below(parts)?))
    }

    fn arm(&self, _: &mut Tenant, _: arm::Request<'_>, _: arm::Target<'_>) -> Option<Reply> {
        None
    }

    /// Roles are seeded with their holders.
    fn seed(&self, _: &mut Tenant, _: &TenantSeed, _: Now) -> Result<(), SeedError> {
        Ok(())
    }

    fn truth(&self, tenant: &Tenant, _: Now, truth: &mut Truth) {
        let of = |one: &EntraAssignment| EntraTruth {
            id: one.id.clone(),
            role: one.role.clone(),
            role_name: role(&one.role).map(|role| role.display_name.clone()).unwrap_or_default(),
            principal: one.principal.clone(),
            created_by: one.created_by.clone(),
        };
        truth.entra_assignments.extend(tenant.entra.held().map(of));
    }
}

fn below<'a, 'b>(parts: &'a [&'b str]) -> Option<&'a [&'b str]> {
    match parts {
        ["roleManagement", "directory", rest @ ..] => Some(rest),
        _ => None,
    }
}
