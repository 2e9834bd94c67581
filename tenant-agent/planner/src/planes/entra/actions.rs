//! What the directory roles that may be given held when their capabilities were chosen, action by action.
//!
//! Microsoft moves definitions. An action that is not here, in the role itself or in one that it inherits from, was added
//! since: the role is given to nobody more until the customer allows the action by its name. Source: the definitions as
//! Graph showed them in August 2026 (Entra: built-in roles).

use std::collections::BTreeSet;

use entente_model::{Guid, catalog};

use crate::guardrail::Guardrail;
use crate::observed::{EntraDefinition, Observed, Part};

/// What a definition is beside what it was when it was judged.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Beyond {
    /// These actions were added, and the file does not allow them by name; none where it is as it was.
    More(BTreeSet<String>),
    /// It is not the built-in role that was judged.
    Another,
    /// It, or a role that it inherits from, was not read or does not say all.
    Unread,
}

/// Compares a directory role, with the one that it inherits from, with what both were.
pub(crate) fn beyond(guardrail: &Guardrail, observed: &Observed, id: Guid) -> Beyond {
    let readers = catalog::entra_role("Directory Readers").map(|role| role.id);
    let Some(now) = shown(observed, id) else { return Beyond::Unread };
    let Some(parents) = &now.inherits_from else { return Beyond::Unread };
    if !now.is_built_in || parents.iter().any(|parent| Some(*parent) != readers) {
        return Beyond::Another;
    }
    let mut more = added(guardrail, id, now);
    for parent in parents {
        let Some(now) = shown(observed, *parent) else { return Beyond::Unread };
        more.extend(added(guardrail, *parent, now));
    }
    Beyond::More(more)
}

fn shown(observed: &Observed, id: Guid) -> Option<&EntraDefinition> {
    observed.entra_definitions.get(&id).and_then(Part::read).and_then(Option::as_ref)
}

fn added(guardrail: &Guardrail, id: Guid, now: &EntraDefinition) -> BTreeSet<String> {
    let name = catalog::ENTRA_ROLES.iter().find(|role| role.id == id).map_or("", |role| role.name);
    let allowed = || guardrail.capabilities.actions.iter().map(String::as_str);
    let is_known = |action: &str| of(name).iter().copied().chain(allowed()).any(|it| it.eq_ignore_ascii_case(action));
    now.actions.iter().filter(|action| !is_known(action)).cloned().collect()
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
