//! What a `Cloud` is built from, read and checked completely before anything is sent.
//!
//! It knows nothing of files on disk beyond their paths; `credential.rs` reads those, anew for each token.

mod error;

use std::time::Duration;

use uuid::Uuid;

pub use error::ConfigError;

use crate::credential::Credential;
use crate::endpoints::Endpoints;
use crate::secret::Secret;

/// Attempts of one call in all. Three outlast a blip; longer troubles are the caller's next round.
const ATTEMPTS: u32 = 3;
/// The wait before the second attempt; it doubles, with jitter.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// A longer `Retry-After` is handed back, so that the caller can do other work meanwhile.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// A TCP and TLS handshake across the world takes under one second; a lost SYN is sent again after one and three.
const CONNECT: Duration = Duration::from_secs(5);
/// Graph answers in under ten seconds even when slow, batches included; ARM gives up on itself after sixty.
const ANSWER: Duration = Duration::from_secs(30);

/// A listing with all its pages and attempts: a hundred pages of a third of a second are half of it. Who waits for one
/// slow service waits no longer than this for it.
const LISTING: Duration = Duration::from_secs(60);
/// A call with all its attempts, or a batch of twenty: two answers that take as long as they may.
const BATCH: Duration = Duration::from_secs(60);

/// 403 texts by which Defender's missing activation is recognised. Unverified, hence configurable.
const NOT_ACTIVATED: [&str; 3] = ["unified rbac", "urbac", "not activated"];

/// Everything that a [`crate::Cloud`] needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// The customer's Entra tenant. A token of any other is refused.
    pub entra_tenant_id: Uuid,
    pub endpoints: Endpoints,
    pub credential: Credential,
    /// Certificate authorities trusted beside the machine's own, as PEM.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// An HTTP proxy, `http://proxy.contoso.example:3128`; a secret, because it may hold a password. The environment's
    /// proxy variables are not read.
    pub proxy: Option<Secret>,
    /// Hosts that are reached without it, a list as in `NO_PROXY`.
    pub no_proxy: String,
    pub patience: Patience,
    /// Parts of a 403's code or message that mean "unified RBAC is not activated", in any capitals.
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

/// How long a call is waited for, and how often it is tried. The defaults are for real networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// Attempts of one call, the first included.
    pub attempts: u32,
    pub first_wait: Duration,
    /// Longer waits are not slept through but handed back.
    pub longest_wait: Duration,
    pub connect: Duration,
    /// From the request's first byte to the answer's last.
    pub answer: Duration,
    /// One listing, all pages and attempts; a little more for each twenty that are read together.
    pub listing: Duration,
    /// One call or one batch, all attempts; a little more for each further batch that is sent with it.
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
