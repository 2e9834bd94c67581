//! `POST /invitations`: a guest comes into being, or is refused for one of Graph's many reasons.
//!
//! Graph: invitation-post, resources/invitation. Whether a second invitation of the same address makes a second user
//! is an open question and so a switch; either way it is on record as a duplicate.

use serde_json::{Value, json};

use super::account::{Invitation, Pending, Step, User};
use super::seeding::{guest_upn, user_props};
use crate::graph::error::{bad_request, not_found, refuse};
use crate::graph::request::Request;
use crate::http::{Answer, Reply};
use crate::planes::entra::held;
use crate::replicated::Replicated;
use crate::tenant::{Caller, Tenant};

/// Graph refuses these in an invited address; plus-addressing is among them.
const FORBIDDEN: &str = "~!#$%^&*()+=[]{}\\/|;:\"<>?,";

pub fn create(tenant: &mut Tenant, request: Request<'_>) -> Reply {
    let body = request.call.json().ok_or_else(|| bad_request("The request body is not valid JSON."))?;
    may_invite(tenant, request.caller)?;
    let mail = required(&body, "invitedUserEmailAddress")?.to_owned();
    required(&body, "inviteRedirectUrl")?;
    check_address(&mail)?;
    let user_type = match body["invitedUserType"].as_str() {
        None | Some("Guest") => "Guest",
        Some("Member") if tenant.switches.is("invite_as_member", "allowed") => "Member",
        Some(other) => {
            return Err(bad_request(format!("The invited user type '{other}' cannot be invited by this caller.")));
        }
    };
    if body["resetRedemption"].as_bool() == Some(true) {
        return reset(tenant, request, &body, &mail);
    }
    let known = || tenant.users.values().filter_map(Replicated::truth).find(|user| user.answers_to(&mail));
    match known() {
        Some(user) if !user.is_b2b() => {
            let text = format!(
                "The invited user already exists in the directory as objectID: {}. They can use that account to sign in to shared apps and resources.",
                user.id
            );
            Err(refuse(400, "BadRequest", text))
        }
        Some(user) => match tenant.switches.get("reinvite_existing_guest") {
            "error" => Err(refuse(
                400,
                "BadRequest",
                format!("The invited user already exists in the directory as objectID: {}.", user.id),
            )),
            "same_id" => {
                let (id, redeemed) = (user.id.clone(), user.redeemed);
                note(tenant, request.caller, &mail, &id);
                remember_address(tenant, &id, &mail, request);
                let status = if redeemed { "Completed" } else { "PendingAcceptance" };
                Ok(invited(tenant, &body, &id, status))
            }
            _ => Ok(invite(tenant, request, &body, &mail, user_type)),
        },
        None => Ok(invite(tenant, request, &body, &mail, user_type)),
    }
}

fn invite(tenant: &mut Tenant, request: Request<'_>, body: &Value, mail: &str, user_type: &str) -> Answer {
    let id = tenant.new_id();
    note(tenant, request.caller, mail, &id);
    if !request.phantom {
        let user = new_guest(tenant, request, body, (&id, mail, user_type));
        tenant.write_user(&id, Some(user), request.now);
        if tenant.settings.auto_redeem_seconds >= 0.0 {
            let at = request.now.seconds + tenant.settings.auto_redeem_seconds;
            tenant.redemptions.push(Pending { at, user: id.clone(), step: Step::Redeem });
        }
    }
    invited(tenant, body, &id, "PendingAcceptance")
}

/// On record only: the account is not changed, and no reader sees a difference.
fn remember_address(tenant: &mut Tenant, id: &str, mail: &str, request: Request<'_>) {
    let Some(mut user) = tenant.user(id).cloned() else { return };
    if user.invited_as.insert(mail.to_lowercase()) {
        tenant.write_user(id, Some(user), request.now);
    }
}

fn new_guest(tenant: &Tenant, request: Request<'_>, body: &Value, (id, mail, user_type): (&str, &str, &str)) -> User {
    let name = body["invitedUserDisplayName"].as_str().unwrap_or_else(|| mail.split('@').next().unwrap_or(mail));
    let base = guest_upn(mail, &tenant.domain);
    let upn = if tenant.users.values().filter_map(Replicated::truth).any(|user| user.text("userPrincipalName") == base)
    {
        guest_upn(&format!("{}{}", &id[..4], mail), &tenant.domain)
    } else {
        base
    };
    let mut props = user_props(id, name, Some(mail), &upn, request.now);
    let set = [
        ("userType", json!(user_type)),
        ("creationType", json!("Invitation")),
        ("externalUserState", json!("PendingAcceptance")),
        ("externalUserStateChangeDateTime", json!(request.now.date())),
        ("otherMails", json!([mail])),
        // Before redemption the issuer is the host's own domain (Entra: external-id/user-properties).
        ("identities", json!([{"signInType": "userPrincipalName", "issuer": tenant.domain, "issuerAssignedId": upn}])),
    ];
    props.extend(set.map(|(name, value)| (name.to_owned(), value)));
    User {
        id: id.to_owned(),
        props,
        created_by: Some(request.caller.app_id.clone()),
        invited_mail: Some(mail.to_owned()),
        invited_as: [mail.to_lowercase()].into(),
        redeemed: false,
        sessions_revoked_at: None,
    }
}

/// Changes how an existing guest signs in; keeps id, groups and assignments.
fn reset(tenant: &mut Tenant, request: Request<'_>, body: &Value, mail: &str) -> Reply {
    let id = body["invitedUser"]["id"]
        .as_str()
        .ok_or_else(|| bad_request("resetRedemption requires invitedUser.id."))?
        .to_owned();
    let mut user = tenant.user(&id).cloned().ok_or_else(|| not_found(&id))?;
    let creator = user.created_by.clone();
    user.invited_mail = Some(mail.to_owned());
    user.invited_as.insert(mail.to_lowercase());
    user.props.insert("mail".into(), json!(mail));
    user.redeemed = false;
    user.props.insert("externalUserState".into(), json!("PendingAcceptance"));
    tenant.write_user(&id, Some(user), request.now);
    tenant.record_write(
        request.caller,
        creator.as_deref(),
        format!("POST /invitations (resetRedemption of user {id})"),
    );
    Ok(invited(tenant, body, &id, "PendingAcceptance"))
}

/// App permissions do not work where invitations are shut off or for administrators only (Graph: invitation-post).
fn may_invite(tenant: &Tenant, caller: &Caller) -> Result<(), Answer> {
    let inviters = ["Guest Inviter", "User Administrator", "Global Administrator"];
    let is_inviter = held::holds(tenant, &caller.sp_id, &inviters);
    let open = match tenant.settings.allow_invites_from.as_str() {
        "none" => false,
        "adminsAndGuestInviters" => is_inviter,
        _ => true,
    };
    let status = tenant.switches.status("invites_disabled_status");
    let text = "Guest invitations not allowed for your company. Contact your company administrator for more details.";
    if open { Ok(()) } else { Err(refuse(status, "Unauthorized", text)) }
}

fn required<'a>(body: &'a Value, name: &str) -> Result<&'a str, Answer> {
    let value = body[name].as_str().filter(|text| !text.is_empty());
    value.ok_or_else(|| refuse(400, "BadRequest", format!("Invitation: the required property '{name}' is missing.")))
}

fn check_address(mail: &str) -> Result<(), Answer> {
    let fine = mail.split_once('@').is_some_and(|(local, domain)| {
        let edges = |text: &str| text.starts_with(['.', '-']) || text.ends_with(['.', '-']);
        let clean = !mail.chars().any(|one| FORBIDDEN.contains(one) || one.is_whitespace());
        !local.is_empty() && domain.contains('.') && !domain.contains('@') && clean && !edges(local) && !edges(domain)
    });
    if fine { Ok(()) } else { Err(refuse(400, "BadRequest", "The invited user email address is not valid.")) }
}

/// An earlier accepted invitation counts as long as its user is there, seen by readers or not; a phantom's never is.
fn note(tenant: &mut Tenant, caller: &Caller, mail: &str, user: &str) {
    let lives = |one: &Invitation| one.mail.eq_ignore_ascii_case(mail) && tenant.user(&one.user).is_some();
    let duplicate = tenant.invitations.iter().any(lives);
    let deleted = tenant.deleted_users().any(|user| user.invited_as.contains(&mail.to_lowercase()));
    let (mail, user, app) = (mail.to_owned(), user.to_owned(), caller.app_id.clone());
    tenant.record_harmless();
    tenant.invitations.push(Invitation { mail, user, app, duplicate, deleted });
}

fn invited(tenant: &mut Tenant, body: &Value, user: &str, status: &str) -> Answer {
    let id = tenant.new_id();
    let ticket = uuid::Uuid::new_v4();
    let redeem = format!(
        "https://login.microsoftonline.com/redeem?rd=https%3a%2f%2finvitations.microsoft.com%2fredeem%2f%3ftenant%3d{}%26user%3d{id}%26ticket%3d{ticket}%26ver%3d2.0",
        tenant.id
    );
    let mail = &body["invitedUserEmailAddress"];
    Answer::json(
        201,
        json!({
            "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#invitations/$entity",
            "id": id,
            "invitedUserDisplayName": body["invitedUserDisplayName"],
            "invitedUserEmailAddress": mail,
            "invitedUserType": body["invitedUserType"].as_str().unwrap_or("Guest"),
            "sendInvitationMessage": body["sendInvitationMessage"].as_bool().unwrap_or(false),
            "resetRedemption": body["resetRedemption"].as_bool().unwrap_or(false),
            "inviteRedirectUrl": body["inviteRedirectUrl"],
            "inviteRedeemUrl": redeem,
            "status": status,
            "invitedUserMessageInfo": {"messageLanguage": null, "customizedMessageBody": null, "ccRecipients": []},
            "invitedUser": {"id": user},
        }),
    )
}
