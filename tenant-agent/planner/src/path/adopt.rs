//! Using what was there before us, if the customer's file lets us. What is adopted is never deleted and never
//! blocked.

use entente_model::desired::ItemKey;
use entente_model::plan::{ChangeClass, Verdict};
use entente_model::report::{ItemState, Reason};

use crate::builder::Draft;
use crate::guardrail::Adopt;
use crate::ledger::{Charge, Event, Ownership, Thing, Update};
use crate::verdict::Condition;

/// Adopts a thing, or says why not. `against` comes first, so that its reasons are the ones said.
pub(crate) fn adopt(
    draft: &mut Draft<'_>,
    key: &ItemKey,
    thing: Thing,
    charge: Charge,
    mut against: Vec<Condition>,
    what: &str,
) -> bool {
    against.push(match draft.guardrail().map_or(Adopt::Never, |guardrail| guardrail.people.adopt_existing) {
        Adopt::Never => Condition::Refused(Reason::NotOurs),
        Adopt::Ask => Condition::NeedsApproval(Reason::AdoptionApproval),
        Adopt::Allow => Condition::Clear,
    });
    let (verdict, reason) = draft.judge(key, ChangeClass::Grant, charge, against);
    let state = match verdict {
        Verdict::Allowed => {
            draft.touch(key, |entry| {
                (entry.thing, entry.ownership) = (Some(thing), Ownership::Adopted);
                (entry.intent, entry.empty_since) = (None, None);
            });
            draft.spend(charge, key);
            let at = draft.now();
            if charge != Charge::Free {
                draft.remember(Update::Charged(Event { at, charge, key: key.clone() }));
            }
            return true;
        }
        Verdict::NeedsApproval => ItemState::NeedsApproval,
        Verdict::Held => ItemState::Held,
        Verdict::ByPerson | Verdict::Refused => ItemState::Refused,
    };
    draft.say(key, state, reason, format!("{what} was there before us"));
    false
}
