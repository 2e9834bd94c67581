//! What a role needs on the plane `entraRoles`.

use super::condition::Condition;
use super::form::{Form, IfUnavailable, Needs, unknown};
use crate::catalog;
use crate::intent::check::Faults;
use crate::plane::Plane;
use crate::violation::Fault;

/// One directory role over the whole tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntraRoles {
    /// By display name, or the id of its template; an item without one does not pass the check.
    pub role: Option<String>,
    /// The item counts only where this holds.
    pub when: Option<Condition>,
    pub if_unavailable: IfUnavailable,
}

impl Needs for EntraRoles {
    const FIELDS: &'static [&'static str] = &["role"];

    fn of(form: &Form) -> Self {
        let Form { role, when, if_unavailable, .. } = form.clone();
        Self { role, when, if_unavailable }
    }

    fn form(self) -> Form {
        let Self { role, when, if_unavailable } = self;
        Form { role, ..Form::of(Plane::EntraRoles, when, if_unavailable) }
    }

    fn check(&self, faults: &mut Faults, path: &str) {
        let field = format!("{path}.role");
        let Some(role) = &self.role else {
            return faults.add(&field, Fault::Missing, "names no directory role, such as Security Reader");
        };
        if let Some(closed) = catalog::closed_entra_role(role) {
            return faults.add(&field, Fault::Conflict, format!("{closed}; it is never given"));
        }
        let names = catalog::ENTRA_ROLES.iter().map(|it| it.name);
        let remedy = format!("only {} can be asked for", names.clone().collect::<Vec<_>>().join(", "));
        let is_known = catalog::entra_role(role).is_some();
        faults.unless(is_known, &field, Fault::NotFound, unknown(role, "directory role that is open", &remedy, names));
    }
}
