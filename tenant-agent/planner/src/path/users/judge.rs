//! The second judge of writes of accounts.

use entente_model::plan::ChangeClass;

use super::write::Write;
use crate::change::Change;
use crate::guardrail::{Guardrail, OnLeave};
use crate::judge::{Judge, Opinion};
use crate::observed::{Part, User};

impl Opinion for Write {
    fn within(&self, judge: &mut Judge<'_>, change: &Change, guardrail: &Guardrail) {
        let on_leave = &guardrail.people.on_leave;
        match self {
            Self::Block { .. } => {
                judge.unless(on_leave.contains(&OnLeave::Block), "blocks only with onLeave block", change);
            }
            Self::RevokeSessions { .. } => {
                let may = on_leave.contains(&OnLeave::RevokeSessions);
                judge.unless(may, "ends sessions only with onLeave revokeSessions", change);
            }
            Self::Delete { .. } => {
                judge.unless(on_leave.contains(&OnLeave::Delete), "deletes only with onLeave delete", change);
            }
            Self::Invite { mail, .. } => {
                let domain = mail.split('@').next_back().unwrap_or_default().to_lowercase();
                let known = guardrail.provider.mail_domains.iter().any(|it| it.to_lowercase() == domain);
                judge.unless(known, "invites only the provider's domains", change);
                let barred = guardrail.people.barred.iter().any(|it| it.eq_ignore_ascii_case(mail));
                judge.unless(!barred, "invites nobody who is barred", change);
            }
            Self::Unblock { .. } => {}
        }
    }

    /// An account is no role.
    fn role(&self, judge: &mut Judge<'_>, change: &Change, _: &Guardrail) {
        judge.unless(false, "gives only allowed capabilities", change);
    }

    fn ownership(&self, judge: &mut Judge<'_>, change: &Change) {
        match self {
            Self::Block { user, .. } | Self::RevokeSessions { user } | Self::Delete { user } => {
                judge.unless(judge.owns(*user), "ends only accounts of ours", change);
            }
            Self::Unblock { user } => {
                let is_ours = judge.owns(*user) && judge.entry(change).is_some_and(|it| it.block.is_some());
                judge.unless(is_ours, "lifts only a block of ours", change);
            }
            Self::Invite { .. } => {}
        }
    }

    fn observed(&self, judge: &mut Judge<'_>, change: &Change) {
        match self {
            // A leaver's account may be blocked unseen, by the id that the ledger holds; never one that was seen blocked.
            Self::Block { user, blind } => {
                let enabled = judge.seen(*user).map(|user: &User| user.enabled);
                let unshown = matches!(enabled, None | Some(None));
                let may = match blind {
                    true => unshown && change.class == ChangeClass::Leaver,
                    false => enabled == Some(Some(true)),
                };
                judge.unless(may, "blocks only who is enabled, or a leaver who cannot be looked at", change);
            }
            Self::Invite { mail, .. } => {
                let empty = matches!(judge.input.observed.by_mail(mail), Part::Read(found) if found.is_empty());
                judge.unless(empty, "invites only whom a look-up by mail did not find", change);
            }
            Self::RevokeSessions { .. } | Self::Delete { .. } | Self::Unblock { .. } => {}
        }
    }
}
