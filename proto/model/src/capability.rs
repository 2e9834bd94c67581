//! What a role lets people do, in words that a customer can judge.
//!
//! A closed table from Defender permissions, Azure role definitions and directory roles to capabilities. What is
//! custom, unknown or a wildcard, or could change access itself, has no row, so it is never allowed. A new Microsoft
//! permission is refused until a row describes it.
//!
//! The provider's side uses this table to show what a change lets people do. The customer's side judges by it, and by
//! the actions that Azure shows (`planner::capability`). The customer consents to it before there is a tenant to look
//! at.

use std::fmt;

use serde::Deserialize;

use crate::catalog;
use crate::name::Guid;

macro_rules! capabilities {
    ($($variant:ident $word:literal $phrase:literal,)*) => {
        /// One thing that a role may let people do. The words stand in the guardrail.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub enum Capability {
            $($variant,)*
        }

        impl Capability {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word in the guardrail.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The words in the consent text.
            pub fn phrase(self) -> &'static str {
                match self { $(Self::$variant => $phrase,)* }
            }
        }
    };
}

capabilities! {
    ReadIncidents "readIncidents" "read incidents",
    ManageAlerts "manageAlerts" "manage alerts",
    Respond "respond" "respond (also by automation rules and by playbooks that Sentinel may run)",
    RunPlaybooks "runPlaybooks" "run playbooks (with the addresses that trigger them) and read their runs",
    LiveResponseBasic "liveResponseBasic" "basic live response",
    LiveResponseAdvanced "liveResponseAdvanced" "advanced live response",
    CollectFiles "collectFiles" "collect files",
    ManageQuarantine "manageQuarantine" "manage mail quarantine",
    ManageEmail "manageEmail" "move and delete mail",
    ReadEmailMetadata "readEmailMetadata" "read mail metadata",
    ReadEmailContent "readEmailContent" "read mail content",
    UseCopilot "useCopilot" "use Copilot",
    ReadPosture "readPosture" "read exposure and vulnerabilities",
    ManagePosture "managePosture" "manage exposure, exceptions and baselines",
    TuneDetections "tuneDetections" "tune detections",
    AuthorPlaybooks "authorPlaybooks" "write playbooks",
    EditWorkbooks "editWorkbooks" "edit workbooks",
    ReadLogs "readLogs" "read all logs of a workspace",
    ManageData "manageData" "manage monitoring and its data (collection and retention and the keys of a workspace)",
    ReadResources "readResources" "read Azure resources with all their settings",
    ReadSettings "readSettings" "read security settings",
    ManageSettings "manageSettings" "change security settings and policies (also take Sentinel off its workspace)",
    ReadAuthorization "readAuthorization" "read who has access",
    ReadDirectory "readDirectory" "read the directory (people and groups and devices and applications)",
    ReadSignIns "readSignIns" "read sign-in and audit logs and reports of use",
    ReadRecoveryKeys "readRecoveryKeys" "read the recovery keys of encrypted disks",
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

use Capability::*;

/// Defender permissions by the names of [`catalog::DEFENDER_PERMISSIONS`]. `authorization.manage` has no row, because
/// it would let people give access to themselves.
const DEFENDER: &[(&str, &[Capability])] = &[
    ("secdata.basics.read", &[ReadIncidents]),
    ("alerts.manage", &[ManageAlerts]),
    ("response.manage", &[Respond]),
    ("liveresponse.basic.manage", &[LiveResponseBasic]),
    ("liveresponse.advanced.manage", &[LiveResponseAdvanced]),
    ("filecollection.manage", &[CollectFiles]),
    ("emailquarantine.manage", &[ManageQuarantine]),
    ("emailadvanced.manage", &[ManageEmail]),
    ("copilot.read", &[UseCopilot]),
    ("emailmetadata.read", &[ReadEmailMetadata]),
    ("emailcontent.read", &[ReadEmailContent]),
    ("vuln.read", &[ReadPosture]),
    ("exception.manage", &[ManagePosture]),
    ("remediation.manage", &[ManagePosture]),
    ("application.manage", &[ManagePosture]),
    ("baseline.manage", &[ManagePosture]),
    ("exposure.read", &[ReadPosture]),
    ("exposure.manage", &[ManagePosture]),
    ("authorization.read", &[ReadAuthorization]),
    ("coresettings.read", &[ReadSettings]),
    ("coresettings.manage", &[ManageSettings]),
    ("detectiontuning.manage", &[TuneDetections]),
    ("systemsettings.read", &[ReadSettings]),
    ("systemsettings.manage", &[ManageSettings]),
    ("data.manage", &[ManageData]),
];

/// What comes with a role in addition to its capabilities. It exposes nothing of the customer's, no role exists without
/// it, and the consent text lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Beside {
    Names,
    Deployments,
    Tickets,
    Signals,
    Rules,
}

impl Beside {
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Names => "see the names of resource groups and management groups",
            Self::Deployments => "read templates and past deployments, and deploy what they may make anyway",
            Self::Tickets => "open support tickets with Microsoft",
            Self::Signals => "see alert rules, metrics and diagnostic settings",
            Self::Rules => "write classic metric alert rules",
        }
    }
}

use Beside::{Deployments, Names, Rules, Signals, Tickets};

/// A built-in role as it was when the customer's words were chosen.
#[derive(Debug)]
pub struct AzureRole {
    pub name: &'static str,
    pub capabilities: &'static [Capability],
    pub beside: &'static [Beside],
}

const fn azure(name: &'static str, capabilities: &'static [Capability], beside: &'static [Beside]) -> AzureRole {
    AzureRole { name, capabilities, beside }
}

/// Azure built-in roles, by their definitions of November 2026. These have no row, so they are never allowed: roles
/// that change access (User Access Administrator, Role Based Access Control Administrator, Managed Services
/// Registration Assignment Delete Role) and roles that reach far beyond a SOC's work (Contributor, Virtual Machine
/// Contributor; Log Analytics Contributor and Logic App Contributor, which read keys of storage accounts).
const AZURE: &[AzureRole] = &[
    // Reads every table of the workspace except confidential watchlists, and who has access: more than incidents.
    azure(
        "Microsoft Sentinel Reader",
        &[ReadIncidents, ReadLogs, ReadAuthorization],
        &[Names, Deployments, Tickets, Rules],
    ),
    azure(
        "Microsoft Sentinel Responder",
        &[ReadIncidents, ManageAlerts, Respond, ReadLogs, ReadAuthorization],
        &[Names, Deployments, Tickets, Rules],
    ),
    azure(
        "Microsoft Sentinel Contributor",
        &[
            ReadIncidents,
            ManageAlerts,
            Respond,
            TuneDetections,
            EditWorkbooks,
            ManageSettings,
            ReadLogs,
            ReadAuthorization,
        ],
        &[Names, Deployments, Tickets, Rules],
    ),
    azure("Microsoft Sentinel Playbook Operator", &[RunPlaybooks], &[]),
    // It writes no playbook. Sentinel itself needs it to run playbooks.
    azure("Microsoft Sentinel Automation Contributor", &[RunPlaybooks, ReadAuthorization], &[]),
    // `*/read`: everything that can be read in Azure below the scope.
    azure("Log Analytics Reader", &[ReadIncidents, ReadLogs, ReadResources, ReadAuthorization], &[Tickets]),
    azure(
        "Monitoring Contributor",
        &[ReadIncidents, ReadLogs, ReadResources, ReadAuthorization, TuneDetections, EditWorkbooks, ManageData],
        &[Deployments, Tickets, Rules],
    ),
    azure("Reader", &[ReadIncidents, ReadLogs, ReadResources, ReadAuthorization], &[]),
    azure(
        "Security Admin",
        &[
            ReadIncidents,
            ManageAlerts,
            ReadPosture,
            ManagePosture,
            ReadSettings,
            ManageSettings,
            ReadLogs,
            ReadAuthorization,
        ],
        &[Names, Deployments, Tickets, Rules],
    ),
    azure("Logic App Operator", &[RunPlaybooks, ReadAuthorization], &[Names, Deployments, Tickets, Signals]),
    azure("Workbook Contributor", &[ReadIncidents, EditWorkbooks], &[]),
    azure("Workbook Reader", &[ReadIncidents], &[]),
];

/// Directory roles by the names of [`catalog::ENTRA_ROLES`]. All others are never allowed. Two of them also have the
/// actions of Directory Readers.
const ENTRA: &[(&str, &[Capability])] = &[
    // `users/standard/read`, `groups/members/read`, `roleAssignments/standard/read` (Entra: Directory Readers).
    ("Directory Readers", &[ReadDirectory, ReadAuthorization]),
    // `signInReports`, `auditLogs`, `provisioningLogs`, `usageReports` (Entra: Reports Reader).
    ("Reports Reader", &[ReadSignIns, ReadDirectory, ReadAuthorization]),
    // `bitlockerKeys/key/read`, `signInReports`, `auditLogs`, `conditionalAccessPolicies`,
    // `privilegedIdentityManagement` (Entra: Security Reader). Its actions do not show what other services give it:
    // read access to all of Defender, including mail metadata (Defender XDR: map of roles), and every workspace of the
    // data lake (Microsoft Sentinel: roles).
    (
        "Security Reader",
        &[
            ReadIncidents,
            ReadEmailMetadata,
            ReadPosture,
            ReadLogs,
            ReadSettings,
            ReadSignIns,
            ReadRecoveryKeys,
            ReadDirectory,
            ReadAuthorization,
        ],
    ),
];

/// What a directory role lets people do. `None` means never allowed.
pub fn of_entra_role(definition: Guid) -> Option<&'static [Capability]> {
    let role = catalog::ENTRA_ROLES.iter().find(|role| role.id == definition)?;
    ENTRA.iter().find(|(name, _)| *name == role.name).map(|(_, capabilities)| *capabilities)
}

/// What a Defender permission lets people do. `None` means never allowed.
pub fn of_defender_permission(permission: &str) -> Option<&'static [Capability]> {
    DEFENDER.iter().find(|(id, _)| *id == permission).map(|(_, capabilities)| *capabilities)
}

/// What a role definition lets people do. `None` means never allowed.
pub fn of_azure_role(definition: Guid) -> Option<&'static [Capability]> {
    azure_role(definition).map(|role| role.capabilities)
}

/// The row of a role definition. `None` means never allowed.
pub fn azure_role(definition: Guid) -> Option<&'static AzureRole> {
    let role = catalog::AZURE_ROLES.iter().find(|role| role.id == definition)?;
    AZURE.iter().find(|row| row.name == role.name)
}

/// `read incidents, run playbooks`.
pub fn phrases<'a>(capabilities: impl IntoIterator<Item = &'a Capability>) -> String {
    capabilities.into_iter().map(|capability| capability.phrase()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names in the catalogue that intentionally have no row. The test fails for a new name until a person decides
    /// about it.
    const NEVER: &[&str] = &[
        "authorization.manage",
        "Log Analytics Contributor",
        "Logic App Contributor",
        "Contributor",
        "User Access Administrator",
        "Role Based Access Control Administrator",
        "Virtual Machine Contributor",
        "Managed Services Registration Assignment Delete Role",
    ];

    #[test]
    fn every_name_of_the_catalogue_is_judged() {
        for permission in catalog::DEFENDER_PERMISSIONS {
            let judged = of_defender_permission(permission.id).is_some();
            assert_eq!(judged, !NEVER.contains(&permission.id), "{}", permission.id);
        }
        for role in catalog::AZURE_ROLES {
            assert_eq!(of_azure_role(role.id).is_some(), !NEVER.contains(&role.name), "{}", role.name);
        }
        for role in catalog::ENTRA_ROLES {
            assert!(of_entra_role(role.id).is_some(), "{}", role.name);
        }
        for role in catalog::CLOSED_ENTRA_ROLES {
            assert_eq!(of_entra_role(role.id), None, "{}", role.name);
        }
    }

    #[test]
    fn every_row_names_something_in_the_catalogue() {
        for (id, _) in DEFENDER {
            assert!(catalog::defender_permission(id).is_some(), "{id}");
        }
        for row in AZURE {
            assert!(catalog::AZURE_ROLES.iter().any(|role| role.name == row.name), "{}", row.name);
        }
        for (name, _) in ENTRA {
            assert!(catalog::ENTRA_ROLES.iter().any(|role| role.name == *name), "{name}");
        }
    }

    #[test]
    fn custom_and_wildcard_names_are_never() {
        assert_eq!(of_defender_permission("*"), None);
        assert_eq!(of_defender_permission("microsoft.xdr/secops/*/manage"), None);
        assert_eq!(of_azure_role(Guid::from_u128(7)), None);
    }
}
