//! What is wrong with a change, where that needs more than one resource to see. The shape of a single one is checked
//! by [`entente_model::intent::Manifest::check`].
//!
//! Looks at what the change reaches, not at all intent: what it does not reach was valid and still is.

mod expectation;
mod faults;
mod names;
mod people;
mod tenants;

use entente_model::intent::ResourceName;
use entente_model::{OperatorName, Violation};

use crate::touched::Step;

use faults::Faults;

/// Everything that is wrong with a change, each fault once, in the order of the checks.
pub(crate) fn validate(step: &Step<'_, '_>, changed: &[ResourceName], rejoins: &[OperatorName]) -> Vec<Violation> {
    let mut faults = Faults::default();
    names::check(step, changed, &mut faults);
    people::check(step, changed, rejoins, &mut faults);
    tenants::check(step, changed, &mut faults);
    faults.found
}
