//! The configuration of a `Cloud`, read and checked completely before anything is sent.
//!
//! Of files on disk it has only the paths. `credential.rs` reads them again for each token.

mod error;

use std::time::Duration;

use uuid::Uuid;

pub use error::ConfigError;

use crate::credential::Credential;
use crate::endpoints::Endpoints;
use crate::secret::Secret;

/// Attempts of one call in total. Three outlast a short disturbance; longer ones are for the caller's next round.
const ATTEMPTS: u32 = 3;
/// The wait before the second attempt; it doubles, with jitter.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// A longer `Retry-After` is returned to the caller, who can do other work meanwhile.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// A TCP and TLS handshake across the world takes less than one second. A lost SYN is resent after one and after three
/// seconds.
const CONNECT: Duration = Duration::from_secs(5);
/// Graph answers within ten seconds even when slow, batches included. ARM gives up on its own after sixty.
const ANSWER: Duration = Duration::from_secs(30);

/// A listing with all its pages and attempts. A hundred pages of a third of a second take half of it. A caller waits no
/// longer than this for one slow service.
const LISTING: Duration = Duration::from_secs(60);
/// A call with all its attempts, or a batch of twenty: two answers that each take the maximum.
const BATCH: Duration = Duration::from_secs(60);

/// Parts of a 403 text that mean that unified RBAC is not activated in Defender. Unverified, so they can be configured.
const NOT_ACTIVATED: [&str; 3] = ["unified rbac", "urbac", "not activated"];

/// Everything that a [`crate::Cloud`] needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// The customer's Entra tenant. Tokens for any other are refused.
    pub entra_tenant_id: Uuid,
    pub endpoints: Endpoints,
    pub credential: Credential,
    /// Certificate authorities trusted in addition to the machine's own, as PEM.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// An HTTP proxy, `http://proxy.contoso.example:3128`. It is a secret because it may contain a password. The
    /// environment's proxy variables are not read.
    pub proxy: Option<Secret>,
    /// Hosts that are reached without the proxy, in the form of `NO_PROXY`.
    pub no_proxy: String,
    pub patience: Patience,
    /// Parts of a 403's code or message that mean "unified RBAC is not activated"; case is ignored.
    pub defender_not_activated: Vec<String>,
}

impl Config {
    /// A configuration with everything else at its default.
    pub fn new(entra_tenant_id: Uuid, endpoints: Endpoints, credential: Credential) -> Config {
        Config {
            entra_tenant_id,
            endpoints,
            credential,
            extra_ca_pem: None,
            proxy: None,
            no_proxy: String::new(),
            patience: Patience::default(),
            defender_not_activated: NOT_ACTIVATED.map(str::to_owned).to_vec(),
        }
    }
}

/// How long to wait for a call, and how often to try it. The defaults suit real networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// Attempts of one call, including the first.
    pub attempts: u32,
    pub first_wait: Duration,
    /// The longest wait inside a call. Longer ones are returned to the caller.
    pub longest_wait: Duration,
    pub connect: Duration,
    /// From the first byte of the request to the last of the answer.
    pub answer: Duration,
    /// One listing with all pages and attempts; a little more for each twenty that are read together.
    pub listing: Duration,
    /// One call or one batch with all attempts; a little more for each further batch that is sent with it.
    pub batch: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            attempts: ATTEMPTS,
            first_wait: FIRST_WAIT,
            longest_wait: LONGEST_WAIT,
            connect: CONNECT,
            answer: ANSWER,
            listing: LISTING,
            batch: BATCH,
        }
    }
}
