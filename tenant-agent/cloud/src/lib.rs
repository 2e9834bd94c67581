//! The customer's cloud, as the agent sees it: Microsoft Graph, Defender's roles and Azure Resource Manager.
//!
//! This is the only crate that knows reqwest. HTTP stops here: requests and results are our own types. Each operation
//! does one thing and returns exactly what is known about its result, above all whether it may have been applied
//! ([`Failure`]). It decides nothing: the agent decides whom to invite, what to remove, and when to try again.
//!
//! Start with [`Cloud`]. Then see `graph.rs`, `defender.rs` and `arm.rs` for the operations, `call.rs` for how a call
//! is judged, `absence.rs` for what "not there" means, `gate.rs` and `budget.rs` for how long things wait, and
//! `tolerance.rs` for what Microsoft's documentation leaves open.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod absence;
mod arm;
mod batch;
mod budget;
mod call;
mod client;
mod config;
mod credential;
mod defender;
mod endpoints;
mod failure;
mod gate;
mod graph;
mod knock;
mod listing;
mod pacer;
mod paging;
mod secret;
mod server_time;
mod tokens;
pub mod tolerance;
mod transport;
mod trouble;
mod uri;
mod usage;
mod wire;

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

pub use arm::{
    Arm, AssignmentsOf, Condition, NewRoleAssignment, PrincipalType, Put, RoleAssignment, RoleDefinition, Scope,
    ScopeError,
};
pub use config::{Config, ConfigError, Patience};
pub use credential::{Credential, ManagedIdentity};
pub use defender::{
    Accepted, Defender, DefenderAssignment, DefenderRole, NewDefenderAssignment, NewDefenderRole, ResourceAction,
};
pub use endpoints::{Endpoints, NationalCloud};
pub use failure::{Answer, Cause, Failure, Refusal, TokenError, head_and_tail};
pub use graph::{
    Added, DeletedUser, DirectoryAssignment, DirectoryObject, DirectoryRole, DirectoryScope, Given, Graph, Group,
    Identity, Invitation, InvitationStatus, Invited, MOST_PARENTS, Membership, NewDirectoryAssignment, NewGroup,
    NewInvitation, ObjectKind, Organization, Removed, ServicePrincipal, User, UserType, WhoMayInvite,
};
pub use knock::Door;
pub use listing::Listing;
pub use secret::Secret;
pub use server_time::{CLOCKS_APART, ServerTime};
pub use trouble::Trouble;
pub use usage::Usage;

use call::Service;
use client::Client;

/// One customer tenant, reached with one credential. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Cloud {
    client: Arc<Client>,
    not_activated: Arc<[String]>,
    definitions: arm::Remembered,
}

impl Cloud {
    /// Checks the configuration and builds the clients. Sends nothing and reads no credential yet.
    pub fn new(config: Config) -> Result<Cloud, ConfigError> {
        let words = config.defender_not_activated.iter();
        Ok(Cloud {
            not_activated: words.filter(|w| !w.is_empty()).map(|w| w.to_lowercase()).collect(),
            client: Arc::new(Client::new(&config)?),
            definitions: arm::Remembered::default(),
        })
    }

    pub fn graph(&self) -> Graph {
        Graph { client: self.client.clone() }
    }

    pub fn defender(&self) -> Defender {
        Defender { client: self.client.clone(), not_activated: self.not_activated.clone() }
    }

    pub fn arm(&self) -> Arm {
        Arm { client: self.client.clone(), definitions: self.definitions.clone() }
    }

    /// The Graph permissions in the token (its `roles`). They only inform; a 403 decides.
    pub async fn permissions(&self) -> Answer<BTreeSet<String>> {
        Ok(self.client.bearer(Service::Graph).await?.claims().roles.clone())
    }

    /// Our own service principal in the tenant, which will own what it creates (the token's `oid`).
    pub async fn principal_object_id(&self) -> Answer<Uuid> {
        Ok(self.client.bearer(Service::Graph).await?.claims().oid)
    }

    /// Makes the next call request a new token, for example after the customer granted something.
    pub async fn forget_tokens(&self) {
        self.client.tokens.forget().await;
    }

    /// Why no call can succeed until a person has looked at the credential. `None` while it is accepted.
    pub fn trouble(&self) -> Option<Trouble> {
        self.client.tokens.troubles.tell()
    }

    /// The newest time that Graph, ARM and the login service reported in the `Date` of their answers, and when it came.
    /// It takes two answers, and goes back only by more than [`CLOCKS_APART`], if the known time is refuted. `None`
    /// before that.
    pub fn server_time(&self) -> Option<ServerTime> {
        self.client.wire.time.newest()
    }

    /// The number of requests so far.
    pub fn usage(&self) -> Usage {
        self.client.counters.read()
    }
}
