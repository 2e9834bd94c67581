//! Memberships in groups.
//!
//! The only way to remove a member here ends in `/$ref`: without that ending, Graph deletes the *user* (Graph:
//! group-delete-members). Lists are the plain ones, which lag less than the indexed queries.

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::{Graph, Removed, read, removed, write};
use crate::absence::Absence;
use crate::call::Call;
use crate::failure::{Answer, Failure, Refusal};
use crate::listing::Listing;
use crate::transport::Reply;
use crate::uri::with_query;

/// Graph: group-post-members. The most members in one PATCH.
const BIND_LIMIT: usize = 20;

/// One principal's membership in one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Membership {
    pub group: Uuid,
    pub member: Uuid,
}

/// The result of adding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    Added,
    AlreadyThere,
    /// The server that answered does not see the member or the group. Both become visible later.
    NotYetThere,
}

/// A member of a group, or something that a user is a member of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryObject {
    pub id: Uuid,
    #[serde(rename = "@odata.type", default, deserialize_with = "kind")]
    pub kind: ObjectKind,
    pub display_name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ObjectKind {
    User,
    Group,
    ServicePrincipal,
    DirectoryRole,
    AdministrativeUnit,
    Device,
    /// The service's own name for it. Empty if it gave none.
    Other(String),
}

impl Default for ObjectKind {
    fn default() -> ObjectKind {
        ObjectKind::Other(String::new())
    }
}

fn kind<'de, D: serde::Deserializer<'de>>(from: D) -> Result<ObjectKind, D::Error> {
    let text = Option::<String>::deserialize(from)?.unwrap_or_default();
    Ok(match text.trim_start_matches("#microsoft.graph.") {
        "user" => ObjectKind::User,
        "group" => ObjectKind::Group,
        "servicePrincipal" => ObjectKind::ServicePrincipal,
        "directoryRole" => ObjectKind::DirectoryRole,
        "administrativeUnit" => ObjectKind::AdministrativeUnit,
        "device" => ObjectKind::Device,
        other => ObjectKind::Other(other.to_owned()),
    })
}

impl Graph {
    /// Every direct member. If the group does not exist, the result is [`Failure::NotFound`], never an empty list.
    pub async fn list_members(&self, group: Uuid) -> Answer<Listing<DirectoryObject>> {
        self.list(members(group)).await
    }

    /// Like [`Graph::list_members`], for many groups, in the given order.
    pub async fn list_members_of(&self, groups: &[Uuid]) -> Vec<Answer<Listing<DirectoryObject>>> {
        self.list_all(groups.iter().copied().map(members).collect()).await
    }

    /// Everything that the user is a direct member of: groups, directory roles, administrative units.
    pub async fn list_memberships(&self, user: Uuid) -> Answer<Listing<DirectoryObject>> {
        self.list(memberships(user)).await
    }

    /// Like [`Graph::list_memberships`], for many users, in the given order.
    pub async fn memberships_of(&self, users: &[Uuid]) -> Vec<Answer<Listing<DirectoryObject>>> {
        self.list_all(users.iter().copied().map(memberships).collect()).await
    }

    /// Repeatable: a second call finds it there. Graph: group-post-members.
    pub async fn add_member(&self, membership: Membership) -> Answer<Added> {
        added(self.client.send(&self.adding(membership)).await)
    }

    /// Like [`Graph::add_member`], for many, each with its own result, in the given order.
    pub async fn add_members(&self, memberships: &[Membership]) -> Vec<Answer<Added>> {
        let calls = memberships.iter().map(|m| self.adding(*m)).collect();
        self.client.send_all(calls).await.into_iter().map(added).collect()
    }

    /// At most 20 in one request, all or nothing: if one is a member already, all are refused
    /// ([`Added::AlreadyThere`]).
    pub async fn bind_members(&self, group: Uuid, members: &[Uuid]) -> Answer<Added> {
        let call = write(Method::PATCH, "PATCH /groups/{id} members", format!("/v1.0/groups/{group}"));
        let call = call.of(Absence::Directory);
        if members.len() > BIND_LIMIT {
            let reason = format!("{} members, and graph takes {BIND_LIMIT} at once", members.len());
            return Err(Failure::NotSent { call: call.name, reason, source: None });
        }
        let references: Vec<String> = members.iter().map(|m| self.reference("directoryObjects", *m)).collect();
        added(self.client.send(&call.body(json!({ "members@odata.bind": references }))).await)
    }

    /// Removes the member from the group, and touches nothing else.
    pub async fn remove_member(&self, membership: Membership) -> Answer<Removed> {
        removed(self.client.send(&removing(membership)).await)
    }

    /// Like [`Graph::remove_member`], for many, each with its own result, in the given order.
    pub async fn remove_members(&self, memberships: &[Membership]) -> Vec<Answer<Removed>> {
        let calls = memberships.iter().copied().map(removing).collect();
        self.client.send_all(calls).await.into_iter().map(removed).collect()
    }

    fn adding(&self, Membership { group, member }: Membership) -> Call {
        let path = format!("/v1.0/groups/{group}/members/$ref");
        let call = write(Method::POST, "POST /groups/{id}/members/$ref", path);
        let body = json!({ "@odata.id": self.reference("directoryObjects", member) });
        call.of(Absence::Directory).body(body).repeatable()
    }
}

fn removing(Membership { group, member }: Membership) -> Call {
    let path = format!("/v1.0/groups/{group}/members/{member}/$ref");
    write(Method::DELETE, "DELETE /groups/{id}/members/{id}/$ref", path).of(Absence::Directory).revocation()
}

fn members(group: Uuid) -> Call {
    let path = with_query(&format!("/v1.0/groups/{group}/members"), &[("$select", "id,displayName")]);
    read("GET /groups/{id}/members", path).of(Absence::Directory)
}

fn memberships(user: Uuid) -> Call {
    let path = with_query(&format!("/v1.0/users/{user}/memberOf"), &[("$select", "id,displayName")]);
    read("GET /users/{id}/memberOf", path).of(Absence::Directory)
}

fn added(answer: Answer<Reply>) -> Answer<Added> {
    let failure = match answer {
        Ok(_) => return Ok(Added::Added),
        Err(failure) => failure,
    };
    // Also after a lost attempt: the member is there now, by either attempt.
    if failure.refusal().is_some_and(is_already_there) {
        return Ok(Added::AlreadyThere);
    }
    match failure {
        Failure::NotFound(_) => Ok(Added::NotYetThere),
        Failure::Refused(no) if no.status == 400 && no.says("not a valid reference update") => Ok(Added::NotYetThere),
        failure => Err(failure),
    }
}

/// Graph: group-post-members. The code of this 400 says nothing, so use its message.
fn is_already_there(refusal: &Refusal) -> bool {
    refusal.status == 400 && refusal.says("added object references already exist")
}
