//! Using what was there before us, if the customer's file lets us. What is adopted is never deleted and never
//! blocked.

use entente_model::desired::ItemKey;
use entente_model::plan::{ChangeClass, Verdict};
use entente_model::report::{ItemState, Reason};

use crate::builder::PlanBuilder;
use crate::builder::progress::Progress;
use crate::guardrail::Adopt;
use crate::ledger::{Charge, Event, LedgerKey, Ownership, Thing, Update};
use crate::verdict::Condition;

/// Adopts the thing of an item, or says why not. `against` comes first, so that its reasons are the ones said.
pub(crate) fn adopt(
    builder: &mut PlanBuilder<'_>,
    key: &ItemKey,
    thing: Thing,
    charge: Charge,
    against: Vec<Condition>,
    what: &str,
) -> bool {
    let refused = try_adopt(builder, &key.into(), thing, charge, against, what);
    let is_adopted = refused.is_none();
    if let Some(refused) = refused {
        refused.say(builder, key);
    }
    is_adopted
}

/// Adopts a thing, or gives why not.
pub(crate) fn try_adopt(
    builder: &mut PlanBuilder<'_>,
    key: &LedgerKey,
    thing: Thing,
    charge: Charge,
    mut against: Vec<Condition>,
    what: &str,
) -> Option<Progress> {
    against.push(match builder.guardrail().map_or(Adopt::Never, |guardrail| guardrail.people.adopt_existing) {
        Adopt::Never => Condition::Refused(Reason::NotOurs),
        Adopt::Ask => Condition::NeedsApproval(Reason::AdoptionApproval),
        Adopt::Allow => Condition::Clear,
    });
    let (verdict, reason) = builder.judge(key, ChangeClass::Grant, charge, against);
    let state = match verdict {
        Verdict::Allowed => {
            builder.touch(key, |entry| {
                (entry.thing, entry.ownership) = (Some(thing), Ownership::Adopted);
                (entry.intent, entry.empty_since) = (None, None);
            });
            builder.spend(charge, key);
            let at = builder.now();
            if charge != Charge::Free {
                builder.remember(Update::Charged(Event { at, charge, key: key.clone() }));
            }
            return None;
        }
        Verdict::NeedsApproval => ItemState::NeedsApproval,
        Verdict::Held => ItemState::Held,
        Verdict::ByPerson | Verdict::Refused => ItemState::Refused,
    };
    Some(Progress::new(state, reason, format!("{what} was there before us")))
}
