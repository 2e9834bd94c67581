//! Why the control plane ends an agent's stream.

/// The last word on a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoAwayReason {
    /// The server stops; the agent comes back.
    Shutdown,
    /// A newer stream of this agent took over.
    Displaced,
    /// The agent's certificate is no longer accepted; it does not come back.
    Revoked,
    /// Two agents answer under one identity.
    Clone,
    /// Too many at once; the agent comes back later.
    Overloaded,
    /// The agent broke the protocol, or no protocol is spoken by both.
    Protocol,
    /// The store has not caught up with the agent; it comes back later.
    Behind,
    /// The certificate is not one that is accepted here, and nobody has revoked it: it may be later.
    NotKnown,
    /// One that this version does not know. Never sent.
    Other,
}

impl GoAwayReason {
    /// For logs and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Shutdown => "shutdown",
            Self::Displaced => "displaced",
            Self::Revoked => "revoked",
            Self::Clone => "clone",
            Self::Overloaded => "overloaded",
            Self::Protocol => "protocol",
            Self::Behind => "behind",
            Self::NotKnown => "not known",
            Self::Other => "other",
        }
    }
}
