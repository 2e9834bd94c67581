//! What is desired of a world, and what the control plane says of it.

use entente_model::desired::{
    AzureRoleBody, AzureRoleKey, DefenderAssignmentBody, DefenderAssignmentKey, DefenderRoleBody, DefenderRoleKey,
    EntraRoleBody, EntraRoleKey, GroupBody, GroupKey, GroupKind, Item, ItemBody, ItemKey, MemberBody, MemberKey,
    PermissionGrant, UserBody, UserKey, Want,
};
use entente_model::intent::{DataSource, IdentityClass, UserType};
use entente_model::revocation::Cause;
use entente_model::{Guid, HomeName, OperatorName, RoleName, Windows};

use super::world::{HOME, SCOPE, World};

fn group_key(role: &str, kind: GroupKind) -> GroupKey {
    GroupKey { role: RoleName::from_id(role).unwrap(), class: IdentityClass::Standard, kind }
}

pub fn entra_key(role: &str, definition: Guid) -> ItemKey {
    EntraRoleKey { role: RoleName::from_id(role).unwrap(), class: IdentityClass::Standard, definition }.into()
}

impl World {
    pub(super) fn home_id(&mut self, name: &str) -> Guid {
        let at = self.people.iter().position(|it| it == name).unwrap_or_else(|| {
            self.people.push(name.into());
            self.people.len() - 1
        });
        Guid::from_u128(0x0b0de000_0000_4000_8000_000000000000 + at as u128 + 1)
    }

    pub fn user_key(&mut self, name: &str) -> ItemKey {
        ItemKey::User(UserKey { home: HomeName::from_id("nordwall").unwrap(), object_id: self.home_id(name) })
    }

    pub fn member_key(&mut self, name: &str, role: &str) -> ItemKey {
        self.place_key(name, role, GroupKind::Plain)
    }

    /// A person's place in a role's group of that kind.
    pub fn place_key(&mut self, name: &str, role: &str, kind: GroupKind) -> ItemKey {
        let home = HomeName::from_id("nordwall").unwrap();
        MemberKey::of(&group_key(role, kind), &home, self.home_id(name)).into()
    }

    pub fn put(&mut self, key: ItemKey, body: ItemBody) {
        let item = Item { key: key.clone(), want: Want::Present, windows: Windows::always(), body };
        self.items.insert(key, item);
    }

    /// An account in the desired state.
    pub fn user(&mut self, name: &str) {
        let key = self.user_key(name);
        let body = ItemBody::User(UserBody {
            operator: OperatorName::from_id(name.trim_start_matches("adm-")).unwrap(),
            display_name: name.to_uppercase(),
            upn: format!("{name}@nordwall.example"),
            mail: format!("{name}@nordwall.example"),
            user_type: UserType::Guest,
            home_tenant: HOME,
        });
        self.put(key, body);
    }

    /// A role's group, and this person in it.
    pub fn member(&mut self, name: &str, role: &str) {
        self.user(name);
        self.group(role);
        let key = self.member_key(name, role);
        self.put(key, ItemBody::Member(MemberBody { grounds: Vec::new() }));
    }

    pub fn group(&mut self, role: &str) {
        self.group_named(role, GroupKind::Plain, format!("ent-{role}"));
    }

    fn group_named(&mut self, role: &str, kind: GroupKind, display_name: String) {
        let description = format!("Entente: {role}");
        self.put(group_key(role, kind).into(), ItemBody::Group(GroupBody { display_name, description }));
    }

    /// A directory role for the role's role-assignable group, and this person in it.
    pub fn entra_member(&mut self, name: &str, role: &str, definition: Guid) {
        self.entra_role(role, definition);
        self.user(name);
        let key = self.place_key(name, role, GroupKind::RoleAssignable);
        self.put(key, ItemBody::Member(MemberBody { grounds: Vec::new() }));
    }

    pub fn entra_role(&mut self, role: &str, definition: Guid) {
        self.group_named(role, GroupKind::RoleAssignable, format!("ent-{role}-entra"));
        self.put(entra_key(role, definition), ItemBody::EntraRole(EntraRoleBody { role_name: "a role".into() }));
    }

    pub fn azure_role(&mut self, role: &str, definition: Guid) {
        self.group(role);
        let role = RoleName::from_id(role).unwrap();
        let key = ItemKey::AzureRole(AzureRoleKey::new(role, IdentityClass::Standard, SCOPE, definition));
        self.put(
            key,
            ItemBody::AzureRole(AzureRoleBody { scope: SCOPE.into(), definition, role_name: "a role".into() }),
        );
    }

    pub fn defender_role(&mut self, role: &str, permissions: &[&str]) {
        self.group(role);
        let name = RoleName::from_id(role).unwrap();
        let grant = |it: &&str| PermissionGrant { permission: it.to_string(), withheld_until: None };
        let permissions = permissions.iter().map(grant).collect();
        let (display_name, description) = (format!("ent-{role}"), format!("Entente: {role}"));
        let body = ItemBody::DefenderRole(DefenderRoleBody { display_name, description, permissions });
        self.put(ItemKey::DefenderRole(DefenderRoleKey { role: name.clone() }), body);
        let data_sources = vec![DataSource::All];
        let body =
            ItemBody::DefenderAssignment(DefenderAssignmentBody { display_name: format!("ent-{role}"), data_sources });
        self.put(
            ItemKey::DefenderAssignment(DefenderAssignmentKey { role: name, class: IdentityClass::Standard }),
            body,
        );
    }

    /// The person is named for removal, as when they leave.
    pub fn leave(&mut self, name: &str) {
        self.absent(name, Cause::Left);
    }

    pub fn absent(&mut self, name: &str, cause: Cause) {
        let id = self.home_id(name);
        let since = self.now;
        self.version.revision += 1;
        for item in self.items.values_mut().filter(|item| item.key.person().is_some_and(|(_, it)| it == id)) {
            item.want = Want::Absent {
                cause,
                actor: "principals/jonas".into(),
                since,
                known: Default::default(),
                addresses: Default::default(),
            };
        }
    }

    /// What the control plane knows of a person who is named for removal.
    pub fn known(&mut self, name: &str, ids: &[Guid], mails: &[&str]) {
        let id = self.home_id(name);
        for item in self.items.values_mut().filter(|item| item.key.person().is_some_and(|(_, it)| it == id)) {
            if let Want::Absent { known, addresses, .. } = &mut item.want {
                known.extend(ids);
                addresses.extend(mails.iter().map(ToString::to_string));
            }
        }
    }

    pub fn mail_of(&mut self, name: &str) -> Option<String> {
        let key = self.user_key(name);
        match self.items.get(&key).map(|item| &item.body) {
            Some(ItemBody::User(UserBody { mail, .. })) => Some(mail.clone()),
            _ => None,
        }
    }

    pub fn find_group(&self, role: &str) -> Option<Guid> {
        let name = format!("ent-{role}");
        self.tenant.state.groups.values().find(|it| it.display_name == name).map(|it| it.id)
    }

    /// The person's address is changed in the intent.
    pub fn rename(&mut self, name: &str, to: &str) {
        let key = self.user_key(name);
        if let Some(ItemBody::User(UserBody { mail, .. })) = self.items.get_mut(&key).map(|item| &mut item.body) {
            *mail = to.into();
        }
        self.version.revision += 1;
    }

    pub fn upn(&mut self, name: &str, to: &str) {
        let key = self.user_key(name);
        if let Some(ItemBody::User(UserBody { upn, .. })) = self.items.get_mut(&key).map(|item| &mut item.body) {
            *upn = to.into();
        }
    }
}
