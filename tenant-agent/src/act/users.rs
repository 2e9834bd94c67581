//! Writes to accounts of people.

use entente_cloud::{Answer, Cloud, Failure, Invited, NewInvitation, UserType};
use entente_model::report::Reason;
use entente_planner::record::Outcome;
use entente_planner::write::{INVITE_REDIRECT, UserWrite};

use super::outcome::{done, failed};
use crate::reasons;

pub(super) async fn perform(cloud: &Cloud, write: &UserWrite) -> Answer<Outcome> {
    let graph = cloud.graph();
    match write {
        UserWrite::Block { user, .. } => graph.set_account_enabled(user.as_uuid(), false).await?,
        UserWrite::Unblock { user } => graph.set_account_enabled(user.as_uuid(), true).await?,
        UserWrite::RevokeSessions { user } => graph.revoke_sessions(user.as_uuid()).await?,
        UserWrite::Delete { user } => drop(graph.delete_user(user.as_uuid()).await?),
        UserWrite::Invite { mail, display_name } => return invite(cloud, mail, display_name).await,
    };
    Ok(done(None))
}

/// The least permission that lets an identity do it (Graph permissions reference).
pub(super) fn needs(write: &UserWrite) -> &'static str {
    match write {
        UserWrite::Block { .. } | UserWrite::Unblock { .. } => {
            "User.EnableDisableAccount.All, or the account holds a directory role, or is in a role-assignable group, and only \
             a privileged role may block it"
        }
        UserWrite::RevokeSessions { .. } => "User.RevokeSessions.All",
        UserWrite::Delete { .. } => "User.DeleteRestore.All",
        UserWrite::Invite { .. } => "User.Invite.All",
    }
}

async fn invite(cloud: &Cloud, mail: &str, display_name: &str) -> Answer<Outcome> {
    let invitation = NewInvitation {
        mail: mail.into(),
        display_name: display_name.into(),
        redirect_url: INVITE_REDIRECT.into(),
        // A member is made from a guest, never invited as one (Graph: invitation, invitedUserType).
        user_type: UserType::Guest,
    };
    Ok(match cloud.graph().invite(&invitation).await? {
        Invited::Accepted(invitation) => Outcome::Done {
            id: Some(invitation.user_id.to_string()),
            redeem_url: Some(invitation.redeem_url.reveal().to_owned()),
        },
        Invited::AlreadyThere { .. } => {
            failed(Reason::CloudRefused, format!("{mail} is an internal user of this tenant, who needs no invitation"))
        }
    })
}

/// What a refused invitation means. Its status is no guide (no source is sure of it); the words are, and of a bare
/// "insufficient privileges" the token's permissions (Graph: invitation-post, "app permissions do not work if invitations
/// are restricted to administrators").
pub(super) async fn refused(cloud: &Cloud, write: &UserWrite, failure: &Failure) -> Outcome {
    let (UserWrite::Invite { .. }, Failure::Refused(refusal)) = (write, failure) else {
        return reasons::outcome(failure, needs(write));
    };
    if refusal.says("invitations not allowed") {
        return closed(failure);
    }
    if !matches!(refusal.status, 401 | 403) {
        return reasons::outcome(failure, needs(write));
    }
    let permissions = cloud.permissions().await.unwrap_or_default();
    let may_invite = INVITERS.iter().any(|name| permissions.contains(*name));
    match may_invite {
        true if refusal.message.is_empty() || refusal.says("insufficient privileges") => closed(failure),
        // The reason is in Microsoft's own sentence: cross-tenant access, a list of domains, something new.
        true => failed(Reason::CloudRefused, format!("the tenant refuses the invitation: {}", reasons::said(failure))),
        false => reasons::outcome(failure, needs(write)),
    }
}

fn closed(failure: &Failure) -> Outcome {
    let own = "the tenant's external collaboration settings let no application invite";
    failed(Reason::InvitationsClosed, format!("{own}: {}", reasons::said(failure)))
}

/// Permissions that let an application invite (Graph permissions reference).
const INVITERS: [&str; 3] = ["User.Invite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"];
