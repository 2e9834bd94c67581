//! Over sequences of changes drawn by chance: following them gives what compiling from scratch gives, and nobody who
//! is gone is left anything.

use std::collections::BTreeSet;

use entente_model::desired::{GroupKind, ItemKey, MemberKey, UserKey, Want};
use entente_model::intent::{
    Assignment, AzureRoles, Cloud, DefenderRoles, Delivery, HomeTenant, Identity, IdentityClass, Manifest, Operator,
    OperatorState, PermissionSource, ResourceName, RoleItem, SocRole, Squad, SquadMember, Tenant, TenantSelector,
    TenantState, UserType, Workspace,
};
use entente_model::revocation::{Cause, InTenant, Revocation, Subject};
use entente_model::{Date, Guid, RoleVersion, Timestamp};
use proptest::collection::{btree_set, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use crate::{Advance, Edit, Fleet, RemovalIn, Replay, compile};

const HOMES: u8 = 2;
const TENANTS: u8 = 5;
const OPERATORS: u8 = 4;
const SQUADS: u8 = 3;
const ROLES: u8 = 2;
const ASSIGNMENTS: u8 = 5;

fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(collection: &str, at: u8) -> T {
    format!("{collection}/n{at}").parse().unwrap()
}

fn day(day: u8) -> Date {
    format!("2027-01-{day:02}").parse().unwrap()
}

fn guid(kind: u8, a: u8, b: u8, c: u8) -> Guid {
    Guid::from_u128(u128::from_be_bytes([kind, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, a, b, c + 1]))
}

const CLASSES: [IdentityClass; 2] = [IdentityClass::Standard, IdentityClass::Privileged];

fn home(at: u8) -> Manifest {
    let (name, entra_tenant) = (name("homeTenants", at), guid(1, 0, 0, at));
    Manifest::HomeTenant(HomeTenant { name, entra_tenant, cloud: Cloud::Global })
}

fn tenant() -> impl Strategy<Value = Manifest> {
    let labels = proptest::collection::btree_map(select(vec!["region", "ring"]), select(vec!["a", "b"]), 0..=2);
    let state = select(vec![TenantState::Active, TenantState::Active, TenantState::Onboarding]);
    (0..TENANTS, 0..HOMES, labels, state, any::<bool>()).prop_map(|(at, home, labels, state, urbac)| {
        let permission_source = if urbac { PermissionSource::Urbac } else { PermissionSource::AzureRbac };
        let scope = format!("/subscriptions/{}", guid(7, 0, 0, at));
        Manifest::Tenant(Tenant {
            name: name("tenants", at),
            customer: "contoso".into(),
            entra_tenant: guid(2, 0, 0, at),
            cloud: Cloud::Global,
            home: name("homeTenants", home),
            labels: labels.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
            state,
            delivery: Delivery::B2bInvitation,
            user_type: UserType::Guest,
            name_prefix: "ent-".into(),
            scopes: [("sentinel".into(), vec![scope])].into(),
            workspaces: vec![Workspace { name: "w".into(), id: None, permission_source }],
            attested: None,
            exemptions: vec![],
        })
    })
}

/// An operator with an account of each class in each home, or with only some of them. With `shared`, two operators
/// may have the same accounts, which valid intent rules out.
fn operator(complete: bool, shared: bool) -> impl Strategy<Value = Manifest> {
    let states = vec![OperatorState::Active, OperatorState::Active, OperatorState::Suspended, OperatorState::Left];
    (0..OPERATORS, select(states), vec(any::<bool>(), 4), 0..3_u8).prop_map(move |(at, state, mask, alias)| {
        let owner = if shared { at % 2 } else { at };
        let pairs = (0..HOMES).flat_map(|home| CLASSES.map(|class| (home, class)));
        let kept = pairs.zip(mask).filter(|(_, keep)| complete || *keep).map(|(pair, _)| pair);
        let identity = |(home, class): (u8, IdentityClass)| Identity {
            home: name("homeTenants", home),
            class,
            object_id: guid(3, owner, home, class as u8),
            upn: format!("n{owner}-{alias}@nordwall.example"),
            mail: format!("n{owner}-{home}-{}@nordwall.example", class.word()),
        };
        let identities = kept.map(identity).collect();
        Manifest::Operator(Operator { name: name("operators", at), display_name: format!("N{at}"), state, identities })
    })
}

fn squad() -> impl Strategy<Value = Manifest> {
    let member = (0..OPERATORS, of(1..15_u8), of(15..28_u8)).prop_map(|(at, from, until)| SquadMember {
        operator: name("operators", at),
        from: from.map(day),
        until: until.map(day),
    });
    (0..SQUADS, vec(member, 0..4)).prop_map(|(at, members)| {
        Manifest::Squad(Squad {
            name: name("squads", at),
            labels: Default::default(),
            owner: name("operators", 0),
            members,
            home_group: None,
        })
    })
}

fn role(at: u8, version: u32) -> Manifest {
    let when = || (version == 2).then(|| "workspace.permissionSource == azure_rbac".parse().unwrap());
    let azure = AzureRoles {
        roles: vec!["Microsoft Sentinel Reader".into()],
        at: Some("sentinel".into()),
        when: when(),
        if_unavailable: Default::default(),
    };
    let defender = DefenderRoles {
        permissions: vec!["alerts.manage".into()],
        data_sources: vec![],
        when: when(),
        if_unavailable: Default::default(),
    };
    Manifest::SocRole(SocRole {
        name: name("socRoles", at),
        version,
        labels: Default::default(),
        identity_class: CLASSES[usize::from(at) % 2],
        minimum_user_type: UserType::Guest,
        items: vec![RoleItem::AzureRoles(azure), RoleItem::DefenderRoles(defender)],
    })
}

fn assignment(versions: u32) -> impl Strategy<Value = Manifest> {
    let tenants =
        || btree_set(0..TENANTS, 0..3).prop_map(|all| all.into_iter().map(|at| name("tenants", at)).collect());
    let labels = proptest::collection::btree_map(select(vec!["region", "ring"]), select(vec!["a", "b"]), 1..=2);
    let labels = labels.prop_map(|all| all.into_iter().map(|(key, value)| (key.into(), value.into())).collect());
    let selector = prop_oneof![
        btree_set(0..TENANTS, 1..4).prop_map(|all| TenantSelector {
            names: all.into_iter().map(|at| name("tenants", at)).collect(),
            ..TenantSelector::default()
        }),
        labels.prop_map(|labels| TenantSelector { labels, ..TenantSelector::default() }),
    ];
    let who = prop_oneof![(0..SQUADS).prop_map(|at| (Some(at), None)), (0..OPERATORS).prop_map(|at| (None, Some(at)))];
    let when = (of(1..10_u8), of(10..28_u8));
    (0..ASSIGNMENTS, who, 0..ROLES, 1..=versions, selector, tenants(), when).prop_map(
        |(at, (squad, operator), role, version, selector, except, (start, end))| {
            Manifest::Assignment(Assignment {
                name: name("assignments", at),
                labels: Default::default(),
                squad: squad.map(|at| name("squads", at)),
                operator: operator.map(|at| name("operators", at)),
                role: RoleVersion { role: name("socRoles", role), version },
                tenants: TenantSelector { except, ..selector },
                start: start.map(day),
                end: end.map(day),
                justification: "cover".into(),
                ticket: None,
                owner: name("operators", 0),
            })
        },
    )
}

fn deletion() -> impl Strategy<Value = ResourceName> {
    prop_oneof![
        (0..HOMES).prop_map(|at| ResourceName::HomeTenant(name("homeTenants", at))),
        (0..TENANTS).prop_map(|at| ResourceName::Tenant(name("tenants", at))),
        (0..OPERATORS).prop_map(|at| ResourceName::Operator(name("operators", at))),
        (0..SQUADS).prop_map(|at| ResourceName::Squad(name("squads", at))),
        (0..ROLES, 1..=2_u32)
            .prop_map(|(at, version)| ResourceName::SocRole(RoleVersion { role: name("socRoles", at), version })),
        (0..ASSIGNMENTS).prop_map(|at| ResourceName::Assignment(name("assignments", at))),
    ]
}

fn row() -> impl Strategy<Value = Revocation> {
    let tenants = proptest::collection::btree_map(0..TENANTS, (of(0..2_u8), any::<bool>()), 0..4);
    (0..2_u8, 0..HOMES, 0..2_usize, of(0..ROLES), tenants, 0..3_u8).prop_map(
        |(at, home, class, role, tenants, time)| {
            let identity = Identity {
                home: name("homeTenants", home),
                class: CLASSES[class],
                object_id: guid(3, at, home, class as u8),
                upn: "n@nordwall.example".into(),
                mail: "n@nordwall.example".into(),
            };
            let member = |role: u8| {
                ItemKey::Member(MemberKey {
                    role: name("socRoles", role),
                    class: CLASSES[usize::from(role) % 2],
                    kind: GroupKind::Plain,
                    home: identity.home.clone(),
                    object_id: identity.object_id,
                })
            };
            Revocation {
                id: format!("n{at}/{home}/{class}/{role:?}"),
                operator: name("operators", at),
                display_name: "N".into(),
                subject: role.map_or(Subject::Person, |role| Subject::Membership(member(role))),
                identity,
                tenants: tenants.into_iter().map(|(at, it)| (name("tenants", at), in_tenant(at, it))).collect(),
                addresses: [format!("n{time}@nordwall.example")].into(),
                cause: Cause::Left,
                actor: "principals/jonas".into(),
                time: Timestamp::from_unix(time.into()),
            }
        },
    )
}

/// A removal in a tenant: of one or the other known account, of this tenant or of another that had its name.
fn in_tenant(at: u8, (known, is_other): (Option<u8>, bool)) -> InTenant {
    let mut it = InTenant { entra_tenant: Some(guid(2, u8::from(is_other), 0, at)), ..InTenant::default() };
    it.known.add(known.map(|id| guid(9, 0, 0, id)));
    it
}

/// Commits of any content, valid or not: resources may name what is not there, and removals cross grants.
fn replay() -> impl Strategy<Value = Replay> {
    let put = prop_oneof![
        1 => (0..HOMES).prop_map(home),
        3 => tenant(),
        3 => operator(false, true),
        3 => squad(),
        1 => (0..ROLES, 1..=2_u32).prop_map(|(at, version)| role(at, version)),
        4 => assignment(2),
    ];
    let row_id = row().prop_map(|row| row.id);
    (vec(put, 0..5), vec(deletion(), 0..2), vec(row(), 0..2), vec(row_id, 0..2)).prop_map(
        |(puts, deletes, revocation_puts, revocation_deletes)| Replay {
            puts,
            deletes,
            revocation_puts,
            revocation_deletes,
        },
    )
}

/// A provider of whom everything exists, so that most changes are valid.
fn complete() -> impl Strategy<Value = Vec<Manifest>> {
    let all = (vec(tenant(), 12), vec(operator(true, false), 12), vec(squad(), 8), vec(assignment(1), 8));
    all.prop_map(|(tenants, operators, squads, assignments)| {
        let homes = (0..HOMES).map(home).chain((0..ROLES).map(|at| role(at, 1)));
        homes.chain(tenants).chain(operators).chain(squads).chain(assignments).collect()
    })
}

fn change() -> impl Strategy<Value = (Edit, Vec<bool>)> {
    let put = prop_oneof![2 => tenant(), 4 => operator(true, false), 3 => squad(), 4 => assignment(1)];
    let proofs = vec(any::<bool>(), 3);
    (vec(put, 0..3), vec(deletion(), 0..2), any::<bool>(), 0..100_i64, proofs).prop_map(|it| {
        let (puts, deletes, rejoin, now, proofs) = it;
        let rejoins = if rejoin { (0..OPERATORS).map(|at| name("operators", at)).collect() } else { vec![] };
        let now = Timestamp::from_unix(now);
        (Edit { puts, deletes, rejoins, actor: "principals/jonas".into(), now, ..Edit::default() }, proofs)
    })
}

/// Proofs, returns and ends of all open removals beside a change, as chance says.
fn with_proofs(fleet: &Fleet, (edit, proofs): (Edit, Vec<bool>), number: u64) -> Edit {
    let rows: Vec<_> = fleet.intent().revocations.values().collect();
    let places = rows.iter().flat_map(|row| {
        row.tenants.keys().map(|tenant| RemovalIn { revocation: row.id.clone(), tenant: tenant.clone() })
    });
    let places: Vec<_> = places.collect();
    let some = |at: usize| if proofs[at] { places.clone() } else { Vec::new() };
    let watched = if proofs[2] { rows.iter().map(|row| row.id.clone()).collect() } else { Vec::new() };
    Edit { proven: some(0), came_back: some(1), watched, number, ..edit }
}

fn is_present(fleet: &Fleet, tenant: &entente_model::TenantName, key: &ItemKey) -> bool {
    let item = fleet.tenant(tenant).and_then(|items| items.get(&key.to_string()));
    item.is_some_and(|item| item.open().unwrap().want == Want::Present)
}

/// The batch says how each tenant's items changed, and leaves out none whose items did.
fn batch_is_true(before: &Fleet, after: &Fleet, batch: &crate::Batch) -> Result<(), TestCaseError> {
    for touched in &batch.tenants {
        let was = before.tenant(&touched.tenant).cloned().unwrap_or_default();
        prop_assert_eq!(was.apply(&touched.delta), touched.items.clone());
        prop_assert_eq!(after.tenant(&touched.tenant), Some(&touched.items));
    }
    let told: BTreeSet<_> = batch.tenants.iter().map(|touched| &touched.tenant).collect();
    for (name, items) in after.tenants() {
        let differs = before.tenant(name).is_none_or(|was| was.digest() != items.digest());
        prop_assert_eq!(told.contains(name), differs, "{}", name);
    }
    let gone: Vec<_> = before.tenants().map(|(name, _)| name).filter(|name| after.tenant(name).is_none()).collect();
    prop_assert_eq!(batch.gone.iter().collect::<Vec<_>>(), gone);
    Ok(())
}

/// What a removal names is not granted, and whoever does not work here holds nothing.
fn nobody_gone_holds_anything(fleet: &Fleet) -> Result<(), TestCaseError> {
    for row in fleet.intent().revocations.values() {
        prop_assert!(!row.tenants.is_empty());
        for tenant in row.tenants.keys().filter(|name| fleet.tenant(name).is_some()) {
            let user = ItemKey::User(UserKey { home: row.identity.home.clone(), object_id: row.identity.object_id });
            let subject = if let Subject::Membership(key) = &row.subject { key } else { &user };
            let item = fleet.tenant(tenant).unwrap().get(&subject.to_string()).unwrap().open().unwrap();
            prop_assert!(matches!(item.want, Want::Absent { .. }), "{:?}", item);
        }
    }
    for (name, _) in fleet.tenants() {
        let working: BTreeSet<_> = fleet
            .intent()
            .operators
            .values()
            .filter(|it| it.state == OperatorState::Active)
            .flat_map(|it| &it.identities)
            .map(|identity| (&identity.home, identity.object_id))
            .collect();
        for item in compile(fleet.intent(), name).iter().filter(|item| item.want == Want::Present) {
            prop_assert!(item.key.person().is_none_or(|person| working.contains(&person)), "{:?}", item);
        }
    }
    Ok(())
}

/// Whoever stops working is named for removal wherever they were, and a lost membership is named exactly where it was
/// taken away.
fn losses_are_named(before: &Fleet, advance: &Advance) -> Result<(), TestCaseError> {
    let after = &advance.fleet;
    for (tenant, items) in before.tenants().filter(|(tenant, _)| after.tenant(tenant).is_some()) {
        for item in items.iter().map(|item| item.open().unwrap()).filter(|item| item.want == Want::Present) {
            let Some((home, object_id)) = item.key.person() else { continue };
            let holder = before.intent().operators.values().find(|it| {
                it.identities.iter().any(|identity| identity.home == *home && identity.object_id == object_id)
            });
            let holder = &holder.unwrap().name;
            let works = after.intent().operators.get(holder).is_some_and(|it| it.state == OperatorState::Active);
            let user = ItemKey::User(UserKey { home: home.clone(), object_id });
            let is_absent = |key: &ItemKey| {
                let item = after.tenant(tenant).unwrap().get(&key.to_string());
                item.is_some_and(|item| item.open().unwrap().want != Want::Present)
            };
            prop_assert!(works || is_absent(&user), "{} of {} in {}", user, holder, tenant);
            if works && matches!(item.key, ItemKey::Member(_)) && !is_present(after, tenant, &item.key) {
                let named = is_absent(&item.key);
                prop_assert_eq!(named, was_taken_away(before, after, tenant, holder, &item.key), "{}", item.key);
            }
        }
    }
    Ok(())
}

/// Says the rule once more, without looking at grants: some assignment that reached the person in this tenant with this
/// role is deleted, or has the same squad, which the person is no longer in, or names another operator.
fn was_taken_away(
    before: &Fleet,
    after: &Fleet,
    tenant: &entente_model::TenantName,
    person: &entente_model::OperatorName,
    key: &ItemKey,
) -> bool {
    let ItemKey::Member(MemberKey { role, .. }) = key else { return false };
    before.assignments_of(tenant).iter().any(|name| {
        let was = before.intent().assignments.get(name).unwrap();
        // Whose windows never meet was granted nothing by it.
        let squad = was.squad.as_ref().and_then(|squad| before.intent().squads.get(squad));
        let mut members = squad.into_iter().flat_map(|squad| &squad.members).filter(|it| it.operator == *person);
        let by_squad = members.any(|member| member.window().intersect(was.window()).is_some());
        let reached = was.operator.as_ref() == Some(person) || by_squad;
        if was.role.role != *role || !reached {
            return false;
        }
        match after.intent().assignments.get(name) {
            None => true,
            Some(is) if was.squad.is_none() => is.operator != was.operator,
            Some(is) => is.squad == was.squad && !is_in(after, was, person),
        }
    })
}

fn is_in(fleet: &Fleet, assignment: &Assignment, person: &entente_model::OperatorName) -> bool {
    let squad = assignment.squad.as_ref().and_then(|squad| fleet.intent().squads.get(squad));
    squad.is_some_and(|squad| squad.members.iter().any(|member| member.operator == *person))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn following_any_commits_gives_what_compiling_from_scratch_gives(
        start in complete(),
        replays in vec(replay(), 1..8),
    ) {
        let (mut fleet, _) = Fleet::default().follow(Replay { puts: start, ..Replay::default() });
        for replay in replays {
            let (next, batch) = fleet.follow(replay);
            prop_assert_eq!(&next, &Fleet::compile_all(next.intent().clone()));
            batch_is_true(&fleet, &next, &batch)?;
            for (name, items) in next.tenants() {
                let opened: Vec<_> = items.sorted().iter().map(|item| item.open().unwrap()).collect();
                prop_assert_eq!(opened, compile(next.intent(), name));
            }
            fleet = next;
        }
    }

    #[test]
    fn valid_changes_leave_nothing_to_those_who_are_gone(start in complete(), changes in vec(change(), 1..12)) {
        let (mut fleet, _) = Fleet::default().follow(Replay { puts: start, ..Replay::default() });
        for (number, change) in (1..).zip(changes) {
            let change = with_proofs(&fleet, change, number);
            let Ok(advance) = fleet.advance(&change) else { continue };
            prop_assert_eq!(&advance.fleet, &Fleet::compile_all(advance.fleet.intent().clone()));
            batch_is_true(&fleet, &advance.fleet, &advance.batch)?;
            nobody_gone_holds_anything(&advance.fleet)?;
            losses_are_named(&fleet, &advance)?;
            // Another replica that reads the same rows comes to the same fleet.
            let rows = |puts: &[std::sync::Arc<Revocation>]| puts.iter().map(|row| (**row).clone()).collect();
            let replay = Replay {
                puts: advance.changed.iter().filter_map(|name| advance.fleet.intent().get(name)).collect(),
                deletes: advance.changed.iter().filter(|name| advance.fleet.intent().get(name).is_none()).cloned().collect(),
                revocation_puts: rows(&advance.revocation_puts),
                revocation_deletes: advance.revocation_deletes.clone(),
            };
            prop_assert_eq!(&fleet.follow(replay).0, &advance.fleet);
            fleet = advance.fleet;
        }
    }
}
