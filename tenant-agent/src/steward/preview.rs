//! Answers a request for a plan: what the agent would do now. "Nothing to do" is an answer only for a tenant that was
//! read.

use entente_model::plan::PlannedChange;
use entente_model::report::{ItemReport, ItemState, MicrosoftState, Reason};
use entente_planner::plan::Plan;

use super::Steward;

/// Reasons of waiting items that the agent could not look at.
const UNSEEN: [Reason; 7] = [
    Reason::Unread,
    Reason::Throttled,
    Reason::CloudUnavailable,
    Reason::CloudRefused,
    Reason::PermissionMissing,
    Reason::CredentialRefused,
    Reason::UnifiedRbacInactive,
];

impl Steward {
    /// What the agent would do now.
    pub(crate) async fn preview(&mut self) -> Result<Vec<PlannedChange>, String> {
        let Some(desired) = self.parts.view.borrow().desired.clone() else {
            return Err("no desired state is held yet: the control plane has sent none, or it was refused".into());
        };
        let look = self.look(&desired).await;
        match look.faults.first() {
            Some(fault) => Err(format!("the plan breaks a rule; only what it removes would be carried out: {fault}")),
            None => self.told(&look.plan),
        }
    }

    fn told(&self, plan: &Plan) -> Result<Vec<PlannedChange>, String> {
        let planned = plan.planned();
        match &self.facts.microsoft {
            _ if !planned.is_empty() => Ok(planned),
            Some(it) if it.state != MicrosoftState::SignedIn => {
                Err(format!("the tenant could not be looked at, so nothing is known: {}", it.detail))
            }
            _ => self.unread(&plan.reports).map_or(Ok(planned), Err),
        }
    }

    /// Why an empty plan does not mean that there is nothing to do.
    fn unread(&self, reports: &[ItemReport]) -> Option<String> {
        let unread: Vec<_> = reports.iter().filter(|report| is_unread(report)).collect();
        let planes: Vec<_> = self.facts.unread_since.keys().map(|plane| plane.word()).collect();
        let Some(first) = unread.first() else {
            return (!planes.is_empty())
                .then(|| format!("would do nothing now; not read whole: {}", planes.join(", ")));
        };
        let count = if unread.len() == 1 { "1 item".to_owned() } else { format!("{} items", unread.len()) };
        Some(format!("would do nothing now; {count} could not be read, the first is {}: {}", first.key, first.detail))
    }
}

fn is_unread(report: &ItemReport) -> bool {
    let waits = report.state == ItemState::Waiting && report.reason.is_some_and(|it| UNSEEN.contains(&it));
    waits || report.state == ItemState::Unproven
}
