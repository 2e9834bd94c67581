//! Memberships and ownerships: `/groups/{id}/members`, `/owners`.

pub mod graph;
pub mod membership;
pub mod tampering;

use super::surface::{SeedError, Surface};
use crate::arm::request as arm;
use crate::clock::Now;
use crate::control::seed::TenantSeed;
use crate::control::types::Truth;
use crate::graph::permissions::lists::{DELETE_USERS, READ_GROUPS, READ_MEMBERS, READ_USERS, WRITE_MEMBERS};
use crate::graph::request::Request;
use crate::http::Reply;
use crate::tenant::Tenant;

pub struct Members;

impl Surface for Members {
    fn may(&self, tenant: &Tenant, request: Request<'_>, _: &str, parts: &[&str]) -> Option<bool> {
        let holds = |any: &[&str]| request.caller.holds(any);
        Some(match (request.call.method.as_str(), parts) {
            ("POST", ["groups", _, "members", "$ref"]) => {
                let alone = tenant.switches.is("add_member_needs_user_read", "no");
                holds(WRITE_MEMBERS) && (alone || holds(READ_USERS))
            }
            ("DELETE", ["groups", _, "members", _, "$ref"]) => holds(WRITE_MEMBERS),
            // The trap of the missing `$ref`: this is a request to delete the user (Graph: group-delete-members).
            ("DELETE", ["groups", _, "members", _]) => holds(DELETE_USERS),
            ("GET", ["groups", _, "members" | "transitiveMembers", ..]) => holds(READ_MEMBERS),
            ("POST" | "DELETE", ["groups", _, "owners", ..]) => holds(&["Group.ReadWrite.All"]),
            ("GET", ["groups", _, "owners", ..]) => holds(READ_GROUPS),
            (_, ["groups", _, "members" | "owners" | "transitiveMembers", ..]) => true,
            _ => return None,
        })
    }

    fn graph(&self, tenant: &mut Tenant, request: Request<'_>, _: &str, parts: &[&str]) -> Option<Reply> {
        match parts {
            ["groups", id, rest @ ..] if matches!(rest, ["members" | "owners" | "transitiveMembers", ..]) => {
                Some(graph::handle(tenant, request, id, rest))
            }
            _ => None,
        }
    }

    fn arm(&self, _: &mut Tenant, _: arm::Request<'_>, _: arm::Target<'_>) -> Option<Reply> {
        None
    }

    /// Members are seeded with their groups.
    fn seed(&self, _: &mut Tenant, _: &TenantSeed, _: Now) -> Result<(), SeedError> {
        Ok(())
    }

    /// Members are told with their groups.
    fn truth(&self, _: &Tenant, _: Now, _: &mut Truth) {}
}
