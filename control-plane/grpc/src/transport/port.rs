//! The server's ports, and who each of them is for.

use entente_app::pki::Who;

/// Which of the server's ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Port {
    /// People and programs of the service provider: a client certificate is required.
    Api,
    /// Agents: a client certificate is optional at the handshake, as one that enrols has none yet.
    Agents,
    /// Prometheus: a client certificate is required.
    Metrics,
}

impl Port {
    /// As in logs and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Agents => "agents",
            Self::Metrics => "metrics",
        }
    }

    pub(super) fn protocols(self) -> Vec<Vec<u8>> {
        match self {
            Self::Api | Self::Agents => vec![b"h2".to_vec()],
            Self::Metrics => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        }
    }

    /// Agents have a port of their own, which serves agents only.
    pub(super) fn is_for(self, who: &Who) -> bool {
        match self {
            Self::Agents => matches!(who, Who::Agent(_)),
            Self::Api | Self::Metrics => matches!(who, Who::Principal(_)),
        }
    }
}
