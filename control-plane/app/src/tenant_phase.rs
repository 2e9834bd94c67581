//! The phases in which a tenant can be, in their order. What each follows from is [`crate::reports`]'s.

use crate::word::words;

words! {
    /// In one word.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
    pub enum TenantPhase {
        /// The agent was revoked, and no other has enrolled: what it gave is still there.
        AgentRevoked = "AGENT_REVOKED",
        /// The customer takes back everything that the agent gave.
        RevokeAllRunning = "REVOKE_ALL_RUNNING",
        /// The customer has taken back everything.
        RevokeAllDone = "REVOKE_ALL_DONE",
        /// Nothing is sent until a person acts.
        Parked = "PARKED",
        /// The customer has paused the agent.
        Paused = "PAUSED",
        /// The customer's guardrail is missing or cannot be used.
        GuardrailFault = "GUARDRAIL_FAULT",
        /// The guardrail's day of review is over.
        ReviewPast = "REVIEW_PAST",
        /// Microsoft refuses the agent's credential.
        CannotSignIn = "CANNOT_SIGN_IN",
        /// Microsoft does not answer the agent.
        CloudUnreachable = "CLOUD_UNREACHABLE",
        Offline = "OFFLINE",
        /// No agent has enrolled.
        Unenrolled = "UNENROLLED",
        /// The agent has work to do.
        Converging = "CONVERGING",
        /// Something is refused, held or drifted, or there is something that should not be.
        Partial = "PARTIAL",
        /// Something waits for Microsoft or a person, or was not read.
        Waiting = "WAITING",
        /// Every item is applied or removed, as read back.
        Converged = "CONVERGED",
    }

    /// If several phases hold, the first of this list is said. The list begins with phases in which everything ends. Phases
    /// follow that keep everything new away; PARKED is the first of them, as a parked tenant gets nothing new whatever its
    /// customer resumes or mends. Then come phases in which the agent cannot work, and then work that is not done yet.
    pub const PRECEDENCE;
}

impl TenantPhase {
    /// The phase of that word, if this version has it.
    pub fn of(word: &str) -> Option<Self> {
        Self::PRECEDENCE.iter().copied().find(|phase| phase.word() == word)
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
