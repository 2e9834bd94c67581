//! The groups of one tenant and their rights: a group for each role, and what the group may do. People are in
//! [`crate::people`].

use std::collections::BTreeMap;

use entente_model::desired::{
    AzureRoleBody, AzureRoleKey, DefenderAssignmentBody, DefenderAssignmentKey, DefenderRoleBody, DefenderRoleKey,
    EntraRoleBody, EntraRoleKey, GroupBody, GroupKey, GroupKind, Item, ItemBody, ItemKey, PermissionGrant, Want,
};
use entente_model::intent::{
    Attribute, AzureRoles, Condition, DataSource, DefenderRoles, EntraRoles, PermissionSource, RoleItem, SocRole,
    Tenant,
};
use entente_model::{Timestamp, Window, Windows, catalog};

use crate::view::Place;

type Items = BTreeMap<ItemKey, Item>;

impl Place<'_, '_> {
    /// The groups and roles of the tenant: of every role that at least one assignment brings there.
    pub(crate) fn rights(&self) -> Vec<Item> {
        let mut items = Items::new();
        let roles: BTreeMap<_, _> =
            self.assignments.iter().map(|(assignment, role)| (&assignment.role, role)).collect();
        for role in roles.into_values() {
            for kind in kinds(self.tenant, role) {
                put(&mut items, group(self.tenant, role, kind), Windows::always());
            }
            for item in &role.items {
                match item {
                    RoleItem::AzureRoles(item) => azure_roles(&mut items, self.tenant, role, item),
                    RoleItem::DefenderRoles(item) => defender_role(&mut items, self.tenant, role, item),
                    RoleItem::EntraRoles(item) => entra_role(&mut items, self.tenant, role, item),
                    // No role with such an item passes the check of manifests.
                    RoleItem::Refused(_) => {}
                }
            }
        }
        items.into_values().collect()
    }
}

/// The first of a key counts.
fn put(items: &mut Items, (key, body): (ItemKey, ItemBody), windows: Windows) {
    items.entry(key.clone()).or_insert(Item { key, want: Want::Present, windows, body });
}

/// True also where a person makes it with our script, and nothing is undone.
fn describe(key: &ItemKey) -> String {
    format!("Made for Entente as {key}. Changes by hand are reported, and undone where the guardrail says manage.")
}

/// The kinds of groups that a role needs in a tenant. One for directory roles only where it gives one: there are few to be had
/// (Entra: 500 role-assignable groups a tenant).
pub(crate) fn kinds(tenant: &Tenant, role: &SocRole) -> Vec<GroupKind> {
    let gives_directory_role = role.items.iter().any(|item| match item {
        RoleItem::EntraRoles(item) => holds(item.when.as_ref(), tenant, None),
        RoleItem::AzureRoles(_) | RoleItem::DefenderRoles(_) | RoleItem::Refused(_) => false,
    });
    let second = gives_directory_role.then_some(GroupKind::RoleAssignable);
    [GroupKind::Plain].into_iter().chain(second).collect()
}

fn group(tenant: &Tenant, role: &SocRole, kind: GroupKind) -> (ItemKey, ItemBody) {
    let key = ItemKey::Group(GroupKey { role: role.name.clone(), class: role.identity_class, kind });
    let suffix = match kind {
        GroupKind::Plain => "",
        GroupKind::RoleAssignable => "-entra",
    };
    let display_name = format!("{}{}-{}{suffix}", tenant.name_prefix, role.name.id(), role.identity_class.word());
    let description = describe(&key);
    (key, ItemBody::Group(GroupBody { display_name, description }))
}

fn azure_roles(items: &mut Items, tenant: &Tenant, role: &SocRole, item: &AzureRoles) {
    let scopes = item.at.as_ref().and_then(|name| tenant.scopes.get(name)).into_iter().flatten();
    for scope in scopes.filter(|scope| holds(item.when.as_ref(), tenant, Some(scope))) {
        for text in &item.roles {
            let Some((definition, name)) = catalog::azure_role(text) else { continue };
            let key = ItemKey::AzureRole(AzureRoleKey::new(role.name.clone(), role.identity_class, scope, definition));
            let is_same = |dropped: &str| catalog::azure_role(dropped).is_some_and(|(id, _)| id == definition);
            let windows = windows(withheld_until(tenant, role, is_same));
            let body = ItemBody::AzureRole(AzureRoleBody { scope: scope.clone(), definition, role_name: name.into() });
            put(items, (key, body), windows);
        }
    }
}

fn defender_role(items: &mut Items, tenant: &Tenant, role: &SocRole, item: &DefenderRoles) {
    if !holds(item.when.as_ref(), tenant, None) {
        return;
    }
    let grant = |permission: &String| PermissionGrant {
        permission: permission.clone(),
        withheld_until: withheld_until(tenant, role, |dropped| dropped == permission),
    };
    let mut permissions: Vec<PermissionGrant> = item.permissions.iter().map(grant).collect();
    permissions.sort();
    permissions.dedup();
    let mut data_sources = item.data_sources.clone();
    data_sources.sort();
    data_sources.dedup();
    if data_sources.is_empty() {
        data_sources.push(DataSource::All);
    }
    let display_name = format!("{}{}", tenant.name_prefix, role.name.id());
    let key = ItemKey::DefenderRole(DefenderRoleKey { role: role.name.clone() });
    let body = ItemBody::DefenderRole(DefenderRoleBody {
        display_name: display_name.clone(),
        description: describe(&key),
        permissions,
    });
    put(items, (key, body), Windows::always());
    let key =
        ItemKey::DefenderAssignment(DefenderAssignmentKey { role: role.name.clone(), class: role.identity_class });
    put(
        items,
        (key, ItemBody::DefenderAssignment(DefenderAssignmentBody { display_name, data_sources })),
        Windows::always(),
    );
}

fn entra_role(items: &mut Items, tenant: &Tenant, role: &SocRole, item: &EntraRoles) {
    let asked = item.role.as_deref().and_then(catalog::entra_role);
    let Some(asked) = asked.filter(|_| holds(item.when.as_ref(), tenant, None)) else { return };
    let is_same = |dropped: &str| catalog::entra_role(dropped).is_some_and(|it| it.id == asked.id);
    let windows = windows(withheld_until(tenant, role, is_same));
    let key = EntraRoleKey { role: role.name.clone(), class: role.identity_class, definition: asked.id };
    put(items, (key.into(), ItemBody::EntraRole(EntraRoleBody { role_name: asked.name.into() })), windows);
}

/// Always, or from the end of an exemption on.
fn windows(withheld_until: Option<Timestamp>) -> Windows {
    match withheld_until {
        Some(start) => vec![Window { start: Some(start), end: None }].into(),
        None => Windows::always(),
    }
}

/// When the last exemption that drops this ends; nothing if none does.
fn withheld_until(tenant: &Tenant, role: &SocRole, is_this: impl Fn(&str) -> bool) -> Option<Timestamp> {
    let exemptions = tenant.exemptions.iter().filter(|exemption| exemption.role == role.name);
    let dropping = exemptions.filter(|exemption| exemption.drop.iter().any(|dropped| is_this(dropped)));
    dropping.map(|exemption| exemption.until.ends()).max()
}

/// Whether a condition holds in a tenant, within a scope where the item has one.
pub(crate) fn holds(condition: Option<&Condition>, tenant: &Tenant, scope: Option<&str>) -> bool {
    let Some(condition) = condition else { return true };
    match condition.attribute {
        Attribute::UserType => tenant.user_type.word() == condition.value,
        Attribute::Cloud => tenant.cloud.word() == condition.value,
        Attribute::WorkspacePermissionSource => {
            let mut sources = sources_within(tenant, scope).peekable();
            sources.peek().is_some() && sources.all(|source| source.word() == condition.value)
        }
    }
}

/// What the workspaces within a scope declare. One without an id counts for every scope.
fn sources_within(tenant: &Tenant, scope: Option<&str>) -> impl Iterator<Item = PermissionSource> {
    let within = move |id: &str| scope.is_none_or(|scope| lies_within(id, scope));
    let workspaces = tenant.workspaces.iter();
    workspaces.filter(move |it| it.id.as_deref().is_none_or(within)).map(|it| it.permission_source)
}

/// ARM compares ids without regard to case, segment by segment.
fn lies_within(id: &str, scope: &str) -> bool {
    let mut segments = id.split('/');
    scope.split('/').all(|wanted| segments.next().is_some_and(|segment| segment.eq_ignore_ascii_case(wanted)))
}
