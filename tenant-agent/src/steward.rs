//! The loop: observe, compare, act, observe again. Takes no input but its state; time and nudges wake it.
//!
//! One look is [`look`](Steward::look); carrying out what it allows is in `steward/apply.rs`; ending everything at the
//! customer's word in `steward/farewell.rs`. What to do is `entente-planner`'s, how to say it `entente-session`'s.

mod apply;
mod farewell;
mod wake;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use entente_cloud::Cloud;
use entente_model::desired::{Digest, Item, ItemKey, Version};
use entente_model::plan::PlannedChange;
use entente_model::report::{Finding, ItemReport, PlaneStanding, Reason, Standing};
use entente_model::{Guid, Plane, Timestamp};
use entente_planner::check;
use entente_planner::guardrail::Guardrail;
use entente_planner::ledger::Ledger;
use entente_planner::plan::{self, Input, Plan, Settings};
use entente_planner::{permission, reads};
use entente_seal::KeyId;
use entente_session::{Desired, Status, View};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info, info_span};

use crate::clock::{self, Clock};
use crate::guardrail_file::GuardrailFile;
use crate::memory::{Memory, MemoryError};
use crate::observe::{observe, planes_read};
use crate::status_file::StatusFile;
use crate::stream::PlanRequest;
use crate::switches::{Positions, Switches};

/// Between a round that acted and the look that follows: a mistake that acts for ever does not do so at full speed.
const RESPITE: Duration = Duration::from_millis(100);

/// How often a new token is asked for while a permission is missing: a person who has just granted it waits so long.
const TOKEN_AGE: Duration = Duration::from_secs(10);

/// What the loop has to do with.
#[derive(Debug)]
pub struct Parts {
    pub cloud: Cloud,
    pub memory: Memory,
    pub clock: Clock,
    pub settings: Settings,
    pub tenant: Guid,
    pub root: KeyId,
    pub guardrail: PathBuf,
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
    ledger: Ledger,
    reports: BTreeMap<ItemKey, ItemReport>,
    verified: BTreeMap<Plane, Timestamp>,
    settled: Option<Version>,
    permissions: Option<BTreeSet<String>>,
    /// When tokens were last thrown away, in uptime.
    tokens_of: Duration,
    /// When the control plane was last connected.
    heard: Option<Timestamp>,
    /// What the last round began from.
    seen: Option<Basis>,
    file: StatusFile,
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

/// One look at the tenant, and what follows from it.
struct Look {
    guardrail: GuardrailFile,
    basis: Basis,
    plan: Plan,
    /// Rules that the plan breaks: nothing of it is carried out.
    faults: Vec<String>,
    standing: Standing,
}

impl Steward {
    /// Reads what is remembered.
    pub async fn new(parts: Parts) -> Result<Self, MemoryError> {
        let ledger = parts.memory.ledger().await?;
        let reports = parts.memory.reports().await?;
        let (switches, file) = (Switches::of(&parts.state_dir), StatusFile::of(&parts.state_dir));
        Ok(Self {
            switches,
            ledger,
            reports,
            verified: BTreeMap::new(),
            settled: None,
            permissions: None,
            tokens_of: Duration::ZERO,
            heard: StatusFile::read(&parts.state_dir).ok().flatten().and_then(|status| status.last_connected),
            seen: None,
            file,
            parts,
        })
    }

    /// Runs until it is cancelled, or cannot remember any more. Finishes the step that is under way.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), MemoryError> {
        loop {
            let next = self.round(&cancel).instrument(info_span!("round")).await?;
            if cancel.is_cancelled() {
                return Ok(());
            }
            self.wait(next, &cancel).await;
        }
    }

    /// Looks, acts, and says when to look again.
    pub(crate) async fn round(&mut self, cancel: &CancellationToken) -> Result<Duration, MemoryError> {
        self.seen = Some(self.basis(&self.guardrail()));
        if self.switches.positions().revoke_all {
            return self.farewell(cancel).await;
        }
        let Some(desired) = self.parts.view.borrow().desired.clone() else {
            self.say_nothing_held();
            return Ok(self.parts.settings.resync);
        };
        let look = self.look(&desired).await;
        let updates = look.plan.updates.clone();
        self.parts.memory.remember(&mut self.ledger, &updates).await?;
        self.publish(&look).await?;
        self.renew_tokens(&look.plan).await;
        if !look.faults.is_empty() {
            return Ok(self.parts.settings.resync);
        }
        let acted = self.apply(&look, cancel).await?;
        Ok(if acted { RESPITE } else { self.until(look.plan.next_wake) })
    }

    /// Observes and plans. Writes nothing, anywhere.
    async fn look(&mut self, desired: &Desired) -> Look {
        let guardrail = self.guardrail();
        let basis = self.basis(&guardrail);
        let items: BTreeMap<ItemKey, Item> =
            desired.items.iter().map(|item| (item.key.clone(), item.clone())).collect();
        let set = reads::reads(&items, &self.ledger, guardrail.content.as_ref().ok());
        let observed = observe(&self.parts.cloud, &set).await;
        // Asked for after the reads: they have fetched the token that it comes with.
        self.permissions = self.parts.cloud.permissions().await.ok();
        let now = clock::wall();
        for plane in planes_read(&observed) {
            self.verified.insert(plane, now);
        }
        let settings = self.jittered();
        let input = Input {
            version: desired.version,
            items: &items,
            observed: &observed,
            ledger: &self.ledger,
            guardrail: guardrail.content.as_ref(),
            paused: basis.positions.paused,
            lease_fresh: basis.fresh,
            permissions: self.permissions.as_ref(),
            settings: &settings,
            now,
        };
        let mut plan = plan::plan(&input);
        let faults = check::check(&plan, &input);
        let faults: Vec<_> = faults.iter().map(|fault| format!("{}: {}", fault.rule, fault.detail)).collect();
        plan::carry_since(&self.reports, &mut plan.reports);
        if plan.is_settled() && faults.is_empty() {
            self.settled = Some(desired.version);
        }
        let standing = self.standing(&guardrail, basis.positions.paused, plan.findings.clone());
        Look { guardrail, basis, plan, faults, standing }
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

    /// What a person should know beside how the items stand.
    fn alarms(&mut self, guardrail: &GuardrailFile, faults: &[String]) -> Vec<String> {
        let now = clock::wall();
        if self.parts.view.borrow().connected || self.heard.is_none() {
            self.heard = Some(now);
        }
        let broken = faults.iter().map(|fault| format!("the plan breaks a rule and is not carried out: {fault}"));
        let silence = now.since(self.heard.unwrap_or(now));
        let after = guardrail.content.as_ref().ok().and_then(|content| content.provider_silent);
        let silent = after.filter(|silent| silence >= silent.after.0);
        let silent = silent.map(|silent| format!("the provider has been silent for longer than {}", silent.after));
        let alarms: Vec<_> = broken.chain(silent).collect();
        alarms.iter().for_each(|alarm| error!(alarm, "needs a person"));
        alarms
    }

    fn guardrail(&self) -> GuardrailFile {
        GuardrailFile::read(&self.parts.guardrail, self.parts.tenant, self.parts.root)
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
        let resync = self.parts.settings.resync.mul_f64(0.8 + 0.4 * rand::random::<f64>());
        Settings { resync: resync.max(Duration::from_secs(1)), ..self.parts.settings.clone() }
    }

    fn standing(&self, guardrail: &GuardrailFile, paused: bool, mut findings: Vec<Finding>) -> Standing {
        let content = guardrail.content.as_ref().ok();
        findings.extend(content.into_iter().flat_map(|content| self.missing_permissions(content)));
        let plane = |plane: Plane| PlaneStanding {
            plane,
            mode: content.map_or(entente_model::PlaneMode::None, |content| content.mode(plane)),
            verified: self.verified.get(&plane).copied(),
        };
        Standing {
            settled: self.settled.map(|version| (version.epoch, version.revision)),
            paused,
            guardrail_fault: guardrail.fault(),
            guardrail: guardrail.digest.clone(),
            planes: Plane::ALL.into_iter().filter(|plane| plane.is_implemented()).map(plane).collect(),
            permissions: self.permissions.iter().flatten().cloned().collect(),
            credential_expires: self.parts.credential_expires,
            findings,
        }
    }

    fn missing_permissions(&self, guardrail: &Guardrail) -> Vec<Finding> {
        let Some(permissions) = &self.permissions else { return Vec::new() };
        let missing = permission::missing(guardrail, permissions).into_iter();
        missing
            .map(|row| Finding {
                plane: row.plane,
                reason: Reason::PermissionMissing,
                detail: format!("{}: to {}", row.name, row.why),
            })
            .collect()
    }

    /// Tells the session and `status`, and remembers since when things are as they are.
    async fn publish(&mut self, look: &Look) -> Result<(), MemoryError> {
        let items: BTreeMap<_, _> =
            look.plan.reports.iter().map(|report| (report.key.clone(), report.clone())).collect();
        self.parts.memory.keep_reports(&self.reports, &items).await?;
        self.reports.clone_from(&items);
        let status = Status { items, standing: look.standing.clone() };
        let alarms = self.alarms(&look.guardrail, &look.faults);
        self.show(&status, alarms);
        self.parts.status.send_replace(Some(Arc::new(status)));
        Ok(())
    }

    fn show(&mut self, status: &Status, alarms: Vec<String>) {
        self.file.write(&self.parts.view.borrow(), status, alarms, self.heard);
    }

    /// No state yet, or one that does not verify: the agent stands and says so, and touches nothing.
    fn say_nothing_held(&mut self) {
        let guardrail = self.guardrail();
        let standing = self.standing(&guardrail, self.switches.positions().paused, Vec::new());
        let status = Status { items: self.reports.clone(), standing };
        let alarms = self.alarms(&guardrail, &[]);
        self.show(&status, alarms);
        // Of items nothing is known now: only the standing is told, beside what was told before.
        self.parts.status.send_replace(Some(Arc::new(status)));
        info!("no desired state is held yet");
    }

    /// What would be done now.
    pub(crate) async fn preview(&mut self) -> Result<Vec<PlannedChange>, String> {
        let Some(desired) = self.parts.view.borrow().desired.clone() else {
            return Err("no desired state is held yet: the control plane has sent none, or it was refused".into());
        };
        let look = self.look(&desired).await;
        match look.faults.first() {
            Some(fault) => Err(format!("the plan breaks a rule and would not be carried out: {fault}")),
            None => Ok(look.plan.planned()),
        }
    }
}

#[cfg(test)]
mod tests;
