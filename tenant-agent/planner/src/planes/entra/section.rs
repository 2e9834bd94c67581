//! The section of the guardrail that says which directory roles may be given.

use std::collections::BTreeMap;

use entente_model::violation::Fault;
use entente_model::{Guid, catalog};
use serde::Deserialize;

use crate::guardrail::{Faults, Guardrail};

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Entra {
    /// Directory roles that may be given over the whole tenant: display names, each with the id of its template.
    pub roles: BTreeMap<String, Guid>,
}

/// What is wrong with it. A file cannot open what is closed.
pub(crate) fn check(guardrail: &Guardrail, faults: &mut Faults) {
    for (name, id) in &guardrail.entra.roles {
        let field = format!("entra.roles.{name}");
        let by_id = catalog::closed_entra_role(&id.to_string());
        if let Some(closed) = by_id.or_else(|| catalog::closed_entra_role(name)) {
            faults.unless(false, &field, Fault::Conflict, format!("{closed}; leave it out"));
            continue;
        }
        let open = catalog::ENTRA_ROLES.iter().find(|role| role.id == *id);
        let text = match open {
            Some(role) => format!("{id} is {}; write its own name", role.name),
            None => {
                let names: Vec<&str> = catalog::ENTRA_ROLES.iter().map(|role| role.name).collect();
                format!("can never be given; only {} can", names.join(", "))
            }
        };
        faults.unless(open.is_some_and(|role| role.name == name), &field, Fault::Conflict, text);
    }
}
