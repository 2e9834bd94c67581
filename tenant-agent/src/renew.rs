//! Renews the certificate at two thirds of its life, with a new key.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use entente_proto::agent::v1::RenewRequest;
use entente_proto::agent::v1::agent_service_client::AgentServiceClient;
use rustls::ClientConfig;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tracing::{info, warn};

use crate::clock;
use crate::enroll::signing_request;
use crate::files::FileError;
use crate::guardrail_file::chain;
use crate::identity::{Identity, Signer, SignerError};

/// Wait after a failure. A third of a certificate's life is days, so there is time for many attempts.
const RETRY: Duration = Duration::from_secs(300);

/// Longest sleep, so that the agent notices within an hour that the host itself slept.
const LONGEST_SLEEP: Duration = Duration::from_secs(3_600);

/// An answer takes the server one commit. A link that gives none within this time is dead.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub struct Renewal {
    pub identity: Identity,
    pub state_dir: PathBuf,
    pub channel: Channel,
    pub tls: Arc<ArcSwap<ClientConfig>>,
    /// Signs proofs with the newest key.
    pub signer: Arc<ArcSwap<Signer>>,
    /// Notified once the new certificate is in use.
    pub renewed: Arc<Notify>,
}

/// Why the certificate was not renewed. The present one stays in use.
#[derive(Debug, thiserror::Error)]
enum RenewError {
    #[error("a key or a signing request could not be made")]
    Key(#[from] rcgen::Error),
    #[error("the control plane did not renew it")]
    Refused(#[from] Box<tonic::Status>),
    #[error("the control plane did not answer in time")]
    Silent,
    #[error("the answer cannot be used")]
    Answer(#[from] entente_proto::channel::ChannelError),
    #[error(transparent)]
    Signer(#[from] SignerError),
    #[error(transparent)]
    File(#[from] FileError),
}

impl Renewal {
    pub async fn run(mut self, cancel: CancellationToken) {
        loop {
            let wait = match self.due_in() {
                Duration::ZERO => match self.renew().await {
                    Ok(()) => {
                        info!("the agent's certificate was renewed");
                        self.renewed.notify_one();
                        continue;
                    }
                    Err(error) => {
                        warn!(error = chain(&error), "the agent's certificate could not be renewed");
                        RETRY.mul_f64(0.5 + rand::random::<f64>())
                    }
                },
                due => due.min(LONGEST_SLEEP),
            };
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    fn due_in(&self) -> Duration {
        let Some((from, until)) = self.identity.validity() else { return Duration::ZERO };
        from.plus(until.since(from) / 3 * 2).since(clock::wall())
    }

    async fn renew(&mut self) -> Result<(), RenewError> {
        let key_pem = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?.serialize_pem();
        let request = RenewRequest { csr_pem: signing_request(&key_pem)? };
        let mut client = AgentServiceClient::new(self.channel.clone());
        let answer = tokio::time::timeout(PATIENCE, client.renew(request)).await.map_err(|_| RenewError::Silent)?;
        let answer = answer.map_err(Box::new)?.into_inner();
        let Identity { pinned, root_key, .. } = self.identity.clone();
        let identity = Identity::new(pinned, root_key, answer.ca_pem, &key_pem, &answer.certificate_pem);
        let tls = identity.client_config()?;
        let signer = identity.signer()?;
        identity.save(&self.state_dir)?;
        self.tls.store(Arc::new(tls));
        self.signer.store(Arc::new(signer));
        self.identity = identity;
        Ok(())
    }
}
