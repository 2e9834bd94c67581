//! What the register knows of accounts.

use std::time::Duration;

use super::{permissions, reads};
use crate::observed::Looked;
use crate::path::presence;
use crate::planes::Rules;

pub(crate) const RULES: Rules = Rules {
    // An access token that was given out lives for 60 to 90 minutes (Entra: access token lifetime).
    effect_delay: Duration::from_secs(90 * 60),
    read_lag: |settings| settings.replication_lag,
    permissions: permissions::ROWS,
    section: |_, _| {},
    reads: reads::reads,
    looked: |observed| Looked::of(&observed.users).and(Looked::of(&observed.users_by_mail)),
    // Decided first, as the other planes ask for the people: see `Path::decide`.
    decide: |_, _| {},
    withdraw: super::withdraw,
    // An account hangs on no group.
    inherited: |_, _, _| {},
    is_on_its_way: |_, _| false,
    // Whether the account itself is shut is the removal's own question.
    residue: |_, _, _| {},
    unseen: |_| Vec::new(),
    is_there: |builder, path, key| presence::account(builder, &path.people, key),
    refusal: |builder, key, _| super::refusal(builder, key),
    describe: |builder, key, entry| format!("the account of {}", super::mail(builder, key, entry)),
    gives_access: |_| true,
};
