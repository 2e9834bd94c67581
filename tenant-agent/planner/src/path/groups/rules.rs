//! What the register knows of groups.

use std::time::Duration;

use entente_model::Plane;

use super::{permissions, reads};
use crate::observed::Looked;
use crate::path::inherited;
use crate::path::residue::closed;
use crate::planes::Rules;

pub(crate) const RULES: Rules = Rules {
    // Entra: service limits, role changes.
    effect_delay: Duration::from_secs(15 * 60),
    read_lag: |settings| settings.replication_lag,
    permissions: permissions::ROWS,
    section: |_, _| {},
    reads: reads::reads,
    looked: |observed| Looked::of(&observed.groups).and(Looked::of(&observed.groups_by_name)),
    // Decided right after the people, as the other planes ask for the groups: see `Path::decide`.
    decide: |_, _| {},
    withdraw: |builder, path, key, _, _| super::withdraw(builder, path, key),
    inherited: |builder, group, found| inherited::nested(builder, group.id, found),
    is_on_its_way: |_, _| false,
    // Groups that a person is in are memberships.
    residue: |_, _, _| {},
    unseen: |builder| closed(builder, Plane::Groups),
    is_there: |_, _, _| None,
    // The group alone gives nothing.
    refusal: |_, _, _| None,
    describe: |_, key, _| key.to_string(),
    gives_access: |_| false,
};
