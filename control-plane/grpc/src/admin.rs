//! `entente.access.v1.AdminService`: who may connect and who may ask.

#[cfg(test)]
mod tests;

use std::time::Duration;

use entente_app::{Agent, ApiRole, App, AppError, EnrollmentToken, NewPrincipal, Principal, Vouch};
use entente_convert::time;
use entente_model::violation::Fault;
use entente_model::{OperatorName, TenantName};
use entente_proto::access::v1 as wire;
use entente_proto::access::v1::admin_service_server::AdminService;
use tonic::{Request, Response, Status};

use crate::call::answer;
use crate::parse::{fault, name, optional_name, options, page, required};

/// The parent, or the name, that stands for all, or for the caller.
const ANY: &str = "-";

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct AdminApi(pub(crate) App);

#[tonic::async_trait]
impl AdminService for AdminApi {
    async fn create_enrollment_token(
        &self,
        request: Request<wire::CreateEnrollmentTokenRequest>,
    ) -> Result<Response<wire::CreateEnrollmentTokenResponse>, Status> {
        answer(&self.0, request, |app, caller, asked| async move {
            let options = options("CreateEnrollmentToken", &asked.request_id, false)?;
            let seconds = u64::try_from(asked.lifetime_seconds)
                .map_err(|_| fault("lifetime_seconds", Fault::Malformed, "is negative; 0 means 72 hours"))?;
            let tenant = name("tenant", &asked.tenant)?;
            let made =
                app.create_token(&caller, &tenant, Duration::from_secs(seconds), asked.replace, &options).await?;
            let token_file = made.file.expose().to_owned();
            Ok(wire::CreateEnrollmentTokenResponse { token: Some(token(&made.token)), token_file })
        })
        .await
    }

    async fn list_enrollment_tokens(
        &self,
        request: Request<wire::ListEnrollmentTokensRequest>,
    ) -> Result<Response<wire::ListEnrollmentTokensResponse>, Status> {
        answer(&self.0, request, |app, caller, asked| async move {
            let page = app.list_tokens(&caller, &page(asked.page_size, asked.page_token)?)?;
            let enrollment_tokens = page.items.iter().map(token).collect();
            Ok(wire::ListEnrollmentTokensResponse { enrollment_tokens, next_page_token: page.next })
        })
        .await
    }

    async fn delete_enrollment_token(
        &self,
        request: Request<wire::DeleteEnrollmentTokenRequest>,
    ) -> Result<Response<wire::DeleteEnrollmentTokenResponse>, Status> {
        answer(&self.0, request, |app, caller, asked| async move {
            let options = options("DeleteEnrollmentToken", &asked.request_id, false)?;
            app.delete_token(&caller, &name("name", &asked.name)?, &options).await?;
            Ok(wire::DeleteEnrollmentTokenResponse {})
        })
        .await
    }

    async fn get_agent(&self, request: Request<wire::GetAgentRequest>) -> Result<Response<wire::Agent>, Status> {
        answer(&self.0, request, |app, caller, asked| async move {
            Ok(agent(&app.get_agent(&caller, &name("name", &asked.name)?)?))
        })
        .await
    }

    async fn list_agents(
        &self,
        request: Request<wire::ListAgentsRequest>,
    ) -> Result<Response<wire::ListAgentsResponse>, Status> {
        answer(&self.0, request, |app, caller, asked| async move {
            let of = parent(&asked.parent)?;
            let page = app.list_agents(&caller, of.as_ref(), &page(asked.page_size, asked.page_token)?)?;
            let agents = page.items.iter().map(agent).collect();
            Ok(wire::ListAgentsResponse { agents, next_page_token: page.next })
        })
        .await
    }

    async fn revoke_agent(&self, request: Request<wire::RevokeAgentRequest>) -> Result<Response<wire::Agent>, Status> {
        answer(&self.0, request, |app, caller, asked| async move {
            let options = options("RevokeAgent", &asked.request_id, false)?;
            Ok(agent(&app.revoke_agent(&caller, &name("name", &asked.name)?, &options).await?))
        })
        .await
    }

    async fn vouch_agent(&self, request: Request<wire::VouchAgentRequest>) -> Result<Response<wire::Agent>, Status> {
        answer(&self.0, request, |app, caller, asked| async move {
            let options = options("VouchAgent", &asked.request_id, false)?;
            Ok(agent(&app.vouch_agent(&caller, &name("name", &asked.name)?, &options).await?))
        })
        .await
    }

    async fn acknowledge_displacement(
        &self,
        request: Request<wire::AcknowledgeDisplacementRequest>,
    ) -> Result<Response<wire::Agent>, Status> {
        answer(&self.0, request, |app, caller, asked| async move {
            let options = options("AcknowledgeDisplacement", &asked.request_id, false)?;
            Ok(agent(&app.acknowledge_displacement(&caller, &name("name", &asked.name)?, &options).await?))
        })
        .await
    }

    async fn get_principal(
        &self,
        request: Request<wire::GetPrincipalRequest>,
    ) -> Result<Response<wire::Principal>, Status> {
        answer(&self.0, request, |app, caller, asked| async move {
            let found = match asked.name.strip_prefix("principals/") {
                Some(ANY) => app.get_principal(&caller, &caller.principal)?,
                _ => app.get_principal(&caller, &name("name", &asked.name)?)?,
            };
            Ok(principal(found))
        })
        .await
    }

    async fn list_principals(
        &self,
        request: Request<wire::ListPrincipalsRequest>,
    ) -> Result<Response<wire::ListPrincipalsResponse>, Status> {
        answer(&self.0, request, |app, caller, asked| async move {
            let page = app.list_principals(&caller, &page(asked.page_size, asked.page_token)?)?;
            let principals = page.items.into_iter().map(principal).collect();
            Ok(wire::ListPrincipalsResponse { principals, next_page_token: page.next })
        })
        .await
    }

    async fn create_principal(
        &self,
        request: Request<wire::CreatePrincipalRequest>,
    ) -> Result<Response<wire::Principal>, Status> {
        answer(&self.0, request, |app, caller, asked| async move {
            let options = options("CreatePrincipal", &asked.request_id, false)?;
            let asked_for = required("principal", asked.principal)?;
            let (name, role) = (name("principal.name", &asked_for.name)?, role(asked_for.role())?);
            let operator: Option<OperatorName> = optional_name("principal.operator", &asked_for.operator)?;
            let new = NewPrincipal { name: &name, role, operator: operator.as_ref(), csr_pem: &asked.csr_pem };
            Ok(principal(app.create_principal(&caller, new, &options).await?))
        })
        .await
    }

    async fn update_principal(
        &self,
        request: Request<wire::UpdatePrincipalRequest>,
    ) -> Result<Response<wire::Principal>, Status> {
        answer(&self.0, request, |app, caller, asked| async move {
            let options = options("UpdatePrincipal", &asked.request_id, false)?;
            let paths = asked.update_mask.map(|mask| mask.paths).unwrap_or_default();
            if let Some(other) = paths.iter().find(|path| *path != "operator") {
                let text = format!("{other:?} cannot be updated; name `operator`, or make another principal");
                return Err(fault("update_mask", Fault::Malformed, text));
            }
            let asked_for = required("principal", asked.principal)?;
            let operator: Option<OperatorName> = optional_name("principal.operator", &asked_for.operator)?;
            let name = name("principal.name", &asked_for.name)?;
            Ok(principal(app.tie_principal(&caller, &name, operator.as_ref(), &options).await?))
        })
        .await
    }

    async fn delete_principal(
        &self,
        request: Request<wire::DeletePrincipalRequest>,
    ) -> Result<Response<wire::DeletePrincipalResponse>, Status> {
        answer(&self.0, request, |app, caller, asked| async move {
            let options = options("DeletePrincipal", &asked.request_id, false)?;
            app.delete_principal(&caller, &name("name", &asked.name)?, &options).await?;
            Ok(wire::DeletePrincipalResponse {})
        })
        .await
    }
}

fn parent(text: &str) -> Result<Option<TenantName>, AppError> {
    match text.strip_prefix("tenants/") {
        None if text.is_empty() => Ok(None),
        Some(ANY) => Ok(None),
        _ => name("parent", text).map(Some),
    }
}

fn token(it: &EnrollmentToken) -> wire::EnrollmentToken {
    wire::EnrollmentToken {
        name: it.name.to_string(),
        tenant: it.tenant.to_string(),
        create_time: Some(time::to_proto(it.created)),
        expire_time: Some(time::to_proto(it.expires)),
        use_time: time::to_proto_opt(it.used),
        agent: it.agent.as_ref().map(ToString::to_string).unwrap_or_default(),
        creator: it.by.as_ref().map(ToString::to_string).unwrap_or_default(),
        replace: it.replaces,
    }
}

fn agent(it: &Agent) -> wire::Agent {
    let row = &it.row;
    wire::Agent {
        name: it.name.to_string(),
        enroll_time: Some(time::to_proto(row.enrolled)),
        serial: row.serial.to_string(),
        certificate_expire_time: Some(time::to_proto(row.expires)),
        revoke_time: time::to_proto_opt(row.revoked),
        connected: it.connected,
        last_seen_time: time::to_proto_opt(it.last_seen),
        displaced_agent: row.displaced.as_ref().map(ToString::to_string).unwrap_or_default(),
        token_creator: row.admitted_by.as_ref().map(ToString::to_string).unwrap_or_default(),
        vouch: row.vouched.as_ref().map(vouch),
        acknowledgement: row.acknowledged.as_ref().map(vouch),
    }
}

fn vouch(it: &Vouch) -> wire::Vouch {
    wire::Vouch { principal: it.by.to_string(), vouch_time: Some(time::to_proto(it.at)) }
}

fn principal(it: Principal) -> wire::Principal {
    let role = match it.role {
        ApiRole::Viewer => wire::PrincipalRole::Viewer,
        ApiRole::Editor => wire::PrincipalRole::Editor,
        ApiRole::Admin => wire::PrincipalRole::Admin,
    };
    wire::Principal {
        name: it.name.to_string(),
        role: role.into(),
        create_time: Some(time::to_proto(it.created)),
        certificate_pem: it.certificate_pem,
        certificate_expire_time: Some(time::to_proto(it.expires)),
        operator: it.operator.map(|name| name.to_string()).unwrap_or_default(),
    }
}

fn role(role: wire::PrincipalRole) -> Result<ApiRole, AppError> {
    match role {
        wire::PrincipalRole::Viewer => Ok(ApiRole::Viewer),
        wire::PrincipalRole::Editor => Ok(ApiRole::Editor),
        wire::PrincipalRole::Admin => Ok(ApiRole::Admin),
        wire::PrincipalRole::Unspecified => {
            Err(fault("principal.role", Fault::Missing, "is missing; use viewer, editor or admin"))
        }
    }
}
