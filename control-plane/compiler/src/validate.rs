//! What is wrong with a change, where that needs more than one resource to see. The shape of a single one is checked
//! by [`entente_model::intent::Manifest::check`].
//!
//! Looks at what the change reaches, not at all intent: what it does not reach was valid and still is.

mod expectation;
mod names;
mod people;
mod tenants;

use std::collections::BTreeSet;

use entente_model::intent::ResourceName;
use entente_model::nearest::nearest;
use entente_model::violation::Fault;
use entente_model::{OperatorName, Violation};

use crate::touched::Step;

/// Everything that is wrong with a change, each fault once, in the order of the checks.
pub(crate) fn validate(step: &Step<'_, '_>, changed: &[ResourceName], rejoins: &[OperatorName]) -> Vec<Violation> {
    let mut faults = Faults::default();
    names::check(step, changed, &mut faults);
    people::check(step, changed, rejoins, &mut faults);
    tenants::check(step, changed, &mut faults);
    faults.found
}

/// Gathers faults.
#[derive(Default)]
struct Faults {
    found: Vec<Violation>,
    proposed: usize,
    seen: BTreeSet<(String, String)>,
}

/// Faults for which a name is proposed. A slip in one manifest makes thousands of them, and each compares with every name.
const MAX_PROPOSED: usize = 10;

/// Names that are compared: all of the largest fleet seen.
const MAX_COMPARED: usize = 20_000;

impl Faults {
    /// The name that may have been meant.
    fn near(&mut self, name: String, others: impl Iterator<Item = String>) -> Option<String> {
        self.may_propose().then(|| nearest(&name, others.take(MAX_COMPARED)))?
    }

    fn may_propose(&mut self) -> bool {
        self.proposed += 1;
        self.proposed <= MAX_PROPOSED
    }

    fn add(&mut self, name: impl std::fmt::Display, field: &str, reason: Fault, description: impl Into<String>) {
        let (field, description) = (format!("{name}: {field}"), description.into());
        if self.seen.insert((field.clone(), description.clone())) {
            self.found.push(Violation::new(field, reason, description));
        }
    }
}
