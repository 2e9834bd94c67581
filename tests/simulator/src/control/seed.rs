//! What a tenant is made of when it is created: the JSON of `POST /_sim/tenants`. Everything but `id` has a default.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One customer tenant.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantSeed {
    /// The Entra tenant id, a GUID.
    pub id: String,
    /// Initial domain, such as `contoso.onmicrosoft.com`; made from the id if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    #[serde(default)]
    pub display_name: String,
    /// Licence names among `P1`, `P2`, `E3`, `E5`.
    #[serde(default)]
    pub licences: Vec<String>,
    #[serde(default)]
    pub subscriptions: Vec<SubscriptionSeed>,
    /// Below the tenant's root group, whose name is the tenant's id and which is always there.
    #[serde(default)]
    pub management_groups: Vec<ManagementGroupSeed>,
    #[serde(default)]
    pub apps: Vec<AppSeed>,
    #[serde(default)]
    pub users: Vec<UserSeed>,
    #[serde(default)]
    pub groups: Vec<GroupSeed>,
    /// `none`, `adminsAndGuestInviters`, `adminsGuestInvitersAndAllMembers` or `everyone` (default).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_invites_from: Option<String>,
    #[serde(default)]
    pub security_defaults: bool,
    #[serde(default)]
    pub defender: DefenderSeed,
    /// Positions of [`crate::switches::SWITCHES`].
    #[serde(default)]
    pub switches: BTreeMap<String, String>,
    #[serde(default)]
    pub settings: SettingsPatch,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionSeed {
    pub id: String,
    #[serde(default)]
    pub display_name: String,
    #[serde(default)]
    pub resource_groups: Vec<ResourceGroupSeed>,
}

/// What is above subscriptions: an assignment here reaches everything below.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManagementGroupSeed {
    /// As in its id: `/providers/Microsoft.Management/managementGroups/{name}`.
    pub name: String,
    #[serde(default)]
    pub display_name: String,
    /// Name of the group that it is in; absent: the root group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Ids of the subscriptions directly in it; those in no group are in the root group.
    #[serde(default)]
    pub subscriptions: Vec<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceGroupSeed {
    pub name: String,
    /// Log Analytics workspaces in it.
    #[serde(default)]
    pub workspaces: Vec<String>,
}

/// An application with its service principal in this tenant.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppSeed {
    pub app_id: String,
    /// Object id of the service principal; made if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sp_id: Option<String>,
    #[serde(default)]
    pub display_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Certificates, PEM, whose keys may sign assertions.
    #[serde(default)]
    pub certificates_pem: Vec<String>,
    /// Graph application permissions granted, such as `User.Invite.All`.
    #[serde(default)]
    pub permissions: Vec<String>,
    #[serde(default)]
    pub azure_roles: Vec<AzureRoleSeed>,
    /// Entra roles that the service principal holds, by display name.
    #[serde(default)]
    pub entra_roles: Vec<String>,
}

/// A role assignment of an application.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AzureRoleSeed {
    pub scope: String,
    /// Role definition GUID.
    pub role: String,
    /// If not empty: a condition that lets it assign and remove only these role definitions.
    #[serde(default)]
    pub condition_role_ids: Vec<String>,
    /// Instead of that: the condition, word by word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserSeed {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default)]
    pub display_name: String,
    /// `None` for a user without a mailbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upn: Option<String>,
    /// A B2B guest who was invited by somebody else, rather than an internal member.
    #[serde(default)]
    pub guest: bool,
    #[serde(default = "yes")]
    pub enabled: bool,
    #[serde(default = "yes")]
    pub redeemed: bool,
    /// Entra roles held directly, by display name: makes changes to the account "sensitive actions".
    #[serde(default)]
    pub entra_roles: Vec<String>,
}

impl Default for UserSeed {
    fn default() -> Self {
        Self {
            id: None,
            display_name: String::new(),
            mail: None,
            upn: None,
            guest: false,
            enabled: true,
            redeemed: true,
            entra_roles: Vec::new(),
        }
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupSeed {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub display_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_name: Option<String>,
    #[serde(default)]
    pub role_assignable: bool,
    /// Directory roles that it holds, by display name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entra_roles: Vec<String>,
    /// Makes the group dynamic; the rule is stored, not evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub membership_rule: Option<String>,
    /// Object ids, or mails or UPNs of users seeded above.
    #[serde(default)]
    pub members: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefenderSeed {
    /// A person has activated unified RBAC; before that every call answers 403.
    #[serde(default = "yes")]
    pub active: bool,
    /// How this tenant spells its actions: `plain` (`securitydata/read`) or `basics` (`securitydata/basics/read`).
    #[serde(default = "plain")]
    pub spelling: String,
    /// A Sentinel workspace is onboarded, so that `dataops` actions can be stored.
    #[serde(default)]
    pub sentinel_workspace: bool,
}

impl Default for DefenderSeed {
    fn default() -> Self {
        Self { active: true, spelling: plain(), sentinel_workspace: false }
    }
}

fn yes() -> bool {
    true
}

fn plain() -> String {
    "plain".to_owned()
}

/// Numbers of a tenant that can be changed at any time; `None` leaves one as it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingsPatch {
    /// Mean replication lag of reads by id, seconds. Default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_seconds: Option<f64>,
    /// Lists and filters lag this many times longer. Default 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_lag_factor: Option<f64>,
    /// ARM learns of principals this many times later. Default 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm_lag_factor: Option<f64>,
    /// Mean lag of Defender roles and assignments, seconds (minutes in life). Default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defender_lag_seconds: Option<f64>,
    /// Largest page of a Graph list. Default 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_size: Option<usize>,
    /// Largest page of an ARM list. Default 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm_page_size: Option<usize>,
    /// Multiplies every throttling budget; 0 switches throttling off. Default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttle_scale: Option<f64>,
    /// Guests redeem by themselves (as Entra users) this long after the invitation; negative: never (default).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_redeem_seconds: Option<f64>,
    /// Added to every answer, seconds. Default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_seconds: Option<f64>,
    /// Lifetime of tokens issued from now on, seconds. Default 3599.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_lifetime_seconds: Option<u64>,
    /// `none`, `adminsAndGuestInviters`, `adminsGuestInvitersAndAllMembers` or `everyone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_invites_from: Option<String>,
    /// Whether unified RBAC is activated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defender_active: Option<bool>,
}
