//! Tests whether a service answers: one request without a token, along the path of all calls (proxy, authorities, TLS).
//! Only fault finding uses it.
//!
//! Any answer means that the service is reached. Only the time in it is used.

use reqwest::Method;

use crate::Cloud;
use crate::call::Service;
use crate::transport::{Exchange, Via, root_cause};

/// What an agent has to reach at Microsoft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Login,
    Graph,
    Arm,
}

impl Cloud {
    /// The service's address: `https://graph.microsoft.com`.
    pub fn address(&self, door: Door) -> &str {
        let endpoints = &self.client.endpoints;
        match door {
            Door::Login => &endpoints.login,
            Door::Graph => &endpoints.graph,
            Door::Arm => &endpoints.arm,
        }
    }

    /// Reaches the service over a new connection, or returns why not, in one sentence.
    ///
    /// # Errors
    /// The connection's error, without the address of a proxy.
    pub async fn knock(&self, door: Door) -> Result<(), String> {
        let wire = &self.client.wire;
        let request = wire.transport.client(Via::Fresh).request(Method::GET, self.address(door)).build();
        let service = match door {
            Door::Login => Service::Login,
            Door::Graph => Service::Graph,
            Door::Arm => Service::Arm,
        };
        match wire.exchange(service, Via::Fresh, request).await {
            Exchange::Reply(_) | Exchange::TooLarge(_) => Ok(()),
            Exchange::NotSent(cause) | Exchange::Lost(cause) => Err(root_cause(&*cause)),
        }
    }

    /// Whether there is a token for Azure Resource Manager. For Graph, use [`Cloud::permissions`].
    pub async fn sign_in_to_arm(&self) -> crate::Answer<()> {
        self.client.bearer(Service::Arm).await.map(drop)
    }
}
