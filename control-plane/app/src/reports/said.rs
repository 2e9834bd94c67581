//! What happened, from what was known of a tenant and what its agent says now. Pure: the same report twice is nothing new.

use std::collections::BTreeSet;

use entente_model::desired::ItemKey;
use entente_model::report::{Finding, ItemReport, ItemState, Mended, Reason, RevokeAllState, Standing};

use super::phase::bare;
use crate::history::{EventKind, Happening};
use crate::tenant_phase::TenantPhase;

/// Most events of one kind in one report, and then how many more: a tenant in which everything is refused is one story.
const MAX_EACH: usize = 20;

/// Two stands of a tenant, and what a report says between them.
pub(crate) struct Said<'a> {
    /// What is new of the items, each with what was known of it.
    pub(crate) items: Vec<(Option<&'a ItemReport>, &'a ItemReport)>,
    /// How the agent stood, and stands; none where it was never said.
    pub(crate) before: Option<&'a Standing>,
    pub(crate) after: Option<&'a Standing>,
    /// Drift that is over, and was not told before.
    pub(crate) mended: Vec<&'a Mended>,
    /// The phase that was recorded last, and the one that follows from the report, with its sentence.
    pub(crate) phases: (Option<TenantPhase>, TenantPhase),
    pub(crate) explanation: String,
    /// What an item is called.
    pub(crate) name: &'a dyn Fn(&ItemKey) -> String,
}

impl Said<'_> {
    /// In the order in which it happened: the file, by which the rest was judged, what was found and done, and then the phase that
    /// follows. What has no time of its own was so when the report was made. Of one second, what is mended was so before what is
    /// found: drift that is found is there now.
    pub(crate) fn happened(&self) -> Vec<Happening> {
        let mut done = Vec::new();
        done.extend(self.revoke_all());
        done.extend(few(EventKind::DriftMended, "are as they should be again", self.drift_mended()));
        done.extend(few(EventKind::DriftFound, "things are not as they should be", self.drift_found()));
        done.extend(few(EventKind::ItemRefused, "items are refused", self.refused()));
        // Stable: of the same moment it stays as above.
        done.sort_by_key(|it| (it.happened.is_none(), it.happened));
        self.guardrail().into_iter().chain(done).chain(self.phase()).collect()
    }

    fn phase(&self) -> Option<Happening> {
        let (from, to) = self.phases;
        if from == Some(to) {
            return None;
        }
        let was = from.map(|from| format!(", was {}", from.word())).unwrap_or_default();
        let why = if self.explanation.is_empty() { String::new() } else { format!(": {}", self.explanation) };
        let text = format!("{}{was}{why}", to.word());
        Some(Happening { from, to: Some(to), ..Happening::new(EventKind::PhaseChanged, &text) })
    }

    fn guardrail(&self) -> Option<Happening> {
        let (before, after) = (self.before?, self.after?);
        let (was, is) = (&before.guardrail_fault, &after.guardrail_fault);
        if before.guardrail == after.guardrail && was == is {
            return None;
        }
        let file = match before.guardrail == after.guardrail {
            true => format!("the guardrail file is the same, sha256 {}", short(&after.guardrail)),
            false => format!(
                "the guardrail file changed: sha256 {}, was {}",
                short(&after.guardrail),
                short(&before.guardrail)
            ),
        };
        let fault = match (was, is) {
            (_, Some(fault)) => format!("; it cannot be used: {}", bare(fault)),
            (Some(_), None) => "; it can be used again".into(),
            (None, None) => String::new(),
        };
        let happening = Happening::new(EventKind::GuardrailChanged, &format!("{file}{fault}"));
        Some(match after.guardrail_fault_since.filter(|_| is.is_some()) {
            Some(since) => happening.at(since),
            None => happening,
        })
    }

    fn revoke_all(&self) -> Option<Happening> {
        let now = self.after?.revoke_all.as_ref()?;
        let was = self.before.and_then(|it| it.revoke_all.as_ref());
        if was.is_some_and(|was| was.state == now.state) {
            return None;
        }
        let running = now.state == RevokeAllState::Running;
        let (kind, text) = match (running, now.state == RevokeAllState::Done) {
            (true, _) => (EventKind::RevokeAllBegun, "the customer takes back everything that was given"),
            (_, true) => (EventKind::RevokeAllDone, "the customer has taken back everything; read back empty twice"),
            // A word of a later agent: the phase says what is known.
            _ => return None,
        };
        Some(Happening::new(kind, text).at(now.since))
    }

    fn refused(&self) -> Vec<Happening> {
        let is_new = |(was, now): &&(Option<&ItemReport>, &ItemReport)| {
            let same = |was: &ItemReport| (was.state, was.reason) == (now.state, now.reason);
            now.state == ItemState::Refused && !was.is_some_and(same)
        };
        self.items.iter().filter(is_new).map(|(_, now)| self.of_item(EventKind::ItemRefused, now)).collect()
    }

    fn drift_found(&self) -> Vec<Happening> {
        let is_new = |(was, now): &&(Option<&ItemReport>, &ItemReport)| {
            now.state == ItemState::Drifted && was.is_none_or(|was| was.state != ItemState::Drifted)
        };
        let items = self.items.iter().filter(is_new).map(|(_, now)| self.of_item(EventKind::DriftFound, now));
        let before = self.before.map(|it| it.findings.as_slice()).unwrap_or_default();
        let known: BTreeSet<&Finding> = before.iter().collect();
        let now = self.after.map(|it| it.findings.as_slice()).unwrap_or_default();
        let found = now.iter().filter(|it| is_drift(it.reason) && !known.contains(it));
        items.chain(found.map(|it| Happening::new(EventKind::DriftFound, &it.detail))).collect()
    }

    /// By the agent's own word where it has one: it mends within a second, so that no report may show what was.
    fn drift_mended(&self) -> Vec<Happening> {
        let told: BTreeSet<&ItemKey> = self.mended.iter().map(|it| &it.key).collect();
        let by_word = self.mended.iter().map(|it| {
            let text = format!(
                "{}; found {}, mended {}",
                what((self.name)(&it.key), Some(it.reason), &it.detail),
                it.found,
                it.mended
            );
            Happening::new(EventKind::DriftMended, &text).at(it.mended).of_item(it.key.to_string())
        });
        let is_mended = |(was, now): &&(Option<&ItemReport>, &ItemReport)| {
            let had = was.is_some_and(|was| was.state == ItemState::Drifted);
            had && now.state == ItemState::Applied && !told.contains(&now.key)
        };
        let by_state = self.items.iter().filter(is_mended).map(|(_, now)| {
            let text = format!("{} is as it should be again", (self.name)(&now.key));
            Happening::new(EventKind::DriftMended, &text).at(now.since).of_item(now.key.to_string())
        });
        by_word.chain(by_state).collect()
    }

    fn of_item(&self, kind: EventKind, item: &ItemReport) -> Happening {
        let text = what((self.name)(&item.key), item.reason, &item.detail);
        Happening::new(kind, &text).at(item.since).of_item(item.key.to_string())
    }
}

/// `Maya Berg as l1-analyst: DRIFT_MISSING: the agent's text`.
fn what(name: String, reason: Option<Reason>, detail: &str) -> String {
    let reason = reason.map(|reason| format!(": {}", reason.word())).unwrap_or_default();
    let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
    format!("{name}{reason}{detail}")
}

fn is_drift(reason: Reason) -> bool {
    matches!(reason, Reason::DriftExtra | Reason::DriftMissing | Reason::DriftChanged)
}

/// The beginning of a digest, which is enough to tell two files apart by eye.
fn short(digest: &str) -> String {
    if digest.is_empty() { "unknown".into() } else { digest.chars().take(12).collect() }
}

fn few(kind: EventKind, what: &str, mut all: Vec<Happening>) -> Vec<Happening> {
    if all.len() > MAX_EACH {
        let more = all.len() - MAX_EACH;
        all.truncate(MAX_EACH);
        all.push(Happening::new(kind, &format!("{more} more {what}")));
    }
    all
}

#[cfg(test)]
mod tests;
