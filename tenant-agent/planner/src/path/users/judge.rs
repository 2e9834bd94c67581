//! The second judge of writes of accounts.

use entente_model::plan::ChangeClass;

use super::write::Write;
use crate::change::Change;
use crate::guardrail::{Guardrail, OnLeave};
use crate::judge::bench::{Judge, Opinion};
use crate::observed::Part;

impl Opinion for Write {
    fn write(&self, judge: &mut Judge<'_>, change: &Change) {
        match self {
            Self::Block { user, blind } => {
                on_leave(judge, change, OnLeave::Block, "blocks only with onLeave block");
                judge.unless(judge.owns(*user), "ends only accounts of ours", change);
                // A leaver's account may be blocked unseen, by the id that the ledger holds; never one that was seen
                // blocked.
                let enabled = judge.seen(*user).and_then(|user| user.enabled);
                let may = match blind {
                    true => enabled.is_none() && change.class == ChangeClass::Leaver,
                    false => enabled == Some(true),
                };
                judge.unless(may, "blocks only who is enabled, or a leaver who cannot be looked at", change);
            }
            Self::RevokeSessions { user } => {
                let rule = "ends sessions only with onLeave revokeSessions";
                on_leave(judge, change, OnLeave::RevokeSessions, rule);
                judge.unless(judge.owns(*user), "ends only accounts of ours", change);
            }
            Self::Delete { user } => {
                on_leave(judge, change, OnLeave::Delete, "deletes only with onLeave delete");
                judge.unless(judge.owns(*user), "ends only accounts of ours", change);
            }
            Self::Unblock { user } => {
                let is_ours = judge.owns(*user) && judge.entry(change).is_some_and(|it| it.block.is_some());
                judge.unless(is_ours, "lifts only a block of ours", change);
            }
            Self::Invite { mail, .. } => {
                if let Ok(guardrail) = judge.input.guardrail {
                    let domain = mail.split('@').next_back().unwrap_or_default().to_lowercase();
                    let known = guardrail.provider.mail_domains.iter().any(|it| it.to_lowercase() == domain);
                    judge.unless(known, "invites only the provider's domains", change);
                    let barred = guardrail.people.barred.iter().any(|it| it.eq_ignore_ascii_case(mail));
                    judge.unless(!barred, "invites nobody who is barred", change);
                }
                let empty = matches!(judge.input.observed.by_mail(mail), Part::Read(found) if found.is_empty());
                judge.unless(empty, "invites only whom a look-up by mail did not find", change);
            }
        }
    }

    /// An account is no role.
    fn role(&self, judge: &mut Judge<'_>, change: &Change, _: &Guardrail) {
        judge.unless(false, "gives only allowed capabilities", change);
    }
}

/// Without a readable file, only whose it is and what was seen is asked.
fn on_leave(judge: &mut Judge<'_>, change: &Change, step: OnLeave, rule: &'static str) {
    let may = judge.input.guardrail.is_ok_and(|guardrail| guardrail.people.on_leave.contains(&step));
    judge.unless(may || judge.input.guardrail.is_err(), rule, change);
}
