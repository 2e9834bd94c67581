//! Faults as the checks find them: each once, and a name that may have been meant, for as many as people read.

use std::collections::BTreeSet;

use entente_model::Violation;
use entente_model::nearest::nearest;
use entente_model::violation::Fault;

/// Gathers faults.
#[derive(Default)]
pub(super) struct Faults {
    pub(super) found: Vec<Violation>,
    proposed: usize,
    seen: BTreeSet<(String, String)>,
}

/// Faults for which a name is proposed. A slip in one manifest makes thousands of them, and each compares with every name.
const MAX_PROPOSED: usize = 10;

/// Names that are compared: all of the largest fleet seen.
const MAX_COMPARED: usize = 20_000;

impl Faults {
    /// The name that may have been meant.
    pub(super) fn near(&mut self, name: String, others: impl Iterator<Item = String>) -> Option<String> {
        self.may_propose().then(|| nearest(&name, others.take(MAX_COMPARED)))?
    }

    pub(super) fn may_propose(&mut self) -> bool {
        self.proposed += 1;
        self.proposed <= MAX_PROPOSED
    }

    pub(super) fn add(
        &mut self,
        name: impl std::fmt::Display,
        field: &str,
        reason: Fault,
        description: impl Into<String>,
    ) {
        let (field, description) = (format!("{name}: {field}"), description.into());
        if self.seen.insert((field.clone(), description.clone())) {
            self.found.push(Violation::new(field, reason, description));
        }
    }
}
