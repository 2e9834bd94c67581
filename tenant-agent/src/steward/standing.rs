//! Tells how the agent stands: to the control plane, to `status`, and to the log.

use std::collections::BTreeMap;

use entente_model::desired::ItemKey;
use entente_model::report::{Finding, ItemReport, PlaneStanding, Reason, Standing};
use entente_model::{Plane, PlaneMode};
use entente_planner::guardrail::Guardrail;
use entente_planner::permission;
use entente_session::Status;
use tracing::error;

use super::{Look, Steward};
use crate::guardrail_file::GuardrailFile;
use crate::memory::MemoryError;
use crate::status_file::{AgentStatus, MAX_NAMED};

/// The text for people while the disk is full.
const FULL: &str = "the agent's disk is full: leavers are blocked and their memberships end, and nothing else is done or proven \
                    until there is room; make room, and it goes on by itself";

impl Steward {
    /// What a person should know besides the items.
    pub(super) fn alarms(&mut self, guardrail: &GuardrailFile, faults: &[String]) -> Vec<String> {
        let connected = self.parts.view.borrow().connected;
        self.hear(connected);
        let now = self.parts.clock.time();
        let broken =
            faults.iter().map(|fault| format!("the plan breaks a rule; only what it removes is carried out: {fault}"));
        // A service may have refuted that time since.
        self.heard = self.heard.map(|heard| heard.min(now));
        let silence = now.since(self.heard.unwrap_or(now));
        let after = guardrail.content.as_ref().ok().and_then(|content| content.provider_silent);
        let silent = after.filter(|silent| silence >= silent.after.0);
        let silent = silent.map(|silent| format!("the provider has been silent for longer than {}", silent.after));
        let mut alarms: Vec<_> = broken.chain(silent).chain(self.full.then(|| FULL.to_owned())).collect();
        alarms.iter().for_each(|alarm| error!(alarm, "needs a person"));
        // The log has it since it was found.
        alarms.extend(self.forgotten.clone());
        let refused = self.parts.cloud.credential_refused().map(|(text, _)| text);
        self.facts.tell_credential(refused.as_deref(), self.parts.clock.now().uptime);
        alarms.extend(refused);
        alarms
    }

    /// Notes when the control plane was last connected. If it never was, that time is now.
    pub(super) fn hear(&mut self, connected: bool) {
        if connected || self.heard.is_none() {
            self.heard = Some(self.parts.clock.time());
        }
    }

    pub(super) fn standing(&mut self, guardrail: &GuardrailFile, mut findings: Vec<Finding>) -> Standing {
        self.facts.note_guardrail(guardrail, self.parts.clock.time());
        let paused = self.switches.positions().paused || self.facts.revoke_all.is_some();
        let content = guardrail.content.as_ref().ok();
        let missing: Vec<_> = content.into_iter().flat_map(|content| self.missing_permissions(content)).collect();
        // The plan may have found them too.
        findings.extend(missing.into_iter().filter(|it| !findings.contains(it)).collect::<Vec<_>>());
        let own = |reason, detail| Finding { plane: Plane::Users.into(), reason, detail };
        findings.extend(self.forgotten.clone().map(|detail| own(Reason::NotOurs, detail)));
        findings.extend(self.full.then(|| own(Reason::AgentDiskFull, FULL.into())));
        let refused = self.parts.cloud.credential_refused();
        findings.extend(refused.map(|(detail, _)| own(Reason::CredentialRefused, detail)));
        let plane = |plane: Plane| PlaneStanding {
            plane: plane.into(),
            mode: content.map_or(PlaneMode::None, |content| content.mode(plane)).into(),
            verified: self.verified.get(&plane).copied(),
            unread_since: self.facts.unread_since.get(&plane).copied(),
        };
        Standing {
            compared: self.compared.clone(),
            paused,
            paused_since: paused.then(|| self.switches.paused_since()).flatten(),
            revoke_all: self.facts.revoke_all.clone(),
            guardrail_fault: self.facts.fault.as_ref().map(|(fault, _)| fault.clone()),
            guardrail_fault_since: self.facts.fault.as_ref().map(|(_, since)| *since),
            review_ends: content.map(|content| content.review_by.ends()),
            microsoft: self.facts.microsoft.clone(),
            guardrail: guardrail.digest.clone(),
            planes: Plane::ALL.iter().copied().map(plane).collect(),
            permissions: self.permissions.iter().flatten().cloned().collect(),
            credential_expires: self.parts.credential_expires,
            findings,
        }
    }

    pub(super) fn missing_permissions(&self, guardrail: &Guardrail) -> Vec<Finding> {
        let Some(permissions) = &self.permissions else { return Vec::new() };
        let missing = permission::missing(guardrail, permissions).into_iter();
        missing
            .map(|row| Finding {
                plane: row.plane.into(),
                reason: Reason::PermissionMissing,
                detail: permission::lack(row),
            })
            .collect()
    }

    /// Reports a look to the session and to `status`, and writes the reports.
    pub(super) async fn publish(&mut self, look: &Look) -> Result<(), MemoryError> {
        let items = by_key(look.plan.reports.clone());
        self.drift.look(&items, self.parts.clock.time());
        self.drift.told(self.parts.view.borrow().told);
        // Before the reports, so that a crash between the two repeats a note and does not lose it.
        self.keep_drift().await?;
        self.parts.memory.keep_reports(&self.reports, &items).await?;
        self.reports.clone_from(&items);
        self.named.clone_from(&look.plan.named);
        self.there.clone_from(&look.plan.there);
        self.tell(items, look.standing.clone(), &look.guardrail, &look.faults);
        Ok(())
    }

    pub(super) async fn keep_drift(&mut self) -> Result<(), MemoryError> {
        if let Some(notes) = self.drift.unkept() {
            self.parts.memory.keep_mended(notes).await?;
            self.drift.kept();
        }
        Ok(())
    }

    /// Reports how the agent stands now, with these items.
    pub(super) fn say(&mut self, items: BTreeMap<ItemKey, ItemReport>) {
        let guardrail = self.guardrail();
        let standing = self.standing(&guardrail, Vec::new());
        self.tell(items, standing, &guardrail, &[]);
    }

    /// Writes the status file and tells the session.
    fn tell(
        &mut self,
        items: BTreeMap<ItemKey, ItemReport>,
        standing: Standing,
        guardrail: &GuardrailFile,
        faults: &[String],
    ) {
        let status = Status { items, standing, mended: self.drift.mended() };
        let alarms = self.alarms(guardrail, faults);
        let now = self.parts.clock.time();
        let named = self.named.iter();
        let written = AgentStatus {
            alarms,
            deleted: self.deleted(),
            named: named.map(|(of, what)| (of.clone(), what.iter().take(MAX_NAMED).cloned().collect())).collect(),
            not_allowed: self.not_allowed_list(),
            last_connected: self.heard,
            ledger: Some(self.parts.memory.mark()),
            known_time: Some(self.parts.clock.known()),
            ..AgentStatus::of(now, &self.parts.view.borrow(), &status, &self.there)
        };
        self.file.keep(written);
        self.send(status);
    }
}

/// Reports by their items' keys.
pub(super) fn by_key(reports: Vec<ItemReport>) -> BTreeMap<ItemKey, ItemReport> {
    reports.into_iter().map(|report| (report.key.clone(), report)).collect()
}
