//! People in the customer's tenant: inviting, reading, blocking, deleting.
//!
//! `people.rs` finds them, `members.rs` has their groups. This file does not decide whose they are. The object has no
//! home tenant: only after redemption, `identities` shows where the person signs in.

use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Graph, Removed, or_default, read, removed, write};
use crate::absence::Absence;
use crate::call::{Call, Lane};
use crate::client::present;
use crate::failure::{Answer, Failure};
use crate::secret::Secret;
use crate::uri::with_query;

/// Graph: user. Most properties must be requested.
pub(super) const USER_FIELDS: &str = "id,displayName,userPrincipalName,mail,otherMails,userType,creationType,createdDateTime,\
                           externalUserState,accountEnabled,identities,proxyAddresses";

/// The person to invite, and the user type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInvitation {
    /// Graph: invitation. Refused with most punctuation, the plus sign included.
    pub mail: String,
    pub display_name: String,
    /// Where redemption ends. Graph requires one.
    pub redirect_url: String,
    /// [`UserType::Member`] is unverified for callers without a user.
    pub user_type: UserType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserType {
    Guest,
    Member,
}

/// The result of an invitation.
#[derive(Debug, Clone)]
pub enum Invited {
    Accepted(Invitation),
    /// The address belongs to an internal user, who can sign in with it. Nothing was created.
    AlreadyThere {
        user_id: Option<Uuid>,
    },
}

/// An accepted invitation. The user may stay invisible for a while, and in known cases never appears.
#[derive(Debug, Clone)]
pub struct Invitation {
    pub user_id: Uuid,
    /// Anyone who has it can redeem it: show it to the person, never log it.
    pub redeem_url: Secret,
    pub status: InvitationStatus,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvitationStatus {
    PendingAcceptance,
    Completed,
    InProgress,
    Error,
    Other(String),
}

/// A user as the tenant shows it. A field that is missing, null or in an unknown form is `None`, which means unknown,
/// not "no" or "none". Graph leaves out fields in some answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    pub id: Uuid,
    #[serde(default, deserialize_with = "known")]
    pub display_name: Option<String>,
    /// Empty if the answer has none.
    #[serde(rename = "userPrincipalName", default, deserialize_with = "or_default")]
    pub upn: String,
    #[serde(default, deserialize_with = "known")]
    pub mail: Option<String>,
    #[serde(default, deserialize_with = "known")]
    pub other_mails: Option<Vec<String>>,
    /// With their prefixes: `SMTP:` for the primary, `smtp:` for the others.
    #[serde(default, deserialize_with = "known")]
    pub proxy_addresses: Option<Vec<String>>,
    /// `Guest` or `Member`.
    #[serde(default, deserialize_with = "known")]
    pub user_type: Option<String>,
    /// `Invitation` for users who came by one. Null, and so unknown, for ordinary accounts.
    #[serde(default, deserialize_with = "known")]
    pub creation_type: Option<String>,
    #[serde(rename = "createdDateTime", default, deserialize_with = "super::moment")]
    pub created: Option<OffsetDateTime>,
    /// `PendingAcceptance` or `Accepted`. Null, and so unknown, for users who were not invited. Guests who have
    /// redeemed have been seen with null too.
    #[serde(rename = "externalUserState", default, deserialize_with = "known")]
    pub redemption: Option<String>,
    #[serde(default, deserialize_with = "known")]
    pub account_enabled: Option<bool>,
    #[serde(default, deserialize_with = "known")]
    pub identities: Option<Vec<Identity>>,
}

/// One way in which a user signs in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    pub sign_in_type: Option<String>,
    pub issuer: Option<String>,
    pub issuer_assigned_id: Option<String>,
}

impl User {
    /// `None` if the field for the answer is missing, as in all of these questions.
    pub fn is_guest(&self) -> Option<bool> {
        is(&self.user_type, "Guest")
    }

    pub fn is_invited(&self) -> Option<bool> {
        is(&self.creation_type, "Invitation")
    }

    pub fn has_redeemed(&self) -> Option<bool> {
        is(&self.redemption, "Accepted")
    }

    /// Whether the user signs in at another Entra tenant, not with a one-time passcode or a personal account. Known
    /// only after redemption (Entra: user properties).
    pub fn is_entra_homed(&self) -> Option<bool> {
        let answers: Vec<Option<bool>> =
            self.identities.as_ref()?.iter().map(|i| is(&i.issuer, "ExternalAzureAD")).collect();
        match answers.contains(&Some(true)) {
            true => Some(true),
            // An identity without an issuer may be the one.
            false => (!answers.contains(&None)).then_some(false),
        }
    }
}

fn is(field: &Option<String>, value: &str) -> Option<bool> {
    Some(field.as_deref()?.eq_ignore_ascii_case(value))
}

/// The field. `None` if it is missing, null or in another form: one odd field does not make the whole user unreadable.
pub(super) fn known<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: DeserializeOwned,
{
    Ok(T::deserialize(Value::deserialize(from)?).ok())
}

impl UserType {
    fn word(self) -> &'static str {
        match self {
            UserType::Guest => "Guest",
            UserType::Member => "Member",
        }
    }
}

impl Graph {
    /// Invites a person, without a mail from Microsoft. Not repeatable: a lost answer is [`Failure::Unknown`]. The
    /// caller then looks up the address until it has been missing for longer than replication lags. Graph:
    /// invitation-post.
    pub async fn invite(&self, invitation: &NewInvitation) -> Answer<Invited> {
        let call = Call {
            lane: Some(Lane::Invitation),
            ..write(Method::POST, "POST /invitations", "/v1.0/invitations".to_owned())
        };
        let call = call.body(json!({
            "invitedUserEmailAddress": invitation.mail,
            "invitedUserDisplayName": invitation.display_name,
            "inviteRedirectUrl": invitation.redirect_url,
            "invitedUserType": invitation.user_type.word(),
            "sendInvitationMessage": false,
        }));
        match self.client.send(&call).await {
            Ok(reply) => Ok(Invited::Accepted(call.decode::<InvitationAnswer>(reply.body)?.into())),
            Err(Failure::Refused(no)) if no.says("already exists in the directory") => {
                Ok(Invited::AlreadyThere { user_id: first_uuid(&no.message) })
            }
            Err(failure) => Err(failure),
        }
    }

    /// `None` means that it does not exist or is not visible yet.
    pub async fn get_user(&self, id: Uuid) -> Answer<Option<User>> {
        self.find(get_user(id)).await
    }

    /// Like [`Graph::get_user`], for many, in the given order.
    pub async fn get_users(&self, ids: &[Uuid]) -> Vec<Answer<Option<User>>> {
        let calls: Vec<Call> = ids.iter().copied().map(get_user).collect();
        let replies = self.client.send_all(calls.clone()).await;
        let read = |(call, reply): (&Call, _)| present(reply)?.map(|body| call.decode(body)).transpose();
        calls.iter().zip(replies).map(read).collect()
    }

    /// Blocks or unblocks. Graph protects administrators: for a user who holds roles it may answer 403 (Graph: user,
    /// sensitive actions).
    pub async fn set_account_enabled(&self, id: Uuid, enabled: bool) -> Answer<()> {
        let call = patch_user(id).body(json!({ "accountEnabled": enabled }));
        self.done(if enabled { call } else { call.revocation() }).await
    }

    /// Ends all sessions. Repeatable.
    pub async fn revoke_sessions(&self, id: Uuid) -> Answer<()> {
        let path = format!("/v1.0/users/{id}/revokeSignInSessions");
        let call = write(Method::POST, "POST /users/{id}/revokeSignInSessions", path).of(Absence::Directory);
        self.done(call.body(json!({})).repeatable().revocation()).await
    }

    /// Moves the user to the tenant's recycle bin for 30 days.
    pub async fn delete_user(&self, id: Uuid) -> Answer<Removed> {
        let call = write(Method::DELETE, "DELETE /users/{id}", format!("/v1.0/users/{id}")).of(Absence::Directory);
        removed(self.client.send(&call.revocation()).await)
    }
}

fn get_user(id: Uuid) -> Call {
    let path = with_query(&format!("/v1.0/users/{id}"), &[("$select", USER_FIELDS)]);
    read("GET /users/{id}", path).of(Absence::Directory)
}

fn patch_user(id: Uuid) -> Call {
    write(Method::PATCH, "PATCH /users/{id}", format!("/v1.0/users/{id}")).of(Absence::Directory)
}

/// Graph gives an existing user's object id only in the message.
fn first_uuid(message: &str) -> Option<Uuid> {
    let word = |c: char| !c.is_ascii_hexdigit() && c != '-';
    message.split(word).filter(|w| w.len() == 36).find_map(|w| Uuid::parse_str(w).ok())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InvitationAnswer {
    invite_redeem_url: Secret,
    #[serde(default, deserialize_with = "or_default")]
    status: String,
    invited_user: InvitedUser,
}

#[derive(Deserialize)]
struct InvitedUser {
    id: Uuid,
}

impl From<InvitationAnswer> for Invitation {
    fn from(answer: InvitationAnswer) -> Invitation {
        Invitation {
            user_id: answer.invited_user.id,
            redeem_url: answer.invite_redeem_url,
            status: match answer.status.as_str() {
                "PendingAcceptance" => InvitationStatus::PendingAcceptance,
                "Completed" => InvitationStatus::Completed,
                "InProgress" => InvitationStatus::InProgress,
                "Error" => InvitationStatus::Error,
                _ => InvitationStatus::Other(answer.status),
            },
        }
    }
}
