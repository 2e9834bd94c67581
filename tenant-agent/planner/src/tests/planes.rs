//! What the register says of planes to the agent.

use entente_model::desired::ItemKey;
use entente_model::report::Reason;
use entente_model::{Guid, Plane};

use crate::observed::{Looked, Observed, Part};
use crate::plan::{gives_access, looked};
use crate::planes::rules;

#[test]
fn a_plane_was_read_whole_only_where_all_that_was_asked_was_answered() {
    let nothing = Observed::default();
    assert!(Plane::ALL.iter().copied().all(|plane| looked(plane, &nothing) == Looked::NotAsked));
    let id = Guid::from_u128(1);
    let late = Part::unread(Reason::CloudUnavailable, "late");
    let observed = Observed {
        groups: [(id, Part::Read(None))].into(),
        users: [(id, Part::Read(None))].into(),
        users_by_mail: [("li@nordwall.example".into(), late)].into(),
        defender: Some(Part::unread(Reason::PermissionMissing, "no")),
        ..Observed::default()
    };
    let found = [Plane::Users, Plane::Groups, Plane::Memberships, Plane::DefenderRoles].map(|it| looked(it, &observed));
    assert_eq!(found, [Looked::Part, Looked::Whole, Looked::NotAsked, Looked::Part]);
}

#[test]
fn an_empty_group_and_a_role_that_nobody_has_give_nothing_and_what_is_not_known_may() {
    let id = "0b0de000-0000-4000-8000-000000000003";
    for (key, gives) in [
        (format!("user/nordwall/{id}"), true),
        ("group/l1/standard".into(), false),
        (format!("member/l1/standard/nordwall/{id}"), true),
        (format!("azureRole/l1/standard/subscriptions/x/{id}"), true),
        ("defenderRole/l1".into(), false),
        ("defenderAssignment/l1/standard".into(), true),
        ("entraRole/l1/standard".into(), true),
    ] {
        assert_eq!(gives_access(&key.parse::<ItemKey>().unwrap()), gives, "{key}");
    }
}

#[test]
fn a_proof_waits_for_the_caches_of_every_plane() {
    let minutes = |plane| rules(plane).effect_delay.as_secs() / 60;
    let all: Vec<_> = Plane::ALL.iter().map(|plane| (plane.word(), minutes(*plane))).collect();
    let path = [("users", 90), ("groups", 15), ("memberships", 15)];
    let rights = [("azureRoles", 10), ("defenderRoles", 60), ("entraRoles", 15)];
    assert_eq!(all, [&path[..], &rights].concat());
}
