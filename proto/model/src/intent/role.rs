//! SOC roles: what a job needs, plane by plane. A version is stored once and never changes.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::check::Faults;
use super::operator::IdentityClass;
use super::tenant::UserType;
use crate::catalog;
use crate::name::{RoleName, RoleVersion, text_serde};
use crate::nearest::nearest;
use crate::plane::Plane;
use crate::violation::Fault;

/// One version of a SOC role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SocRole {
    pub name: RoleName,
    pub version: u32,
    /// What it is put together by: `entente apply --prune -l`. No part of what the version is.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub identity_class: IdentityClass,
    #[serde(default)]
    pub minimum_user_type: UserType,
    pub items: Vec<RoleItem>,
}

/// What the role needs on one plane. Which fields count depends on the plane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleItem {
    pub plane: Plane,
    /// `defenderRoles`: permissions by the names of [`catalog::defender_permission`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<String>,
    /// `defenderRoles`: what the permissions reach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_sources: Vec<DataSource>,
    /// `azureRoles`: built-in roles by display name, or role definition ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// `azureRoles`: the tenant's symbolic scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// `entraRoles`: a directory role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    #[serde(default)]
    pub mode: Mode,
    /// The item counts only where this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    #[serde(default)]
    pub if_unavailable: IfUnavailable,
}

/// Held all the time, or only while activated. An eligible item is never promoted to active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    #[default]
    Active,
    Eligible,
}

/// What to do where a tenant cannot deliver the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum IfUnavailable {
    #[default]
    Refuse,
    Degrade,
}

/// A Defender data source (Graph beta: `appScopeIds`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DataSource {
    All,
    Mde,
    Mdo,
    Mdi,
    Mdc,
}

impl DataSource {
    pub const EVERY: [Self; 5] = [Self::All, Self::Mde, Self::Mdo, Self::Mdi, Self::Mdc];

    pub fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Mde => "mde",
            Self::Mdo => "mdo",
            Self::Mdi => "mdi",
            Self::Mdc => "mdc",
        }
    }
}

/// `attribute == value`, over a closed list of attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub attribute: Attribute,
    pub value: String,
}

/// What a condition may ask about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    /// The tenant's default user type: `guest` or `member`.
    UserType,
    /// The tenant's cloud.
    Cloud,
    /// Every workspace within the item's scope: `azure_rbac` or `urbac`.
    WorkspacePermissionSource,
}

impl Attribute {
    const ALL: [Self; 3] = [Self::UserType, Self::Cloud, Self::WorkspacePermissionSource];

    pub fn word(self) -> &'static str {
        match self {
            Self::UserType => "userType",
            Self::Cloud => "cloud",
            Self::WorkspacePermissionSource => "workspace.permissionSource",
        }
    }

    fn values(self) -> &'static [&'static str] {
        match self {
            Self::UserType => &["guest", "member"],
            Self::Cloud => &["global", "us_gov_l4", "us_gov_l5", "china"],
            Self::WorkspacePermissionSource => &["azure_rbac", "urbac"],
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} == {}", self.attribute.word(), self.value)
    }
}

/// Why a text is not a condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    #[error("{0:?} is not a condition: write ATTRIBUTE == VALUE")]
    Shape(String),
    #[error("{0:?} is not an attribute: use userType, cloud or workspace.permissionSource")]
    Attribute(String),
    #[error("{value:?} is not a value of {attribute}: use {}", .allowed.join(" or "))]
    Value { attribute: &'static str, value: String, allowed: &'static [&'static str] },
}

impl FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        let (word, value) = text.split_once("==").ok_or_else(|| ConditionError::Shape(text.into()))?;
        let (word, value) = (word.trim(), value.trim());
        let attribute = Attribute::ALL
            .into_iter()
            .find(|attribute| attribute.word() == word)
            .ok_or_else(|| ConditionError::Attribute(word.into()))?;
        if !attribute.values().contains(&value) {
            let (attribute, allowed) = (attribute.word(), attribute.values());
            return Err(ConditionError::Value { attribute, value: value.into(), allowed });
        }
        Ok(Self { attribute, value: value.into() })
    }
}

text_serde!(Condition);

impl SocRole {
    /// Whether it is the same version: labels are no part of one.
    pub fn is_same_version(&self, other: &Self) -> bool {
        Self { labels: BTreeMap::new(), ..self.clone() } == Self { labels: BTreeMap::new(), ..other.clone() }
    }

    /// The name by which assignments pin this version.
    pub fn pinned(&self) -> RoleVersion {
        RoleVersion { role: self.name.clone(), version: self.version }
    }

    pub(super) fn check(&self, faults: &mut Faults) {
        faults.unless(self.version > 0, "version", Fault::Malformed, "versions count from 1");
        faults.list("items", &self.items);
        faults.unless(
            !self.items.is_empty(),
            "items",
            Fault::Missing,
            "the role grants nothing; list at least one item",
        );
        if self.minimum_user_type != UserType::Guest {
            faults.unimplemented("minimumUserType", "only guest is carried out by this version");
        }
        for (at, item) in self.items.iter().enumerate() {
            item.at.iter().for_each(|name| faults.text(&format!("items[{at}].at"), name));
            item.role.iter().for_each(|name| faults.text(&format!("items[{at}].role"), name));
            item.check(faults, &format!("items[{at}]"));
        }
        let defender = self.items.iter().filter(|item| item.plane == Plane::DefenderRoles).count();
        faults.unless(
            defender <= 1,
            "items",
            Fault::Conflict,
            "more than one defenderRoles item; put the permissions into one",
        );
    }
}

impl RoleItem {
    fn check(&self, faults: &mut Faults, path: &str) {
        match self.plane {
            Plane::DefenderRoles => self.check_defender(faults, path),
            Plane::AzureRoles => self.check_azure(faults, path),
            Plane::Users | Plane::Groups | Plane::Memberships => faults.add(
                &format!("{path}.plane"),
                Fault::Malformed,
                "users, groups and memberships follow from assignments; use defenderRoles or azureRoles",
            ),
            _ => faults.unimplemented(
                &format!("{path}.plane"),
                format!("{} is not carried out by this version; leave the item out", self.plane),
            ),
        }
        if self.mode == Mode::Eligible {
            faults.unimplemented(
                &format!("{path}.mode"),
                "eligible is not carried out by this version, and is never promoted to active",
            );
        }
    }

    fn check_defender(&self, faults: &mut Faults, path: &str) {
        let field = format!("{path}.permissions");
        faults.list(&field, &self.permissions);
        faults.unless(!self.permissions.is_empty(), &field, Fault::Missing, "names no permission");
        for permission in &self.permissions {
            faults.unless(
                catalog::defender_permission(permission).is_some(),
                &field,
                Fault::NotFound,
                unknown(
                    permission,
                    "Defender permission",
                    "such a name is alerts.manage",
                    catalog::DEFENDER_PERMISSIONS.iter().map(|it| it.id),
                ),
            );
        }
        self.refuse_fields(
            faults,
            path,
            &[("roles", !self.roles.is_empty()), ("at", self.at.is_some()), ("role", self.role.is_some())],
        );
    }

    fn check_azure(&self, faults: &mut Faults, path: &str) {
        let field = format!("{path}.roles");
        faults.list(&field, &self.roles);
        faults.unless(!self.roles.is_empty(), &field, Fault::Missing, "names no Azure role");
        for role in &self.roles {
            faults.unless(
                catalog::azure_role(role).is_some(),
                &field,
                Fault::NotFound,
                unknown(
                    role,
                    "Azure role",
                    "write its display name, or its role definition id",
                    catalog::AZURE_ROLES.iter().map(|it| it.name),
                ),
            );
        }
        faults.unless(
            self.at.is_some(),
            &format!("{path}.at"),
            Fault::Missing,
            "names no symbolic scope, such as sentinel_resource_group",
        );
        let others = [
            ("permissions", !self.permissions.is_empty()),
            ("dataSources", !self.data_sources.is_empty()),
            ("role", self.role.is_some()),
        ];
        self.refuse_fields(faults, path, &others);
    }

    fn refuse_fields(&self, faults: &mut Faults, path: &str, fields: &[(&str, bool)]) {
        for (field, is_set) in fields {
            faults.unless(
                !is_set,
                &format!("{path}.{field}"),
                Fault::Conflict,
                format!("does not belong to plane {}; remove it", self.plane),
            );
        }
    }
}

/// What is said of a name that the catalogue does not have: the name that may have been meant, without regard to case.
fn unknown(text: &str, what: &str, remedy: &str, known: impl Iterator<Item = &'static str> + Clone) -> String {
    let lower = nearest(&text.to_lowercase(), known.clone().map(str::to_lowercase));
    let meant = known.into_iter().find(|it| lower.as_ref().is_some_and(|lower| it.to_lowercase() == *lower));
    let meant = meant.map(|it| format!("did you mean {it:?}? Else ")).unwrap_or_default();
    format!("{text:?} is not a known {what}; {meant}{remedy}")
}
