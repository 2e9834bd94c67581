//! Accounts as the directory first stores them.

use serde_json::{Value, json};

use super::account::User;
use crate::clock::Now;
use crate::control::seed::UserSeed;
use crate::planes::entra;
use crate::planes::surface::SeedError;
use crate::replicated::{AT_ONCE, Replicated};
use crate::tenant::{Props, Tenant};

pub fn add_user(tenant: &mut Tenant, seed: &UserSeed, now: Now) -> Result<(), SeedError> {
    let id = seed.id.clone().unwrap_or_else(|| tenant.new_id());
    let mail = seed.mail.clone();
    let local = seed.display_name.to_lowercase().replace(' ', ".");
    let upn = seed.upn.clone().unwrap_or_else(|| match &mail {
        Some(mail) if seed.guest => guest_upn(mail, &tenant.domain),
        Some(mail) => mail.clone(),
        None => format!("{local}@{}", tenant.domain),
    });
    let mut props = user_props(&id, &seed.display_name, mail.as_deref(), &upn, now);
    props.insert("accountEnabled".into(), json!(seed.enabled));
    if seed.guest {
        let state = match seed.redeemed {
            true if tenant.switches.is("redeemed_state", "null") => Value::Null,
            true => json!("Accepted"),
            false => json!("PendingAcceptance"),
        };
        props.insert("otherMails".into(), mail.iter().map(String::as_str).collect());
        let issuer = if seed.redeemed { "ExternalAzureAD" } else { tenant.domain.as_str() };
        props.insert("userType".into(), json!("Guest"));
        props.insert("creationType".into(), json!("Invitation"));
        props.insert("externalUserState".into(), state);
        props.insert(
            "identities".into(),
            json!([{"signInType": "federated", "issuer": issuer, "issuerAssignedId": null}]),
        );
    }
    let user = User {
        id: id.clone(),
        props,
        created_by: None,
        invited_as: mail.iter().filter(|_| seed.guest).map(|mail| mail.to_lowercase()).collect(),
        invited_mail: if seed.guest { mail } else { None },
        redeemed: seed.redeemed,
        sessions_revoked_at: None,
    };
    tenant.users.insert(id.clone(), Replicated::created(user, AT_ONCE));
    if seed.redeemed {
        tenant.sign_in(&id, now);
    }
    entra::seeding::set(tenant, &id, &seed.entra_roles)
}

/// `maya_nordwall.example#EXT#@contoso.onmicrosoft.com`
pub fn guest_upn(mail: &str, domain: &str) -> String {
    format!("{}#EXT#@{domain}", mail.replace('@', "_"))
}

/// A user as the directory first stores it: an enabled internal member.
pub fn user_props(id: &str, display_name: &str, mail: Option<&str>, upn: &str, now: Now) -> Props {
    let proxy: Vec<String> = mail.iter().map(|mail| format!("SMTP:{mail}")).collect();
    let issuer = upn.rsplit('@').next().unwrap_or_default();
    let Value::Object(props) = json!({
        "id": id, "displayName": display_name, "mail": mail, "userPrincipalName": upn, "userType": "Member",
        "accountEnabled": true, "creationType": null, "externalUserState": null, "externalUserStateChangeDateTime": null,
        "createdDateTime": now.date(), "otherMails": [], "proxyAddresses": proxy, "businessPhones": [],
        "givenName": null, "surname": null, "jobTitle": null, "mobilePhone": null, "officeLocation": null,
        "preferredLanguage": null, "companyName": null, "department": null, "usageLocation": null,
        "identities": [{"signInType": "userPrincipalName", "issuer": issuer, "issuerAssignedId": upn}],
    }) else {
        unreachable!("the literal is an object")
    };
    props
}
