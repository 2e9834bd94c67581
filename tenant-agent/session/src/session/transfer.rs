//! A state on its way in: collected, verified, stored on disk, and only then accepted and acknowledged.
//!
//! Whatever is wrong with it, the last good state stays. If a state cannot be stored, the agent asks for it again
//! later; until then it is shown beside the last good one, for the leavers that it names.

use entente_model::desired::{Digest, MAX_ITEMS};
use entente_seal::{Delta, Seal, SealError, SealedItem};

use super::event::{Alarm, Effect};
use super::state::{Keeping, Link, Session, Transfer};
use crate::clock::Now;
use crate::gather::{Complete, GatherError, Gathering, MAX_STATE_BYTES};
use crate::held::{Believed, Unbelievable};
use crate::message::{NackKind, Outbound, Stage};

/// Longest error in a Nack, in characters: a sentence with a key in it.
const MAX_ERROR_CHARS: usize = 1_000;

/// A snapshot that does not match its digest may have lost a part on the way. Twice in a row means that it was compiled
/// wrongly.
const MAX_MISMATCHES: u32 = 2;

impl Session {
    pub(super) fn chunk(
        &mut self,
        nonce: String,
        items: Vec<SealedItem>,
        last: bool,
        seal: Option<Seal>,
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        let Link::Live(live) = &mut self.link else { return };
        // Parts with another nonce are left over from a state that the control plane gave up.
        let mut gathering = match std::mem::replace(&mut live.transfer, Transfer::Idle) {
            Transfer::Gathering(gathering) if gathering.nonce == nonce => gathering,
            _ => Gathering::new(nonce.clone()),
        };
        match gathering.add(items) {
            Ok(()) if last => self.complete(gathering.finish(seal), now, out),
            Ok(()) => live.transfer = Transfer::Gathering(gathering),
            Err(error @ GatherError::Order { .. }) => self.mismatch(nonce, error.to_string(), out),
            Err(error) => self.refuse(nonce, NackKind::Permanent, error.to_string(), out),
        }
    }

    pub(super) fn delta(
        &mut self,
        nonce: String,
        from: Digest,
        delta: &Delta,
        seal: Option<Seal>,
        now: Now,
        out: &mut Vec<Effect>,
    ) {
        let base = self.believed.as_ref().filter(|held| held.desired.digest == from).map(|held| &held.kept.items);
        let Some(base) = base else {
            let error = "the change does not start from what is held here: send a snapshot".to_owned();
            return self.refuse(nonce, NackKind::Retry, error, out);
        };
        let items = base.apply(delta);
        let bytes: usize = items.iter().map(|item| item.key().len() + item.bytes().len()).sum();
        if items.len() as usize > MAX_ITEMS || bytes > MAX_STATE_BYTES {
            let error = format!("the state has more than {MAX_ITEMS} items or {MAX_STATE_BYTES} bytes");
            return self.refuse(nonce, NackKind::Permanent, error, out);
        }
        self.complete(Complete { nonce, items, seal }, now, out);
    }

    pub(super) fn unreadable(&mut self, nonce: Option<String>, error: String, out: &mut Vec<Effect>) {
        match nonce {
            Some(nonce) => self.refuse(nonce, NackKind::Permanent, error, out),
            None => out.push(Effect::Alarm(Alarm::Refused(error))),
        }
    }

    fn complete(&mut self, complete: Complete, now: Now, out: &mut Vec<Effect>) {
        let Complete { nonce, items, seal } = complete;
        out.push(ack(&nonce, Stage::Received));
        if self.keeping.is_some() {
            let error = "another state is on its way to disk: one at a time".to_owned();
            return self.refuse(nonce, NackKind::Retry, error, out);
        }
        let Some(seal) = seal else {
            return self.refuse(nonce, NackKind::Permanent, SealError::Missing.to_string(), out);
        };
        let held = self.believed.as_ref().map(Believed::held).or(self.config.former);
        match Believed::received(&self.verifier, self.config.entra_tenant, seal, items, held, now.wall) {
            Ok(believed) => self.verified(nonce, believed, out),
            Err(Unbelievable::Seal(error @ (SealError::DigestMismatch { .. } | SealError::CountMismatch { .. }))) => {
                self.mismatch(nonce, error.to_string(), out);
            }
            Err(error) => self.refuse(nonce, NackKind::Permanent, error.to_string(), out),
        }
    }

    fn verified(&mut self, nonce: String, mut believed: Believed, out: &mut Vec<Effect>) {
        if let Link::Live(live) = &mut self.link {
            live.mismatches = 0;
        }
        // The same content again, perhaps under a newer root: its lease stays valid.
        if let Some(held) = self.believed.as_ref().filter(|it| it.desired.digest == believed.desired.digest)
            && let Some((seal, at)) = held.kept.lease.clone()
        {
            believed.renew(&self.verifier, self.config.entra_tenant, seal, at).ok();
        }
        out.push(Effect::Keep(Box::new(believed.kept.clone())));
        self.keeping = Some(Keeping { nonce: Some(nonce), believed: Box::new(believed), lease: None });
    }

    pub(super) fn kept(&mut self, now: Now, out: &mut Vec<Effect>) {
        let Some(Keeping { nonce, believed, lease }) = self.keeping.take() else { return };
        self.believed = Some(*believed);
        (self.refused, self.unkept, self.aside) = (None, None, None);
        if let Link::Live(live) = &mut self.link {
            live.parked = None;
        }
        if let Some(nonce) = nonce {
            out.push(ack(&nonce, Stage::Accepted));
        }
        out.push(Effect::Nudge);
        if let Some(seal) = lease {
            self.lease(seal, now, out);
        }
    }

    pub(super) fn keep_failed(&mut self, error: &str, out: &mut Vec<Effect>) {
        let Some(Keeping { nonce, believed, .. }) = self.keeping.take() else { return };
        self.unkept = Some(believed.desired);
        out.extend([Effect::Alarm(Alarm::Disk(error.into())), Effect::Nudge]);
        if let Some(nonce) = nonce {
            out.push(nack(nonce, NackKind::Retry, "the state could not be written to disk".into()));
        }
    }

    pub(super) fn lease(&mut self, seal: Seal, now: Now, out: &mut Vec<Effect>) {
        if let Some(keeping) = &mut self.keeping {
            keeping.lease = Some(seal);
            return;
        }
        let Some(believed) = &mut self.believed else { return };
        let was_fresh = believed.lease.is_some_and(|it| self.clock.uptime_of(it.fresh_until, now) > now.uptime);
        let version = believed.desired.version;
        match believed.renew(&self.verifier, self.config.entra_tenant, seal, now.wall) {
            Ok(true) => {
                // The newest revision counts, whatever one in between says.
                let newest = believed.desired.version;
                if newest != version {
                    self.aside = None;
                }
                self.unkept.take_if(|unkept| unkept.version <= newest);
                out.push(Effect::KeepLease(Box::new(believed.kept.clone())));
                // A renewal in time changes nothing that others wait for.
                if !was_fresh || believed.desired.version != version {
                    out.push(Effect::Nudge);
                }
            }
            // A late lease, or one for a state that is still arriving.
            Ok(false) | Err(SealError::OtherState | SealError::OlderVersion { .. }) => {}
            Err(error) => out.push(Effect::Alarm(Alarm::Lease(error.to_string()))),
        }
    }

    fn mismatch(&mut self, nonce: String, error: String, out: &mut Vec<Effect>) {
        let Link::Live(live) = &mut self.link else { return };
        live.mismatches += 1;
        let kind = if live.mismatches < MAX_MISMATCHES { NackKind::Retry } else { NackKind::Permanent };
        self.refuse(nonce, kind, error, out);
    }

    fn refuse(&mut self, nonce: String, kind: NackKind, error: String, out: &mut Vec<Effect>) {
        let error: String = error.chars().take(MAX_ERROR_CHARS).collect();
        if kind == NackKind::Permanent {
            self.refused = Some(error.clone());
            out.push(Effect::Alarm(Alarm::Refused(error.clone())));
        }
        out.push(nack(nonce, kind, error));
    }
}

fn ack(nonce: &str, stage: Stage) -> Effect {
    Effect::Send(Outbound::Ack { nonce: nonce.into(), stage })
}

fn nack(nonce: String, kind: NackKind, error: String) -> Effect {
    Effect::Send(Outbound::Nack { nonce, kind, errors: vec![error] })
}
