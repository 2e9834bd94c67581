//! What the agent knows of itself, and since when. The control plane and `status` are told; the log is told when a fact
//! begins and when it ends, and hourly of a credential that Microsoft refuses.

use std::collections::BTreeMap;
use std::time::Duration;

use entente_model::report::bounds::{MAX_TEXT_BYTES, bounded};
use entente_model::report::{Microsoft, MicrosoftState, Reason, RevokeAll, RevokeAllState, Standing};
use entente_model::{Plane, Timestamp};
use entente_planner::observed::Observed;
use tracing::{info, warn};

use crate::guardrail_file::GuardrailFile;
use crate::observe::reach;
use crate::receipt::Receipt;

/// How often the log repeats that the credential is refused.
const AGAIN: Duration = Duration::from_secs(60 * 60);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub microsoft: Option<Microsoft>,
    /// Planes of which the agent asked something and did not read all of it.
    pub unread_since: BTreeMap<Plane, Timestamp>,
    /// Why the guardrail cannot be used, and since when.
    pub fault: Option<(String, Timestamp)>,
    pub revoke_all: Option<RevokeAll>,
    /// The standing of the last run, for its times.
    before: Standing,
    told_fault: Option<String>,
    told_review: bool,
    /// What the log last said of the credential, and the uptime then.
    told_credential: Option<(String, Duration)>,
}

impl Facts {
    /// Of an agent that starts and has not looked yet.
    pub fn after(before: Standing) -> Self {
        Self { before, ..Self::default() }
    }

    /// Notes what came of signing in and of a look. `refused`: why Microsoft refuses the credential, if it does;
    /// `unsigned`: why there is no token, if there is none.
    pub fn note_look(
        &mut self,
        refused: Option<String>,
        unsigned: Option<String>,
        observed: &Observed,
        now: Timestamp,
    ) {
        let unreachable = || unsigned.or_else(|| reach::silent(observed));
        let (state, detail) = match refused {
            Some(refused) => (MicrosoftState::Refused, refused),
            None => match unreachable() {
                Some(why) => (MicrosoftState::Unreachable, why),
                None => (MicrosoftState::SignedIn, String::new()),
            },
        };
        let asked = reach::planes(observed);
        self.unread_since.retain(|plane, _| asked.get(plane) == Some(&false));
        for (plane, _) in asked.into_iter().filter(|(_, whole)| !whole) {
            self.unread_since.entry(plane).or_insert(now);
        }
        let former = self.microsoft.take();
        let known = former.as_ref().or(self.before.microsoft.as_ref()).filter(|it| it.state == state);
        let since = known.map_or(now, |it| it.since);
        // Another request's id is no news.
        let same = known.map(|it| &it.detail).filter(|it| head(it) == head(&detail));
        let detail = same.cloned().unwrap_or_else(|| bounded(detail, MAX_TEXT_BYTES));
        let is_silent = |it: &Microsoft| it.state == MicrosoftState::Unreachable;
        let microsoft = Microsoft { state: state.into(), since, detail };
        match (former.as_ref().is_some_and(is_silent), is_silent(&microsoft)) {
            (false, true) => {
                warn!(
                    detail = microsoft.detail,
                    "Microsoft cannot be reached: nothing is read or done until it answers"
                );
            }
            (true, false) => info!("Microsoft answers again"),
            (true, true) | (false, false) => {}
        }
        self.microsoft = Some(microsoft);
    }

    /// Notes the file as it is now.
    pub fn note_guardrail(&mut self, guardrail: &GuardrailFile, now: Timestamp) {
        let fault = guardrail.fault().map(|fault| bounded(fault, MAX_TEXT_BYTES));
        self.fault = fault.clone().map(|fault| {
            let known = self.fault.take().filter(|(before, _)| *before == fault).map(|(_, since)| since);
            let of_before =
                || self.before.guardrail_fault_since.filter(|_| self.before.guardrail_fault.as_ref() == Some(&fault));
            let since = known.or_else(of_before).unwrap_or(now);
            (fault, since)
        });
        match (&fault, &self.told_fault) {
            (Some(fault), told) if told.as_ref() != Some(fault) => {
                warn!(fault, "the guardrail cannot be used: nothing is given, leavers go");
            }
            (None, Some(_)) => info!("the guardrail can be used again"),
            _ => {}
        }
        self.told_fault = fault;
        let past = guardrail.content.as_ref().is_ok_and(|content| content.is_past_review(now));
        match (past, self.told_review) {
            (true, false) => warn!("the guardrail's day of review is over: nothing new is given until it is reviewed"),
            (false, true) if guardrail.content.is_ok() => info!("the guardrail's day of review is ahead again"),
            _ => {}
        }
        self.told_review = past;
    }

    /// Notes how far `revoke-all` is.
    pub fn note_revoke_all(&mut self, receipt: &Receipt) {
        let (state, since) = match receipt.second_empty_read {
            Some(read) => (RevokeAllState::Done, read),
            None => (RevokeAllState::Running, receipt.began),
        };
        self.revoke_all = Some(RevokeAll { state: state.into(), since });
    }

    /// Tells the log why Microsoft refuses the credential, if it does: once, and then hourly. `now` is an uptime.
    pub fn tell_credential(&mut self, refused: Option<&str>, now: Duration) {
        match (refused, &self.told_credential) {
            // Another number of Microsoft's is news; another request id is not.
            (Some(text), Some((before, at))) if head(text) == head(before) && now < *at + AGAIN => {}
            (Some(text), _) => {
                warn!(reason = Reason::CredentialRefused.word(), "{text}");
                self.told_credential = Some((text.to_owned(), now));
            }
            (None, Some(_)) => {
                info!("Microsoft takes the agent's credential again");
                self.told_credential = None;
            }
            (None, None) => {}
        }
    }
}

/// The part of a refusal that stays the same from request to request.
fn head(text: &str) -> &str {
    text.split(':').next().unwrap_or(text)
}
