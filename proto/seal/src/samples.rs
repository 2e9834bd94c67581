//! One of everything, the same in every test and forever: the committed vectors are made from it.

use entente_model::desired::{
    AzureRoleBody, AzureRoleKey, DefenderAssignmentBody, DefenderAssignmentKey, DefenderRoleBody, DefenderRoleKey,
    EntraRoleBody, EntraRoleKey, GroupBody, GroupKey, GroupKind, Header, Item, ItemBody, ItemKey, Lease, MemberBody,
    MemberKey, PermissionGrant, UserBody, UserKey, Version, Want,
};
use entente_model::intent::{DataSource, IdentityClass, UserType};
use entente_model::revocation::Cause;
use entente_model::{Guid, Timestamp, Window, Windows};

use crate::{Buckets, OnlineKey, RootKey, SealedItem};

/// A fixed Ed25519 key in PKCS #8 (RFC 8410, section 10.3). It is public, so it protects nothing.
pub(crate) const PKCS8: [u8; 48] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20, 0xd4, 0xee, 0x72,
    0xdb, 0xf9, 0x13, 0x58, 0x4a, 0xd5, 0xb6, 0xd8, 0xf1, 0xf7, 0x69, 0xf8, 0xad, 0x3a, 0xfe, 0x7c, 0x28, 0xcb, 0xf1,
    0xd4, 0xfb, 0xe0, 0x97, 0xa8, 0x8f, 0x44, 0x75, 0x58, 0x42,
];

pub(crate) const CONTOSO: Guid = Guid::from_u128(0x0c0de000_0000_4000_8000_000000000001);
pub(crate) const FABRIKAM: Guid = Guid::from_u128(0x0c0de000_0000_4000_8000_000000000002);

pub(crate) fn root_key() -> RootKey {
    RootKey::from_pkcs8(&PKCS8).unwrap()
}

pub(crate) fn online_key() -> OnlineKey {
    let mut other = PKCS8;
    other[47] ^= 1;
    OnlineKey::from_pkcs8(&other).unwrap()
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// One item of every kind that the first vectors had, one of them ABSENT.
pub(crate) fn items() -> Vec<Item> {
    let (role, home) = ("socRoles/l1-analyst".parse::<entente_model::RoleName>().unwrap(), "nordwall");
    let home = entente_model::HomeName::from_id(home).unwrap();
    let class = IdentityClass::Standard;
    let maya: Guid = "0b0de000-0000-4000-8000-000000000003".parse().unwrap();
    let li: Guid = "0b0de000-0000-4000-8000-000000000005".parse().unwrap();
    let responder: Guid = "3e150937-b8fe-4cfb-8069-0eaf05ecd056".parse().unwrap();
    let scope = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-sentinel";
    let half = Windows::from(vec![
        Window { start: Some(at("2026-12-01T00:00:00Z")), end: Some(at("2027-01-01T00:00:00Z")) },
        Window { start: Some(at("2027-02-01T00:00:00Z")), end: None },
    ]);
    let user = |operator: &str, mail: &str| {
        ItemBody::User(UserBody {
            operator: format!("operators/{operator}").parse().unwrap(),
            display_name: "Maya Berg".into(),
            upn: mail.into(),
            mail: mail.into(),
            user_type: UserType::Guest,
            home_tenant: Guid::from_u128(0x0a0de000_0000_4000_8000_000000000001),
        })
    };
    let absent = Want::Absent {
        cause: Cause::Left,
        actor: "principals/jonas".into(),
        since: at("2026-12-24T12:00:00Z"),
        known: std::collections::BTreeSet::new(),
        addresses: std::collections::BTreeSet::new(),
    };
    let item = |key, windows: &Windows, body| Item { key, want: Want::Present, windows: windows.clone(), body };
    let always = &Windows::always();
    vec![
        item(
            ItemKey::User(UserKey { home: home.clone(), object_id: maya }),
            &half,
            user("maya", "maya@nordwall.example"),
        ),
        Item {
            want: absent,
            ..item(
                ItemKey::User(UserKey { home: home.clone(), object_id: li }),
                always,
                user("li", "li@nordwall.example"),
            )
        },
        item(
            ItemKey::Group(GroupKey { role: role.clone(), class, kind: GroupKind::Plain }),
            always,
            ItemBody::Group(GroupBody {
                display_name: "ent-l1-analyst-standard".into(),
                description: "Entente".into(),
            }),
        ),
        item(
            ItemKey::Member(MemberKey { role: role.clone(), class, kind: GroupKind::Plain, home, object_id: maya }),
            &half,
            ItemBody::Member(MemberBody { grounds: Vec::new() }),
        ),
        item(
            ItemKey::AzureRole(AzureRoleKey::new(role.clone(), class, scope, responder)),
            always,
            ItemBody::AzureRole(AzureRoleBody {
                scope: scope.into(),
                definition: responder,
                role_name: "Microsoft Sentinel Responder".into(),
            }),
        ),
        item(
            ItemKey::DefenderRole(DefenderRoleKey { role: role.clone() }),
            always,
            ItemBody::DefenderRole(DefenderRoleBody {
                display_name: "ent-l1-analyst".into(),
                description: "Entente".into(),
                permissions: vec![
                    PermissionGrant { permission: "alerts.manage".into(), withheld_until: None },
                    PermissionGrant {
                        permission: "emailmetadata.read".into(),
                        withheld_until: Some(at("2027-07-01T00:00:00Z")),
                    },
                ],
            }),
        ),
        item(
            ItemKey::DefenderAssignment(DefenderAssignmentKey { role, class }),
            always,
            ItemBody::DefenderAssignment(DefenderAssignmentBody {
                display_name: "ent-l1-analyst".into(),
                data_sources: vec![DataSource::Mde, DataSource::Mdi],
            }),
        ),
    ]
}

/// Kinds that came later: no digest above counts them.
pub(crate) fn later_items() -> Vec<Item> {
    let role = "socRoles/l1-analyst".parse::<entente_model::RoleName>().unwrap();
    let (class, kind) = (IdentityClass::Standard, GroupKind::RoleAssignable);
    let reader: Guid = "5d6b6bb7-de71-4623-b4af-96380a352509".parse().unwrap();
    let item = |key, body| Item { key, want: Want::Present, windows: Windows::always(), body };
    vec![
        item(
            ItemKey::Group(GroupKey { role: role.clone(), class, kind }),
            ItemBody::Group(GroupBody {
                display_name: "ent-l1-analyst-standard-entra".into(),
                description: "Entente".into(),
            }),
        ),
        item(
            ItemKey::EntraRole(EntraRoleKey { role, class, definition: reader }),
            ItemBody::EntraRole(EntraRoleBody { role_name: "Security Reader".into() }),
        ),
    ]
}

/// At least one item of every kind.
pub(crate) fn all_items() -> Vec<Item> {
    items().into_iter().chain(later_items()).collect()
}

pub(crate) fn buckets() -> Buckets {
    Buckets::from_items(items().iter().map(SealedItem::seal))
}

pub(crate) fn header(entra_tenant: Guid) -> Header {
    let items = buckets();
    let version = Version { epoch: 1, revision: 42 };
    Header { entra_tenant, version, compiler: 1, digest: items.digest(), count: items.len() }
}

pub(crate) fn lease(entra_tenant: Guid) -> Lease {
    let Header { version, digest, .. } = header(entra_tenant);
    Lease { entra_tenant, version, digest, fresh_until: at("2026-12-24T13:00:00Z") }
}
