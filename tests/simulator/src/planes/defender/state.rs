//! Defender's unified RBAC in one tenant: roles, assignments, and the catalogue of actions that roles are made of.
//!
//! Tenants spell the same permission differently, so a client has to find an action by its display text.

use std::collections::{BTreeMap, BTreeSet};

use crate::replicated::Replicated;

#[derive(Debug, Clone)]
pub struct DefenderRole {
    pub id: String,
    pub display_name: String,
    pub description: String,
    pub actions: Vec<String>,
    pub created_by: Option<String>,
}

#[derive(Debug, Clone)]
pub struct DefenderAssignment {
    pub id: String,
    pub display_name: String,
    pub description: String,
    pub role: String,
    pub principals: Vec<String>,
    pub directory_scopes: Vec<String>,
    pub app_scopes: Vec<String>,
    pub created_by: Option<String>,
}

#[derive(Debug, Default)]
pub struct Defender {
    /// A person has activated unified RBAC.
    pub active: bool,
    /// `plain` or `basics`.
    pub spelling: String,
    pub sentinel_workspace: bool,
    pub roles: BTreeMap<String, Replicated<DefenderRole>>,
    pub assignments: BTreeMap<String, Replicated<DefenderAssignment>>,
}

/// Path below `microsoft.xdr/` and display text. `{basics}` is spelled per tenant.
const ACTIONS: &[(&str, &str)] = &[
    ("secops/securitydata{basics}/read", "Security operations \\ Security data \\ Security data basics (read)"),
    ("secops/securitydata/alerts/manage", "Security operations \\ Security data \\ Alerts (manage)"),
    ("secops/securitydata/response/manage", "Security operations \\ Security data \\ Response (manage)"),
    (
        "secops/securitydata/liveresponse-basic/manage",
        "Security operations \\ Security data \\ Basic live response (manage)",
    ),
    (
        "secops/securitydata/liveresponse-advanced/manage",
        "Security operations \\ Security data \\ Advanced live response (manage)",
    ),
    ("secops/securitydata/filecollection/manage", "Security operations \\ Security data \\ File collection (manage)"),
    (
        "secops/securitydata/emailquarantine/manage",
        "Security operations \\ Security data \\ Email & collaboration quarantine (manage)",
    ),
    (
        "secops/securitydata/emailadvancedactions/manage",
        "Security operations \\ Security data \\ Email & collaboration advanced actions (manage)",
    ),
    ("secops/securitydata/copilot/read", "Security operations \\ Security data \\ Copilot (read)"),
    (
        "secops/rawdata/emailmetadata/read",
        "Security operations \\ Raw data (Email & collaboration) \\ Email & collaboration metadata (read)",
    ),
    (
        "secops/rawdata/emailcontent/read",
        "Security operations \\ Raw data (Email & collaboration) \\ Email & collaboration content (read)",
    ),
    (
        "secops/rawdata/quarantineemailcontent/read",
        "Security operations \\ Raw data (Email & collaboration) \\ Quarantined email content (read)",
    ),
    (
        "securityposture/posturemanagement/vulnerability{management}/read",
        "Security posture \\ Posture management \\ Vulnerability management (read)",
    ),
    (
        "securityposture/posturemanagement/exceptionhandling/manage",
        "Security posture \\ Posture management \\ Exception handling (manage)",
    ),
    (
        "securityposture/posturemanagement/remediationhandling/manage",
        "Security posture \\ Posture management \\ Remediation handling (manage)",
    ),
    (
        "securityposture/posturemanagement/applicationhandling/manage",
        "Security posture \\ Posture management \\ Application handling (manage)",
    ),
    (
        "securityposture/posturemanagement/baselineassessmentprofiles/manage",
        "Security posture \\ Posture management \\ Security baseline assessment (manage)",
    ),
    (
        "securityposture/posturemanagement/{exposure}/read",
        "Security posture \\ Posture management \\ Exposure Management (read)",
    ),
    (
        "securityposture/posturemanagement/{exposure}/manage",
        "Security posture \\ Posture management \\ Exposure Management (manage)",
    ),
    ("configuration/authorization/read", "Authorization and settings \\ Authorization (read)"),
    ("configuration/authorization/manage", "Authorization and settings \\ Authorization (manage)"),
    (
        "configuration/security{core}/read",
        "Authorization and settings \\ Security settings \\ Core security settings (read)",
    ),
    (
        "configuration/security/core/manage",
        "Authorization and settings \\ Security settings \\ Core security settings (manage)",
    ),
    (
        "configuration/security/detectiontuning/manage",
        "Authorization and settings \\ Security settings \\ Detection tuning (manage)",
    ),
    ("configuration/system/read", "Authorization and settings \\ System settings (read)"),
    ("configuration/system/manage", "Authorization and settings \\ System settings (manage)"),
    ("dataops/datamanagement/read", "Data operations \\ Data management \\ Data (read)"),
    ("dataops/datamanagement/manage", "Data operations \\ Data management \\ Data (manage)"),
];

/// Where spellings differ: placeholder, `plain`, `basics`.
const SPELLINGS: &[(&str, &str, &str)] = &[
    ("{basics}", "", "/basics"),
    ("{management}", "management", ""),
    ("{exposure}", "securescore", "exposuremanagement"),
    ("{core}", "", "/core"),
];

impl Defender {
    /// The tenant's actions as (action string, display text).
    pub fn catalogue(&self) -> Vec<(String, &'static str)> {
        let basics = self.spelling == "basics";
        let spelled = |path: &str| {
            SPELLINGS.iter().fold(format!("microsoft.xdr/{path}"), |text, (mark, plain, other)| {
                text.replace(mark, if basics { other } else { plain })
            })
        };
        ACTIONS.iter().map(|(path, display)| (spelled(path), *display)).collect()
    }

    /// Whether an action, or a wildcard over some, can stand in a role here.
    pub fn knows(&self, action: &str) -> bool {
        self.catalogue().iter().any(|(known, _)| known == action || matches_wildcard(action, known))
    }
}

/// What remains stored of a set of actions: those that no other one covers, sorted.
///
/// Covered means: matched by a wildcard of the set, or a read beside the matching manage.
pub fn canonical(actions: &[String]) -> Vec<String> {
    let set: BTreeSet<&String> = actions.iter().collect();
    let covered = |one: &String| {
        set.iter().any(|other| *other != one && (matches_wildcard(other, one) || reads_under(other, one)))
    };
    set.iter().filter(|one| !covered(one)).map(|one| (*one).clone()).collect()
}

/// `a/*/read` matches `a/b/read` and `a/b/c/read`.
fn matches_wildcard(pattern: &str, action: &str) -> bool {
    let Some((head, tail)) = pattern.split_once("/*/") else { return false };
    let rest = action.strip_prefix(head).and_then(|rest| rest.strip_prefix('/'));
    rest.and_then(|rest| rest.strip_suffix(tail)).is_some_and(|middle| middle.ends_with('/'))
}

/// `a/manage` includes `a/read`.
fn reads_under(manage: &str, read: &str) -> bool {
    let (Some(manage), Some(read)) = (manage.strip_suffix("/manage"), read.strip_suffix("/read")) else { return false };
    manage == read || matches_wildcard(&format!("{manage}/manage"), &format!("{read}/manage"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_wildcard_or_a_manage_covers_is_dropped() {
        let stored = canonical(&[
            "microsoft.xdr/secops/*/read".into(),
            "microsoft.xdr/secops/securitydata/read".into(),
            "microsoft.xdr/configuration/authorization/read".into(),
            "microsoft.xdr/configuration/authorization/manage".into(),
            "microsoft.xdr/secops/securitydata/alerts/manage".into(),
        ]);
        assert_eq!(
            stored,
            [
                "microsoft.xdr/configuration/authorization/manage",
                "microsoft.xdr/secops/*/read",
                "microsoft.xdr/secops/securitydata/alerts/manage"
            ]
        );
    }
}
