//! The phases in which a tenant can be, in their order. What each follows from is [`crate::reports`]'s.

/// In one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TenantPhase {
    /// The agent was revoked, and no other has enrolled: what it gave is still there.
    AgentRevoked,
    /// The customer takes back everything that the agent gave.
    RevokeAllRunning,
    /// The customer has taken back everything.
    RevokeAllDone,
    /// Nothing is sent until a person acts.
    Parked,
    /// The customer has paused the agent.
    Paused,
    /// The customer's guardrail is missing or cannot be used.
    GuardrailFault,
    /// The guardrail's day of review is over.
    ReviewPast,
    /// Microsoft refuses the agent's credential.
    CannotSignIn,
    /// Microsoft does not answer the agent.
    CloudUnreachable,
    Offline,
    /// No agent has enrolled.
    Unenrolled,
    /// The agent has work to do.
    Converging,
    /// Something is refused, held or drifted, or there is something that should not be.
    Partial,
    /// Something waits for Microsoft or a person, or was not read.
    Waiting,
    /// Every item is applied or removed, as read back.
    Converged,
}

impl TenantPhase {
    /// If several phases hold, the first of this list is said. The list begins with phases in which everything ends. Phases
    /// follow that keep everything new away; PARKED is the first of them, as a parked tenant gets nothing new whatever its
    /// customer resumes or mends. Then come phases in which the agent cannot work, and then work that is not done yet.
    pub const PRECEDENCE: [Self; 15] = [
        Self::AgentRevoked,
        Self::RevokeAllRunning,
        Self::RevokeAllDone,
        Self::Parked,
        Self::Paused,
        Self::GuardrailFault,
        Self::ReviewPast,
        Self::CannotSignIn,
        Self::CloudUnreachable,
        Self::Offline,
        Self::Unenrolled,
        Self::Converging,
        Self::Partial,
        Self::Waiting,
        Self::Converged,
    ];

    /// As in the API, without its prefix.
    pub fn word(self) -> &'static str {
        match self {
            Self::AgentRevoked => "AGENT_REVOKED",
            Self::RevokeAllRunning => "REVOKE_ALL_RUNNING",
            Self::RevokeAllDone => "REVOKE_ALL_DONE",
            Self::Parked => "PARKED",
            Self::Paused => "PAUSED",
            Self::GuardrailFault => "GUARDRAIL_FAULT",
            Self::ReviewPast => "REVIEW_PAST",
            Self::CannotSignIn => "CANNOT_SIGN_IN",
            Self::CloudUnreachable => "CLOUD_UNREACHABLE",
            Self::Offline => "OFFLINE",
            Self::Unenrolled => "UNENROLLED",
            Self::Converging => "CONVERGING",
            Self::Partial => "PARTIAL",
            Self::Waiting => "WAITING",
            Self::Converged => "CONVERGED",
        }
    }

    /// The phase of that word, if this version has it.
    pub fn of(word: &str) -> Option<Self> {
        Self::PRECEDENCE.into_iter().find(|phase| phase.word() == word)
    }

    /// Whether only the agent's last report says it. An agent that is not connected may have left the phase since.
    pub(crate) fn is_by_the_agents_word(self) -> bool {
        use TenantPhase::*;
        matches!(
            self,
            RevokeAllRunning | RevokeAllDone | Paused | GuardrailFault | ReviewPast | CannotSignIn | CloudUnreachable
        )
    }
}
