//! What a role needs on the plane `azureRoles`.

use super::condition::Condition;
use super::form::{Form, IfUnavailable, Needs, unknown};
use crate::catalog;
use crate::intent::check::Faults;
use crate::plane::Plane;
use crate::violation::Fault;

/// Azure roles at a symbolic scope of the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AzureRoles {
    /// Built-in roles by display name, or role definition ids.
    pub roles: Vec<String>,
    /// The tenant's symbolic scope. The check refuses a role without one.
    pub at: Option<String>,
    /// The item applies only where this holds.
    pub when: Option<Condition>,
    pub if_unavailable: IfUnavailable,
}

impl Needs for AzureRoles {
    const FIELDS: &'static [&'static str] = &["roles", "at"];

    fn of(form: &Form) -> Self {
        let Form { roles, at, when, if_unavailable, .. } = form.clone();
        Self { roles, at, when, if_unavailable }
    }

    fn form(self) -> Form {
        let Self { roles, at, when, if_unavailable } = self;
        Form { roles, at, ..Form::of(Plane::AzureRoles, when, if_unavailable) }
    }

    fn check(&self, faults: &mut Faults, path: &str) {
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
        let field = format!("{path}.at");
        match &self.at {
            Some(scope) => faults.text(&field, scope),
            None => faults.add(&field, Fault::Missing, "names no symbolic scope, such as sentinel_resource_group"),
        }
    }
}
