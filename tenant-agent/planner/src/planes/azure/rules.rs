//! What the register knows of Azure roles.

use std::time::Duration;

use super::{decide, gate, inherited, permissions, presence, reads, residue, section};
use crate::observed::Looked;
use crate::planes::Rules;

pub(crate) const RULES: Rules = Rules {
    // Azure: troubleshoot RBAC.
    effect_delay: Duration::from_secs(10 * 60),
    read_lag: |settings| settings.replication_lag,
    permissions: permissions::ROWS,
    section: section::check,
    reads: reads::reads,
    looked: |observed| Looked::of(&observed.azure),
    decide: |builder, path| decide::decide(builder, &path.groups),
    withdraw: |builder, _, key, exit, against| decide::remove(builder, key, exit, against),
    inherited: inherited::against,
    is_on_its_way: inherited::is_on_its_way,
    residue: residue::residue,
    unseen: residue::unseen,
    is_there: |builder, path, key| presence::is_there(builder, &path.groups, key),
    refusal: |builder, _, entry| gate::refusal(builder, entry),
    describe: |_, key, entry| gate::describe(key, entry),
    gives_access: |_| true,
};
