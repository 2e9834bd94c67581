//! The loop: it observes, compares, acts, and observes again. It keeps no input queue: time and nudges wake it, and it
//! looks at its state.
//!
//! In a round, `first` acts for leavers before a look, `sign` signs the proofs of a look, `apply` carries it out, and
//! `standing` reports it with what `facts` and `drift` know. `farewell` and `not_allowed` take access away at the
//! customer's word, and `preview` answers a request for a plan. `wake` and `switches` run between rounds. The planner
//! decides what to do, and the session how to report it.

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
mod switches;
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
use crate::memory::{Memory, MemoryError, unless_full};
use crate::observe::reach::planes_read;
use crate::receipt::Receipt;
use crate::status_file::StatusFile;
use crate::stream::PlanRequest;
use crate::switches::{Positions, Switches};
use crate::tenant::Tenant;

/// Pause between a round that acted and the next look, so that a mistake that acts forever does not do so at full
/// speed.
const RESPITE: Duration = Duration::from_millis(100);

/// Pause between looks while plans break a rule. Removals go on; a person has to see to the rest.
const AFTER_FAULT: Duration = Duration::from_secs(30);

/// Time for one part of a look before it counts as unread. Microsoft answers in a tenth of a second, and a throttled
/// read says how long to wait.
const LOOK_BUDGET: Duration = Duration::from_secs(20);

/// How often the agent asks for a new token while a permission is missing: a person who grants it waits that long.
const TOKEN_AGE: Duration = Duration::from_secs(10);

/// The store looks for room once a second.
const FULL_PAUSE: Duration = Duration::from_secs(1);

/// What the loop is connected to.
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
    /// Tells the session what the loop found.
    pub status: watch::Sender<Option<Arc<Status>>>,
}

/// The loop and its state.
#[derive(Debug)]
pub struct Steward {
    parts: Parts,
    switches: Switches,
    /// Shared with a plan that is being made.
    ledger: Arc<Ledger>,
    reports: BTreeMap<ItemKey, ItemReport>,
    /// Which items the last look found present or absent. For `who` only.
    there: BTreeMap<ItemKey, bool>,
    /// What others hold, by name. For `status` only.
    named: BTreeMap<String, BTreeSet<String>>,
    verified: BTreeMap<Plane, Timestamp>,
    /// Digest of the desired state of the last look.
    compared: String,
    permissions: Option<BTreeSet<String>>,
    /// Whether Microsoft has told the time in this run.
    has_time: bool,
    /// Uptime when the tokens were last dropped.
    tokens_of: Duration,
    /// When the control plane was last connected.
    heard: Option<Timestamp>,
    /// What the ledger has lost since the last run, if anything.
    forgotten: Option<String>,
    /// The disk is full, and the agent has said so.
    full: bool,
    /// The receipt of `revoke-all`, while the disk has no room for it.
    unkept_receipt: Option<Receipt>,
    /// Remove everything, as if the switch were on.
    insists: bool,
    facts: facts::Facts,
    drift: drift::Drift,
    not_allowed: Found,
    /// The basis of the last round.
    seen: Option<Basis>,
    file: StatusFile,
    /// Lets a test break a rule in a plan, which the planner never should.
    #[cfg(test)]
    pub(crate) spoil: Option<fn(&mut Plan)>,
}

/// What a plan was made from and what may change while it is carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Basis {
    /// Epoch and content. A new revision alone changes nothing.
    desired: Option<(u64, Digest)>,
    fresh: bool,
    positions: Positions,
    guardrail: String,
}

/// What the last look found that the file no longer allows.
#[derive(Debug, Default)]
struct Found {
    /// Digest of that file.
    guardrail: String,
    found: Vec<NotAllowed>,
}

/// One look at the tenant and its plan.
struct Look {
    guardrail: Arc<GuardrailFile>,
    basis: Basis,
    plan: Plan,
    /// Rules that the plan breaks.
    faults: Vec<String>,
    /// The part of the plan that is carried out: all that it allows, if it breaks no rule.
    salvage: Salvage,
    standing: Standing,
}

impl Steward {
    /// Reads the memory.
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

    /// Runs until it is cancelled or the memory fails. It finishes the step that is under way.
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

    /// Looks and acts once, and returns when to look again. While the disk is full, it only blocks leavers.
    pub(crate) async fn round(&mut self, cancel: &CancellationToken) -> Result<Duration, MemoryError> {
        self.seen = Some(self.basis(&self.guardrail()));
        if self.switches.positions().revoke_all {
            let is_full = self.is_full().await?;
            return wait_for_room(self.ending(is_full, cancel).await);
        }
        // Left over from a `revoke-all` that the customer has taken back.
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
            // Nothing is known of the items now, so the last reports stand.
            self.say(self.reports.clone());
            info!("no desired state is held yet");
            return Ok(self.parts.settings.resync);
        };
        wait_for_room(self.revoke_and_compare(&desired, cancel).await)
    }

    async fn revoke_and_compare(
        &mut self,
        desired: &Desired,
        cancel: &CancellationToken,
    ) -> Result<Duration, MemoryError> {
        let revoked = self.revoke(cancel).await?;
        let wait = self.compare(desired, cancel).await?;
        Ok(revoked.map_or(wait, |it| it.min(wait)))
    }

    /// Whether the disk is full. Writes owed updates as soon as there is room.
    async fn is_full(&mut self) -> Result<bool, MemoryError> {
        if unless_full(self.parts.memory.settle().await)?.is_none() {
            // Only once, as a log that grows every second does not help a full disk.
            if !std::mem::replace(&mut self.full, true) {
                self.say(self.reports.clone());
            }
            return Ok(true);
        }
        if std::mem::take(&mut self.full) {
            // The ledger in memory may hold an intent that was neither written nor carried out.
            self.ledger = Arc::new(self.parts.memory.ledger().await?);
            info!("the disk has room again: the agent goes on");
        }
        Ok(false)
    }

    /// The newest state, while the disk has no room for it. The control plane sends it again once there is room.
    fn unkept(&self) -> Option<Arc<Desired>> {
        self.parts.view.borrow().unkept.clone().filter(|_| self.parts.memory.is_behind())
    }

    /// Looks, reports, and acts.
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

    /// Observes and plans. Changes nothing in the tenant or on disk.
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
        // A state's lease arrives right after it, usually while the tenant is read. A lease that has ended meanwhile
        // counts as ended.
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

    /// Collects what a plan is made from.
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

    /// Looks at the tenant, by Microsoft's time if it is known.
    async fn observe(&mut self, set: &reads::ReadSet) -> Observed {
        if !self.has_time {
            // The answer with the token carries Microsoft's time, by which the reads are then dated.
            self.permissions = self.parts.cloud.sign_in().await.ok();
            self.hear_time();
        }
        let begun = self.parts.clock.moment();
        let mut observed = self.parts.cloud.observe(set, begun, LOOK_BUDGET).await;
        // After the reads, which have fetched the token.
        let signed_in = self.parts.cloud.sign_in().await;
        self.hear_time();
        let refused = self.parts.cloud.credential_refused().map(|(text, _)| text);
        let unsigned = signed_in.as_ref().err().cloned();
        self.permissions = signed_in.ok();
        self.facts.note_look(refused, unsigned, &observed, self.parts.clock.time());
        // Microsoft may have told the time only during this look.
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

    /// Drops the tokens while a permission is missing, as the customer may have granted it since.
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

    /// Spreads looks, so that agents that start together do not compare together.
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

/// On a full disk, ends the round. The next one reports it and tries again.
fn wait_for_room(round: Result<Duration, MemoryError>) -> Result<Duration, MemoryError> {
    Ok(unless_full(round)?.unwrap_or(FULL_PAUSE))
}

#[cfg(test)]
mod tests;
