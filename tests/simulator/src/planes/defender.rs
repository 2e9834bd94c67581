//! Defender's roles: unified RBAC, which Graph has in beta only.

pub mod graph;
pub mod state;
pub mod tampering;

use self::state::{DefenderAssignment, DefenderRole};
use super::surface::{SeedError, Surface};
use crate::arm::request as arm;
use crate::clock::Now;
use crate::control::seed::TenantSeed;
use crate::control::types::{DefenderAssignmentTruth, DefenderRoleTruth, Truth};
use crate::graph::request::Request;
use crate::http::Reply;
use crate::replicated::Replicated;
use crate::tenant::Tenant;

const READ_DEFENDER: &[&str] =
    &["RoleManagement.Read.Defender", "RoleManagement.Read.All", "RoleManagement.ReadWrite.Defender"];

pub struct Defender;

impl Surface for Defender {
    fn may(&self, _: &Tenant, request: Request<'_>, version: &str, parts: &[&str]) -> Option<bool> {
        let rest = below(version, parts)?;
        Some(match (request.call.method.as_str(), rest) {
            ("GET", _) => request.caller.holds(READ_DEFENDER),
            _ => request.caller.holds(&["RoleManagement.ReadWrite.Defender"]),
        })
    }

    fn graph(&self, tenant: &mut Tenant, request: Request<'_>, version: &str, parts: &[&str]) -> Option<Reply> {
        Some(graph::handle(tenant, request, below(version, parts)?))
    }

    fn arm(&self, _: &mut Tenant, _: arm::Request<'_>, _: arm::Target<'_>) -> Option<Reply> {
        None
    }

    fn seed(&self, tenant: &mut Tenant, seed: &TenantSeed, _: Now) -> Result<(), SeedError> {
        tenant.defender.active = seed.defender.active;
        tenant.defender.spelling = seed.defender.spelling.clone();
        tenant.defender.sentinel_workspace = seed.defender.sentinel_workspace;
        Ok(())
    }

    fn truth(&self, tenant: &Tenant, _: Now, truth: &mut Truth) {
        let role = |one: &DefenderRole| DefenderRoleTruth {
            id: one.id.clone(),
            display_name: one.display_name.clone(),
            actions: one.actions.clone(),
            created_by: one.created_by.clone(),
        };
        let assignment = |one: &DefenderAssignment| DefenderAssignmentTruth {
            id: one.id.clone(),
            display_name: one.display_name.clone(),
            role: one.role.clone(),
            principals: one.principals.clone(),
            app_scopes: one.app_scopes.clone(),
            created_by: one.created_by.clone(),
        };
        truth.defender_roles.extend(tenant.defender.roles.values().filter_map(Replicated::truth).map(role));
        truth
            .defender_assignments
            .extend(tenant.defender.assignments.values().filter_map(Replicated::truth).map(assignment));
    }
}

fn below<'a, 'b>(version: &str, parts: &'a [&'b str]) -> Option<&'a [&'b str]> {
    match parts {
        ["roleManagement", "defender", rest @ ..] if version == "beta" => Some(rest),
        _ => None,
    }
}
