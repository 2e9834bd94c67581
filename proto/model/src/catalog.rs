//! Microsoft's names that intent may use: built-in Azure roles, Defender unified RBAC permissions, and directory roles
//! (in `entra`).
//!
//! Azure role definition ids are the same in every tenant (Azure: built-in roles). Microsoft makes no such promise for
//! Defender action strings. We name a permission as the portal shows it, and the agent takes the action from the
//! tenant's own list. The strings here are candidates for a tenant whose list does not show the name.

mod entra;

pub use entra::{CLOSED_ENTRA_ROLES, ClosedEntraRole, ENTRA_ROLES, EntraRole, LeadsTo, closed_entra_role, entra_role};

use crate::name::Guid;

/// A built-in Azure role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AzureRole {
    pub name: &'static str,
    pub id: Guid,
}

/// A Defender unified RBAC permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefenderPermission {
    /// The name in intent: `alerts.manage`.
    pub id: &'static str,
    /// The path that the portal shows, its parts joined by ` \\ `.
    pub display: &'static str,
    /// Known spellings of the action. The tenant's own list decides.
    pub candidates: &'static [&'static str],
}

/// Finds an Azure role: a built-in role by its display name, or any role definition by its id.
pub fn azure_role(text: &str) -> Option<(Guid, &str)> {
    if let Ok(id) = text.parse::<Guid>() {
        let name = AZURE_ROLES.iter().find(|role| role.id == id).map_or(text, |role| role.name);
        return Some((id, name));
    }
    AZURE_ROLES.iter().find(|role| role.name == text).map(|role| (role.id, role.name))
}

/// Finds the permission with this name in intent.
pub fn defender_permission(id: &str) -> Option<&'static DefenderPermission> {
    DEFENDER_PERMISSIONS.iter().find(|permission| permission.id == id)
}

const fn role(name: &'static str, id: u128) -> AzureRole {
    AzureRole { name, id: Guid::from_u128(id) }
}

/// Built-in Azure roles that a SOC uses (Azure: built-in roles).
pub const AZURE_ROLES: &[AzureRole] = &[
    role("Microsoft Sentinel Reader", 0x8d289c81_5878_46d4_8554_54e1e3d8b5cb),
    role("Microsoft Sentinel Responder", 0x3e150937_b8fe_4cfb_8069_0eaf05ecd056),
    role("Microsoft Sentinel Contributor", 0xab8e14d6_4a74_4a29_9ba8_549422addade),
    role("Microsoft Sentinel Playbook Operator", 0x51d6186e_6489_4900_b93f_92e23144cca5),
    role("Microsoft Sentinel Automation Contributor", 0xf4c81013_99ee_4d62_a7ee_b3f1f648599a),
    role("Log Analytics Reader", 0x73c42c96_874c_492b_b04d_ab87d138a893),
    role("Log Analytics Contributor", 0x92aaf0da_9dab_42b6_94a3_d43ce8d16293),
    role("Monitoring Contributor", 0x749f88d5_cbae_40b8_bcfc_e573ddc772fa),
    role("Reader", 0xacdd72a7_3385_48ef_bd42_f606fba81ae7),
    role("Contributor", 0xb24988ac_6180_42a0_ab88_20f7382dd24c),
    role("User Access Administrator", 0x18d7d88d_d35e_4fb5_a5c3_7773c20a72d9),
    role("Role Based Access Control Administrator", 0xf58310d9_a9f6_439a_9e8d_f62e7b41a168),
    role("Security Admin", 0xfb1c8493_542b_48eb_b624_b4c8fea62acd),
    role("Logic App Contributor", 0x87a39d53_fc1b_424a_814c_f7e04687dc9e),
    role("Logic App Operator", 0x515c2055_d9d4_4321_b1b9_bd0c9a0f79fe),
    role("Workbook Contributor", 0xe8ddcd69_c73f_4f9f_9844_4100522f16ad),
    role("Workbook Reader", 0xb279062a_9be3_42a0_92ae_8b3cf002ec4d),
    role("Virtual Machine Contributor", 0x9980e02c_c2be_4d73_94e8_173b1dc7cf3c),
    role("Managed Services Registration Assignment Delete Role", 0x91c1777a_f3dc_4fae_b103_61d183457e46),
];

/// Defender unified RBAC permissions (Microsoft Defender XDR: custom permissions details).
pub const DEFENDER_PERMISSIONS: &[DefenderPermission] = &[
    DefenderPermission {
        id: "secdata.basics.read",
        display: "Security operations \\ Security data \\ Security data basics (read)",
        candidates: &["microsoft.xdr/secops/securitydata/read", "microsoft.xdr/secops/securitydata/basics/read"],
    },
    DefenderPermission {
        id: "alerts.manage",
        display: "Security operations \\ Security data \\ Alerts (manage)",
        candidates: &["microsoft.xdr/secops/securitydata/alerts/manage"],
    },
    DefenderPermission {
        id: "response.manage",
        display: "Security operations \\ Security data \\ Response (manage)",
        candidates: &["microsoft.xdr/secops/securitydata/response/manage"],
    },
    DefenderPermission {
        id: "liveresponse.basic.manage",
        display: "Security operations \\ Security data \\ Basic live response (manage)",
        candidates: &["microsoft.xdr/secops/securitydata/liveresponse-basic/manage"],
    },
    DefenderPermission {
        id: "liveresponse.advanced.manage",
        display: "Security operations \\ Security data \\ Advanced live response (manage)",
        candidates: &["microsoft.xdr/secops/securitydata/liveresponse-advanced/manage"],
    },
    DefenderPermission {
        id: "filecollection.manage",
        display: "Security operations \\ Security data \\ File collection (manage)",
        candidates: &["microsoft.xdr/secops/securitydata/filecollection/manage"],
    },
    DefenderPermission {
        id: "emailquarantine.manage",
        display: "Security operations \\ Security data \\ Email & collaboration quarantine (manage)",
        candidates: &["microsoft.xdr/secops/securitydata/emailquarantine/manage"],
    },
    DefenderPermission {
        id: "emailadvanced.manage",
        display: "Security operations \\ Security data \\ Email & collaboration advanced actions (manage)",
        candidates: &["microsoft.xdr/secops/securitydata/emailadvancedactions/manage"],
    },
    DefenderPermission {
        id: "copilot.read",
        display: "Security operations \\ Security data \\ Copilot (read)",
        candidates: &["microsoft.xdr/secops/securitydata/copilot/read"],
    },
    DefenderPermission {
        id: "emailmetadata.read",
        display: "Security operations \\ Raw data (Email & collaboration) \\ Email & collaboration metadata (read)",
        candidates: &[],
    },
    DefenderPermission {
        id: "emailcontent.read",
        display: "Security operations \\ Raw data (Email & collaboration) \\ Email & collaboration content (read)",
        candidates: &["microsoft.xdr/secops/rawdata/emailcontent/read"],
    },
    DefenderPermission {
        id: "vuln.read",
        display: "Security posture \\ Posture management \\ Vulnerability management (read)",
        candidates: &[],
    },
    DefenderPermission {
        id: "exception.manage",
        display: "Security posture \\ Posture management \\ Exception handling (manage)",
        candidates: &["microsoft.xdr/securityposture/posturemanagement/exceptionhandling/manage"],
    },
    DefenderPermission {
        id: "remediation.manage",
        display: "Security posture \\ Posture management \\ Remediation handling (manage)",
        candidates: &[],
    },
    DefenderPermission {
        id: "application.manage",
        display: "Security posture \\ Posture management \\ Application handling (manage)",
        candidates: &["microsoft.xdr/securityposture/posturemanagement/applicationhandling/manage"],
    },
    DefenderPermission {
        id: "baseline.manage",
        display: "Security posture \\ Posture management \\ Security baseline assessment (manage)",
        candidates: &["microsoft.xdr/securityposture/posturemanagement/baselineassessmentprofiles/manage"],
    },
    DefenderPermission {
        id: "exposure.read",
        display: "Security posture \\ Posture management \\ Exposure Management (read)",
        candidates: &[],
    },
    DefenderPermission {
        id: "exposure.manage",
        display: "Security posture \\ Posture management \\ Exposure Management (manage)",
        candidates: &["microsoft.xdr/securityposture/posturemanagement/securescore/manage"],
    },
    DefenderPermission {
        id: "authorization.read",
        display: "Authorization and settings \\ Authorization (read)",
        candidates: &["microsoft.xdr/configuration/authorization/read"],
    },
    DefenderPermission {
        id: "authorization.manage",
        display: "Authorization and settings \\ Authorization (manage)",
        candidates: &["microsoft.xdr/configuration/authorization/manage"],
    },
    DefenderPermission {
        id: "coresettings.read",
        display: "Authorization and settings \\ Security settings \\ Core security settings (read)",
        candidates: &["microsoft.xdr/configuration/security/read"],
    },
    DefenderPermission {
        id: "coresettings.manage",
        display: "Authorization and settings \\ Security settings \\ Core security settings (manage)",
        candidates: &["microsoft.xdr/configuration/security/core/manage"],
    },
    DefenderPermission {
        id: "detectiontuning.manage",
        display: "Authorization and settings \\ Security settings \\ Detection tuning (manage)",
        candidates: &[],
    },
    DefenderPermission {
        id: "systemsettings.read",
        display: "Authorization and settings \\ System settings (read)",
        candidates: &["microsoft.xdr/configuration/system/read"],
    },
    DefenderPermission {
        id: "systemsettings.manage",
        display: "Authorization and settings \\ System settings (manage)",
        candidates: &["microsoft.xdr/configuration/system/manage"],
    },
    DefenderPermission {
        id: "data.manage",
        display: "Data operations \\ Data management \\ Data (manage)",
        candidates: &[],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ids_are_unique() {
        for (at, role) in AZURE_ROLES.iter().enumerate() {
            assert!(
                AZURE_ROLES[..at].iter().all(|other| other.name != role.name && other.id != role.id),
                "{}",
                role.name
            );
        }
        for (at, permission) in DEFENDER_PERMISSIONS.iter().enumerate() {
            let earlier = &DEFENDER_PERMISSIONS[..at];
            assert!(earlier.iter().all(|other| other.id != permission.id && other.display != permission.display));
        }
    }

    #[test]
    fn a_role_is_found_by_name_and_by_id() {
        let id: Guid = "3e150937-b8fe-4cfb-8069-0eaf05ecd056".parse().unwrap();
        assert_eq!(azure_role("Microsoft Sentinel Responder"), Some((id, "Microsoft Sentinel Responder")));
        assert_eq!(azure_role("3e150937-b8fe-4cfb-8069-0eaf05ecd056"), Some((id, "Microsoft Sentinel Responder")));
        assert_eq!(azure_role("Microsoft Sentinel responder"), None);
    }
}
