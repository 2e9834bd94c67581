//! `entente.fleet.v1.FleetService`: how the fleet stands.

mod codes;
mod convert;
mod events;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::pin::Pin;

use entente_app::{AccessFilter, App, AppError, EventFilter, TenantPhase, TenantSelection};
use entente_convert::time;
use entente_model::report::ItemState;
use entente_model::violation::Fault;
use entente_proto::fleet::v1 as wire;
use entente_proto::fleet::v1::fleet_service_server::FleetService;
use futures::{Stream, StreamExt};
use tonic::{Request, Response, Status};

use crate::call::{CallId, answer};
use crate::parse::{fault, name, optional_name, page};

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct FleetApi(pub(crate) App);

#[tonic::async_trait]
impl FleetService for FleetApi {
    async fn get_tenant_status(
        &self,
        request: Request<wire::GetTenantStatusRequest>,
    ) -> Result<Response<wire::TenantStatus>, Status> {
        answer(&self.0, request, |app, caller, asked| async move {
            Ok(convert::tenant_status(&app.reports().tenant_status(&caller, &name("tenant", &asked.tenant)?)?))
        })
        .await
    }

    async fn list_tenant_statuses(
        &self,
        request: Request<wire::ListTenantStatusesRequest>,
    ) -> Result<Response<wire::ListTenantStatusesResponse>, Status> {
        answer(&self.0, request, |app, caller, asked| async move {
            let selected = selection(asked.tenants, asked.labels, &asked.phases)?;
            let page =
                app.reports().list_tenant_statuses(&caller, &selected, &page(asked.page_size, asked.page_token)?)?;
            let tenant_statuses = page.items.iter().map(convert::tenant_status).collect();
            Ok(wire::ListTenantStatusesResponse { tenant_statuses, next_page_token: page.next })
        })
        .await
    }

    async fn list_item_statuses(
        &self,
        request: Request<wire::ListItemStatusesRequest>,
    ) -> Result<Response<wire::ListItemStatusesResponse>, Status> {
        answer(&self.0, request, |app, caller, asked| async move {
            let states = asked.states.iter().map(|word| state(word)).collect::<Result<Vec<_>, _>>()?;
            let tenant = name("tenant", &asked.tenant)?;
            let page = app.reports().list_item_statuses(
                &caller,
                &tenant,
                &states,
                &page(asked.page_size, asked.page_token)?,
            )?;
            let item_statuses = page.items.into_iter().map(convert::item_status).collect();
            Ok(wire::ListItemStatusesResponse { item_statuses, next_page_token: page.next })
        })
        .await
    }

    async fn list_access(
        &self,
        request: Request<wire::ListAccessRequest>,
    ) -> Result<Response<wire::ListAccessResponse>, Status> {
        answer(&self.0, request, |app, caller, asked| async move {
            let filter = AccessFilter {
                tenant: optional_name("tenant", &asked.tenant)?,
                operator: optional_name("operator", &asked.operator)?,
                role: optional_name("role", &asked.role)?,
                assignment: optional_name("assignment", &asked.assignment)?,
                ends_by: asked.expire_before_time.as_ref().map(time::from_proto),
            };
            let page = app.reports().list_access(&caller, &filter, &page(asked.page_size, asked.page_token)?)?;
            let access = page.items.into_iter().map(convert::access).collect();
            Ok(wire::ListAccessResponse { access, next_page_token: page.next })
        })
        .await
    }

    async fn list_removals(
        &self,
        request: Request<wire::ListRemovalsRequest>,
    ) -> Result<Response<wire::ListRemovalsResponse>, Status> {
        answer(&self.0, request, |app, caller, asked| async move {
            let operator = optional_name("operator", &asked.operator)?;
            let page = app
                .removals()
                .list_removals(&caller, operator.as_ref(), &page(asked.page_size, asked.page_token)?)
                .await?;
            let removals = page.items.into_iter().map(convert::removal).collect();
            Ok(wire::ListRemovalsResponse { removals, next_page_token: page.next })
        })
        .await
    }

    type WatchTenantStatusesStream =
        Pin<Box<dyn Stream<Item = Result<wire::WatchTenantStatusesResponse, Status>> + Send>>;

    async fn watch_tenant_statuses(
        &self,
        request: Request<wire::WatchTenantStatusesRequest>,
    ) -> Result<Response<Self::WatchTenantStatusesStream>, Status> {
        answer(&self.0, request, |app, caller, asked| async move {
            let tenants = asked.tenants.iter().map(|tenant| name("tenants", tenant)).collect::<Result<_, _>>()?;
            let watch = app.reports().watch_tenant_statuses(&caller, tenants)?;
            let stream: Self::WatchTenantStatusesStream = Box::pin(watch.map(|event| Ok(convert::watch_event(&event))));
            Ok(stream)
        })
        .await
    }

    async fn list_endings(
        &self,
        request: Request<wire::ListEndingsRequest>,
    ) -> Result<Response<wire::ListEndingsResponse>, Status> {
        answer(&self.0, request, |app, caller, asked| async move {
            let page = app.list_endings(&caller, &page(asked.page_size, asked.page_token)?)?;
            let endings = page.items.into_iter().map(convert::ending).collect();
            Ok(wire::ListEndingsResponse { endings, next_page_token: page.next })
        })
        .await
    }

    async fn list_events(
        &self,
        request: Request<wire::ListEventsRequest>,
    ) -> Result<Response<wire::ListEventsResponse>, Status> {
        answer(&self.0, request, |app, caller, asked| async move {
            let since = asked.since_time.as_ref().map(time::from_proto);
            let filter = EventFilter { since, ..events::filter(&asked.tenant, &asked.kinds)? };
            let page = app.reports().list_events(&caller, &filter, &page(asked.page_size, asked.page_token)?).await?;
            let events = page.items.into_iter().map(events::event).collect();
            Ok(wire::ListEventsResponse { events, next_page_token: page.next })
        })
        .await
    }

    type WatchEventsStream = Pin<Box<dyn Stream<Item = Result<wire::WatchEventsResponse, Status>> + Send>>;

    async fn watch_events(
        &self,
        request: Request<wire::WatchEventsRequest>,
    ) -> Result<Response<Self::WatchEventsStream>, Status> {
        let call = CallId::of(&request);
        answer(&self.0, request, |app, caller, asked| async move {
            let (filter, start) = (events::filter(&asked.tenant, &asked.kinds)?, events::start(&asked)?);
            let watch = app.reports().watch_events(&caller, filter, start).await?;
            let stream: Self::WatchEventsStream = Box::pin(events::stream(watch, call));
            Ok(stream)
        })
        .await
    }

    async fn plan_tenant(
        &self,
        request: Request<wire::PlanTenantRequest>,
    ) -> Result<Response<wire::PlanTenantResponse>, Status> {
        answer(&self.0, request, |app, caller, asked| async move {
            let plan = app.plan_tenant(&caller, &name("tenant", &asked.tenant)?).await?;
            let changes = plan.changes.iter().map(convert::planned_change).collect();
            Ok(wire::PlanTenantResponse { changes, plan_time: Some(time::to_proto(plan.time)) })
        })
        .await
    }

    async fn compare_tenant(
        &self,
        request: Request<wire::CompareTenantRequest>,
    ) -> Result<Response<wire::CompareTenantResponse>, Status> {
        answer(&self.0, request, |app, caller, asked| async move {
            app.compare_tenant(&caller, &name("tenant", &asked.tenant)?).await?;
            Ok(wire::CompareTenantResponse {})
        })
        .await
    }

    async fn resend_tenant(
        &self,
        request: Request<wire::ResendTenantRequest>,
    ) -> Result<Response<wire::ResendTenantResponse>, Status> {
        answer(&self.0, request, |app, caller, asked| async move {
            app.resend_tenant(&caller, &name("tenant", &asked.tenant)?).await?;
            Ok(wire::ResendTenantResponse {})
        })
        .await
    }
}

/// Most tenants that are asked for by name: as many as a page shows.
const MAX_NAMED: usize = 1_000;

fn selection(
    tenants: Vec<String>,
    labels: HashMap<String, String>,
    phases: &[i32],
) -> Result<TenantSelection, AppError> {
    if tenants.len() > MAX_NAMED {
        return Err(fault("tenants", Fault::TooLarge, format!("names more than {MAX_NAMED}; leave it empty for all")));
    }
    let tenants = tenants.iter().map(|text| name("tenants", text)).collect::<Result<_, _>>()?;
    let phases = phases.iter().map(|number| phase(*number)).collect::<Result<_, _>>()?;
    Ok(TenantSelection { tenants, labels: labels.into_iter().collect(), phases })
}

fn phase(number: i32) -> Result<TenantPhase, AppError> {
    let known = TenantPhase::PRECEDENCE.iter().find(|it| convert::phase(**it) as i32 == number);
    known.copied().ok_or_else(|| fault("phases", Fault::Malformed, format!("{number} is no phase of this version")))
}

fn state(word: &str) -> Result<ItemState, AppError> {
    ItemState::ALL.into_iter().find(|state| state.word() == word).ok_or_else(|| {
        let known = ItemState::ALL.map(ItemState::word).join(", ");
        fault("states", Fault::Malformed, format!("{word:?} is not a state; use some of {known}"))
    })
}
