//! Defender's unified RBAC, which only Graph beta has: roles, assignments, and the actions of a tenant.
//!
//! It follows the observed behaviour of the live service, which differs from its documentation; `tolerance.rs` lists
//! how. A new object may be missing from lists for minutes. The caller waits for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::absence::Absence;
use crate::budget::Budget;
use crate::call::{Call, Service};
use crate::client::Client;
use crate::failure::{Answer, Failure, head_and_tail};
use crate::graph::{Removed, or_default, removed};
use crate::listing::{Listing, as_typed};
use crate::transport::Reply;
use crate::uri::{encode, with_query};

const ROOT: &str = "/beta/roleManagement/defender";

/// The longest name of a principal, only for display. Composite ids of two GUIDs and a word fit.
const PRINCIPAL_LENGTH: usize = 200;

/// Defender operations with one agent's credential. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Defender {
    pub(crate) client: Arc<Client>,
    /// In lower case.
    pub(crate) not_activated: Arc<[String]>,
}

/// An accepted creation. The service rarely returns the id: look it up by name, after some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    pub id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDefenderRole {
    /// Not unique in a tenant.
    pub display_name: String,
    pub description: String,
    /// Ids of resource actions, `microsoft.xdr/secops/alerts/manage`.
    pub actions: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefenderRole {
    pub id: String,
    pub display_name: String,
    pub description: Option<String>,
    /// As stored. The service drops actions that a wildcard covers.
    pub actions: BTreeSet<String>,
    pub built_in: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDefenderAssignment {
    pub display_name: String,
    pub description: String,
    pub role_definition_id: String,
    pub principal_ids: Vec<Uuid>,
    /// `/` for all data sources, else workloads: `Mde`, `Mdo`, `Mdi`.
    pub app_scope_ids: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefenderAssignment {
    pub id: String,
    pub display_name: String,
    pub description: Option<String>,
    pub role_definition_id: String,
    pub principal_ids: BTreeSet<Uuid>,
    /// Principals whose names are not object ids of this tenant, as the service wrote them.
    pub other_principals: Vec<String>,
    pub directory_scope_ids: BTreeSet<String>,
    pub app_scope_ids: BTreeSet<String>,
}

/// Something that a role may allow.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ResourceAction {
    pub id: String,
    /// The name in the portal. Empty if there is none.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
}

impl Defender {
    pub async fn list_role_definitions(&self) -> Answer<Listing<DefenderRole>> {
        let call = read("GET /roleManagement/defender/roleDefinitions", format!("{ROOT}/roleDefinitions"));
        Ok(self.list::<RoleBody>(call).await?.map(DefenderRole::from))
    }

    /// Not repeatable: twice makes two roles with one name.
    pub async fn create_role_definition(&self, role: &NewDefenderRole) -> Answer<Accepted> {
        let name = "POST /roleManagement/defender/roleDefinitions";
        self.create(name, format!("{ROOT}/roleDefinitions"), role_body(role)).await
    }

    pub async fn update_role_definition(&self, id: &str, role: &NewDefenderRole) -> Answer<()> {
        let path = format!("{ROOT}/roleDefinitions/{}", encode(id));
        let call = write(Method::PATCH, "PATCH /roleManagement/defender/roleDefinitions/{id}", path);
        self.send(&call.of(Absence::Defender).body(role_body(role))).await.map(drop)
    }

    pub async fn delete_role_definition(&self, id: &str) -> Answer<Removed> {
        let path = format!("{ROOT}/roleDefinitions/{}", encode(id));
        self.delete("DELETE /roleManagement/defender/roleDefinitions/{id}", path).await
    }

    pub async fn list_role_assignments(&self) -> Answer<Listing<DefenderAssignment>> {
        let call = read("GET /roleManagement/defender/roleAssignments", format!("{ROOT}/roleAssignments"));
        Ok(self.list::<AssignmentBody>(call).await?.map(DefenderAssignment::from))
    }

    /// Not repeatable: twice makes two assignments.
    pub async fn create_role_assignment(&self, assignment: &NewDefenderAssignment) -> Answer<Accepted> {
        // Without `@odata.type`, which the documentation's examples have and the service refuses. The two scopes are as
        // the portal writes them.
        let body = json!({
            "displayName": assignment.display_name,
            "description": assignment.description,
            "roleDefinitionId": assignment.role_definition_id,
            "principalIds": assignment.principal_ids,
            "directoryScopeIds": ["/"],
            "appScopeIds": assignment.app_scope_ids,
        });
        let name = "POST /roleManagement/defender/roleAssignments";
        self.create(name, format!("{ROOT}/roleAssignments"), body).await
    }

    pub async fn delete_role_assignment(&self, id: &str) -> Answer<Removed> {
        let path = format!("{ROOT}/roleAssignments/{}", encode(id));
        self.delete("DELETE /roleManagement/defender/roleAssignments/{id}", path).await
    }

    /// All actions of this tenant. The service may still refuse to store some of them.
    pub async fn resource_actions(&self) -> Answer<Listing<ResourceAction>> {
        let path = format!("{ROOT}/resourceNamespaces");
        let expanded = with_query(&path, &[("$expand", "resourceActions")]);
        // One budget, however many namespaces there are.
        let budget = Budget::of_listings(1, &self.client.patience);
        let call = read("GET /roleManagement/defender/resourceNamespaces", expanded);
        let namespaces: Listing<Namespace> = self.list_within(call, budget).await?;
        let mut actions = Listing { entries: Vec::new(), odd: namespaces.odd, date: namespaces.date };
        for namespace in namespaces.entries {
            let mut of_it = Listing { entries: namespace.resource_actions, odd: Vec::new(), date: None }.read(as_typed);
            if namespace.more_actions.is_some() {
                let path = format!("{path}/{}/resourceActions", encode(&namespace.id));
                let name = "GET /roleManagement/defender/resourceNamespaces/{id}/resourceActions";
                of_it = self.list_within(read(name, path), budget).await?;
            }
            actions.join(of_it);
        }
        Ok(actions)
    }

    async fn create(&self, name: &'static str, path: String, body: Value) -> Answer<Accepted> {
        let call = Call { redirect_is_success: true, ..write(Method::POST, name, path) };
        let reply = self.send(&call.body(body)).await?;
        let id = reply.body.get("id").and_then(Value::as_str);
        Ok(Accepted { id: id.map(str::to_owned) })
    }

    async fn delete(&self, name: &'static str, path: String) -> Answer<Removed> {
        let call = write(Method::DELETE, name, path).of(Absence::Defender);
        removed(self.send(&call.revocation()).await)
    }

    async fn list<T: DeserializeOwned>(&self, call: Call) -> Answer<Listing<T>> {
        self.list_within(call, Budget::of_listings(1, &self.client.patience)).await
    }

    async fn list_within<T: DeserializeOwned>(&self, call: Call, budget: Budget) -> Answer<Listing<T>> {
        let listing = self.client.list_within(call, budget).await;
        Ok(listing.map_err(|f| self.recognise(f))?.read(as_typed))
    }

    async fn send(&self, call: &Call) -> Answer<Reply> {
        self.client.send(call).await.map_err(|f| self.recognise(f))
    }

    fn recognise(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Refused(no)
                if no.status == 403
                    && self.not_activated.iter().any(|part| no.says(part) || no.code.to_lowercase().contains(part)) =>
            {
                Failure::DefenderNotActivated(no)
            }
            failure => failure,
        }
    }
}

fn read(name: &'static str, path: String) -> Call {
    Call::read(Service::Graph, name, path)
}

fn write(method: Method, name: &'static str, path: String) -> Call {
    Call::write(Service::Graph, method, name, path)
}

fn role_body(role: &NewDefenderRole) -> Value {
    json!({
        "displayName": role.display_name,
        "description": role.description,
        "rolePermissions": [{ "allowedResourceActions": role.actions }],
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleBody {
    id: String,
    #[serde(default, deserialize_with = "or_default")]
    display_name: String,
    description: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    role_permissions: Vec<PermissionBody>,
    #[serde(default, deserialize_with = "or_default")]
    is_built_in: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PermissionBody {
    #[serde(default, deserialize_with = "or_default")]
    allowed_resource_actions: Vec<String>,
}

#[derive(Deserialize)]
struct Namespace {
    #[serde(default, deserialize_with = "or_default")]
    id: String,
    #[serde(rename = "resourceActions", default, deserialize_with = "or_default")]
    resource_actions: Vec<Value>,
    /// Graph: query parameters. An expansion may be incomplete.
    #[serde(rename = "resourceActions@odata.nextLink")]
    more_actions: Option<String>,
}

/// Graph (beta): unifiedRoleAssignmentMultiple. Its principals are strings, and not all are object ids.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssignmentBody {
    id: String,
    #[serde(default, deserialize_with = "or_default")]
    display_name: String,
    description: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    role_definition_id: String,
    #[serde(default, deserialize_with = "or_default")]
    principal_ids: Vec<Value>,
    #[serde(default, deserialize_with = "or_default")]
    directory_scope_ids: BTreeSet<String>,
    #[serde(default, deserialize_with = "or_default")]
    app_scope_ids: BTreeSet<String>,
}

impl From<AssignmentBody> for DefenderAssignment {
    fn from(body: AssignmentBody) -> DefenderAssignment {
        let (mut principal_ids, mut other_principals) = (BTreeSet::new(), Vec::new());
        for principal in body.principal_ids {
            match principal.as_str().map(|text| (Uuid::parse_str(text), text)) {
                Some((Ok(id), _)) => drop(principal_ids.insert(id)),
                Some((Err(_), text)) => other_principals.push(head_and_tail(text, PRINCIPAL_LENGTH)),
                None if principal.is_null() => {}
                None => other_principals.push(head_and_tail(&principal.to_string(), PRINCIPAL_LENGTH)),
            }
        }
        DefenderAssignment {
            id: body.id,
            display_name: body.display_name,
            description: body.description,
            role_definition_id: body.role_definition_id,
            principal_ids,
            other_principals,
            directory_scope_ids: body.directory_scope_ids,
            app_scope_ids: body.app_scope_ids,
        }
    }
}

impl From<RoleBody> for DefenderRole {
    fn from(body: RoleBody) -> DefenderRole {
        let actions = body.role_permissions.into_iter().flat_map(|p| p.allowed_resource_actions);
        DefenderRole {
            id: body.id,
            display_name: body.display_name,
            description: body.description,
            actions: actions.collect(),
            built_in: body.is_built_in,
        }
    }
}
