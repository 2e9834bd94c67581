//! The second judge of writes of memberships.

use entente_model::desired::ItemKey;

use super::write::Write;
use crate::change::Change;
use crate::guardrail::Guardrail;
use crate::judge::bench::{Judge, Opinion};
use crate::observed::User;

impl Opinion for Write {
    fn write(&self, judge: &mut Judge<'_>, change: &Change) {
        let (Self::Add { group, .. } | Self::Remove { group, .. }) = self;
        if let Some(key) = change.key.item().and_then(ItemKey::group) {
            let is_of_kind = judge.kind_of(*group).is_none_or(|kind| kind == key.kind);
            judge.unless(is_of_kind, "changes members of a group of the kind that the key names", change);
        }
        match self {
            Self::Remove { group, .. } => {
                let is_remembered = judge.entry(change).is_some_and(|it| it.is_owned() && it.thing.is_some());
                let is_ours = (judge.owns(*group) || is_remembered) && judge.knows(*group);
                judge.unless(is_ours, "removes members only from groups of ours", change);
            }
            // That the group is ours is asked of all that is given; a mark gives nothing.
            Self::Add { group, user } => {
                let is_homed = |user: &User| {
                    let issuers = user.issuers.iter().flatten().any(|issuer| issuer == "ExternalAzureAD");
                    user.enabled == Some(true) && user.redeemed == Some(true) && issuers
                };
                let may = Some(*group) == judge.marker() || judge.seen(*user).is_some_and(is_homed);
                let rule = "members only after redemption by an Entra account that is not blocked";
                judge.unless(may, rule, change);
            }
        }
    }

    /// A membership gives what its group has, which is each plane's to judge.
    fn role(&self, judge: &mut Judge<'_>, change: &Change, _: &Guardrail) {
        judge.unless(false, "gives only allowed capabilities", change);
    }
}
