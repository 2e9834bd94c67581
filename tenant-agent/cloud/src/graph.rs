//! Microsoft Graph v1.0 in our own types: people, groups, memberships, directory roles, and the tenant itself.
//!
//! Each method is one operation. It returns the result and decides nothing. `client.rs` sends the calls; `defender.rs`
//! has the beta part.

mod directory;
mod directory_roles;
mod groups;
mod members;
mod people;
mod users;

use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use time::OffsetDateTime;

pub use directory::{Organization, ServicePrincipal, WhoMayInvite};
pub use directory_roles::{DirectoryAssignment, DirectoryRole, DirectoryScope, Given, NewDirectoryAssignment};
pub use groups::{Group, MOST_PARENTS, NewGroup};
pub use members::{Added, DirectoryObject, Membership, ObjectKind};
pub use people::DeletedUser;
pub use users::{Identity, Invitation, InvitationStatus, Invited, NewInvitation, User, UserType};

use crate::call::{Call, Service};
use crate::client::Client;
use crate::failure::{Answer, Failure};
use crate::listing::{Listing, as_typed};
use crate::transport::Reply;

/// The result of a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    Removed,
    WasNotThere,
}

/// Graph operations with one agent's credential. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Graph {
    pub(crate) client: Arc<Client>,
}

impl Graph {
    async fn find<T: DeserializeOwned>(&self, call: Call) -> Answer<Option<T>> {
        let body = self.client.find(&call).await?;
        body.map(|body| call.decode(body)).transpose()
    }

    async fn list<T: DeserializeOwned>(&self, call: Call) -> Answer<Listing<T>> {
        Ok(self.client.list(call).await?.read(as_typed))
    }

    async fn list_all<T: DeserializeOwned>(&self, calls: Vec<Call>) -> Vec<Answer<Listing<T>>> {
        let listings = self.client.list_all(calls).await;
        listings.into_iter().map(|listing| Ok(listing?.read(as_typed))).collect()
    }

    /// A write whose success has no body to read.
    async fn done(&self, call: Call) -> Answer<()> {
        self.client.send(&call).await.map(drop)
    }
}

pub(crate) fn removed(answer: Answer<Reply>) -> Answer<Removed> {
    match answer {
        Ok(_) => Ok(Removed::Removed),
        Err(Failure::NotFound(_)) => Ok(Removed::WasNotThere),
        Err(failure) => Err(failure),
    }
}

fn read(name: &'static str, path: String) -> Call {
    Call::read(Service::Graph, name, path)
}

fn write(method: reqwest::Method, name: &'static str, path: String) -> Call {
    Call::write(Service::Graph, method, name, path)
}

/// A time. `None` if the service wrote none, or none that we can read: no decision may depend on its format.
pub(crate) fn moment<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<OffsetDateTime>, D::Error> {
    let value = Value::deserialize(from)?;
    let parse = |t: &str| OffsetDateTime::parse(t, &time::format_description::well_known::Rfc3339).ok();
    Ok(value.as_str().and_then(parse))
}

/// The default for `null` as well as for a missing field, because services send both.
pub(crate) fn or_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}
