//! Azure Resource Manager: who holds which role at which scope.
//!
//! We choose the names of role assignments, so a repeated write is the same write. This file does not decide which
//! roles should be where. Scopes and names are in `arm/scope.rs`.

mod scope;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

pub use scope::{Scope, ScopeError};

use crate::absence::Absence;
use crate::call::{Call, Service};
use crate::client::Client;
use crate::failure::{Answer, Failure};
use crate::graph::{Removed, moment, or_default, removed};
use crate::listing::{Listing, as_typed};
use crate::transport::Reply;
use crate::uri::{quoted, with_query};

/// The version of ARM (role assignments, role definitions) whose shapes are below.
const API_VERSION: (&str, &str) = ("api-version", "2022-04-01");

const ASSIGNMENTS: &str = "/providers/Microsoft.Authorization/roleAssignments";
const DEFINITIONS: &str = "/providers/Microsoft.Authorization/roleDefinitions";

/// ARM operations with one agent's credential. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Arm {
    pub(crate) client: Arc<Client>,
    pub(crate) definitions: Remembered,
}

/// Role definitions that were read recently.
pub(crate) type Remembered = Arc<Mutex<BTreeMap<Uuid, (Instant, RoleDefinition)>>>;

/// How long a read definition is reused. Definitions change monthly, and looks may be seconds apart; each read counts
/// against the subscription's budget (ARM: throttling).
const DEFINITION_LASTS: Duration = Duration::from_secs(30);

/// Most definitions that are kept. A guardrail names a handful.
const MAX_DEFINITIONS: usize = 256;

/// Which assignments to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssignmentsOf {
    /// All at the scope and above it.
    AtScope,
    /// Those of one principal, at the scope, above and below it.
    Principal(Uuid),
}

/// Always sent: without it, ARM assumes `User` and does not find the principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PrincipalType {
    Group,
    User,
    ServicePrincipal,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRoleAssignment {
    pub scope: Scope,
    /// Unique in the tenant, and never reused for other content (ARM: troubleshooting role assignments).
    pub name: Uuid,
    pub definition: Uuid,
    pub principal: Uuid,
    pub principal_type: PrincipalType,
    pub description: Option<String>,
}

/// The result of writing an assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    Created(RoleAssignment),
    /// It already existed under this name.
    Updated(RoleAssignment),
    /// Another assignment of the same role to the same principal at the same scope exists, under this name if known.
    ExistsUnder {
        name: Option<Uuid>,
    },
    /// ARM does not see the principal yet. A new group takes minutes.
    PrincipalNotFound,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleAssignment {
    /// Where it was given, which may be above or below the requested scope. As ARM wrote it: a scope that we only show
    /// need not be one that we could ask about ([`Scope`]).
    pub scope: String,
    pub name: Uuid,
    pub definition: Uuid,
    pub principal: Uuid,
    pub principal_type: Option<String>,
    pub description: Option<String>,
    pub condition: Condition,
    pub created: Option<OffsetDateTime>,
}

/// What limits an assignment (Azure: conditions on role assignments).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    None,
    Text(String),
    /// The response has no such field. That does not mean that there is no condition.
    Unsaid,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleDefinition {
    pub id: Uuid,
    pub role_name: String,
    /// `BuiltInRole` or `CustomRole`.
    pub role_type: Option<String>,
    pub actions: Vec<String>,
    pub not_actions: Vec<String>,
    pub data_actions: Vec<String>,
}

impl Arm {
    pub async fn list_role_assignments(&self, scope: &Scope, of: AssignmentsOf) -> Answer<Listing<RoleAssignment>> {
        let filter = match of {
            AssignmentsOf::AtScope => "atScope()".to_owned(),
            AssignmentsOf::Principal(id) => format!("principalId eq '{id}'"),
        };
        let path = with_query(&format!("{scope}{ASSIGNMENTS}"), &[API_VERSION, ("$filter", &filter)]);
        let call = read("GET {scope}/roleAssignments", path);
        Ok(self.client.list(call).await?.read(assignment))
    }

    pub async fn get_role_assignment(&self, scope: &Scope, name: Uuid) -> Answer<Option<RoleAssignment>> {
        let call = read("GET {scope}/roleAssignments/{name}", assignment_path(scope, name)).of(Absence::RoleAssignment);
        let body = self.client.find(&call).await?;
        body.map(|body| assignment(body).map_err(|e| call.unusable(e))).transpose()
    }

    /// Repeatable: the name makes it one assignment. ARM: role assignments, create.
    pub async fn put_role_assignment(&self, new: &NewRoleAssignment) -> Answer<Put> {
        let path = assignment_path(&new.scope, new.name);
        let call = write(Method::PUT, "PUT {scope}/roleAssignments/{name}", path).body(put_body(new));
        let written = |body| assignment(body).map_err(|e| call.unusable(e));
        match self.client.send(&call).await {
            Ok(Reply { status: 201, body, .. }) => Ok(Put::Created(written(body)?)),
            Ok(reply) => Ok(Put::Updated(written(reply.body)?)),
            Err(failure) => refused_put(failure),
        }
    }

    /// If it was absent, ARM reports a success (204). This function tells the two apart.
    pub async fn delete_role_assignment(&self, scope: &Scope, name: Uuid) -> Answer<Removed> {
        let path = assignment_path(scope, name);
        let call = write(Method::DELETE, "DELETE {scope}/roleAssignments/{name}", path);
        let call = call.of(Absence::RoleAssignment).revocation();
        match self.client.send(&call).await {
            Ok(Reply { status: 204, .. }) => Ok(Removed::WasNotThere),
            answer => removed(answer),
        }
    }

    /// The role definition, at most half a minute old. A built-in one is the same at every scope.
    pub async fn get_role_definition(&self, scope: &Scope, id: Uuid) -> Answer<Option<RoleDefinition>> {
        let is_fresh = |(at, _): &&(Instant, RoleDefinition)| at.elapsed() < DEFINITION_LASTS;
        if let Some((_, known)) = self.remembered().get(&id).filter(is_fresh) {
            return Ok(Some(known.clone()));
        }
        let found = self.read_role_definition(scope, id).await?;
        let mut remembered = self.remembered();
        if remembered.len() >= MAX_DEFINITIONS {
            remembered.clear();
        }
        match &found {
            Some(found) => _ = remembered.insert(id, (Instant::now(), found.clone())),
            None => _ = remembered.remove(&id),
        }
        drop(remembered);
        Ok(found)
    }

    fn remembered(&self) -> MutexGuard<'_, BTreeMap<Uuid, (Instant, RoleDefinition)>> {
        self.definitions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read_role_definition(&self, scope: &Scope, id: Uuid) -> Answer<Option<RoleDefinition>> {
        let path = with_query(&format!("{scope}{DEFINITIONS}/{id}"), &[API_VERSION]);
        let call = read("GET {scope}/roleDefinitions/{id}", path).of(Absence::RoleDefinition);
        let body = self.client.find(&call).await?;
        let found = body.map(|body| definition(body).map_err(|e| call.unusable(e))).transpose()?;
        match found {
            Some(other) if other.id != id => Err(call.unusable("a role definition of another id")),
            found => Ok(found),
        }
    }

    /// All definitions with exactly this role name that can be assigned at the scope.
    pub async fn find_role_definitions(&self, scope: &Scope, role_name: &str) -> Answer<Listing<RoleDefinition>> {
        let filter = format!("roleName eq {}", quoted(role_name));
        let path = with_query(&format!("{scope}{DEFINITIONS}"), &[API_VERSION, ("$filter", &filter)]);
        let call = read("GET {scope}/roleDefinitions", path);
        Ok(self.client.list(call).await?.read(definition))
    }
}

fn read(name: &'static str, path: String) -> Call {
    Call::read(Service::Arm, name, path)
}

fn write(method: Method, name: &'static str, path: String) -> Call {
    Call::write(Service::Arm, method, name, path)
}

fn assignment_path(scope: &Scope, name: Uuid) -> String {
    with_query(&format!("{scope}{ASSIGNMENTS}/{name}"), &[API_VERSION])
}

fn put_body(new: &NewRoleAssignment) -> Value {
    let principal_type = match new.principal_type {
        PrincipalType::Group => "Group",
        PrincipalType::User => "User",
        PrincipalType::ServicePrincipal => "ServicePrincipal",
    };
    let subscription = new.scope.subscription().unwrap_or_default();
    let mut properties = Map::new();
    properties.insert("roleDefinitionId".into(), format!("{subscription}{DEFINITIONS}/{}", new.definition).into());
    properties.insert("principalId".into(), new.principal.to_string().into());
    properties.insert("principalType".into(), principal_type.into());
    if let Some(description) = &new.description {
        properties.insert("description".into(), description.as_str().into());
    }
    json!({ "properties": properties })
}

/// ARM: troubleshooting role assignments. The documentation has the codes but not their status.
fn refused_put(failure: Failure) -> Answer<Put> {
    if let Some(no) = failure.refusal().filter(|no| no.has_code("RoleAssignmentExists")) {
        return Ok(Put::ExistsUnder { name: hex_id(&no.message) });
    }
    match failure {
        Failure::Refused(no) if no.has_code("PrincipalNotFound") => Ok(Put::PrincipalNotFound),
        failure => Err(failure),
    }
}

/// The message has the existing assignment's name, as 32 hexadecimal digits, with or without hyphens.
fn hex_id(message: &str) -> Option<Uuid> {
    let words = message.split(|c: char| !c.is_ascii_hexdigit() && c != '-');
    words.filter(|w| matches!(w.len(), 32 | 36)).find_map(|w| Uuid::parse_str(w).ok())
}

fn assignment(body: Value) -> Result<RoleAssignment, String> {
    let body: AssignmentBody = as_typed(body)?;
    let p = body.properties;
    let named = body.name.and_then(|name| Uuid::parse_str(&name).ok());
    let name = named.or_else(|| last_uuid(body.id.as_deref()?));
    let definition = last_uuid(&p.role_definition_id);
    Ok(RoleAssignment {
        scope: p.scope.or_else(|| scope_of(body.id.as_deref()?)).ok_or("a role assignment without a scope")?,
        name: name.ok_or("a role assignment without a name")?,
        definition: definition.ok_or("a role definition without an id")?,
        principal: p.principal_id,
        principal_type: p.principal_type,
        description: p.description,
        condition: condition(p.condition),
        created: p.created_on,
    })
}

/// Distinguishes `null` from a missing field.
fn said<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(d).map(Some)
}

fn condition(said: Option<Value>) -> Condition {
    match said {
        Some(Value::Null) => Condition::None,
        Some(Value::String(text)) if text.trim().is_empty() => Condition::None,
        Some(Value::String(text)) => Condition::Text(text),
        _ => Condition::Unsaid,
    }
}

fn definition(body: Value) -> Result<RoleDefinition, String> {
    let body: DefinitionBody = as_typed(body)?;
    let p = body.properties;
    let named = body.name.and_then(|name| Uuid::parse_str(&name).ok());
    let id = named.or_else(|| last_uuid(body.id.as_deref()?));
    let mut definition = RoleDefinition {
        id: id.ok_or("a role definition without a name")?,
        role_name: p.role_name,
        role_type: p.role_type,
        actions: Vec::new(),
        not_actions: Vec::new(),
        data_actions: Vec::new(),
    };
    // Missing permissions are not empty ones: the role would pass for a harmless one.
    for permission in p.permissions.ok_or("a role definition that says no permissions")? {
        definition.actions.extend(permission.actions);
        definition.not_actions.extend(permission.not_actions);
        definition.data_actions.extend(permission.data_actions);
    }
    Ok(definition)
}

/// The scope at the start of an assignment's id. `/` is empty there.
fn scope_of(id: &str) -> Option<String> {
    let at = id.to_ascii_lowercase().rfind(&ASSIGNMENTS.to_ascii_lowercase())?;
    Some(if at == 0 { "/".to_owned() } else { id[..at].to_owned() })
}

fn last_uuid(path: &str) -> Option<Uuid> {
    Uuid::parse_str(path.rsplit('/').next()?).ok()
}

#[derive(Deserialize)]
struct AssignmentBody {
    id: Option<String>,
    name: Option<String>,
    properties: AssignmentProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssignmentProperties {
    scope: Option<String>,
    role_definition_id: String,
    principal_id: Uuid,
    principal_type: Option<String>,
    description: Option<String>,
    #[serde(default, deserialize_with = "said")]
    condition: Option<Value>,
    #[serde(default, deserialize_with = "moment")]
    created_on: Option<OffsetDateTime>,
}

#[derive(Deserialize)]
struct DefinitionBody {
    id: Option<String>,
    name: Option<String>,
    properties: DefinitionProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DefinitionProperties {
    #[serde(default, deserialize_with = "or_default")]
    role_name: String,
    #[serde(rename = "type")]
    role_type: Option<String>,
    permissions: Option<Vec<Permission>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Permission {
    actions: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    not_actions: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    data_actions: Vec<String>,
}
