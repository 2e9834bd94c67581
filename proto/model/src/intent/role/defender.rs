//! What a role needs on the plane `defenderRoles`.

use super::condition::Condition;
use super::data_source::DataSource;
use super::form::{Form, IfUnavailable, Needs, unknown};
use crate::catalog;
use crate::intent::check::Faults;
use crate::plane::Plane;
use crate::violation::Fault;

/// Defender permissions, and what they reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefenderRoles {
    /// By the names of [`catalog::defender_permission`].
    pub permissions: Vec<String>,
    /// Empty means all.
    pub data_sources: Vec<DataSource>,
    /// The item applies only where this holds.
    pub when: Option<Condition>,
    pub if_unavailable: IfUnavailable,
}

impl Needs for DefenderRoles {
    const FIELDS: &'static [&'static str] = &["permissions", "dataSources"];

    fn of(form: &Form) -> Self {
        let Form { permissions, data_sources, when, if_unavailable, .. } = form.clone();
        Self { permissions, data_sources, when, if_unavailable }
    }

    fn form(self) -> Form {
        let Self { permissions, data_sources, when, if_unavailable } = self;
        Form { permissions, data_sources, ..Form::of(Plane::DefenderRoles, when, if_unavailable) }
    }

    fn check(&self, faults: &mut Faults, path: &str) {
        let field = format!("{path}.permissions");
        faults.list(&field, &self.permissions);
        faults.unless(!self.permissions.is_empty(), &field, Fault::Missing, "names no permission");
        for permission in &self.permissions {
            faults.unless(
                catalog::defender_permission(permission).is_some(),
                &field,
                Fault::NotFound,
                unknown(
                    permission,
                    "Defender permission",
                    "write a name such as alerts.manage",
                    catalog::DEFENDER_PERMISSIONS.iter().map(|it| it.id),
                ),
            );
        }
    }
}
