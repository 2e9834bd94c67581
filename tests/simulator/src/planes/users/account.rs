//! An account, and what is on record about it: invitations, redemptions under way, sessions.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::clock::Now;
use crate::control::types::Identity;
use crate::tenant::props::Props;

#[derive(Debug, Clone)]
pub struct User {
    pub id: String,
    pub props: Props,
    /// Client id of the application that invited it.
    pub created_by: Option<String>,
    pub invited_mail: Option<String>,
    /// Every address that an invitation answered with this account, in small letters; a new name takes none away.
    pub invited_as: BTreeSet<String>,
    /// Has accepted the invitation, whatever readers see of it.
    pub redeemed: bool,
    /// When revokeSignInSessions was last answered for it, whether or not it ended anything.
    pub sessions_revoked_at: Option<String>,
}

impl User {
    pub fn text(&self, name: &str) -> &str {
        self.props.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn enabled(&self) -> bool {
        self.props.get("accountEnabled").and_then(Value::as_bool).unwrap_or(false)
    }

    /// Came by invitation, rather than being the tenant's own.
    pub fn is_b2b(&self) -> bool {
        self.text("creationType") == "Invitation"
    }

    /// Whether the address is one of this user's.
    pub fn answers_to(&self, address: &str) -> bool {
        let same = |text: &str| text.eq_ignore_ascii_case(address);
        same(self.text("mail"))
            || same(self.text("userPrincipalName"))
            || self.invited_mail.as_deref().is_some_and(same)
            || self.texts("otherMails").any(same)
    }

    /// The texts of a property that is a list.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.props.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }
}

/// An invitation that was answered 201.
#[derive(Debug, Clone)]
pub struct Invitation {
    pub mail: String,
    pub user: String,
    pub app: String,
    pub duplicate: bool,
    /// An earlier user of that address is in the recycle bin: an administrator deleted it.
    pub deleted: bool,
}

/// What is still to happen to a guest's account.
#[derive(Debug, Clone)]
pub struct Pending {
    /// Simulator seconds.
    pub at: f64,
    pub user: String,
    pub step: Step,
}

#[derive(Debug, Clone, Copy)]
pub enum Step {
    /// The guest accepts by themselves.
    Redeem,
    /// The second half of a redemption that has begun.
    Rest(Identity),
}

/// Since when somebody is signed in.
#[derive(Debug, Clone)]
pub struct Session {
    pub since: String,
    /// Ended by a sign-out that worked: only signing in again renews it.
    pub signed_out: bool,
    /// Since when no token is issued.
    pub stopped: Option<Now>,
}
