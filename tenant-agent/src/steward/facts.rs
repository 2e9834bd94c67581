//! What the agent knows of itself, with since when: told to the control plane and by `status`, and in the log once when it
//! begins and once when it ends.

use std::collections::{BTreeMap, BTreeSet};

use entente_model::report::bounds::{MAX_TEXT_BYTES, bounded};
use entente_model::report::{Microsoft, MicrosoftState, RevokeAll, RevokeAllState, Standing};
use entente_model::{Plane, Timestamp};
use entente_planner::observed::Observed;
use tracing::{info, warn};

use super::{Steward, credential};
use crate::guardrail_file::GuardrailFile;
use crate::observe::reach;
use crate::receipt::Receipt;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub microsoft: Option<Microsoft>,
    /// Since when what is asked of a plane is not read whole.
    pub unread_since: BTreeMap<Plane, Timestamp>,
    /// Why the guardrail cannot be used, and since when.
    pub fault: Option<(String, Timestamp)>,
    pub revoke_all: Option<RevokeAll>,
    /// Of the run before, for since when.
    before: Standing,
    told_fault: Option<String>,
    told_review: bool,
}

impl Facts {
    /// Of an agent that starts: nothing was looked at yet.
    pub fn after(before: Standing) -> Self {
        Self { before, ..Self::default() }
    }
}

impl Steward {
    /// What came of asking for a token, and of a look.
    pub(super) fn note_microsoft(&mut self, signed_in: Result<BTreeSet<String>, String>, observed: &Observed) {
        let refused = self.parts.cloud.credential_refused().map(|(text, _)| text);
        let (state, detail) = match (refused, &signed_in, reach::silent(observed)) {
            (Some(refused), ..) => (MicrosoftState::Refused, refused),
            (None, Err(why), _) => (MicrosoftState::Unreachable, why.clone()),
            (None, Ok(_), Some(silent)) => (MicrosoftState::Unreachable, silent),
            (None, Ok(_), None) => (MicrosoftState::SignedIn, String::new()),
        };
        self.permissions = signed_in.ok();
        let now = self.parts.clock.time();
        let asked = reach::planes(observed);
        self.facts.unread_since.retain(|plane, _| asked.get(plane) == Some(&false));
        for (plane, _) in asked.into_iter().filter(|(_, whole)| !whole) {
            self.facts.unread_since.entry(plane).or_insert(now);
        }
        let former = self.facts.microsoft.take();
        let known = former.as_ref().or(self.facts.before.microsoft.as_ref()).filter(|it| it.state == state);
        let since = known.map_or(now, |it| it.since);
        // Another request's id is no news.
        let same = known.map(|it| &it.detail).filter(|it| credential::head(it) == credential::head(&detail));
        let detail = same.cloned().unwrap_or_else(|| bounded(detail, MAX_TEXT_BYTES));
        let now = Microsoft { state: state.into(), since, detail };
        tell_reach(former.as_ref(), &now);
        self.facts.microsoft = Some(now);
    }

    /// The file as it is now.
    pub(super) fn note_guardrail(&mut self, guardrail: &GuardrailFile) {
        let now = self.parts.clock.time();
        let fault = guardrail.fault().map(|fault| bounded(fault, MAX_TEXT_BYTES));
        let facts = &mut self.facts;
        facts.fault = fault.clone().map(|fault| {
            let known = facts.fault.take().filter(|(before, _)| *before == fault).map(|(_, since)| since);
            let of_before =
                || facts.before.guardrail_fault_since.filter(|_| facts.before.guardrail_fault.as_ref() == Some(&fault));
            let since = known.or_else(of_before).unwrap_or(now);
            (fault, since)
        });
        match (&fault, &facts.told_fault) {
            (Some(fault), told) if told.as_ref() != Some(fault) => {
                warn!(fault, "the guardrail cannot be used: nothing is given, leavers go");
            }
            (None, Some(_)) => info!("the guardrail can be used again"),
            _ => {}
        }
        facts.told_fault = fault;
        let past = guardrail.content.as_ref().is_ok_and(|content| content.is_past_review(now));
        match (past, facts.told_review) {
            (true, false) => warn!("the guardrail's day of review is over: nothing new is given until it is reviewed"),
            (false, true) if guardrail.content.is_ok() => info!("the guardrail's day of review is ahead again"),
            _ => {}
        }
        facts.told_review = past;
    }

    /// How far `revoke-all` is.
    pub(super) fn note_revoke_all(&mut self, receipt: &Receipt) {
        let (state, since) = match receipt.second_empty_read {
            Some(read) => (RevokeAllState::Done, read),
            None => (RevokeAllState::Running, receipt.began),
        };
        self.facts.revoke_all = Some(RevokeAll { state: state.into(), since });
    }
}

/// A credential that is refused is told in `steward/credential.rs`.
fn tell_reach(former: Option<&Microsoft>, now: &Microsoft) {
    let was = former.is_some_and(|it| it.state == MicrosoftState::Unreachable);
    match now.state == MicrosoftState::Unreachable {
        true if !was => {
            warn!(detail = now.detail, "Microsoft cannot be reached: nothing is read or done until it answers")
        }
        false if was => info!("Microsoft answers again"),
        _ => {}
    }
}
