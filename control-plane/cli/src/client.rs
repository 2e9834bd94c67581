//! The three services over one mutual-TLS channel.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use entente_proto::access::v1::access_service_client::AccessServiceClient;
use entente_proto::access::v1::admin_service_client::AdminServiceClient;
use entente_proto::channel::{Identity, channel, client_config};
use entente_proto::fleet::v1::fleet_service_client::FleetServiceClient;
use tonic::transport::Channel;

use crate::context::Context;
use crate::failure::Failure;

/// Longest wait for one answer. The largest set of manifests takes a few seconds; watching has no limit.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// Largest answer: a page of 1,000 of the largest resources.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// What a command talks to.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) access: AccessServiceClient<Channel>,
    pub(crate) admin: AdminServiceClient<Channel>,
    pub(crate) fleet: FleetServiceClient<Channel>,
}

impl Client {
    pub(crate) fn new(context: &Context) -> Result<Self, Failure> {
        let (ca, certificate, key) = (read(&context.ca)?, read(&context.certificate)?, read(&context.key)?);
        let identity = Identity { certificate_pem: &certificate, key_pem: &key };
        let unusable = |error: entente_proto::channel::ChannelError| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            Failure::Failed(format!("the context cannot be used: {error}{cause}"))
        };
        let tls = client_config(&ca, Some(identity)).map_err(unusable)?;
        let channel = channel(&context.server, Arc::new(ArcSwap::from_pointee(tls))).map_err(unusable)?;
        Ok(Self {
            access: AccessServiceClient::new(channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES),
            admin: AdminServiceClient::new(channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES),
            fleet: FleetServiceClient::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES),
        })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::Failed(format!("cannot read {}: {error}", path.display())))
}

/// A request with a deadline.
pub(crate) fn within<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.set_timeout(CALL_TIMEOUT);
    request
}

/// A fresh id, so that a call that is repeated by the network is carried out once.
pub(crate) fn request_id() -> String {
    uuid::Uuid::new_v4().to_string()
}
