//! Findings: what an agent reports beside the items. Each finding says that something is not as it should be, also one with a
//! reason of a later version. So a tenant with a finding is not converged.

use entente_model::report::advice::Move;
use entente_model::report::{Finding, Reason, Standing};
use entente_model::{Plane, PlaneMode};

use super::whose::{self, Party};

/// The finding that is the first to be acted on, and how many there are.
pub(super) struct Found<'a> {
    first: &'a Finding,
    pub(super) party: Party,
    more: usize,
}

impl<'a> Found<'a> {
    pub(super) fn of(standing: &'a Standing) -> Option<Self> {
        let parties = standing.findings.iter().map(|it| (whose_is(standing, it), it));
        let (party, first) = parties.min_by_key(|(party, _)| *party)?;
        Some(Self { first, party, more: standing.findings.len() - 1 })
    }

    /// `memberships DRIFT_EXTRA: user 7 is in group ent-l1 without an item`.
    pub(super) fn why(&self) -> String {
        let Finding { plane, reason, detail } = self.first;
        let more = if self.more == 0 { String::new() } else { format!("; and {} more", self.more) };
        format!("found on {}, {}: {detail}{more}", plane.word(), reason.word())
    }

    pub(super) fn todo(&self) -> String {
        match (self.party, self.first.reason) {
            (Party::Agent, _) => whose::GOES_ON.into(),
            (_, Reason::Later(_)) => "update the control plane".into(),
            (_, Reason::DriftExtra) => {
                "take it away in the tenant: the agent takes out members alone, and those on a plane that it manages"
                    .into()
            }
            (_, reason) => reason.advice().1.into(),
        }
    }
}

/// Whether the agent is about to mend something that it found.
pub(super) fn is_mended(standing: &Standing) -> bool {
    // What is extra is no named removal: it stays while these hold.
    let stays = standing.paused || standing.guardrail_fault.is_some();
    !stays && standing.findings.iter().any(|it| whose_is(standing, it) == Party::Agent)
}

fn whose_is(standing: &Standing, finding: &Finding) -> Party {
    if finding.reason == Reason::DriftExtra {
        return if is_taken_out(standing, finding) { Party::Agent } else { Party::Customer };
    }
    match finding.reason.advice().0 {
        Move::Nobody | Move::Clock => Party::Agent,
        Move::Provider | Move::Operator => Party::Provider,
        Move::Customer | Move::Both => Party::Customer,
    }
}

/// The agent takes out who is in a group of ours without an item, and takes away no right that others gave.
fn is_taken_out(standing: &Standing, finding: &Finding) -> bool {
    let mut planes = standing.planes.iter().filter(|it| it.plane == Plane::Memberships);
    finding.plane == Plane::Memberships && planes.any(|it| it.mode == PlaneMode::Manage)
}
