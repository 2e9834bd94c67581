//! Azure's side of a tenant: subscriptions, role assignments, and who may assign what.
//!
//! Evaluates conditions, and in `scopes` what reaches what; the HTTP side is in `assignments` and `definitions`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::control::seed::{ManagementGroupSeed, SubscriptionSeed};

/// Built-in roles by GUID and name (Azure built-in roles reference).
pub const BUILT_IN_ROLES: &[(&str, &str)] = &[
    (OWNER, "Owner"),
    ("b24988ac-6180-42a0-ab88-20f7382dd24c", "Contributor"),
    ("acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader"),
    (USER_ACCESS_ADMINISTRATOR, "User Access Administrator"),
    (RBAC_ADMINISTRATOR, "Role Based Access Control Administrator"),
    ("8d289c81-5878-46d4-8554-54e1e3d8b5cb", "Microsoft Sentinel Reader"),
    ("3e150937-b8fe-4cfb-8069-0eaf05ecd056", "Microsoft Sentinel Responder"),
    ("ab8e14d6-4a74-4a29-9ba8-549422addade", "Microsoft Sentinel Contributor"),
    ("51d6186e-6489-4900-b93f-92e23144cca5", "Microsoft Sentinel Playbook Operator"),
    ("f4c81013-99ee-4d62-a7ee-b3f1f648599a", "Microsoft Sentinel Automation Contributor"),
    ("73c42c96-874c-492b-b04d-ab87d138a893", "Log Analytics Reader"),
    ("92aaf0da-9dab-42b6-94a3-d43ce8d16293", "Log Analytics Contributor"),
    ("749f88d5-cbae-40b8-bcfc-e573ddc772fa", "Monitoring Contributor"),
    ("fb1c8493-542b-48eb-b624-b4c8fea62acd", "Security Admin"),
    ("39bc4728-0917-49c7-9d2c-d95423bc2eb4", "Security Reader"),
    ("87a39d53-fc1b-424a-814c-f7e04687dc9e", "Logic App Contributor"),
    ("515c2055-d9d4-4321-b1b9-bd0c9a0f79fe", "Logic App Operator"),
    ("e8ddcd69-c73f-4f9f-9844-4100522f16ad", "Workbook Contributor"),
    ("b279062a-9be3-42a0-92ae-8b3cf002ec4d", "Workbook Reader"),
    ("9980e02c-c2be-4d73-94e8-173b1dc7cf3c", "Virtual Machine Contributor"),
    ("91c1777a-f3dc-4fae-b103-61d183457e46", "Managed Services Registration Assignment Delete Role"),
];

pub const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
pub const USER_ACCESS_ADMINISTRATOR: &str = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9";
pub const RBAC_ADMINISTRATOR: &str = "f58310d9-a9f6-439a-9e8d-f62e7b41a168";

/// The GUIDs that a condition allows in a request to write, or in a resource to delete.
static CONDITION_IDS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)@(Request|Resource)\[Microsoft\.Authorization/roleAssignments:RoleDefinitionId\]\s*ForAnyOfAnyValues:GuidEquals\s*\{([^}]*)\}")
        .expect("the pattern is constant")
});

#[derive(Debug, Clone)]
pub struct Assignment {
    /// Its name, a GUID unique in the tenant.
    pub name: String,
    /// As first written; compared without regard to case.
    pub scope: String,
    /// Role definition GUID.
    pub role: String,
    pub principal: String,
    pub principal_type: String,
    pub description: Option<String>,
    pub condition: Option<String>,
    pub created_by: Option<String>,
    /// Object id of the principal that wrote it.
    pub created_by_principal: String,
    pub created_on: String,
    pub updated_on: String,
}

#[derive(Debug, Default)]
pub struct Azure {
    pub subscriptions: Vec<SubscriptionSeed>,
    pub management_groups: Vec<ManagementGroupSeed>,
    /// Name of the management group above all others: the tenant's id.
    pub root_group: String,
    pub assignments: BTreeMap<String, Assignment>,
    /// Actions that built-in roles have beside those that they began with, by the role's id.
    pub grown: BTreeMap<String, Vec<String>>,
}

/// What a principal wants to do with assignments at a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action<'a> {
    Read,
    /// With the role definition concerned.
    Write(&'a str),
    Delete(&'a str),
}

impl Azure {
    /// Whether the assignments of `principals` permit the action at this scope or above it.
    pub fn permits(&self, principals: &[&str], scope: &str, action: Action<'_>) -> bool {
        let of_caller = |one: &&Assignment| principals.contains(&one.principal.as_str());
        self.assignments.values().filter(of_caller).any(|one| self.covers(&one.scope, scope) && grants(one, action))
    }
}

fn grants(assignment: &Assignment, action: Action<'_>) -> bool {
    let manages = [OWNER, USER_ACCESS_ADMINISTRATOR, RBAC_ADMINISTRATOR].contains(&assignment.role.as_str());
    match (action, &assignment.condition) {
        (Action::Read, _) => true,
        (_, None) => manages,
        (Action::Write(role), Some(condition)) => manages && condition_allows(condition, "Request", role),
        (Action::Delete(role), Some(condition)) => manages && condition_allows(condition, "Resource", role),
    }
}

fn condition_allows(condition: &str, side: &str, role: &str) -> bool {
    let mut limits =
        CONDITION_IDS.captures_iter(condition).filter(|found| found[1].eq_ignore_ascii_case(side)).peekable();
    limits.peek().is_none()
        || limits.any(|found| found[2].split(',').any(|id| id.trim().trim_matches('\'').eq_ignore_ascii_case(role)))
}

/// The condition that the portal writes for "allow to assign only selected roles".
pub fn condition_for(role_ids: &[String]) -> String {
    let ids = role_ids.join(", ");
    format!(
        "((!(ActionMatches{{'Microsoft.Authorization/roleAssignments/write'}})) OR \
         (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {{{ids}}})) AND \
         ((!(ActionMatches{{'Microsoft.Authorization/roleAssignments/delete'}})) OR \
         (@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {{{ids}}}))"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Other roles for writing and for deleting, further attributes, several lines (Azure: delegate with conditions).
    #[test]
    fn a_condition_over_several_lines_is_judged_by_its_sides() {
        let condition = "(
 (!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'}))
 OR
 (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {51d6186e-6489-4900-b93f-92e23144cca5}
  AND @Request[Microsoft.Authorization/roleAssignments:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {'Group'})
)
AND
(
 (!(ActionMatches{'Microsoft.Authorization/roleAssignments/delete'}))
 OR
 (@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {51d6186e-6489-4900-b93f-92e23144cca5, 3e150937-b8fe-4cfb-8069-0eaf05ecd056})
)";
        let (playbook, responder) = ("51d6186e-6489-4900-b93f-92e23144cca5", "3e150937-b8fe-4cfb-8069-0eaf05ecd056");
        assert!(condition_allows(condition, "Request", playbook) && !condition_allows(condition, "Request", responder));
        assert!(condition_allows(condition, "Resource", responder) && !condition_allows(condition, "Resource", OWNER));
    }

    #[test]
    fn a_condition_allows_only_the_roles_that_it_names() {
        let condition = condition_for(&["3e150937-b8fe-4cfb-8069-0eaf05ecd056".into()]);
        assert!(condition_allows(&condition, "Request", "3e150937-b8fe-4cfb-8069-0eaf05ecd056"));
        assert!(!condition_allows(&condition, "Request", OWNER));
        assert!(!condition_allows(&condition, "Resource", OWNER));
    }
}
