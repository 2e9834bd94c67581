//! What an item is, in a few words for people: names instead of keys and ids.

use entente_model::desired::{
    AzureRoleBody, AzureRoleKey, DefenderAssignmentBody, DefenderRoleBody, EntraRoleBody, EntraRoleKey, GroupBody,
    GroupKind, Item, ItemBody, ItemKey, MemberKey, UserBody,
};
use entente_model::intent::{IdentityClass, Intent};
use entente_model::{OperatorName, RoleName};

/// `Microsoft Sentinel Responder at rg-sentinel, for l1-analyst`.
pub(super) fn of(item: &Item, operator: Option<&OperatorName>, intent: &Intent) -> String {
    match (&item.body, &item.key) {
        (ItemBody::User(UserBody { display_name, mail, .. }), _) => format!("user {display_name} <{mail}>"),
        (ItemBody::Group(GroupBody { display_name, .. }), _) => format!("group {display_name}"),
        (
            ItemBody::AzureRole(AzureRoleBody { role_name, scope, .. }),
            ItemKey::AzureRole(AzureRoleKey { role, class, .. }),
        ) => {
            format!("{role_name} at {}, for {}", short(scope), of_role(role, *class))
        }
        (ItemBody::DefenderRole(DefenderRoleBody { display_name, .. }), _) => format!("Defender role {display_name}"),
        (ItemBody::DefenderAssignment(DefenderAssignmentBody { display_name, .. }), _) => {
            format!("Defender assignment {display_name}")
        }
        (ItemBody::EntraRole(EntraRoleBody { role_name }), ItemKey::EntraRole(EntraRoleKey { role, class, .. })) => {
            format!("{role_name} in the directory, for {}", of_role(role, *class))
        }
        (ItemBody::Member(_), ItemKey::Member(MemberKey { role, class, kind, .. })) => {
            let person = operator.map(|name| {
                intent.operators.get(name).map_or_else(|| name.id().to_owned(), |it| it.display_name.clone())
            });
            let part = match kind {
                GroupKind::Plain => "",
                GroupKind::RoleAssignable => ", for its directory roles",
            };
            format!("{} as {}{part}", person.unwrap_or_else(|| "a person".into()), of_role(role, *class))
        }
        _ => item.key.to_string(),
    }
}

/// A role's group of the standard class is the usual one.
fn of_role(role: &RoleName, class: IdentityClass) -> String {
    match class {
        IdentityClass::Standard => role.id().to_owned(),
        class => format!("{} ({})", role.id(), class.word()),
    }
}

/// The last part of a scope, which names the resource group or the resource; a subscription by its id.
fn short(scope: &str) -> String {
    let mut parts: Vec<&str> = scope.trim_matches('/').split('/').collect();
    let last = parts.pop().unwrap_or_default();
    match parts.pop() {
        Some(kind) if kind.eq_ignore_ascii_case("subscriptions") => format!("subscription {last}"),
        Some(_) => last.to_owned(),
        None => scope.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn a_scope_is_named_by_its_last_part() {
        assert_eq!(short("/subscriptions/1/resourceGroups/rg-sentinel"), "rg-sentinel");
        assert_eq!(short("/subscriptions/1"), "subscription 1");
        assert_eq!(short("/"), "/");
    }
}
