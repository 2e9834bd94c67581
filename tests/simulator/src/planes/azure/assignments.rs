//! `roleAssignments`: PUT, GET, DELETE, list.
//!
//! ARM: authorization 2022-04-01; refusals as in "troubleshoot Azure RBAC".

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::scopes::{management_group, normal, subscription_of};
use super::state::{Action, Assignment, BUILT_IN_ROLES, OWNER};
use crate::arm::request::{Request, authorize, page, refuse};
use crate::http::{Answer, Reply};
use crate::replicated::View;
use crate::tenant::Tenant;

/// Assignments per subscription, and per management group (Azure RBAC limits).
const MAX_PER_SUBSCRIPTION: usize = 4000;
const MAX_PER_MANAGEMENT_GROUP: usize = 500;

pub fn list(tenant: &Tenant, request: Request<'_>, scope: &str) -> Reply {
    check_scope(tenant, scope)?;
    authorize(tenant, request, scope, Action::Read, "Microsoft.Authorization/roleAssignments/read")?;
    let filter = Filter::parse(tenant, request.call.parameter("$filter").unwrap_or_default())?;
    let covers = |outer: &str, inner: &str| tenant.azure.covers(outer, inner);
    let related = |one: &&Assignment| covers(&one.scope, scope) || (!filter.at_scope && covers(scope, &one.scope));
    let mut found: Vec<&Assignment> =
        tenant.azure.assignments.values().filter(related).filter(|one| filter.wants(&one.principal)).collect();
    found.sort_by(|one, other| by_scope(one, other));
    page(tenant, request, found.into_iter().map(shown).collect())
}

fn by_scope(one: &Assignment, other: &Assignment) -> Ordering {
    (one.scope.len(), &one.name).cmp(&(other.scope.len(), &other.name))
}

/// `atScope()`, `principalId eq '..'`, `assignedTo('..')`, joined by `and`.
#[derive(Default)]
struct Filter {
    at_scope: bool,
    principals: Option<Vec<String>>,
}

impl Filter {
    fn parse(tenant: &Tenant, text: &str) -> Result<Self, Answer> {
        let mut filter = Self::default();
        for part in text.split(" and ").map(str::trim).filter(|part| !part.is_empty()) {
            let lower = part.to_lowercase();
            let quoted = || part.split('\'').nth(1).unwrap_or_default().to_lowercase();
            if lower == "atscope()" {
                filter.at_scope = true;
            } else if lower.starts_with("principalid eq '") {
                filter.principals = Some(vec![quoted()]);
            } else if lower.starts_with("assignedto('") && tenant.switches.is("assigned_to_filter", "supported") {
                let id = quoted();
                let mut all: Vec<String> = tenant.groups_of(&id).into_iter().collect();
                all.push(id);
                filter.principals = Some(all);
            } else {
                return Err(refuse(
                    400,
                    "UnsupportedQuery",
                    format!("The filter '{part}' is not supported for role assignments."),
                ));
            }
        }
        Ok(filter)
    }

    fn wants(&self, principal: &str) -> bool {
        self.principals.as_ref().is_none_or(|wanted| wanted.iter().any(|one| one.eq_ignore_ascii_case(principal)))
    }
}

pub fn get(tenant: &Tenant, request: Request<'_>, scope: &str, name: &str) -> Reply {
    check_scope(tenant, scope)?;
    authorize(tenant, request, scope, Action::Read, "Microsoft.Authorization/roleAssignments/read")?;
    let found = find(tenant, scope, name).ok_or_else(|| not_found(name))?;
    Ok(Answer::json(200, shown(found)))
}

pub fn put(tenant: &mut Tenant, request: Request<'_>, scope: &str, name: &str) -> Reply {
    let name = uuid::Uuid::parse_str(name)
        .map_err(|_| {
            refuse(
                400,
                "InvalidRoleAssignmentId",
                format!("The role assignment ID '{name}' is not valid. The role assignment ID must be a GUID."),
            )
        })?
        .to_string();
    check_scope(tenant, scope)?;
    let body = request.call.json().unwrap_or_default();
    let wanted = Wanted::from(&body)?;
    authorize(tenant, request, scope, Action::Write(&wanted.role), "Microsoft.Authorization/roleAssignments/write")?;
    if !BUILT_IN_ROLES.iter().any(|(id, _)| *id == wanted.role) {
        let status = tenant.switches.status("role_definition_missing_status");
        return Err(refuse(
            status,
            "RoleDefinitionDoesNotExist",
            format!("The specified role definition with ID '{}' does not exist.", wanted.role),
        ));
    }
    let same = |one: &Assignment| {
        normal(&one.scope) == normal(scope) && one.role == wanted.role && one.principal == wanted.principal
    };
    if let Some(known) = tenant.azure.assignments.get(&name).cloned() {
        if !same(&known) {
            return Err(refuse(
                400,
                "RoleAssignmentUpdateNotPermitted",
                "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
            ));
        }
        return update(tenant, request, known, wanted);
    }
    if let Some(other) = tenant.azure.assignments.values().find(|one| same(one)) {
        let status = tenant.switches.status("role_assignment_exists_status");
        let text = format!(
            "The role assignment already exists. The ID of the existing role assignment is {}.",
            other.name.replace('-', "")
        );
        return Err(refuse(status, "RoleAssignmentExists", text));
    }
    let kind = check_principal(tenant, request, &wanted)?;
    check_limit(tenant, scope)?;
    let assignment = Assignment {
        name: name.clone(),
        scope: scope.to_owned(),
        role: wanted.role,
        principal: wanted.principal,
        principal_type: kind,
        description: wanted.description,
        condition: wanted.condition,
        created_by: Some(request.caller.app_id.clone()),
        created_by_principal: request.caller.sp_id.clone(),
        created_on: request.now.precise_date(),
        updated_on: request.now.precise_date(),
    };
    let answer = shown(&assignment);
    tenant.azure.assignments.insert(name, assignment);
    tenant.record_harmless();
    Ok(Answer::json(201, answer))
}

fn check_limit(tenant: &Tenant, scope: &str) -> Result<(), Answer> {
    let key = |scope: &str| subscription_of(scope).map_or_else(|| normal(scope), str::to_lowercase);
    let own = key(scope);
    let taken = tenant.azure.assignments.values().filter(|one| key(&one.scope) == own).count();
    let (limit, what) = match management_group(scope) {
        Some(_) => (MAX_PER_MANAGEMENT_GROUP, "management group"),
        None => (MAX_PER_SUBSCRIPTION, "subscription"),
    };
    if taken < limit {
        return Ok(());
    }
    let text = format!("The role assignment limit for the {what} has been reached.");
    Err(refuse(400, "RoleAssignmentLimitExceeded", text))
}

fn update(tenant: &mut Tenant, request: Request<'_>, known: Assignment, wanted: Wanted) -> Reply {
    let creator = known.created_by.clone();
    let changed = Assignment {
        description: wanted.description,
        condition: wanted.condition,
        updated_on: request.now.precise_date(),
        ..known
    };
    let answer = shown(&changed);
    tenant.record_write(request.caller, creator.as_deref(), format!("PUT role assignment {}", changed.name));
    tenant.azure.assignments.insert(changed.name.clone(), changed);
    Ok(Answer::json(200, answer))
}

/// 200 with what was deleted, 204 when there was nothing.
pub fn delete(tenant: &mut Tenant, request: Request<'_>, scope: &str, name: &str) -> Reply {
    check_scope(tenant, scope)?;
    let Some(found) = find(tenant, scope, name).cloned() else {
        authorize(tenant, request, scope, Action::Read, "Microsoft.Authorization/roleAssignments/delete")?;
        tenant.record_harmless();
        return Ok(Answer::empty(204));
    };
    authorize(tenant, request, scope, Action::Delete(&found.role), "Microsoft.Authorization/roleAssignments/delete")?;
    check_not_last_owner(tenant, &found)?;
    tenant.azure.assignments.remove(&found.name);
    tenant.record_write(request.caller, found.created_by.as_deref(), format!("DELETE role assignment {}", found.name));
    Ok(Answer::json(200, shown(&found)))
}

/// Azure RBAC: troubleshooting, "remove the last Owner role assignment for a subscription". The page gives the text
/// without a code.
fn check_not_last_owner(tenant: &Tenant, found: &Assignment) -> Result<(), Answer> {
    let at_subscription =
        subscription_of(&found.scope).is_some_and(|id| normal(&found.scope) == normal(&format!("/subscriptions/{id}")));
    let mut others = tenant.azure.assignments.values().filter(|one| one.name != found.name && one.role == OWNER);
    if found.role != OWNER || !at_subscription || others.any(|one| tenant.azure.covers(&one.scope, &found.scope)) {
        return Ok(());
    }
    Err(refuse(400, "CannotDeleteLastRbacAdminAssignment", "Cannot delete the last RBAC admin assignment."))
}

struct Wanted {
    role: String,
    principal: String,
    principal_type: Option<String>,
    description: Option<String>,
    condition: Option<String>,
}

impl Wanted {
    fn from(body: &Value) -> Result<Self, Answer> {
        let text = |name: &str| body["properties"][name].as_str().map(str::to_owned);
        let invalid = |what: &str| {
            refuse(
                400,
                "InvalidCreateRoleAssignmentRequest",
                format!("The request to create role assignment is not valid: {what} is missing or not a GUID."),
            )
        };
        let guid = |text: Option<String>, what: &str| {
            text.and_then(|text| uuid::Uuid::parse_str(text.rsplit('/').next()?).ok())
                .map(|id| id.to_string())
                .ok_or_else(|| invalid(what))
        };
        Ok(Self {
            role: guid(text("roleDefinitionId"), "roleDefinitionId")?,
            principal: guid(text("principalId"), "principalId")?,
            principal_type: text("principalType"),
            description: text("description"),
            condition: text("condition"),
        })
    }
}

/// A principal that has not arrived yet is refused; naming its type helps users and service principals, not groups.
fn check_principal(tenant: &Tenant, request: Request<'_>, wanted: &Wanted) -> Result<String, Answer> {
    let id = &wanted.principal;
    let kind = tenant.kind(id);
    let declared = wanted.principal_type.as_deref();
    let bypass = matches!(declared, Some("User" | "ServicePrincipal")) && kind == declared;
    if kind.is_none() || (!bypass && !tenant.principal_seen(id, View::Arm, request.now)) {
        let status = tenant.switches.status("principal_not_found_status");
        let text = format!(
            "Principal {} does not exist in the directory {}. Check that you have the correct principal ID. If you are creating this principal and then immediately assigning a role, this error might be related to a replication delay.",
            id.replace('-', ""),
            tenant.id
        );
        return Err(refuse(status, "PrincipalNotFound", text));
    }
    let kind = kind.unwrap_or_default();
    match declared {
        Some(declared) if declared != kind => {
            let text = format!(
                "The PrincipalId '{}' has type '{kind}', which is different from specified PrincipalType '{declared}'.",
                id.replace('-', "")
            );
            Err(refuse(400, "UnmatchedPrincipalType", text))
        }
        _ => Ok(kind.to_owned()),
    }
}

fn find<'a>(tenant: &'a Tenant, scope: &str, name: &str) -> Option<&'a Assignment> {
    tenant.azure.assignments.get(&name.to_lowercase()).filter(|one| normal(&one.scope) == normal(scope))
}

fn not_found(name: &str) -> Answer {
    refuse(404, "RoleAssignmentNotFound", format!("The role assignment '{name}' is not found."))
}

/// Refuses a subscription or resource group that is not there.
pub fn check_scope(tenant: &Tenant, scope: &str) -> Result<(), Answer> {
    if tenant.azure.scope_exists(scope) {
        return Ok(());
    }
    let parts: Vec<&str> = scope.split('/').filter(|part| !part.is_empty()).collect();
    match (subscription_of(scope), parts.as_slice()) {
        (Some(id), [_, _, _, group, ..]) if tenant.azure.subscription(id).is_some() => {
            Err(refuse(404, "ResourceGroupNotFound", format!("Resource group '{group}' could not be found.")))
        }
        // ARM does not tell who may not look whether a management group is there.
        _ if management_group(scope).is_some() => {
            let text = format!(
                "The client does not have authorization to perform this action over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials."
            );
            Err(refuse(403, "AuthorizationFailed", text))
        }
        (Some(id), _) => {
            Err(refuse(404, "SubscriptionNotFound", format!("The subscription '{id}' could not be found.")))
        }
        _ => Err(refuse(400, "InvalidScope", format!("The scope '{scope}' is not valid."))),
    }
}

/// An assignment as ARM prints it.
fn shown(one: &Assignment) -> Value {
    let root = subscription_of(&one.scope).map(|id| format!("/subscriptions/{id}")).unwrap_or_default();
    let scope = if normal(&one.scope).is_empty() { "/" } else { one.scope.as_str() };
    json!({
        "properties": {
            "roleDefinitionId": format!("{root}/providers/Microsoft.Authorization/roleDefinitions/{}", one.role),
            "principalId": one.principal,
            "principalType": one.principal_type,
            "scope": scope,
            "description": one.description,
            "condition": one.condition,
            "conditionVersion": one.condition.as_ref().map(|_| "2.0"),
            "createdOn": one.created_on,
            "updatedOn": one.updated_on,
            "createdBy": one.created_by_principal,
            "updatedBy": one.created_by_principal,
            "delegatedManagedIdentityResourceId": null,
        },
        "id": format!("{}/providers/Microsoft.Authorization/roleAssignments/{}", one.scope.trim_end_matches('/'), one.name),
        "type": "Microsoft.Authorization/roleAssignments",
        "name": one.name,
    })
}
