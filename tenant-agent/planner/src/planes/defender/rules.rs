//! What the register knows of Defender roles.

use std::time::Duration;

use entente_model::Plane;
use entente_model::desired::ItemKey;

use super::{decide, gate, inherited, permissions, presence, reads, residue};
use crate::observed::Looked;
use crate::path::residue::closed;
use crate::planes::Rules;

pub(crate) const RULES: Rules = Rules {
    // Microsoft names no time: an hour, as for its scopes.
    effect_delay: Duration::from_secs(60 * 60),
    read_lag: |settings| settings.defender_lag,
    permissions: permissions::ROWS,
    section: |_, _| {},
    reads: reads::reads,
    looked: |observed| observed.defender.as_ref().map_or(Looked::NotAsked, Looked::of_part),
    decide: |builder, path| decide::decide(builder, &path.groups),
    withdraw: |builder, _, key, exit, against| decide::remove(builder, key, exit, against),
    inherited: inherited::against,
    is_on_its_way: |builder, _| inherited::is_on_its_way(builder),
    residue: residue::residue,
    unseen: |builder| closed(builder, Plane::DefenderRoles),
    is_there: |builder, path, key| presence::is_there(builder, &path.groups, key),
    refusal: |builder, key, _| gate::refusal(builder, key),
    describe: |_, key, _| gate::describe(key),
    // A role alone gives nothing.
    gives_access: |key| !matches!(key, ItemKey::DefenderRole(_)),
};
