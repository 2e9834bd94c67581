//! What a role lets people do, in words that a customer can judge.
//!
//! A closed table from Defender permissions and Azure role definitions to capabilities. What is custom, unknown, a
//! wildcard, or could change access itself is in no row, and so is never allowed. A new permission of Microsoft's is
//! refused until a row says what it means.

use std::fmt;

use entente_model::{Guid, catalog};
use serde::Deserialize;

use crate::guardrail::Capabilities;

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

            /// As the guardrail writes it.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// As the consent text says it.
            pub fn phrase(self) -> &'static str {
                match self { $(Self::$variant => $phrase,)* }
            }
        }
    };
}

capabilities! {
    ReadIncidents "readIncidents" "read incidents",
    ManageAlerts "manageAlerts" "manage alerts",
    Respond "respond" "respond",
    RunPlaybooks "runPlaybooks" "run playbooks",
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
    ManageData "manageData" "manage data retention",
    ReadResources "readResources" "read Azure resources",
    ReadSettings "readSettings" "read security settings",
    ManageSettings "manageSettings" "change security settings",
    ReadAuthorization "readAuthorization" "read who has access",
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

use Capability::*;

/// Defender permissions by the names of [`catalog::DEFENDER_PERMISSIONS`]. `authorization.manage` would let people
/// give access to themselves: never.
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

/// Azure built-in roles by name. Left out, and so never: those that change access (User Access Administrator, Role
/// Based Access Control Administrator, Managed Services Registration Assignment Delete Role) and those that reach
/// far beyond a SOC's work (Contributor, Virtual Machine Contributor, Log Analytics Contributor, which reads storage
/// keys). Sentinel's rows follow Microsoft's own map to unified RBAC (Defender: compare RBAC roles).
const AZURE: &[(&str, &[Capability])] = &[
    ("Microsoft Sentinel Reader", &[ReadIncidents]),
    ("Microsoft Sentinel Responder", &[ReadIncidents, ManageAlerts, Respond]),
    ("Microsoft Sentinel Contributor", &[ReadIncidents, ManageAlerts, Respond, TuneDetections]),
    ("Microsoft Sentinel Playbook Operator", &[RunPlaybooks]),
    ("Microsoft Sentinel Automation Contributor", &[AuthorPlaybooks]),
    ("Log Analytics Reader", &[ReadLogs]),
    ("Monitoring Contributor", &[ReadLogs, ManageData]),
    ("Reader", &[ReadResources]),
    ("Security Admin", &[ReadIncidents, ManageAlerts, ManageSettings]),
    ("Logic App Contributor", &[AuthorPlaybooks, RunPlaybooks]),
    ("Logic App Operator", &[RunPlaybooks]),
    ("Workbook Contributor", &[EditWorkbooks]),
    ("Workbook Reader", &[ReadIncidents]),
];

/// What a Defender permission lets people do; `None` is never.
pub fn of_defender_permission(permission: &str) -> Option<&'static [Capability]> {
    DEFENDER.iter().find(|(id, _)| *id == permission).map(|(_, capabilities)| *capabilities)
}

/// What a role definition lets people do; `None` is never.
pub fn of_azure_role(definition: Guid) -> Option<&'static [Capability]> {
    let role = catalog::AZURE_ROLES.iter().find(|role| role.id == definition)?;
    AZURE.iter().find(|(name, _)| *name == role.name).map(|(_, capabilities)| *capabilities)
}

/// What the customer says to a set of capabilities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Allowed,
    /// The customer is to be asked about these.
    Ask(Vec<Capability>),
    /// These are not allowed.
    Never(Vec<Capability>),
}

impl Capabilities {
    /// One that is refused refuses all; one that is asked asks for all.
    pub fn answer(&self, wanted: &[Capability]) -> Answer {
        let known = |capability: &Capability| self.allow.contains(capability) || self.ask.contains(capability);
        let never: Vec<_> = wanted.iter().filter(|capability| !known(capability)).copied().collect();
        let ask: Vec<_> = wanted.iter().filter(|capability| self.ask.contains(capability)).copied().collect();
        match (never.is_empty(), ask.is_empty()) {
            (false, _) => Answer::Never(never),
            (true, false) => Answer::Ask(ask),
            (true, true) => Answer::Allowed,
        }
    }
}

/// `read incidents, run playbooks`.
pub fn phrases<'a>(capabilities: impl IntoIterator<Item = &'a Capability>) -> String {
    capabilities.into_iter().map(|capability| capability.phrase()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names in the catalogue that no row allows, on purpose. A new name fails here until somebody decides.
    const NEVER: &[&str] = &[
        "authorization.manage",
        "Log Analytics Contributor",
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
    }

    #[test]
    fn every_row_names_something_in_the_catalogue() {
        for (id, _) in DEFENDER {
            assert!(catalog::defender_permission(id).is_some(), "{id}");
        }
        for (name, _) in AZURE {
            assert!(catalog::AZURE_ROLES.iter().any(|role| role.name == *name), "{name}");
        }
    }

    #[test]
    fn custom_and_wildcard_names_are_never() {
        assert_eq!(of_defender_permission("*"), None);
        assert_eq!(of_defender_permission("microsoft.xdr/secops/*/manage"), None);
        assert_eq!(of_azure_role(Guid::from_u128(7)), None);
    }

    #[test]
    fn one_refused_capability_refuses_and_one_asked_asks() {
        let may = Capabilities { allow: [ReadIncidents].into(), ask: [LiveResponseBasic].into() };
        assert_eq!(may.answer(&[ReadIncidents]), Answer::Allowed);
        assert_eq!(may.answer(&[ReadIncidents, LiveResponseBasic]), Answer::Ask(vec![LiveResponseBasic]));
        assert_eq!(may.answer(&[LiveResponseBasic, Respond]), Answer::Never(vec![Respond]));
    }
}
