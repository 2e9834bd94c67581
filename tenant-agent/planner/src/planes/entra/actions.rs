//! What the directory roles that may be given held when their capabilities were chosen, action by action.
//!
//! Microsoft moves definitions. An action that is not here, in the role itself or in one that it inherits from, was added
//! since: the role is given to nobody more until the customer allows the action by its name. Source: the definitions as
//! Graph showed them in August 2026 (Entra: built-in roles).

use std::collections::BTreeSet;

use entente_model::{Guid, catalog};

use crate::guardrail::Guardrail;
use crate::observed::EntraDefinition;

/// What a definition holds beyond what it held, and the file does not allow by name. `None` where that does not follow from
/// what was read.
pub(crate) fn beyond(guardrail: &Guardrail, id: Guid, now: &EntraDefinition) -> Option<BTreeSet<String>> {
    let role = catalog::ENTRA_ROLES.iter().find(|role| role.id == id)?;
    let readers = catalog::entra_role("Directory Readers")?;
    let inherits_known = now.inherits_from.as_ref()?.iter().all(|id| *id == readers.id);
    if !now.is_built_in || !inherits_known {
        return None;
    }
    let known = |action: &str| {
        let allowed = guardrail.capabilities.actions.iter().map(String::as_str);
        of(role.name).iter().copied().chain(allowed).any(|it| it.eq_ignore_ascii_case(action))
    };
    Some(now.actions.iter().filter(|action| !known(action)).cloned().collect())
}

fn of(role: &str) -> &'static [&'static str] {
    match role {
        "Directory Readers" => DIRECTORY_READERS,
        "Security Reader" => SECURITY_READER,
        "Reports Reader" => REPORTS_READER,
        _ => &[],
    }
}

const DIRECTORY_READERS: &[&str] = &[
    "microsoft.directory/administrativeUnits/members/read",
    "microsoft.directory/administrativeUnits/standard/read",
    "microsoft.directory/applicationPolicies/standard/read",
    "microsoft.directory/applications/owners/read",
    "microsoft.directory/applications/policies/read",
    "microsoft.directory/applications/standard/read",
    "microsoft.directory/contacts/memberOf/read",
    "microsoft.directory/contacts/standard/read",
    "microsoft.directory/contracts/standard/read",
    "microsoft.directory/devices/memberOf/read",
    "microsoft.directory/devices/registeredOwners/read",
    "microsoft.directory/devices/registeredUsers/read",
    "microsoft.directory/devices/standard/read",
    "microsoft.directory/directoryRoles/eligibleMembers/read",
    "microsoft.directory/directoryRoles/members/read",
    "microsoft.directory/directoryRoles/standard/read",
    "microsoft.directory/domains/standard/read",
    "microsoft.directory/groupSettingTemplates/standard/read",
    "microsoft.directory/groupSettings/standard/read",
    "microsoft.directory/groups/appRoleAssignments/read",
    "microsoft.directory/groups/memberOf/read",
    "microsoft.directory/groups/members/read",
    "microsoft.directory/groups/owners/read",
    "microsoft.directory/groups/settings/read",
    "microsoft.directory/groups/standard/read",
    "microsoft.directory/oAuth2PermissionGrants/standard/read",
    "microsoft.directory/organization/standard/read",
    "microsoft.directory/organization/trustedCAsForPasswordlessAuth/read",
    "microsoft.directory/roleAssignments/standard/read",
    "microsoft.directory/roleDefinitions/standard/read",
    "microsoft.directory/servicePrincipals/appRoleAssignedTo/read",
    "microsoft.directory/servicePrincipals/appRoleAssignments/read",
    "microsoft.directory/servicePrincipals/memberOf/read",
    "microsoft.directory/servicePrincipals/oAuth2PermissionGrants/read",
    "microsoft.directory/servicePrincipals/ownedObjects/read",
    "microsoft.directory/servicePrincipals/owners/read",
    "microsoft.directory/servicePrincipals/policies/read",
    "microsoft.directory/servicePrincipals/standard/read",
    "microsoft.directory/subscribedSkus/standard/read",
    "microsoft.directory/users/appRoleAssignments/read",
    "microsoft.directory/users/deviceForResourceAccount/read",
    "microsoft.directory/users/directReports/read",
    "microsoft.directory/users/invitedBy/read",
    "microsoft.directory/users/licenseDetails/read",
    "microsoft.directory/users/manager/read",
    "microsoft.directory/users/memberOf/read",
    "microsoft.directory/users/oAuth2PermissionGrants/read",
    "microsoft.directory/users/ownedDevices/read",
    "microsoft.directory/users/ownedObjects/read",
    "microsoft.directory/users/photo/read",
    "microsoft.directory/users/registeredDevices/read",
    "microsoft.directory/users/scopedRoleMemberOf/read",
    "microsoft.directory/users/sponsorOf/read",
    "microsoft.directory/users/sponsors/read",
    "microsoft.directory/users/standard/read",
];

const SECURITY_READER: &[&str] = &[
    "microsoft.agentRegistry/allEntities/allProperties/read",
    "microsoft.azure.serviceHealth/allEntities/allTasks",
    "microsoft.directory/accessReviews/definitions/allProperties/read",
    "microsoft.directory/auditLogs/allProperties/read",
    "microsoft.directory/authorizationPolicy/standard/read",
    "microsoft.directory/bitlockerKeys/key/read",
    "microsoft.directory/bulkJobs/standard/read",
    "microsoft.directory/conditionalAccessPolicies/owners/read",
    "microsoft.directory/conditionalAccessPolicies/policyAppliedTo/read",
    "microsoft.directory/conditionalAccessPolicies/standard/read",
    "microsoft.directory/crossTenantAccessPolicy/partners/templates/multiTenantOrganizationIdentitySynchronization/standard/read",
    "microsoft.directory/crossTenantAccessPolicy/partners/templates/multiTenantOrganizationPartnerConfiguration/standard/read",
    "microsoft.directory/deviceLocalCredentials/standard/read",
    "microsoft.directory/domains/federationConfiguration/standard/read",
    "microsoft.directory/entitlementManagement/allProperties/read",
    "microsoft.directory/identityProtection/allProperties/read",
    "microsoft.directory/multiTenantOrganization/joinRequest/standard/read",
    "microsoft.directory/multiTenantOrganization/standard/read",
    "microsoft.directory/multiTenantOrganization/tenants/organizationDetails/read",
    "microsoft.directory/multiTenantOrganization/tenants/standard/read",
    "microsoft.directory/namedLocations/standard/read",
    "microsoft.directory/policies/owners/read",
    "microsoft.directory/policies/policyAppliedTo/read",
    "microsoft.directory/policies/standard/read",
    "microsoft.directory/privilegedIdentityManagement/allProperties/read",
    "microsoft.directory/provisioningLogs/allProperties/read",
    "microsoft.directory/signInReports/allProperties/read",
    "microsoft.networkAccess/allEntities/allProperties/read",
    "microsoft.office365.protectionCenter/allEntities/standard/read",
    "microsoft.office365.protectionCenter/attackSimulator/payload/allProperties/read",
    "microsoft.office365.protectionCenter/attackSimulator/reports/allProperties/read",
    "microsoft.office365.protectionCenter/attackSimulator/simulation/allProperties/read",
    "microsoft.office365.serviceHealth/allEntities/allTasks",
    "microsoft.office365.webPortal/allEntities/standard/read",
];

const REPORTS_READER: &[&str] = &[
    "microsoft.azure.serviceHealth/allEntities/allTasks",
    "microsoft.directory/auditLogs/allProperties/read",
    "microsoft.directory/provisioningLogs/allProperties/read",
    "microsoft.directory/signInReports/allProperties/read",
    "microsoft.office365.network/performance/allProperties/read",
    "microsoft.office365.usageReports/allEntities/allProperties/read",
    "microsoft.office365.webPortal/allEntities/standard/read",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_that_is_open_has_its_actions() {
        for role in catalog::ENTRA_ROLES {
            assert!(!of(role.name).is_empty(), "{}", role.name);
        }
    }
}
