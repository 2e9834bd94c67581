//! Sessions of people: since when somebody is signed in, and when the last of their access tokens dies.
//!
//! As long as an account is enabled and there, its session renews its tokens. A block, a deletion or an effective
//! sign-out stops the renewal; tokens issued by then live on to their end (Entra: access token lifetimes, 60 to 90
//! minutes).

use super::account::{Session, User};
use crate::clock::Now;
use crate::control::types::SessionTruth;
use crate::tenant::Tenant;

/// How long an access token of a person lives at most without continuous access evaluation.
pub const TOKEN_SECONDS: f64 = 3600.0;

impl Tenant {
    /// The person signs in again, if the account allows it.
    pub fn sign_in(&mut self, id: &str, now: Now) {
        if self.user(id).is_some_and(User::enabled) {
            self.sessions.insert(id.to_owned(), Session { since: now.date(), signed_out: false, stopped: None });
        }
    }

    /// After each change of an account: a session renews its tokens or stops.
    pub fn note_session(&mut self, id: &str, now: Now) {
        let may_renew = self.user(id).is_some_and(User::enabled);
        let Some(session) = self.sessions.get_mut(id) else { return };
        session.stopped = if may_renew && !session.signed_out { None } else { session.stopped.or(Some(now)) };
    }

    /// Ends the sessions of a user who signs in here. External users sign in at home, and by Microsoft's page keep
    /// theirs (Graph: user-revokesigninsessions). `false`: nothing ended.
    pub fn sign_out(&mut self, id: &str, now: Now) -> bool {
        let external = self.user(id).is_some_and(User::is_b2b);
        if external && self.switches.is("revoke_guest_sessions", "ineffective") {
            return false;
        }
        if let Some(session) = self.sessions.get_mut(id) {
            session.signed_out = true;
        }
        self.note_session(id, now);
        true
    }

    pub fn session_truth(&self, id: &str, now: Now) -> Option<SessionTruth> {
        let session = self.sessions.get(id)?;
        let dies = session.stopped.map(|stopped| stopped.later(TOKEN_SECONDS));
        Some(SessionTruth {
            since: session.since.clone(),
            signed_out: session.signed_out,
            tokens_die_at: dies.map(|dies| dies.date()),
            alive: dies.is_none_or(|dies| dies.seconds > now.seconds),
        })
    }
}
