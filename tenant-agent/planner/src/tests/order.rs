//! The order of a plan where no plan of ours shows it yet: changes that would come together.

use entente_model::plan::{ChangeClass, Verdict};

use super::world::World;
use crate::builder::order;
use crate::change::Change;
use crate::ledger::{Charge, LedgerKey};
use crate::write::{Action, DefenderWrite};

fn removal(key: &str, write: DefenderWrite) -> Change {
    Change {
        key: key.parse().unwrap(),
        class: ChangeClass::OtherRemoval,
        charge: Charge::Free,
        verdict: Verdict::Allowed,
        reason: None,
        action: Action::Defender(write),
        looked: None,
        before: String::new(),
        after: String::new(),
    }
}

/// The keys of these changes in the order in which they are done.
fn ordered(mut changes: Vec<Change>) -> Vec<LedgerKey> {
    let world = World::new();
    world.with_input_of(&world.reads(), |input| order::sort(&mut changes, input));
    changes.into_iter().map(|change| change.key).collect()
}

#[test]
fn what_hangs_on_something_is_taken_away_before_it() {
    let role = removal("defenderRole/l1", DefenderWrite::DeleteRole { id: "r".into() });
    let of_it = removal("defenderAssignment/l1/standard", DefenderWrite::DeleteAssignment { id: "a".into() });
    let expected = [of_it.key.clone(), role.key.clone()];
    assert_eq!(ordered(vec![role.clone(), of_it.clone()]), expected);
    assert_eq!(ordered(vec![of_it, role]), expected);
}
