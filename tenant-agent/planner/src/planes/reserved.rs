//! What the register knows of planes that have a name and are not carried out yet: nothing. No item is on them, and the file
//! takes `none` for them alone.

use std::time::Duration;

use crate::observed::Looked;
use crate::planes::Rules;

pub(crate) const RULES: Rules = Rules {
    // Longer than that of any plane: nothing is claimed.
    effect_delay: Duration::from_secs(24 * 60 * 60),
    read_lag: |settings| settings.defender_lag,
    permissions: &[],
    section: |_, _| {},
    reads: |_, _| {},
    looked: |_| Looked::NotAsked,
    decide: |_, _| {},
    withdraw: |_, _, _, _, _| {},
    inherited: |_, _, _| {},
    is_on_its_way: |_, _| false,
    residue: |_, _, _| {},
    unseen: |_| Vec::new(),
    is_there: |_, _, _| None,
    refusal: |_, _, _| None,
    describe: |_, key, _| key.to_string(),
    // What is not known is taken to give access.
    gives_access: |_| true,
};
