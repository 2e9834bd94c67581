//! What a plan found that no item stands for, as much of it as is told.

use std::collections::BTreeSet;

use entente_model::report::bounds::MAX_STANDING_ENTRIES;
use entente_model::report::{Finding, Reason};

use crate::builder::PlanBuilder;
use crate::permission;

/// Most findings of a plan: half of what is taken, as the agent has some of its own beside them.
const MAX_FINDINGS: usize = MAX_STANDING_ENTRIES / 2;

/// As many as are taken, and how many more there were.
pub(crate) fn told(all: BTreeSet<Finding>) -> Vec<Finding> {
    let more = all.len().saturating_sub(MAX_FINDINGS);
    let rest =
        all.iter().nth(MAX_FINDINGS).map(|first| Finding { detail: format!("and {more} more"), ..first.clone() });
    all.into_iter().take(MAX_FINDINGS).chain(rest).collect()
}

/// Microsoft permissions that the guardrail's planes need, and that the agent's token does not hold.
pub(crate) fn missing_permissions(builder: &mut PlanBuilder<'_>) {
    let (Some(guardrail), Some(roles)) = (builder.guardrail(), builder.input.permissions) else { return };
    for permission in permission::missing(guardrail, roles) {
        builder.find(permission.plane, Reason::PermissionMissing, permission::lack(permission));
    }
}
