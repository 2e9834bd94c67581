//! Directory roles: what each lets its holders do, who holds which, giving and removing them. Only direct assignments:
//! eligible ones (PIM) are not visible here, and an activated one looks like any other.
//!
//! Graph: rbacapplication-list-roledefinitions, rbacapplication-post-roleassignments. A new assignment may appear and
//! disappear for minutes. The caller waits until it stays.

use std::collections::BTreeSet;

use reqwest::Method;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Graph, Removed, read, removed, write};
use crate::absence::Absence;
use crate::call::Call;
use crate::failure::{Answer, Failure, Refusal};
use crate::listing::{Listing, as_typed};
use crate::transport::Reply;
use crate::uri::{encode, with_query};

const DEFINITIONS: &str = "/v1.0/roleManagement/directory/roleDefinitions";
const ASSIGNMENTS: &str = "/v1.0/roleManagement/directory/roleAssignments";
/// The roles whose actions a role includes (Graph: unifiedRoleDefinition).
const PARENTS: (&str, &str) = ("$expand", "inheritsPermissionsFrom($select=id)");

/// A role as the tenant shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryRole {
    /// For a built-in role, the template's id, which is the same in every tenant.
    pub id: Uuid,
    pub display_name: String,
    pub is_built_in: bool,
    /// A disabled role may have holders, but cannot be given.
    pub is_enabled: bool,
    /// Its own actions. Those of `inherits_from` are added to them.
    #[serde(rename = "rolePermissions", deserialize_with = "actions")]
    pub actions: BTreeSet<String>,
    /// `None` if the answer does not contain it, or contains what is not understood.
    #[serde(rename = "inheritsPermissionsFrom", default, deserialize_with = "parents")]
    pub inherits_from: Option<BTreeSet<Uuid>>,
}

/// A role over the whole tenant, for a user, an application or a role-assignable group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NewDirectoryAssignment {
    pub principal: Uuid,
    pub role: Uuid,
}

/// Who holds which role where.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "AssignmentBody")]
pub struct DirectoryAssignment {
    /// Opaque, not a GUID.
    pub id: String,
    pub principal: Uuid,
    pub role: Uuid,
    pub scope: DirectoryScope,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectoryScope {
    Tenant,
    /// A part of the directory or of an application, as the service wrote it: `/administrativeUnits/{id}`.
    Part(String),
}

/// The result of giving a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// It may have existed before; whether the service would say so is uncertain.
    Given(DirectoryAssignment),
    /// The principal already holds the role. Look up the assignment.
    AlreadyThere,
    /// The server that answered does not see the principal or the role. A new principal becomes visible later.
    NotYetThere,
}

impl Graph {
    pub async fn list_directory_roles(&self) -> Answer<Listing<DirectoryRole>> {
        self.list(read("GET /roleManagement/directory/roleDefinitions", with_query(DEFINITIONS, &[PARENTS]))).await
    }

    /// `None` means that this tenant has no such role.
    pub async fn directory_role(&self, id: Uuid) -> Answer<Option<DirectoryRole>> {
        let path = with_query(&format!("{DEFINITIONS}/{id}"), &[PARENTS]);
        self.find(read("GET /roleManagement/directory/roleDefinitions/{id}", path).of(Absence::Directory)).await
    }

    /// All assignments to this principal itself, without those through a group.
    pub async fn list_directory_assignments(&self, principal: Uuid) -> Answer<Listing<DirectoryAssignment>> {
        let listing = self.client.list(assignments_of(principal)).await?;
        Ok(listing.read(|entry| of_principal(principal, entry)))
    }

    /// Like [`Graph::list_directory_assignments`], for many, in the given order.
    pub async fn directory_assignments_of(&self, principals: &[Uuid]) -> Vec<Answer<Listing<DirectoryAssignment>>> {
        let listings = self.client.list_all(principals.iter().copied().map(assignments_of).collect()).await;
        let asked = principals.iter().copied().zip(listings);
        asked.map(|(principal, listing)| Ok(listing?.read(|entry| of_principal(principal, entry)))).collect()
    }

    /// Repeatable: a principal holds a role at a scope once, and a second call finds it there.
    pub async fn give_directory_role(&self, new: NewDirectoryAssignment) -> Answer<Given> {
        let call = write(Method::POST, "POST /roleManagement/directory/roleAssignments", ASSIGNMENTS.to_owned());
        let body = json!({ "principalId": new.principal, "roleDefinitionId": new.role, "directoryScopeId": "/" });
        let call = call.of(Absence::Directory).body(body).repeatable();
        given(&call, new, self.client.send(&call).await)
    }

    /// By the assignment's id.
    pub async fn take_directory_role(&self, id: &str) -> Answer<Removed> {
        let path = format!("{ASSIGNMENTS}/{}", encode(id));
        let call = write(Method::DELETE, "DELETE /roleManagement/directory/roleAssignments/{id}", path);
        removed(self.client.send(&call.of(Absence::Directory).revocation()).await)
    }
}

fn assignments_of(principal: Uuid) -> Call {
    let filter = format!("principalId eq '{principal}'");
    read("GET /roleManagement/directory/roleAssignments", with_query(ASSIGNMENTS, &[("$filter", &filter)]))
}

/// An entry about another principal was not asked for, so it is not understood.
fn of_principal(principal: Uuid, entry: Value) -> Result<DirectoryAssignment, String> {
    let assignment: DirectoryAssignment = as_typed(entry)?;
    if assignment.principal == principal { Ok(assignment) } else { Err("of another principal".to_owned()) }
}

fn given(call: &Call, new: NewDirectoryAssignment, answer: Answer<Reply>) -> Answer<Given> {
    let failure = match answer {
        Ok(reply) => {
            let made: DirectoryAssignment = call.decode(reply.body)?;
            let asked = (made.principal, made.role, &made.scope) == (new.principal, new.role, &DirectoryScope::Tenant);
            return if asked {
                Ok(Given::Given(made))
            } else {
                Err(call.unusable("another assignment than was asked"))
            };
        }
        Err(failure) => failure,
    };
    // Also after a lost attempt: the principal holds it now, by either attempt.
    if failure.refusal().is_some_and(is_already_there) {
        return Ok(Given::AlreadyThere);
    }
    match failure {
        Failure::NotFound(_) => Ok(Given::NotYetThere),
        failure => Err(failure),
    }
}

/// The code says nothing, so use the message.
fn is_already_there(refusal: &Refusal) -> bool {
    matches!(refusal.status, 400 | 409) && refusal.says("conflicting object")
}

/// One set of permissions. An unknown field may allow something, so the role then counts as not understood.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PermissionBody {
    allowed_resource_actions: Vec<String>,
    /// Restricts the actions. They count nevertheless.
    #[serde(rename = "condition")]
    _condition: Option<Value>,
    /// "Not yet supported" by the service. The actions that it excludes count nevertheless.
    #[serde(rename = "excludedResourceActions")]
    _excluded: Option<Value>,
    #[serde(rename = "@odata.type")]
    _kind: Option<Value>,
}

fn actions<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeSet<String>, D::Error> {
    let permissions = Vec::<PermissionBody>::deserialize(from)?;
    Ok(permissions.into_iter().flat_map(|one| one.allowed_resource_actions).collect())
}

#[derive(Deserialize)]
struct Parent {
    id: Uuid,
}

fn parents<'de, D: Deserializer<'de>>(from: D) -> Result<Option<BTreeSet<Uuid>>, D::Error> {
    let parents: Option<Vec<Parent>> = serde_json::from_value(Value::deserialize(from)?).ok();
    Ok(parents.map(|all| all.into_iter().map(|one| one.id).collect()))
}

/// Graph: unifiedRoleAssignment.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssignmentBody {
    id: String,
    principal_id: Uuid,
    role_definition_id: Uuid,
    directory_scope_id: Option<String>,
    app_scope_id: Option<String>,
}

impl TryFrom<AssignmentBody> for DirectoryAssignment {
    type Error = &'static str;

    fn try_from(body: AssignmentBody) -> Result<Self, Self::Error> {
        let scope = match (body.directory_scope_id, body.app_scope_id) {
            (Some(scope), None) if scope == "/" => DirectoryScope::Tenant,
            (Some(scope), None) | (None, Some(scope)) if !scope.is_empty() => DirectoryScope::Part(scope),
            _ => return Err("not exactly one scope"),
        };
        if body.id.is_empty() {
            return Err("no id");
        }
        Ok(Self { id: body.id, principal: body.principal_id, role: body.role_definition_id, scope })
    }
}
