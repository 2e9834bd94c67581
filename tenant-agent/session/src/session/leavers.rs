//! Leavers that the agent of a parked tenant is told to remove, in addition to the state that it holds.
//!
//! The state that names them is the provider's, for this tenant, and complete; but it may be of another history, or
//! older. So the agent uses only leavers who were named after the held state was accepted: a replayed state names no
//! new ones.

use std::time::Duration;

use entente_model::desired::{Item, ItemKey, Want};
use entente_seal::{Buckets, Seal, SealError, SealedItem};

use super::event::{Alarm, Effect};
use super::state::{Link, Session};
use crate::clock::Now;
use crate::gather::{Complete, Gathering};
use crate::held::as_of;

/// How far the two clocks may differ: the control plane's, which dates a leave, and the host's, which dates a state.
const APART: Duration = Duration::from_secs(300);

impl Session {
    pub(super) fn leavers(
        &mut self,
        nonce: String,
        items: Vec<SealedItem>,
        last: bool,
        seal: Option<Seal>,
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        let Link::Live(live) = &mut self.link else { return };
        let begun = live.leavers.take().filter(|it| it.nonce == nonce);
        let mut gathering = begun.unwrap_or_else(|| Box::new(Gathering::new(nonce)));
        if let Err(error) = gathering.add(items) {
            return out.push(Effect::Alarm(Alarm::Refused(error.to_string())));
        }
        if !last {
            live.leavers = Some(gathering);
            return;
        }
        let Complete { items, seal, .. } = gathering.finish(seal);
        match self.named(seal, &items, now) {
            Ok(named) => {
                self.aside = Some(named.into());
                out.push(Effect::Nudge);
            }
            Err(error) => out.push(Effect::Alarm(Alarm::Refused(error.to_string()))),
        }
    }

    fn named(&self, seal: Option<Seal>, items: &Buckets, now: Now) -> Result<Vec<Item>, SealError> {
        let seal = seal.ok_or(SealError::Missing)?;
        let tenant = self.config.entra_tenant;
        match self.verifier.verify_state(&seal, tenant, items, None, now.wall) {
            // A store from before the last new epoch: nothing desired is taken from it, but its leavers still leave.
            Err(SealError::EpochOver { offered, .. }) => {
                let then = as_of(self.config.root_key, &self.statements, offered);
                then.verify_state(&seal, tenant, items, None, now.wall)?;
            }
            judged => drop(judged?),
        }
        let Some(held) = &self.believed else { return Ok(Vec::new()) };
        let accepted = held.kept.accepted;
        let is_new = |item: &Item| match &item.want {
            Want::Absent { cause, since, .. } => cause.is_leaver() && since.plus(APART) >= accepted,
            Want::Present => false,
        };
        // One item that is not understood hides no other.
        let items = items.iter().filter_map(|item| item.open().ok());
        Ok(items.filter(|item| matches!(item.key, ItemKey::User(_)) && is_new(item)).collect())
    }
}
