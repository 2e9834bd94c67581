//! Why the control plane ends an agent's stream.

/// The last message on a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoAwayReason {
    /// The server stops; the agent comes back.
    Shutdown,
    /// A newer stream of this agent took over.
    Displaced,
    /// The agent's certificate is no longer accepted; it does not come back.
    Revoked,
    /// Two agents share one identity.
    Clone,
    /// Too many agents at once; the agent comes back later.
    Overloaded,
    /// The agent broke the protocol, or both sides have no protocol version in common.
    Protocol,
    /// The store has not caught up with the agent; it comes back later.
    Behind,
    /// The server does not accept the certificate now, but has not revoked it. It may accept it later.
    NotKnown,
    /// A reason that this version does not know. Never sent.
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
