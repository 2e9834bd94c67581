//! Directory roles in one tenant: who holds which, and the built-in roles that there are.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::replicated::Replicated;

/// A built-in role. Its definition's id is its template's, the same in every tenant.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BuiltIn {
    pub id: String,
    pub display_name: String,
    pub is_privileged: bool,
    /// Ids of the roles whose actions it has too.
    pub inherits_from: Vec<String>,
    pub actions: Vec<String>,
}

/// Those that a SOC meets, of about 145 that a tenant has; as Graph showed them in August 2026.
static BUILT_IN: LazyLock<Vec<BuiltIn>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("built_in.json")).expect("the table is constant, and a test reads it")
});

/// In the order of their ids.
pub fn built_in() -> &'static [BuiltIn] {
    &BUILT_IN
}

/// A built-in role by its id or its name.
pub fn role(reference: &str) -> Option<&'static BuiltIn> {
    built_in().iter().find(|role| role.id.eq_ignore_ascii_case(reference) || role.display_name == reference)
}

/// Somebody's role over the whole tenant: no other scope is simulated.
#[derive(Debug, Clone)]
pub struct EntraAssignment {
    pub id: String,
    /// Of a built-in role.
    pub role: String,
    pub principal: String,
    /// Client id of the application that made it; absent: seeded or a person.
    pub created_by: Option<String>,
}

impl EntraAssignment {
    pub fn new(role: &str, principal: &str, created_by: Option<String>) -> Self {
        let (role, principal) = (role.to_lowercase(), principal.to_lowercase());
        Self { id: id_of(&role, &principal), role, principal, created_by }
    }
}

/// Opaque to clients: as the directory's look, long and not a GUID, with `-1` at the end.
fn id_of(role: &str, principal: &str) -> String {
    let bytes = |id: &str| uuid::Uuid::parse_str(id).unwrap_or_default().into_bytes();
    format!("{}-1", URL_SAFE_NO_PAD.encode([bytes(role), bytes(principal)].concat()))
}

#[derive(Debug, Default)]
pub struct Entra {
    /// By id.
    pub assignments: BTreeMap<String, Replicated<EntraAssignment>>,
    /// Actions that built-in roles have beside those that they began with, by the role's id.
    pub grown: BTreeMap<String, Vec<String>>,
    /// Reads so far; every second one may come from a replica that is behind.
    pub reads: u64,
}

impl Entra {
    pub fn held(&self) -> impl Iterator<Item = &EntraAssignment> {
        self.assignments.values().filter_map(Replicated::truth)
    }

    /// The roles that name this principal itself.
    pub fn of<'a>(&'a self, principal: &'a str) -> impl Iterator<Item = &'static BuiltIn> + 'a {
        self.held().filter(move |one| one.principal == principal).filter_map(|one| role(&one.role))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_roles_holds_together() {
        assert!(built_in().is_sorted_by(|one, other| one.id < other.id));
        for one in built_in() {
            assert!(one.inherits_from.iter().all(|id| role(id).is_some()), "{}", one.display_name);
            assert!(!one.actions.is_empty(), "{}", one.display_name);
        }
        assert_eq!(role("Security Reader").unwrap().id, "5d6b6bb7-de71-4623-b4af-96380a352509");
    }
}
