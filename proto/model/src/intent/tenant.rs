//! Customer tenants, and the service provider's own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::check::Faults;
use crate::name::{Guid, HomeName, RoleName, TenantName};
use crate::scope;
use crate::time::Date;
use crate::violation::Fault;

/// One of the service provider's own tenants, where operators sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HomeTenant {
    pub name: HomeName,
    pub entra_tenant: Guid,
    #[serde(default)]
    pub cloud: Cloud,
}

/// One customer tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tenant {
    pub name: TenantName,
    /// The customer that the tenant belongs to: a short name for people.
    pub customer: String,
    pub entra_tenant: Guid,
    #[serde(default)]
    pub cloud: Cloud,
    /// The home tenant whose operators work here.
    pub home: HomeName,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub state: TenantState,
    #[serde(default)]
    pub delivery: Delivery,
    #[serde(default)]
    pub user_type: UserType,
    /// Prefix of the names of groups and roles that we make here.
    #[serde(default = "default_prefix")]
    pub name_prefix: String,
    /// ARM scopes by symbolic scope.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scopes: BTreeMap<String, Vec<String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workspaces: Vec<Workspace>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attested: Option<Attestation>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exemptions: Vec<Exemption>,
}

fn default_prefix() -> String {
    "ent-".into()
}

/// Which Microsoft cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cloud {
    #[default]
    Global,
    UsGovL4,
    UsGovL5,
    China,
}

impl Cloud {
    pub fn word(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::UsGovL4 => "us_gov_l4",
            Self::UsGovL5 => "us_gov_l5",
            Self::China => "china",
        }
    }
}

/// The stage of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TenantState {
    /// The agent may connect; nothing is desired yet.
    Onboarding,
    #[default]
    Active,
    Paused,
    Offboarding,
    Offboarded,
}

/// How people's accounts get into the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    #[default]
    B2bInvitation,
    CrossTenantSync,
    AccessPackage,
}

/// The type of a B2B user in the customer's tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UserType {
    #[default]
    Guest,
    Member,
}

impl UserType {
    pub fn word(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Member => "member",
        }
    }
}

/// A Microsoft Sentinel workspace, and the source of its permissions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Workspace {
    pub name: String,
    /// Its ARM id. Without it, the workspace counts for every scope of the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub permission_source: PermissionSource,
}

/// Which permission model a workspace uses. No API shows it, so it is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PermissionSource {
    AzureRbac,
    Urbac,
}

impl PermissionSource {
    pub fn word(self) -> &'static str {
        match self {
            Self::AzureRbac => "azure_rbac",
            Self::Urbac => "urbac",
        }
    }
}

/// What a person attests about a tenant, because no API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attestation {
    /// Workloads for which Defender unified RBAC is switched on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defender_workloads: Vec<String>,
    pub by: String,
    pub date: Date,
}

/// Permissions of a role that this tenant withholds for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Exemption {
    pub role: RoleName,
    /// Defender permissions or Azure role names to leave out.
    pub drop: Vec<String>,
    pub reason: String,
    /// The last day of the exemption.
    pub until: Date,
}

impl Tenant {
    pub(super) fn check(&self, faults: &mut Faults) {
        faults.text("customer", &self.customer);
        self.check_unimplemented(faults);
        self.check_prefix(faults);
        faults.labels(&self.labels);
        for (name, scopes) in &self.scopes {
            faults.text("scopes", name);
            let field = format!("scopes.{name}");
            faults.list(&field, scopes);
            faults.unless(!scopes.is_empty(), &field, Fault::Missing, "is empty; list at least one ARM scope");
            for scope in scopes {
                check_scope(faults, &field, scope);
            }
        }
        self.check_workspaces(faults);
        if let Some(attested) = &self.attested {
            faults.text("attested.by", &attested.by);
            faults.list("attested.defenderWorkloads", &attested.defender_workloads);
            attested.defender_workloads.iter().for_each(|word| faults.text("attested.defenderWorkloads", word));
        }
        faults.list("exemptions", &self.exemptions);
        for (at, exemption) in self.exemptions.iter().enumerate() {
            faults.text(&format!("exemptions[{at}].reason"), &exemption.reason);
            let field = format!("exemptions[{at}].drop");
            faults.list(&field, &exemption.drop);
            exemption.drop.iter().for_each(|dropped| faults.text(&field, dropped));
            faults.unless(!exemption.drop.is_empty(), &field, Fault::Missing, "is empty; list what to leave out");
        }
    }

    fn check_unimplemented(&self, faults: &mut Faults) {
        if matches!(self.state, TenantState::Paused | TenantState::Offboarding | TenantState::Offboarded) {
            faults.unimplemented("state", "only ONBOARDING and ACTIVE are supported by this version");
        }
        if self.delivery != Delivery::B2bInvitation {
            faults.unimplemented("delivery", "only b2b_invitation is supported by this version");
        }
        if self.user_type != UserType::Guest {
            faults.unimplemented("userType", "only guest is supported by this version");
        }
    }

    fn check_prefix(&self, faults: &mut Faults) {
        let ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        faults.unless(
            (2..=16).contains(&self.name_prefix.len()) && self.name_prefix.chars().all(ok),
            "namePrefix",
            Fault::Malformed,
            "write 2 to 16 lower-case letters, digits and hyphens, such as ent-",
        );
    }

    fn check_workspaces(&self, faults: &mut Faults) {
        faults.list("workspaces", &self.workspaces);
        for (at, workspace) in self.workspaces.iter().enumerate() {
            faults.text(&format!("workspaces[{at}].name"), &workspace.name);
            if let Some(id) = &workspace.id {
                check_scope(faults, &format!("workspaces[{at}].id"), id);
            }
        }
    }
}

fn check_scope(faults: &mut Faults, field: &str, scope: &str) {
    if let Err(error) = scope::check(scope) {
        faults.add(field, Fault::Malformed, format!("{scope:?} is not an ARM scope: it {error}"));
    }
}
