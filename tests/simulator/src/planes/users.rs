//! Accounts: invitations, `/users`, sessions.

pub mod account;
pub mod graph;
pub mod invitations;
pub mod redemption;
pub mod seeding;
pub mod sessions;
pub mod tampering;

use serde_json::Value;

use self::account::User;
use super::surface::{SeedError, Surface};
use crate::arm::request as arm;
use crate::clock::Now;
use crate::control::seed::TenantSeed;
use crate::control::types::{Truth, UserTruth};
use crate::graph::delta;
use crate::graph::list::USERS;
use crate::graph::permissions::lists::{DELETE_USERS, READ_DIRECTORY, READ_MEMBERS, READ_USERS, WRITE_USERS};
use crate::graph::request::Request;
use crate::http::Reply;
use crate::replicated::Replicated;
use crate::tenant::Tenant;

const USERS_DELTA: &[&str] = &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];

pub struct Users;

impl Surface for Users {
    fn may(&self, tenant: &Tenant, request: Request<'_>, _: &str, parts: &[&str]) -> Option<bool> {
        let holds = |any: &[&str]| request.caller.holds(any);
        Some(match (request.call.method.as_str(), parts) {
            ("POST", ["invitations"]) => holds(&["User.Invite.All"]) || holds(WRITE_USERS),
            ("GET", ["users", _, "memberOf" | "transitiveMemberOf", ..])
                if tenant.switches.is("member_of_permission", "user_read") =>
            {
                holds(READ_USERS) || holds(READ_MEMBERS)
            }
            ("GET", ["users", _, "memberOf" | "transitiveMemberOf", ..]) => holds(READ_DIRECTORY),
            ("GET", ["users", one]) if delta::is_delta(one) => holds(USERS_DELTA),
            ("GET", ["users", ..]) => holds(READ_USERS),
            ("POST", ["users", _, "revokeSignInSessions"]) => holds(&["User.RevokeSessions.All"]) || holds(WRITE_USERS),
            ("PATCH", ["users", _]) => may_patch(tenant, request),
            ("DELETE", ["users", _]) => holds(DELETE_USERS),
            (_, ["users" | "invitations", ..]) => true,
            _ => return None,
        })
    }

    fn graph(&self, tenant: &mut Tenant, request: Request<'_>, _: &str, parts: &[&str]) -> Option<Reply> {
        match (request.call.method.as_str(), parts) {
            ("POST", ["invitations"]) => Some(invitations::create(tenant, request)),
            ("GET", ["users", one]) if delta::is_delta(one) => Some(delta::handle(tenant, request, USERS)),
            (_, ["users", rest @ ..]) => Some(graph::handle(tenant, request, rest)),
            _ => None,
        }
    }

    fn arm(&self, _: &mut Tenant, _: arm::Request<'_>, _: arm::Target<'_>) -> Option<Reply> {
        None
    }

    fn seed(&self, tenant: &mut Tenant, seed: &TenantSeed, now: Now) -> Result<(), SeedError> {
        seed.users.iter().try_for_each(|user| seeding::add_user(tenant, user, now))
    }

    fn truth(&self, tenant: &Tenant, now: Now, truth: &mut Truth) {
        let living = tenant.users.values().filter_map(Replicated::truth).map(|user| (user, false));
        let all = living.chain(tenant.deleted_users().map(|user| (user, true)));
        truth.users.extend(all.map(|(user, deleted)| truth_of(tenant, user, deleted, now)));
    }
}

/// Narrow permissions cover single properties (Graph: user-update).
fn may_patch(tenant: &Tenant, request: Request<'_>) -> bool {
    let holds = |any: &[&str]| request.caller.holds(any);
    if holds(WRITE_USERS) {
        return true;
    }
    let body = request.call.json();
    let Some(Value::Object(properties)) = body else { return false };
    let reads = tenant.switches.is("enable_disable_needs_user_read", "no") || holds(&["User.Read.All"]);
    !properties.is_empty()
        && properties.keys().filter(|name| !name.starts_with('@')).all(|name| match name.as_str() {
            "accountEnabled" => holds(&["User.EnableDisableAccount.All"]) && reads,
            "otherMails" => holds(&["User-Mail.ReadWrite.All"]),
            "businessPhones" | "mobilePhone" => holds(&["User-Phone.ReadWrite.All"]),
            "passwordProfile" => holds(&["User-PasswordProfile.ReadWrite.All"]),
            "identities" => holds(&["User.ManageIdentities.All"]),
            _ => false,
        })
}

fn truth_of(tenant: &Tenant, user: &User, deleted: bool, now: Now) -> UserTruth {
    UserTruth {
        id: user.id.clone(),
        display_name: user.text("displayName").to_owned(),
        mail: user.props.get("mail").and_then(Value::as_str).map(str::to_owned),
        invited_mail: user.invited_mail.clone(),
        invited_as: user.invited_as.iter().cloned().collect(),
        user_principal_name: user.text("userPrincipalName").to_owned(),
        created_by: user.created_by.clone(),
        user_type: user.text("userType").to_owned(),
        enabled: user.enabled(),
        redeemed: user.is_b2b() && user.redeemed,
        deleted,
        sessions_revoked_at: user.sessions_revoked_at.clone(),
        session: tenant.session_truth(&user.id, now),
        entra_roles: tenant.entra.of(&user.id).map(|role| role.display_name.clone()).collect(),
    }
}
