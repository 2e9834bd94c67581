//! What of a plan may be done when the second judge has found faults in it.
//!
//! A fault is a mistake of ours, and no reason to leave somebody in who is to go: removals without a fault are carried
//! out, and what they need to be proven is remembered. Nothing is granted and nothing adopted by a plan that is wrong
//! somewhere. Which rules there are is [`crate::judge`]'s; that a person hears of it, the agent's.

use std::collections::BTreeMap;

use entente_model::desired::{Item, ItemKey, Want};
use entente_model::plan::ChangeClass;

use crate::judge::Fault;
use crate::ledger::Update;
use crate::plan::{Change, Plan};

/// What is done of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvage {
    /// To be remembered before anything is done.
    pub updates: Vec<Update>,
    /// In order.
    pub changes: Vec<Change>,
}

/// All that a plan allows, if there is no fault in it; else what stands for itself.
pub fn salvage(plan: &Plan, faults: &[Fault], items: &BTreeMap<ItemKey, Item>) -> Salvage {
    if faults.is_empty() {
        return Salvage { updates: plan.updates.clone(), changes: plan.todo().cloned().collect() };
    }
    let mut changes: Vec<Change> = Vec::new();
    for change in plan.todo().filter(|change| change.class != ChangeClass::Grant) {
        let is_repeated = changes.iter().any(|other| other.action == change.action);
        if !is_repeated && !faults.iter().any(|fault| spoils(fault, change)) {
            changes.push(change.clone());
        }
    }
    let is_sound = |update: &&Update| match update {
        Update::Put(key, _) => {
            let is_wanted = key.item().and_then(|key| items.get(key)).is_some_and(|item| item.want == Want::Present);
            !is_wanted && !faults.iter().any(|fault| fault.key.as_ref() == Some(key))
        }
        Update::Left(..) | Update::Deleted(..) => true,
        Update::Forget(_) | Update::Rejoined(_) | Update::Readmitted(_) | Update::Charged(_) => false,
    };
    Salvage { updates: plan.updates.iter().filter(is_sound).cloned().collect(), changes }
}

fn spoils(fault: &Fault, change: &Change) -> bool {
    fault.key.as_ref() == Some(&change.key) && fault.action.as_ref().is_none_or(|action| *action == change.action)
}
