//! What all requests to the services go through: the gates before, and learning from each answer after.
//!
//! It knows nothing about tokens, budgets or the meaning of an answer. `client.rs` and `tokens.rs` send through it.

use std::sync::Arc;

use reqwest::Request;

use crate::call::{Call, Service};
use crate::config::{Config, ConfigError, Patience};
use crate::failure::{Answer, Failure};
use crate::gate::Gates;
use crate::server_time::ServerClock;
use crate::transport::{Exchange, Reply, Transport, Via};

#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) transport: Transport,
    pub(crate) time: ServerClock,
    gates: Gates,
    patience: Patience,
}

impl Wire {
    pub(crate) fn new(config: &Config) -> Result<Wire, ConfigError> {
        let patience = config.patience.clone();
        let gates = Gates::new(patience.first_wait);
        Ok(Wire { transport: Transport::new(config)?, time: ServerClock::default(), gates, patience })
    }

    /// Waits at the gate of the call's service. If the wait would be too long, the call is throttled without being
    /// sent.
    pub(crate) async fn pass(&self, call: &Call) -> Answer<()> {
        let passed = self.gates.of(call.service).pass(call.revocation, self.patience.longest_wait).await;
        passed.map_err(|retry_after| Failure::Throttled { call: call.name, retry_after, refusal: None })
    }

    pub(crate) async fn exchange(
        &self,
        service: Service,
        via: Via,
        request: Result<Request, reqwest::Error>,
    ) -> Exchange {
        let request = match request {
            Ok(request) => request,
            Err(error) => return Exchange::NotSent(Arc::new(error.without_url())),
        };
        let mut exchange = self.transport.exchange(via, request).await;
        if let Exchange::Reply(reply) = &mut exchange {
            if let Some(date) = reply.date {
                self.time.learn(service, date);
            }
            self.learn(service, reply);
        }
        exchange
    }

    /// Sets on an answer that closed its service's gate how long it stays closed, whether the answer named a time or
    /// not.
    pub(crate) fn learn(&self, service: Service, reply: &mut Reply) {
        if let Some(closed) = self.gates.of(service).learn(reply, rand::random()) {
            reply.retry_after = Some(closed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;
    use crate::{Credential, Endpoints, NationalCloud};

    fn wire() -> Arc<Wire> {
        let credential = Credential::ClientSecret { client_id: Default::default(), secret_file: Default::default() };
        let config = Config::new(Default::default(), Endpoints::of(NationalCloud::Global), credential);
        Arc::new(Wire::new(&config).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_takes_access_away_goes_first_when_its_services_gate_opens() {
        let wire = wire();
        let mut reply = Reply { retry_after: Some(Duration::from_secs(3)), ..Reply::bare(429) };
        wire.learn(Service::Graph, &mut reply);
        let read = Call::read(Service::Graph, "read", String::new());
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut walks = Vec::new();
        for call in [read.clone(), read.clone(), Call { name: "remove", ..read.clone() }.revocation(), read.clone()] {
            let (wire, order) = (wire.clone(), order.clone());
            walks.push(tokio::spawn(async move {
                wire.pass(&call).await.unwrap();
                order.lock().unwrap().push(call.name);
            }));
            tokio::task::yield_now().await;
        }
        wire.pass(&Call { service: Service::Arm, ..read }).await.unwrap();
        assert!(order.lock().unwrap().is_empty(), "another service's gate stays open");
        for walk in walks {
            walk.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), ["remove", "read", "read", "read"]);
    }
}
