//! The customer's cloud, as the agent sees it: Microsoft Graph, Defender's roles and Azure Resource Manager.
//!
//! The only crate that knows reqwest. HTTP stops here: what goes out and comes back are types in our own words, and
//! each operation does one thing and says truthfully what came of it, most of all whether it may have been applied
//! ([`Failure`]). It decides nothing: whom to invite, what to remove and when to try again later are the agent's.
//!
//! Begin with [`Cloud`]; then `graph.rs`, `defender.rs`, `arm.rs` for what can be asked, `call.rs` for how a call is
//! judged, `absence.rs` for what "not there" is, `gate.rs` and `budget.rs` for how long anything waits, and
//! `tolerance.rs` for what Microsoft's documents leave open.
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
    /// Checks the configuration and builds the clients; sends nothing and reads no credential yet.
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

    /// The Graph permissions that the token carries (its `roles`). They inform; a 403 is the truth.
    pub async fn permissions(&self) -> Answer<BTreeSet<String>> {
        Ok(self.client.bearer(Service::Graph).await?.claims().roles.clone())
    }

    /// Who we are in the tenant: the service principal that will own what it creates (the token's `oid`).
    pub async fn principal_object_id(&self) -> Answer<Uuid> {
        Ok(self.client.bearer(Service::Graph).await?.claims().oid)
    }

    /// Makes the next call ask for a new token: after the customer granted something.
    pub async fn forget_tokens(&self) {
        self.client.tokens.forget().await;
    }

    /// Why no call can succeed until a person has seen to the credential; `None` while it is taken.
    pub fn trouble(&self) -> Option<Trouble> {
        self.client.tokens.troubles.tell()
    }

    /// The newest time that Graph, ARM and the login service told by the `Date` of their answers, and when it came. It takes
    /// two answers, and goes back only by more than [`CLOCKS_APART`], when what was known is refuted. `None` before that.
    pub fn server_time(&self) -> Option<ServerTime> {
        self.client.wire.time.newest()
    }

    /// What was sent so far.
    pub fn usage(&self) -> Usage {
        self.client.counters.read()
    }
}
