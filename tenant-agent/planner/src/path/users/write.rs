//! Writes of accounts: invited, blocked, let in again, deleted; and their sessions ended.

use std::fmt;

use entente_model::Guid;

use crate::effect::{AccountEffect, Describe, Effect, Gives, Receiver, Touches, What};
use crate::ledger::Thing;
use crate::observed::Listing;
use crate::script::{json, rest};

/// Where a person lands after redeeming (Graph: invitation, inviteRedirectUrl): their own list of applications.
pub const INVITE_REDIRECT: &str = "https://myapplications.microsoft.com";

/// What is done to an account. Ids are those of the customer's tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    Block {
        user: Guid,
        /// Without a look at the account before: a leaver's block does not wait for a slow answer.
        blind: bool,
    },
    RevokeSessions {
        user: Guid,
    },
    Delete {
        user: Guid,
    },
    /// Lifts our own block, never another's.
    Unblock {
        user: Guid,
    },
    /// As guest, without a message of Microsoft's: the link is the service provider's to send.
    Invite {
        mail: String,
        display_name: String,
    },
}

impl Describe for Write {
    fn effect(&self) -> Effect<'_> {
        match self {
            Self::Block { user, blind } => Effect::Account(AccountEffect::Blocks { user: *user, blind: *blind }),
            Self::RevokeSessions { user } => Effect::Account(AccountEffect::EndsSessions { user: *user }),
            Self::Delete { user } => Effect::Account(AccountEffect::Deletes { user: *user }),
            Self::Unblock { user } => Effect::Account(AccountEffect::Unblocks { user: *user }),
            Self::Invite { mail, .. } => Effect::Creates {
                name: mail,
                found_in: Listing::UsersByMail(mail.to_ascii_lowercase()),
                as_thing: |id| Some(Thing::User { id: id.parse().ok()? }),
            },
        }
    }

    fn gives(&self) -> Gives {
        match self {
            Self::Block { .. } | Self::RevokeSessions { .. } | Self::Delete { .. } => Gives::Nothing,
            Self::Unblock { user } => Gives::Access { to: Receiver::Account(*user), what: What::SignIn },
            Self::Invite { .. } => Gives::Access { to: Receiver::Invited, what: What::SignIn },
        }
    }

    fn touches(&self) -> Touches {
        match self {
            Self::Block { user, .. }
            | Self::RevokeSessions { user }
            | Self::Delete { user }
            | Self::Unblock { user } => Touches { users: vec![*user], groups: Vec::new() },
            // Nobody is there yet.
            Self::Invite { .. } => Touches::default(),
        }
    }

    fn script(&self, graph: &str) -> String {
        let enable = |user: &Guid, enabled: bool| {
            rest("PATCH", &format!("{graph}/v1.0/users/{user}"), &format!(r#"{{"accountEnabled":{enabled}}}"#))
        };
        match self {
            Self::Block { user, .. } => enable(user, false),
            Self::Unblock { user } => enable(user, true),
            Self::RevokeSessions { user } => {
                rest("POST", &format!("{graph}/v1.0/users/{user}/revokeSignInSessions"), "{}")
            }
            Self::Delete { user } => format!("az ad user delete --id {user}"),
            Self::Invite { mail, display_name } => {
                let body = format!(
                    r#"{{"invitedUserEmailAddress":{},"invitedUserDisplayName":{},"inviteRedirectUrl":{},"sendInvitationMessage":false}}"#,
                    json(mail),
                    json(display_name),
                    json(INVITE_REDIRECT)
                );
                let post = rest("POST", &format!("{graph}/v1.0/invitations"), &body);
                format!(
                    "{post} --query inviteRedeemUrl --output tsv\n# Microsoft sends no mail: pass the link on to the service provider."
                )
            }
        }
    }
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block { user, .. } => write!(f, "block user {user}"),
            Self::RevokeSessions { user } => write!(f, "end sessions of user {user}"),
            Self::Delete { user } => write!(f, "delete user {user}"),
            Self::Unblock { user } => write!(f, "lift our block on user {user}"),
            Self::Invite { mail, .. } => write!(f, "invite {mail}"),
        }
    }
}
