//! The planes of a customer tenant: what is granted apart, so it is allowed apart.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One plane. The same word in intent, guardrail, desired state, reports and the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Plane {
    /// B2B users: invitation, block, removal.
    Users,
    /// Assigned security groups, one for each role and identity class.
    Groups,
    /// Who is in those groups.
    Memberships,
    /// Azure role assignments, Microsoft Sentinel's among them.
    #[serde(alias = "azure_rbac")]
    AzureRoles,
    /// Defender unified RBAC roles and their assignments.
    #[serde(alias = "defender_urbac")]
    DefenderRoles,
    /// Inbound trust of one partner. Described; not carried out yet.
    CrossTenantTrust,
    /// Entra directory roles. Described; not carried out yet.
    #[serde(alias = "entra")]
    EntraRoles,
    /// Eligible assignments. Described; not carried out yet.
    Pim,
    /// Azure Lighthouse delegations. Described; not carried out yet.
    Lighthouse,
}

impl Plane {
    pub const ALL: [Self; 9] = [
        Self::Users,
        Self::Groups,
        Self::Memberships,
        Self::AzureRoles,
        Self::DefenderRoles,
        Self::CrossTenantTrust,
        Self::EntraRoles,
        Self::Pim,
        Self::Lighthouse,
    ];

    /// Whether this version carries the plane out. The others take `none` and nothing else.
    pub fn is_implemented(self) -> bool {
        matches!(self, Self::Users | Self::Groups | Self::Memberships | Self::AzureRoles | Self::DefenderRoles)
    }

    /// The word that people write.
    pub fn word(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
            Self::Memberships => "memberships",
            Self::AzureRoles => "azureRoles",
            Self::DefenderRoles => "defenderRoles",
            Self::CrossTenantTrust => "crossTenantTrust",
            Self::EntraRoles => "entraRoles",
            Self::Pim => "pim",
            Self::Lighthouse => "lighthouse",
        }
    }
}

impl fmt::Display for Plane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How far the customer lets the agent go on a plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PlaneMode {
    /// Neither read nor written.
    #[default]
    None,
    /// Read and reported; a person makes the change, with the script that the agent prints.
    Verify,
    /// Read, written within the guardrail, read back.
    Manage,
}

impl PlaneMode {
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Verify => "verify",
            Self::Manage => "manage",
        }
    }
}

impl fmt::Display for PlaneMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
