//! What the register knows of directory roles.

use std::time::Duration;

use entente_model::desired::ItemKey;

use super::{decide, gate, inherited, permissions, presence, reads, residue, section};
use crate::observed::Looked;
use crate::path::{groups, members};
use crate::planes::Rules;

pub(crate) const RULES: Rules = Rules {
    // Entra: service limits, role changes.
    effect_delay: Duration::from_secs(15 * 60),
    read_lag: |settings| settings.entra_lag,
    permissions: permissions::ROWS,
    section: section::check,
    reads: reads::reads,
    looked: |observed| Looked::of(&observed.entra).and(Looked::of(&observed.entra_definitions)),
    // The groups and who is in them are decided with all the others: see `Path::decide`.
    decide: |builder, path| decide::decide(builder, &path.groups),
    withdraw: |builder, path, key, exit, against| {
        if let ItemKey::Group(_) = key {
            groups::withdraw(builder, path, key);
        } else if let ItemKey::Member(_) = key {
            members::end(builder, key, path.person_of(key), &path.groups, exit, against);
        } else {
            decide::remove(builder, key, exit, against);
        }
    },
    inherited: inherited::against,
    is_on_its_way: inherited::is_on_its_way,
    residue: residue::residue,
    // What is not looked at while the plane is closed is said of every receipt.
    unseen: |_| Vec::new(),
    is_there: presence::is_there,
    refusal: |builder, key, entry| {
        if let ItemKey::Member(_) = key { members::refusal(builder, key) } else { gate::refusal(builder, entry) }
    },
    describe: |builder, key, entry| {
        if let ItemKey::Member(_) = key { members::describe(builder, key, entry) } else { gate::describe(key, entry) }
    },
    gives_access: |key| !matches!(key, ItemKey::Group(_)),
};
