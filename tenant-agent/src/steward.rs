//! The loop: observe, compare, act, observe again. Takes no input but its state; time and nudges wake it.
//!
//! The files below `steward/`: `first` acts for leavers before a look, `apply` carries out what a look allows, `sign` signs
//! proofs, `standing` tells how the agent stands, `facts` and `drift` know since when and what was mended, `farewell` ends
//! everything at the customer's word, `not_allowed` what a narrower file refuses, `again` lets a person be invited again,
//! `preview` answers who asks for a plan, `wake` and `switched` watch the clock and the switches. What to do is
//! `entente-planner`'s, how to say it `entente-session`'s.

mod again;
mod apply;
mod drift;
mod facts;
mod farewell;
mod first;
mod given;
mod not_allowed;
mod preview;
mod sign;
mod standing;
mod switched;
mod wake;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use entente_model::desired::{Digest, Item, ItemKey};
use entente_model::report::{ItemReport, Reason, Standing};
use entente_model::{AgentName, Guid, Plane, Timestamp};
use entente_planner::judge;
use entente_planner::ledger::{Ledger, Update};
use entente_planner::observed::Observed;
use entente_planner::plan::{self, NotAllowed, Plan, Settings};
use entente_planner::reads;
use entente_planner::salvage::{self, Salvage};
use entente_session::{Desired, Status, View};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info, info_span};

use self::given::{Given, off_the_workers};
use crate::clock::Clock;
use crate::guardrail_file::{GuardrailFile, GuardrailReader};
use crate::identity::Signer;
use crate::memory::{Memory, MemoryError};
use crate::observe::reach::planes_read;
use crate::receipt::Receipt;
use crate::status_file::StatusFile;
use crate::stream::PlanRequest;
use crate::switches::{Positions, Switches};
use crate::tenant::Tenant;

/// Between a round that acted and the look that follows: a mistake that acts for ever does not do so at full speed.
const RESPITE: Duration = Duration::from_millis(100);

/// Between looks while plans break a rule: removals go on, and a person is needed for the rest.
const AFTER_FAULT: Duration = Duration::from_secs(30);

/// How long one part of a look may take before it counts as not read: Microsoft answers in a tenth of a second, and a
/// throttled read says itself how long it takes.
const LOOK_BUDGET: Duration = Duration::from_secs(20);

/// How often a new token is asked for while a permission is missing: a person who has just granted it waits so long.
const TOKEN_AGE: Duration = Duration::from_secs(10);

/// The store looks for room once a second.
const FULL_PAUSE: Duration = Duration::from_secs(1);

/// What the loop has to do with.
#[derive(Debug)]
pub struct Parts {
    pub cloud: Tenant,
    pub memory: Memory,
    pub clock: Clock,
    pub settings: Settings,
    pub tenant: Guid,
    pub agent: AgentName,
    /// Signs proofs with the key of the certificate that is in use.
    pub signer: Arc<ArcSwap<Signer>>,
    pub guardrail: GuardrailReader,
    pub state_dir: PathBuf,
    pub credential_expires: Option<Timestamp>,
    /// What the session holds.
    pub view: watch::Receiver<View>,
    pub nudge: Arc<Notify>,
    pub plans: mpsc::Receiver<PlanRequest>,
    /// What the loop saw, for the session.
    pub status: watch::Sender<Option<Arc<Status>>>,
}

/// The loop and what it knows.
#[derive(Debug)]
pub struct Steward {
    parts: Parts,
    switches: Switches,
    /// Shared with a plan that is being made.
    ledger: Arc<Ledger>,
    reports: BTreeMap<ItemKey, ItemReport>,
    /// What of the reports the last look showed to be there, or not: for `who` alone.
    there: BTreeMap<ItemKey, bool>,
    /// What others hold, by name: for `status` alone.
    named: BTreeMap<String, BTreeSet<String>>,
    verified: BTreeMap<Plane, Timestamp>,
    /// Digest of the desired state that the last look was for.
    compared: String,
    permissions: Option<BTreeSet<String>>,
    /// Microsoft has told the time in this run.
    has_time: bool,
    /// When tokens were last thrown away, in uptime.
    tokens_of: Duration,
    /// When the control plane was last connected.
    heard: Option<Timestamp>,
    /// That the ledger is not what it was when the agent last ran.
    forgotten: Option<String>,
    /// The disk has no room, which was said.
    full: bool,
    /// Of `revoke-all`, while the disk has no room for it.
    unkept_receipt: Option<Receipt>,
    /// Everything goes, as if the switch were there.
    insists: bool,
    facts: facts::Facts,
    drift: drift::Drift,
    not_allowed: Found,
    /// What the last round began from.
    seen: Option<Basis>,
    file: StatusFile,
    /// Makes a plan break a rule, which the planner itself should never do.
    #[cfg(test)]
    pub(crate) spoil: Option<fn(&mut Plan)>,
}

/// Everything that a plan was made from and that may change while it is carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Basis {
    /// Epoch and content: a revision alone is nothing newer.
    desired: Option<(u64, Digest)>,
    fresh: bool,
    positions: Positions,
    guardrail: String,
}

/// What the last look found that the file does not allow any more.
#[derive(Debug, Default)]
struct Found {
    /// Digest of the file.
    guardrail: String,
    found: Vec<NotAllowed>,
}

/// One look at the tenant, and what follows from it.
struct Look {
    guardrail: Arc<GuardrailFile>,
    basis: Basis,
    plan: Plan,
    /// Rules that the plan breaks.
    faults: Vec<String>,
    /// What of the plan is carried out: all that it allows, if it breaks no rule.
    salvage: Salvage,
    standing: Standing,
}

impl Steward {
    /// Reads what is remembered.
    pub async fn new(parts: Parts) -> Result<Self, MemoryError> {
        let ledger = parts.memory.ledger().await?;
        let reports = parts.memory.reports().await?;
        let drift = drift::Drift::after(&reports, parts.memory.mended().await?);
        let (switches, file) = (Switches::of(&parts.state_dir), StatusFile::of(&parts.state_dir));
        let before = StatusFile::read(&parts.state_dir).unwrap_or_else(|error| {
            error!(%error, "needs a person: whether the ledger is the one of the last run is not known");
            None
        });
        let before = before.unwrap_or_default();
        parts.clock.set_floor(before.known_time.unwrap_or(before.time));
        let forgotten = before.ledger.and_then(|mark| mark.forgotten(&parts.memory.mark()));
        forgotten.iter().for_each(|alarm| error!(alarm, "needs a person"));
        Ok(Self {
            switches,
            ledger: Arc::new(ledger),
            reports,
            there: BTreeMap::new(),
            named: BTreeMap::new(),
            verified: BTreeMap::new(),
            compared: String::new(),
            permissions: None,
            has_time: false,
            tokens_of: Duration::ZERO,
            heard: before.last_connected,
            forgotten,
            full: false,
            unkept_receipt: None,
            insists: false,
            facts: facts::Facts::after(before.standing),
            drift,
            not_allowed: Found::default(),
            seen: None,
            file,
            #[cfg(test)]
            spoil: None,
            parts,
        })
    }

    /// Runs until it is cancelled, or cannot remember any more. Finishes the step that is under way.
    pub async fn run(self, cancel: CancellationToken) -> Result<(), MemoryError> {
        let switches = self.tell_switches();
        tokio::select! {
            ended = self.rounds(&cancel) => ended,
            never = switches => match never {},
        }
    }

    async fn rounds(mut self, cancel: &CancellationToken) -> Result<(), MemoryError> {
        loop {
            let next = self.round(cancel).instrument(info_span!("round")).await?;
            if cancel.is_cancelled() {
                return Ok(());
            }
            self.wait(next, cancel).await;
        }
    }

    /// Looks, acts, and says when to look again. While the disk is full, leavers are blocked and that is all.
    pub(crate) async fn round(&mut self, cancel: &CancellationToken) -> Result<Duration, MemoryError> {
        self.seen = Some(self.basis(&self.guardrail()));
        if self.switches.positions().revoke_all {
            let is_full = self.is_full().await?;
            return unless_full(self.ending(is_full, cancel).await);
        }
        // Of an end that the customer has taken back.
        self.unkept_receipt = None;
        self.facts.revoke_all = None;
        let desired = self.parts.view.borrow().desired.clone();
        if let Some(held) = &desired {
            self.note_leavers(held).await?;
        }
        if let Some(newest) = self.unkept().or_else(|| desired.clone()) {
            self.first(&newest, cancel).await?;
        }
        if self.is_full().await? {
            return Ok(FULL_PAUSE);
        }
        let Some(desired) = desired else {
            // Of the items nothing is known now: they are told as before.
            self.say(self.reports.clone());
            info!("no desired state is held yet");
            return Ok(self.parts.settings.resync);
        };
        let revoked = self.revoke(cancel).await;
        let compared = match revoked {
            Ok(revoked) => self.compare(&desired, cancel).await.map(|wait| revoked.map_or(wait, |it| it.min(wait))),
            Err(error) => Err(error),
        };
        unless_full(compared)
    }

    /// Whether there is no room on disk to remember anything. Writes what is owed as soon as there is room.
    async fn is_full(&mut self) -> Result<bool, MemoryError> {
        match self.parts.memory.settle().await {
            Err(MemoryError::Full(_)) => {
                // Once: a log that grows every second does not help a full disk.
                if !std::mem::replace(&mut self.full, true) {
                    self.say(self.reports.clone());
                }
                return Ok(true);
            }
            settled => settled?,
        }
        if std::mem::take(&mut self.full) {
            // What was about to be done when the disk became full may stand there, and was not done.
            self.ledger = Arc::new(self.parts.memory.ledger().await?);
            info!("the disk has room again: the agent goes on");
        }
        Ok(false)
    }

    /// The newest state, where there is no room for it. What is there once there is room is sent again, and kept.
    fn unkept(&self) -> Option<Arc<Desired>> {
        self.parts.view.borrow().unkept.clone().filter(|_| self.parts.memory.is_behind())
    }

    /// The whole of a look, and what follows.
    async fn compare(&mut self, desired: &Desired, cancel: &CancellationToken) -> Result<Duration, MemoryError> {
        self.allow_again().await?;
        let mut look = self.look(desired).await;
        self.sign(&mut look);
        self.remember(&look.salvage.updates).await?;
        self.publish(&look).await?;
        self.renew_tokens(&look.plan).await;
        let acted = self.apply(&look, cancel).await?;
        Ok(match acted {
            _ if !look.faults.is_empty() => self.until(look.plan.next_wake).max(AFTER_FAULT),
            true => RESPITE,
            false => self.until_credential(self.until(look.plan.next_wake)),
        })
    }

    /// Observes and plans. Writes nothing, anywhere.
    async fn look(&mut self, desired: &Desired) -> Look {
        let guardrail = self.guardrail();
        let mut basis = self.basis(&guardrail);
        let (held, ledger, file) = (desired.clone(), self.ledger.clone(), guardrail.clone());
        let (items, set) = off_the_workers(move || {
            let items = plan::with_leavers(&held.items, held.version, &ledger);
            let set = reads::reads(&items, &ledger, file.content.as_ref().ok());
            (items, set)
        })
        .await;
        let observed = self.observe(&set).await;
        // A state's lease comes right after it: mostly while the tenant is read. One that is over by now is over.
        let after = self.basis(&guardrail);
        if after.desired == basis.desired {
            basis.fresh = after.fresh;
        }
        let now = self.parts.clock.time();
        self.verified.extend(planes_read(&observed).into_iter().map(|plane| (plane, now)));
        let given = self.given(desired, items, observed, &guardrail, &basis, self.jittered());
        #[cfg(test)]
        let spoil = self.spoil.unwrap_or(|_| ());
        let (mut plan, not_allowed, faults, salvage) = off_the_workers(move || {
            let input = given.input();
            let plan = plan::plan(&input);
            let not_allowed = plan::not_allowed(&input);
            #[cfg(test)]
            let plan = spoiled(plan, spoil);
            let faults = judge::check(&plan, &input);
            let salvage = salvage::salvage(&plan, &faults, &given.items);
            (plan, not_allowed, faults, salvage)
        })
        .await;
        let faults: Vec<_> = faults.iter().map(|fault| format!("{}: {}", fault.rule, fault.detail)).collect();
        plan::carry_since(&self.reports, &mut plan.reports);
        self.compared = desired.digest.to_string();
        self.note_not_allowed(guardrail.digest.clone(), not_allowed);
        let standing = self.standing(&guardrail, plan.findings.clone());
        Look { guardrail, basis, plan, faults, salvage, standing }
    }

    /// What a plan is made from now.
    fn given(
        &self,
        desired: &Desired,
        items: BTreeMap<ItemKey, Item>,
        observed: Observed,
        guardrail: &Arc<GuardrailFile>,
        basis: &Basis,
        settings: Settings,
    ) -> Given {
        Given {
            version: desired.version,
            items,
            observed,
            ledger: self.ledger.clone(),
            guardrail: guardrail.clone(),
            paused: basis.positions.paused,
            revoke_all: basis.positions.revoke_all,
            lease_fresh: basis.fresh,
            permissions: self.permissions.clone(),
            settings,
            now: self.parts.clock.moment(),
        }
    }

    /// Looks, by Microsoft's own time as far as it was told.
    async fn observe(&mut self, set: &reads::ReadSet) -> Observed {
        if !self.has_time {
            // A token comes with the time, so that what is read is stamped with Microsoft's and not with the host's.
            self.permissions = self.parts.cloud.sign_in().await.ok();
            self.hear_time();
        }
        let begun = self.parts.clock.moment();
        let mut observed = self.parts.cloud.observe(set, begun, LOOK_BUDGET).await;
        // Asked for after the reads: they have fetched the token that it comes with.
        let signed_in = self.parts.cloud.sign_in().await;
        self.hear_time();
        let refused = self.parts.cloud.credential_refused().map(|(text, _)| text);
        let unsigned = signed_in.as_ref().err().cloned();
        self.permissions = signed_in.ok();
        self.facts.note_look(refused, unsigned, &observed, self.parts.clock.time());
        // The time may have been told only by this look.
        observed.begun = self.parts.clock.again(begun);
        observed
    }

    fn hear_time(&mut self) {
        if let Some((at, ago)) = self.parts.cloud.told_time() {
            self.parts.clock.tell(at, ago);
            self.has_time = true;
        }
    }

    async fn remember(&mut self, updates: &[Update]) -> Result<(), MemoryError> {
        self.parts.memory.remember(Arc::make_mut(&mut self.ledger), updates).await
    }

    async fn remember_or_owe(&mut self, updates: &[Update]) -> Result<(), MemoryError> {
        self.parts.memory.remember_or_owe(Arc::make_mut(&mut self.ledger), updates).await
    }

    /// The customer may have granted what is missing since the token was made.
    async fn renew_tokens(&mut self, plan: &Plan) {
        let denied = plan.reports.iter().any(|report| report.reason == Some(Reason::PermissionMissing));
        let now = self.parts.clock.now().uptime;
        if denied && now >= self.tokens_of + TOKEN_AGE {
            self.tokens_of = now;
            self.parts.cloud.forget_tokens().await;
        }
    }

    fn guardrail(&self) -> Arc<GuardrailFile> {
        self.parts.guardrail.read()
    }

    fn basis(&self, guardrail: &GuardrailFile) -> Basis {
        let view = self.parts.view.borrow();
        let fresh = view.fresh_until.is_some_and(|until| self.parts.clock.now().uptime < until);
        Basis {
            desired: view.desired.as_ref().map(|desired| (desired.version.epoch, desired.digest)),
            fresh,
            positions: self.switches.positions(),
            guardrail: guardrail.digest.clone(),
        }
    }

    /// Many agents that start together do not compare together.
    fn jittered(&self) -> Settings {
        let resync = self.parts.settings.resync.mul_f64(0.8 + 0.4 * self.parts.clock.fraction());
        Settings { resync: resync.max(Duration::from_secs(1)), ..self.parts.settings.clone() }
    }
}

#[cfg(test)]
fn spoiled(mut plan: Plan, spoil: fn(&mut Plan)) -> Plan {
    spoil(&mut plan);
    plan
}

/// The next round says that the disk is full, and tries again.
fn unless_full(round: Result<Duration, MemoryError>) -> Result<Duration, MemoryError> {
    match round {
        Err(MemoryError::Full(_)) => Ok(FULL_PAUSE),
        ended => ended,
    }
}

#[cfg(test)]
mod tests;
