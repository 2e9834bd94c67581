//! What one item asks of the customer's guardrail, key by key: for people, who are to see which line of the file decides.
//!
//! The plan asks the same of the file by `gate.rs`, and more: what Azure shows of a role now, who else is there, what
//! was changed today. This says only what follows from the item and the file; the agent's own reason stands beside it.

mod written;

use std::collections::BTreeMap;

use entente_model::desired::{
    AzureRoleBody, DefenderAssignmentBody, DefenderRoleBody, DefenderRoleKey, EntraRoleBody, EntraRoleKey, GroupBody,
    Item, ItemBody, ItemKey, PermissionGrant, UserBody,
};
use entente_model::{Guid, Plane, PlaneMode, Timestamp, catalog};
use serde::{Deserialize, Serialize};

use crate::capability::{self, Capability};
use crate::guardrail::Guardrail;
use crate::planes::azure::gate::is_within;
use crate::reads;

pub use written::written;

/// One thing that the file has to say before the item can be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Need {
    /// Path of the key, as the reference has it.
    pub key: String,
    /// What has to stand there, or what it has to let pass.
    pub value: String,
}

/// Where nothing tells what a role lets people do.
pub(crate) const NOT_KNOWN: &str = "what this version of the agent does not know";

/// What is needed of a grant without an end.
const NO_END: &str = "a grant without an end";

/// What the item needs, in the order of the file. `items`: what else is desired, as a Defender assignment gives what its role
/// holds.
pub fn of(item: &Item, items: &BTreeMap<&ItemKey, &Item>, now: Timestamp) -> Vec<Need> {
    let mut needs: Vec<Need> = Vec::new();
    let mut need = |key: &str, value: &dyn ToString| needs.push(Need { key: key.to_owned(), value: value.to_string() });
    if let ItemBody::User(UserBody { home_tenant, mail, .. }) = &item.body {
        need("provider.homeTenant", home_tenant);
        need("provider.mailDomains", &mail.rsplit_once('@').map_or(mail.as_str(), |(_, domain)| domain));
    }
    if let Some(plane) = item.key.plane() {
        need(&format!("planes.{plane}"), &PlaneMode::Manage);
    }
    match &item.body {
        ItemBody::User(UserBody { user_type, .. }) => need("people.userTypes", &user_type.word()),
        ItemBody::Group(GroupBody { display_name, .. }) => need("limits.namePrefix", display_name),
        ItemBody::Member(_) => {
            for window in item.windows.as_slice() {
                let end = window.end.map_or_else(|| NO_END.to_owned(), |end| format!("a grant until {}", end.as_end()));
                need("limits.longestGrant", &end);
            }
        }
        ItemBody::AzureRole(AzureRoleBody { scope, definition, role_name }) => {
            let lets = capability::of_azure_role(*definition).map(<[_]>::to_vec);
            capabilities(lets).iter().for_each(|it| need("capabilities.allow", it));
            need("azure.scopes", scope);
            // By the catalogue's name: the one that travels is the provider's text.
            let name = catalog::AZURE_ROLES.iter().find(|it| it.id == *definition).map_or(&**role_name, |it| it.name);
            need("azure.roles", &format!("{name}: {definition}"));
        }
        ItemBody::DefenderRole(DefenderRoleBody { display_name, permissions, .. }) => {
            defender(permissions, now).iter().for_each(|it| need("capabilities.allow", it));
            need("limits.namePrefix", display_name);
        }
        ItemBody::DefenderAssignment(DefenderAssignmentBody { display_name, .. }) => {
            let role = item.key.role().map(|role| ItemKey::DefenderRole(DefenderRoleKey { role: role.clone() }));
            if let Some(ItemBody::DefenderRole(DefenderRoleBody { permissions, .. })) =
                role.and_then(|key| items.get(&key)).map(|it| &it.body)
            {
                defender(permissions, now).iter().for_each(|it| need("capabilities.allow", it));
            }
            need("limits.namePrefix", display_name);
        }
        ItemBody::EntraRole(EntraRoleBody { role_name }) => {
            if let ItemKey::EntraRole(EntraRoleKey { definition, .. }) = &item.key {
                let lets = capability::of_entra_role(*definition).map(<[_]>::to_vec);
                capabilities(lets).iter().for_each(|it| need("capabilities.allow", it));
                let name =
                    catalog::ENTRA_ROLES.iter().find(|it| it.id == *definition).map_or(&**role_name, |it| it.name);
                need("entra.roles", &format!("{name}: {definition}"));
            }
        }
        ItemBody::Unknown => {}
    }
    needs
}

fn defender(permissions: &[PermissionGrant], now: Timestamp) -> Vec<&'static str> {
    let given = permissions.iter().filter(|grant| grant.withheld_until.is_none_or(|until| until <= now));
    let lets: Option<Vec<&[Capability]>> =
        given.map(|grant| capability::of_defender_permission(&grant.permission)).collect();
    capabilities(lets.map(|lists| lists.concat()))
}

fn capabilities(lets: Option<Vec<Capability>>) -> Vec<&'static str> {
    let Some(mut lets) = lets else { return vec![NOT_KNOWN] };
    lets.sort();
    lets.dedup();
    lets.into_iter().map(Capability::word).collect()
}

/// Whether the id behind a name is one of these.
fn has_id<'a>(mut roles: impl Iterator<Item = &'a Guid>, value: &str) -> bool {
    let id = value.rsplit_once(": ").and_then(|(_, id)| id.parse::<Guid>().ok());
    roles.any(|role| Some(*role) == id)
}

impl Need {
    /// Whether the file lets it pass; none where that does not follow from the file alone, or the key is not known here.
    pub fn holds(&self, guardrail: &Guardrail) -> Option<bool> {
        let value = self.value.as_str();
        if let Some(word) = self.key.strip_prefix("planes.") {
            let plane = Plane::ALL.iter().copied().find(|plane| plane.word() == word)?;
            return Some(guardrail.mode(plane) == PlaneMode::Manage);
        }
        let (provider, azure) = (&guardrail.provider, &guardrail.azure);
        Some(match self.key.as_str() {
            "provider.homeTenant" => value.parse::<Guid>().is_ok_and(|id| id == provider.home_tenant),
            "provider.mailDomains" => reads::is_in_domains(&format!("@{value}"), guardrail),
            "people.userTypes" => guardrail.people.user_types.iter().any(|it| it.word() == value),
            "capabilities.allow" if value == NOT_KNOWN => return None,
            "capabilities.allow" => guardrail.capabilities.allow.iter().any(|it| it.word() == value),
            "azure.scopes" => azure.scopes.iter().any(|allowed| is_within(value, allowed)),
            "azure.roles" => has_id(azure.roles.values(), value),
            "entra.roles" => has_id(guardrail.entra.roles.values(), value),
            "limits.namePrefix" => value.starts_with(&guardrail.limits.name_prefix),
            "limits.longestGrant" => match guardrail.limits.longest_grant {
                None => true,
                Some(_) if value == NO_END => false,
                // How long it is counts from the day on which it is given.
                Some(_) => return None,
            },
            _ => return None,
        })
    }
}
