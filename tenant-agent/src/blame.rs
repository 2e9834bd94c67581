//! What a call's failure means to a plan: one place that turns what Microsoft answered into a reason and a sentence.

use entente_cloud::{Failure, Refusal};
use entente_model::report::Reason;
use entente_planner::action::Action;
use entente_planner::observed::Part;
use entente_planner::record::Outcome;

/// Longest detail kept of an answer: two sentences.
const MAX_DETAIL_CHARS: usize = 300;

/// Reads by what they need, for people (Graph permissions reference; Azure built-in roles).
pub const READ_USERS: &str = "User.Read.All";
pub const READ_GROUPS: &str = "GroupMember.Read.All";
pub const READ_AZURE: &str = "Reader at the scope";
pub const READ_DEFENDER: &str = "RoleManagement.Read.Defender";

/// Why a part was not read. `needs` is the permission that such a read needs.
pub fn unread<T>(failure: &Failure, needs: &str) -> Part<T> {
    let (reason, detail) = blame(failure, needs);
    Part::unread(reason, detail)
}

/// How a write ended that did not succeed.
pub fn outcome(failure: &Failure, action: &Action) -> Outcome {
    let (reason, detail) = blame(failure, needs(action));
    if failure.may_have_applied() {
        return Outcome::Unknown { detail };
    }
    Outcome::Failed { reason, detail, retry_after: failure.retry_after() }
}

fn blame(failure: &Failure, needs: &str) -> (Reason, String) {
    let text: String = crate::guardrail_file::chain(failure).chars().take(MAX_DETAIL_CHARS).collect();
    match failure {
        Failure::Refused(refusal) if is_denied(refusal) => {
            (Reason::PermissionMissing, format!("the agent's identity lacks {needs}, or the change needs more: {text}"))
        }
        Failure::Refused(_) | Failure::NotFound(_) | Failure::Unreadable { .. } => (Reason::CloudRefused, text),
        Failure::Throttled { .. } => (Reason::Throttled, text),
        Failure::DefenderNotActivated(_) => {
            (Reason::UnifiedRbacInactive, "a person activates unified RBAC in the Defender portal".into())
        }
        Failure::Unknown { .. } => (Reason::UnknownOutcome, text),
        // Unavailable, not sent, no token.
        _ => (Reason::CloudUnavailable, text),
    }
}

/// Graph and ARM both answer 403 (Graph: error responses; ARM: AuthorizationFailed).
fn is_denied(refusal: &Refusal) -> bool {
    refusal.status == 403
}

/// The least permission that lets an identity do it (Graph permissions reference; Azure built-in roles).
fn needs(action: &Action) -> &'static str {
    match action {
        Action::BlockUser { .. } | Action::UnblockUser { .. } => "User.EnableDisableAccount.All",
        Action::RevokeSessions { .. } => "User.RevokeSessions.All",
        Action::DeleteUser { .. } => "User.DeleteRestore.All",
        Action::InviteUser { .. } => "User.Invite.All",
        Action::CreateGroup { .. } => "Group.Create",
        Action::AddMember { .. } | Action::RemoveMember { .. } => "GroupMember.ReadWrite.All",
        Action::PutAzureRole { .. } | Action::DeleteAzureRole { .. } => {
            "Role Based Access Control Administrator at the scope"
        }
        Action::CreateDefenderRole { .. }
        | Action::UpdateDefenderRole { .. }
        | Action::DeleteDefenderRole { .. }
        | Action::CreateDefenderAssignment { .. }
        | Action::DeleteDefenderAssignment { .. } => "RoleManagement.ReadWrite.Defender",
    }
}
