//! Assignments that a person made.

use super::state::Assignment;
use crate::clock::Now;
use crate::tenant::Tenant;

/// An assignment that a person made.
pub fn add_assignment(
    tenant: &mut Tenant,
    scope: &str,
    role: &str,
    principal: &str,
    kind: &str,
    condition: Option<String>,
    now: Now,
) -> String {
    let name = tenant.new_id();
    let assignment = Assignment {
        name: name.clone(),
        scope: scope.to_owned(),
        role: role.to_lowercase(),
        principal: principal.to_owned(),
        principal_type: kind.to_owned(),
        description: None,
        condition,
        created_by: None,
        created_by_principal: String::new(),
        created_on: now.date(),
        updated_on: now.date(),
    };
    tenant.azure.assignments.insert(name.clone(), assignment);
    name
}
