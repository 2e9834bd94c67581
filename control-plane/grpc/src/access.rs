//! `entente.access.v1.AccessService`: parse, call `entente-app`, convert.
//!
//! The standard methods of the six kinds are one macro: they differ in names only.

mod convert;
#[cfg(test)]
mod tests;

use entente_app::{App, AppError, Applied, Caller, Change, Delete, Put, Roots};
use entente_convert::access::{Resource, manifest_from_proto, resource_from_proto, resource_to_value};
use entente_model::OperatorName;
use entente_model::intent::{Kind, Manifest, ResourceName};
use entente_model::violation::Violation;
use entente_proto::access::v1 as wire;
use entente_proto::access::v1::access_service_server::AccessService;
use tonic::{Request, Response, Status};

use crate::call::answer;
use crate::mask::replaced;
use crate::parse::{etag, name, optional_name, options, page, required};
use convert::{applied, audit_record, impact, resource};

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct AccessApi(pub(crate) App);

/// Turns each manifest of a set into what it means, or says everything that is wrong with all of them.
fn manifests(messages: &[wire::Manifest]) -> Result<Vec<Manifest>, AppError> {
    let (good, bad): (Vec<_>, Vec<_>) = messages.iter().map(manifest_from_proto).partition(Result::is_ok);
    let violations: Vec<Violation> = bad.into_iter().filter_map(Result::err).collect();
    if violations.is_empty() {
        Ok(good.into_iter().filter_map(Result::ok).collect())
    } else {
        Err(AppError::Invalid(violations))
    }
}

fn one(message: Resource) -> Result<Manifest, AppError> {
    resource_from_proto(&message).map_err(|violation| AppError::Invalid(vec![violation]))
}

/// The resource after a change of one.
fn changed(applied: Applied) -> Result<Resource, AppError> {
    Ok(resource(&applied.resource.expect("the app answers a change of one resource with it")))
}

async fn set(app: App, caller: Caller, asked: wire::ApplyIntentRequest) -> Result<wire::ApplyIntentResponse, AppError> {
    let options = options("ApplyIntent", &asked.request_id, asked.validate_only)?;
    let puts = manifests(&asked.manifests)?.into_iter().zip(asked.manifests.iter().map(convert::etag_of));
    let puts = puts.map(|(manifest, etag)| Put::Set { manifest, etag }).collect();
    let deletes = asked.deletions.into_iter().enumerate().map(|(at, it)| {
        let resource_name = name(&format!("deletions[{at}].name"), &it.name)?;
        Ok(Delete { name: resource_name, etag: etag(it.etag) })
    });
    let deletes = deletes.collect::<Result<_, AppError>>()?;
    app.intents().change(&caller, Change { puts, deletes }, &options).await.map(|done| applied(&done))
}

/// A resource of the kind that was asked for by its name.
macro_rules! only {
    ($kind:ident, $resource:expr) => {
        match $resource {
            Resource::$kind(it) => it,
            _ => unreachable!("the name says which kind it is"),
        }
    };
}
macro_rules! access_service {
    (
        $($kind:ident: $name:ty, $field:ident, $plural:ident,
          $get:ident($get_request:ident), $list:ident($list_request:ident) -> $list_response:ident,
          $create:ident($create_request:ident) = $create_method:literal,
          $delete:ident($delete_request:ident) -> $delete_response:ident = $delete_method:literal
          $(, $update:ident($update_request:ident) = $update_method:literal)?;)*
        { $($other:tt)* }
    ) => {
        #[tonic::async_trait]
        impl AccessService for AccessApi {
            $(
                async fn $get(&self, request: Request<wire::$get_request>) -> Result<Response<wire::$kind>, Status> {
                    answer(&self.0, request, |app, caller, asked| async move {
                        let resource_name = ResourceName::$kind(name::<$name>("name", &asked.name)?);
                        Ok(only!($kind, resource(&app.get(&caller, &resource_name)?)))
                    })
                    .await
                }

                async fn $list(
                    &self,
                    request: Request<wire::$list_request>,
                ) -> Result<Response<wire::$list_response>, Status> {
                    answer(&self.0, request, |app, caller, asked| async move {
                        let page = app.list(&caller, Kind::$kind, &page(asked.page_size, asked.page_token)?)?;
                        Ok(wire::$list_response {
                            $plural: page.items.iter().map(|stored| only!($kind, resource(stored))).collect(),
                            next_page_token: page.next,
                        })
                    })
                    .await
                }

                async fn $create(
                    &self,
                    request: Request<wire::$create_request>,
                ) -> Result<Response<wire::$kind>, Status> {
                    answer(&self.0, request, |app, caller, asked| async move {
                        let options = options($create_method, &asked.request_id, asked.validate_only)?;
                        let message = required(stringify!($field), asked.$field)?;
                        let puts = vec![Put::Create { manifest: one(Resource::$kind(message))? }];
                        let done = app.intents().change(&caller, Change { puts, deletes: Vec::new() }, &options).await?;
                        Ok(only!($kind, changed(done)?))
                    })
                    .await
                }

                async fn $delete(
                    &self,
                    request: Request<wire::$delete_request>,
                ) -> Result<Response<wire::$delete_response>, Status> {
                    answer(&self.0, request, |app, caller, asked| async move {
                        let options = options($delete_method, &asked.request_id, asked.validate_only)?;
                        let resource_name = ResourceName::$kind(name::<$name>("name", &asked.name)?);
                        let deletes = vec![Delete { name: resource_name, etag: etag(asked.etag) }];
                        let done = app.intents().change(&caller, Change { puts: Vec::new(), deletes }, &options).await?;
                        Ok(wire::$delete_response { impact: Some(impact(&done.impact)) })
                    })
                    .await
                }

                $(async fn $update(
                    &self,
                    request: Request<wire::$update_request>,
                ) -> Result<Response<wire::$kind>, Status> {
                    answer(&self.0, request, |app, caller, asked| async move {
                        let options = options($update_method, &asked.request_id, asked.validate_only)?;
                        let message = required(stringify!($field), asked.$field)?;
                        let resource_name = ResourceName::$kind(name::<$name>(
                            concat!(stringify!($field), ".name"),
                            &message.name,
                        )?);
                        let etag = etag(message.etag.clone());
                        let tree = |masked| resource_to_value(&Resource::$kind(masked));
                        let fields = replaced(stringify!($kind), &message, asked.update_mask.as_ref(), tree)
                            .map_err(|violation| AppError::Invalid(vec![violation]))?;
                        let puts = vec![Put::Update { name: resource_name, fields, etag }];
                        let done = app.intents().change(&caller, Change { puts, deletes: Vec::new() }, &options).await?;
                        Ok(only!($kind, changed(done)?))
                    })
                    .await
                })?
            )*
            $($other)*
        }
    };
}

access_service! {
    HomeTenant: entente_model::HomeName, home_tenant, home_tenants,
        get_home_tenant(GetHomeTenantRequest), list_home_tenants(ListHomeTenantsRequest) -> ListHomeTenantsResponse,
        create_home_tenant(CreateHomeTenantRequest) = "CreateHomeTenant",
        delete_home_tenant(DeleteHomeTenantRequest) -> DeleteHomeTenantResponse = "DeleteHomeTenant",
        update_home_tenant(UpdateHomeTenantRequest) = "UpdateHomeTenant";
    Tenant: entente_model::TenantName, tenant, tenants,
        get_tenant(GetTenantRequest), list_tenants(ListTenantsRequest) -> ListTenantsResponse,
        create_tenant(CreateTenantRequest) = "CreateTenant",
        delete_tenant(DeleteTenantRequest) -> DeleteTenantResponse = "DeleteTenant",
        update_tenant(UpdateTenantRequest) = "UpdateTenant";
    Operator: OperatorName, operator, operators,
        get_operator(GetOperatorRequest), list_operators(ListOperatorsRequest) -> ListOperatorsResponse,
        create_operator(CreateOperatorRequest) = "CreateOperator",
        delete_operator(DeleteOperatorRequest) -> DeleteOperatorResponse = "DeleteOperator",
        update_operator(UpdateOperatorRequest) = "UpdateOperator";
    Squad: entente_model::SquadName, squad, squads,
        get_squad(GetSquadRequest), list_squads(ListSquadsRequest) -> ListSquadsResponse,
        create_squad(CreateSquadRequest) = "CreateSquad",
        delete_squad(DeleteSquadRequest) -> DeleteSquadResponse = "DeleteSquad",
        update_squad(UpdateSquadRequest) = "UpdateSquad";
    SocRole: entente_model::RoleVersion, soc_role, soc_roles,
        get_soc_role(GetSocRoleRequest), list_soc_roles(ListSocRolesRequest) -> ListSocRolesResponse,
        create_soc_role(CreateSocRoleRequest) = "CreateSocRole",
        delete_soc_role(DeleteSocRoleRequest) -> DeleteSocRoleResponse = "DeleteSocRole";
    Assignment: entente_model::AssignmentName, assignment, assignments,
        get_assignment(GetAssignmentRequest), list_assignments(ListAssignmentsRequest) -> ListAssignmentsResponse,
        create_assignment(CreateAssignmentRequest) = "CreateAssignment",
        delete_assignment(DeleteAssignmentRequest) -> DeleteAssignmentResponse = "DeleteAssignment",
        update_assignment(UpdateAssignmentRequest) = "UpdateAssignment";
    {
        async fn apply_intent(
            &self,
            request: Request<wire::ApplyIntentRequest>,
        ) -> Result<Response<wire::ApplyIntentResponse>, Status> {
            answer(&self.0, request, set).await
        }

        async fn leave_operator(
            &self,
            request: Request<wire::LeaveOperatorRequest>,
        ) -> Result<Response<wire::LeaveOperatorResponse>, Status> {
            answer(&self.0, request, |app, caller, asked| async move {
                let options = options("LeaveOperator", &asked.request_id, asked.validate_only)?;
                let done = app.intents().leave_operator(&caller, &name("name", &asked.name)?, &options).await?;
                let (impact, removal_ids) = (Some(impact(&done.impact)), done.removals.clone());
                let operator = Some(only!(Operator, changed(done)?));
                Ok(wire::LeaveOperatorResponse { operator, impact, removal_ids })
            })
            .await
        }

        async fn rejoin_operator(
            &self,
            request: Request<wire::RejoinOperatorRequest>,
        ) -> Result<Response<wire::Operator>, Status> {
            answer(&self.0, request, |app, caller, asked| async move {
                let options = options("RejoinOperator", &asked.request_id, asked.validate_only)?;
                let done = app.intents().rejoin_operator(&caller, &name("name", &asked.name)?, &options).await?;
                Ok(only!(Operator, changed(done)?))
            })
            .await
        }

        async fn list_audit_records(
            &self,
            request: Request<wire::ListAuditRecordsRequest>,
        ) -> Result<Response<wire::ListAuditRecordsResponse>, Status> {
            answer(&self.0, request, |app, caller, asked| async move {
                let resource: Option<ResourceName> = optional_name("resource", &asked.resource)?;
                // Before the records are read, so that it is the digest of one of them.
                let head_digest = app.audit_head().map(|digest| digest.to_string()).unwrap_or_default();
                let page = app.audit(&caller, &page(asked.page_size, asked.page_token)?, resource.as_ref()).await?;
                let records = page.items.iter().map(audit_record).collect();
                Ok(wire::ListAuditRecordsResponse { records, next_page_token: page.next, head_digest })
            })
            .await
        }

        async fn list_roots(
            &self,
            request: Request<wire::ListRootsRequest>,
        ) -> Result<Response<wire::ListRootsResponse>, Status> {
            answer(&self.0, request, |app, caller, asked| async move {
                let roots = app.roots(&caller, &page(asked.page_size, asked.page_token)?).await?;
                let Roots { notes, verifier_keys } = roots;
                Ok(wire::ListRootsResponse { notes: notes.items, next_page_token: notes.next, verifier_keys })
            })
            .await
        }
    }
}
