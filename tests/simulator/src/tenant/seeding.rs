//! Building a tenant from its seed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::azure::{Assignment, Azure, condition_for};
use super::defender::Defender;
use super::{App, Group, GroupEntry, Membership, Props, Tenant, User};
use crate::assertion::Certificate;
use crate::clock::Now;
use crate::control::seed::{AppSeed, GroupSeed, TenantSeed, UserSeed};
use crate::replicated::{AT_ONCE, Replicated};
use crate::switches::Switches;

/// A seed that makes no tenant.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    #[error("tenant {id:?}: the id is not a GUID")]
    BadId { id: String },
    #[error("tenant: {0}")]
    Switch(#[from] crate::switches::UnknownSwitch),
    #[error(transparent)]
    Hierarchy(#[from] super::azure::scopes::BadHierarchy),
    #[error("app {app}: {reason}")]
    Certificate { app: String, reason: String },
    #[error("group {group}: member {member:?} is neither an object id nor the mail or UPN of a seeded user")]
    Member { group: String, member: String },
}

impl Tenant {
    pub fn from_seed(seed: &TenantSeed, run_seed: u64, now: Now) -> Result<Self, SeedError> {
        let id = uuid::Uuid::parse_str(&seed.id).map_err(|_| SeedError::BadId { id: seed.id.clone() })?.to_string();
        let domain = seed.domain.clone().unwrap_or_else(|| format!("t{}.onmicrosoft.com", &id[..8]));
        let mut tenant = Tenant {
            domain,
            display_name: seed.display_name.clone(),
            seed: run_seed,
            licences: seed.licences.clone(),
            security_defaults: seed.security_defaults,
            settings: super::Settings::default(),
            switches: Switches::default(),
            apps: Vec::new(),
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            deleted: BTreeMap::new(),
            azure: Azure {
                grown: BTreeMap::new(),
                subscriptions: seed.subscriptions.clone(),
                management_groups: seed.management_groups.clone(),
                root_group: id.clone(),
                assignments: BTreeMap::new(),
            },
            defender: Defender {
                active: seed.defender.active,
                spelling: seed.defender.spelling.clone(),
                sentinel_workspace: seed.defender.sentinel_workspace,
                ..Defender::default()
            },
            throttle: Default::default(),
            invitations: Vec::new(),
            counters: Default::default(),
            unowned: BTreeMap::new(),
            redemptions: Vec::new(),
            rounds: Default::default(),
            sessions: BTreeMap::new(),
            ids_made: 0,
            id,
        };
        tenant.azure.check_hierarchy()?;
        tenant.apply_settings(&seed.settings);
        if let Some(who) = &seed.allow_invites_from {
            tenant.settings.allow_invites_from = who.clone();
        }
        for (name, value) in &seed.switches {
            tenant.switches.set(name, value)?;
        }
        for app in &seed.apps {
            tenant.add_app(app, now)?;
        }
        for user in &seed.users {
            tenant.add_user(user, now);
        }
        for group in &seed.groups {
            tenant.add_group(group, now)?;
        }
        Ok(tenant)
    }

    /// Adds an application, or replaces the one with the same client id.
    pub fn add_app(&mut self, seed: &AppSeed, now: Now) -> Result<String, SeedError> {
        let bad = |reason: String| SeedError::Certificate { app: seed.app_id.clone(), reason };
        let certificates = seed
            .certificates_pem
            .iter()
            .map(|pem| Certificate::from_pem(pem).map_err(bad))
            .collect::<Result<Vec<_>, _>>()?;
        let known = self.app(&seed.app_id).map(|app| app.sp_id.clone());
        let sp_id = seed.sp_id.clone().or(known).unwrap_or_else(|| self.new_id());
        self.apps.retain(|app| !app.app_id.eq_ignore_ascii_case(&seed.app_id));
        self.apps.push(App {
            app_id: seed.app_id.clone(),
            sp_id: sp_id.clone(),
            display_name: if seed.display_name.is_empty() { seed.app_id.clone() } else { seed.display_name.clone() },
            secret: seed.secret.clone(),
            certificates,
            permissions: seed.permissions.clone(),
            entra_roles: seed.entra_roles.clone(),
            enabled: true,
        });
        for role in &seed.azure_roles {
            let of_roles = (!role.condition_role_ids.is_empty()).then(|| condition_for(&role.condition_role_ids));
            let condition = role.condition.clone().or(of_roles);
            self.add_assignment(&role.scope, &role.role, &sp_id, "ServicePrincipal", condition, now);
        }
        Ok(sp_id)
    }

    /// An assignment that a person made.
    pub fn add_assignment(
        &mut self,
        scope: &str,
        role: &str,
        principal: &str,
        kind: &str,
        condition: Option<String>,
        now: Now,
    ) -> String {
        let name = self.new_id();
        let assignment = Assignment {
            name: name.clone(),
            scope: scope.to_owned(),
            role: role.to_lowercase(),
            principal: principal.to_owned(),
            principal_type: kind.to_owned(),
            description: None,
            condition,
            created_by: None,
            created_by_principal: String::new(),
            created_on: now.date(),
            updated_on: now.date(),
        };
        self.azure.assignments.insert(name.clone(), assignment);
        name
    }

    fn add_user(&mut self, seed: &UserSeed, now: Now) {
        let id = seed.id.clone().unwrap_or_else(|| self.new_id());
        let mail = seed.mail.clone();
        let local = seed.display_name.to_lowercase().replace(' ', ".");
        let upn = seed.upn.clone().unwrap_or_else(|| match &mail {
            Some(mail) if seed.guest => guest_upn(mail, &self.domain),
            Some(mail) => mail.clone(),
            None => format!("{local}@{}", self.domain),
        });
        let mut props = user_props(&id, &seed.display_name, mail.as_deref(), &upn, now);
        props.insert("accountEnabled".into(), json!(seed.enabled));
        if seed.guest {
            let state = match seed.redeemed {
                true if self.switches.is("redeemed_state", "null") => Value::Null,
                true => json!("Accepted"),
                false => json!("PendingAcceptance"),
            };
            props.insert("otherMails".into(), mail.iter().map(String::as_str).collect());
            let issuer = if seed.redeemed { "ExternalAzureAD" } else { self.domain.as_str() };
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
            entra_roles: seed.entra_roles.clone(),
        };
        self.users.insert(id.clone(), Replicated::created(user, AT_ONCE));
        if seed.redeemed {
            self.sign_in(&id, now);
        }
    }

    fn add_group(&mut self, seed: &GroupSeed, now: Now) -> Result<(), SeedError> {
        let id = seed.id.clone().unwrap_or_else(|| self.new_id());
        let mut members = BTreeMap::new();
        for member in &seed.members {
            let found = self
                .resolve(member)
                .ok_or_else(|| SeedError::Member { group: seed.display_name.clone(), member: member.clone() })?;
            members.insert(found, Replicated::created(Membership::default(), AT_ONCE));
        }
        let mut props = group_props(&id, &seed.display_name, now);
        props.insert("isAssignableToRole".into(), if seed.role_assignable { json!(true) } else { Value::Null });
        props.insert("uniqueName".into(), json!(seed.unique_name));
        if let Some(rule) = &seed.membership_rule {
            props.insert("groupTypes".into(), json!(["DynamicMembership"]));
            props.insert("membershipRule".into(), json!(rule));
            props.insert("membershipRuleProcessingState".into(), json!("On"));
        }
        let object = Replicated::created(Group { id: id.clone(), props, created_by: None, anonymous: false }, AT_ONCE);
        self.groups.insert(id, GroupEntry { object, members, owners: BTreeSet::new() });
        Ok(())
    }

    /// The object id that an id, a mail, a UPN, a group's name or a client id stands for.
    pub fn resolve(&self, reference: &str) -> Option<String> {
        if self.kind(reference).is_some() {
            return Some(reference.to_owned());
        }
        let user = self.users.values().filter_map(Replicated::truth).find(|user| user.answers_to(reference));
        let group = || {
            self.groups
                .values()
                .filter_map(|group| group.object.truth())
                .find(|group| group.text("displayName") == reference)
        };
        user.map(|user| user.id.clone())
            .or_else(|| group().map(|group| group.id.clone()))
            .or_else(|| self.app(reference).map(|app| app.sp_id.clone()))
    }
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

/// A security group as the directory first stores it.
pub fn group_props(id: &str, display_name: &str, now: Now) -> Props {
    let Value::Object(props) = json!({
        "id": id, "displayName": display_name, "description": null, "mailEnabled": false, "securityEnabled": true,
        "mailNickname": id.split('-').next(), "mail": null, "groupTypes": [], "visibility": null, "uniqueName": null,
        "isAssignableToRole": null, "membershipRule": null, "membershipRuleProcessingState": null,
        "createdDateTime": now.date(), "renewedDateTime": now.date(), "deletedDateTime": null, "proxyAddresses": [],
        "securityIdentifier": format!("S-1-12-1-{}", &id.replace('-', "")[..8]),
    }) else {
        unreachable!("the literal is an object")
    };
    props
}
