//! What a customer's file says to what a role lets people do.
//!
//! The table from Microsoft's names to capabilities is `model::capability`, the same for both sides. What a role of Azure's
//! lets people do follows from its definition's actions, not from its name; what an action means is in
//! `planes/azure/actions.rs`.

use std::collections::BTreeSet;

pub use entente_model::capability::*;

pub use crate::planes::azure::actions::{Definition, Judged, judge};

use crate::guardrail::{Capabilities, Guardrail};

/// What a definition, as Azure shows it now, lets people do that the file neither allows nor asks about: each in words,
/// with the action by which it does.
pub fn beyond(guardrail: &Guardrail, definition: &Definition) -> Vec<String> {
    let may = &guardrail.capabilities;
    let judged = judge(&may.beside_named(definition));
    let is_new =
        |(capability, _): &&(Capability, String)| !may.allow.contains(capability) && !may.ask.contains(capability);
    let unknown = judged.unknown.iter().map(|action| format!("{action}, of which this version knows no meaning"));
    let new: BTreeSet<String> =
        judged.capabilities.iter().filter(is_new).map(|(it, action)| format!("{action}, which is {it}")).collect();
    unknown.chain(new).collect()
}

/// What the customer says to a set of capabilities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Allowed,
    /// The customer is to be asked about these.
    Ask(Vec<Capability>),
    /// These are not allowed.
    Never(Vec<Capability>),
}

impl Capabilities {
    /// A definition without the actions that the file allows by name.
    pub fn beside_named(&self, definition: &Definition) -> Definition {
        let is_named = |action: &&String| self.actions.iter().any(|named| named.eq_ignore_ascii_case(action));
        let rest = |actions: &BTreeSet<String>| actions.iter().filter(|action| !is_named(action)).cloned().collect();
        Definition {
            role_name: definition.role_name.clone(),
            actions: rest(&definition.actions),
            data_actions: rest(&definition.data_actions),
        }
    }

    /// One that is refused refuses all; one that is asked asks for all.
    pub fn answer(&self, wanted: &[Capability]) -> Answer {
        let known = |capability: &Capability| self.allow.contains(capability) || self.ask.contains(capability);
        let never: Vec<_> = wanted.iter().filter(|capability| !known(capability)).copied().collect();
        let ask: Vec<_> = wanted.iter().filter(|capability| self.ask.contains(capability)).copied().collect();
        match (never.is_empty(), ask.is_empty()) {
            (false, _) => Answer::Never(never),
            (true, false) => Answer::Ask(ask),
            (true, true) => Answer::Allowed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Capability::*;
    use super::*;

    #[test]
    fn one_refused_capability_refuses_and_one_asked_asks() {
        let may = Capabilities { allow: [ReadIncidents].into(), ask: [LiveResponseBasic].into(), ..Default::default() };
        assert_eq!(may.answer(&[ReadIncidents]), Answer::Allowed);
        assert_eq!(may.answer(&[ReadIncidents, LiveResponseBasic]), Answer::Ask(vec![LiveResponseBasic]));
        assert_eq!(may.answer(&[LiveResponseBasic, Respond]), Answer::Never(vec![Respond]));
    }
}
