//! What the register knows of memberships.

use std::time::Duration;

use entente_model::Plane;

use super::{permissions, residue};
use crate::observed::Looked;
use crate::path::presence;
use crate::path::residue::closed;
use crate::planes::Rules;

pub(crate) const RULES: Rules = Rules {
    // Entra: service limits, role changes.
    effect_delay: Duration::from_secs(15 * 60),
    read_lag: |settings| settings.replication_lag,
    permissions: permissions::ROWS,
    section: |_, _| {},
    // Members are listed with their groups, and what a leaver is in with the people.
    reads: |_, _| {},
    looked: |observed| Looked::of(&observed.members),
    decide: |builder, path| super::decide(builder, &path.people, &path.groups),
    withdraw: |builder, path, key, exit, against| {
        super::end(builder, key, path.person_of(key), &path.groups, exit, against);
    },
    // A membership hangs on no group but its own.
    inherited: |_, _, _| {},
    is_on_its_way: |_, _| false,
    residue: residue::memberships,
    unseen: |builder| closed(builder, Plane::Memberships),
    is_there: |builder, path, key| presence::member(builder, &path.people, &path.groups, key),
    refusal: |builder, key, _| super::refusal(builder, key),
    describe: super::describe,
    gives_access: |_| true,
};
