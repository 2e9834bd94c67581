//! A full disk: what the loop does about it, and how it is told. What goes on meanwhile is `steward/first.rs`.

use entente_model::Plane;
use entente_model::report::{Finding, Reason};
use entente_session::Status;
use tracing::info;

use super::Steward;
use crate::memory::MemoryError;

/// What a person reads.
const TEXT: &str = "the agent's disk is full: leavers are blocked and their memberships end, and nothing else is done or proven \
                    until there is room; make room, and it goes on by itself";

impl Steward {
    /// Whether there is no room to remember anything. What is owed is written as soon as there is.
    pub(super) async fn is_full(&mut self) -> Result<bool, MemoryError> {
        match self.parts.memory.settle().await {
            Err(MemoryError::Full(_)) => {
                self.say_full();
                return Ok(true);
            }
            settled => settled?,
        }
        if std::mem::take(&mut self.full) {
            // What was about to be done when the disk became full may stand there, and was not done.
            self.ledger = self.parts.memory.ledger().await?;
            info!("the disk has room again: the agent goes on");
        }
        Ok(false)
    }

    /// Once: a log that grows every second is not what a full disk needs.
    fn say_full(&mut self) {
        if std::mem::replace(&mut self.full, true) {
            return;
        }
        let guardrail = self.guardrail();
        let standing = self.standing(&guardrail, Vec::new());
        let status = Status { items: self.reports.clone(), standing, mended: self.drift.mended() };
        let alarms = self.alarms(&guardrail, &[]);
        self.show(&status, alarms);
        self.send(status);
    }

    pub(super) fn full_finding(&self) -> Option<Finding> {
        let finding = || Finding { plane: Plane::Users.into(), reason: Reason::AgentDiskFull, detail: TEXT.into() };
        self.full.then(finding)
    }

    pub(super) fn full_alarm(&self) -> Option<String> {
        self.full.then(|| TEXT.to_owned())
    }
}
