//! The service provider's API: methods, errors, reflection, health, who may call.

use entente_app::pki;
use entente_proto::access::v1 as access;
use entente_proto::access::v1::access_service_client::AccessServiceClient;
use entente_proto::access::v1::admin_service_client::AdminServiceClient;
use entente_proto::fleet::v1 as fleet;
use entente_proto::fleet::v1::fleet_service_client::FleetServiceClient;
use prost_types::FieldMask;
use serde_json::json;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use crate::support::*;

fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info().expect("every refusal has an ErrorInfo");
    assert_eq!(info.domain, "entente");
    assert!(details.request_info().is_some_and(|it| !it.request_id.is_empty()), "and an id to ask for");
    info.reason.clone()
}

#[tokio::test]
async fn resources_are_created_read_listed_updated_and_deleted() {
    let server = Server::start().await;
    let mut api = server.access();
    let home_tenant = access::HomeTenant {
        name: "homeTenants/nordwall".into(),
        entra_tenant_id: "0b0de000-0000-4000-8000-000000000001".into(),
        ..Default::default()
    };
    let create = access::CreateHomeTenantRequest { home_tenant: Some(home_tenant), ..Default::default() };
    let made = api.create_home_tenant(create.clone()).await.unwrap().into_inner();
    assert!(!made.uid.is_empty() && !made.etag.is_empty() && made.revision > 0 && made.create_time.is_some());
    let again = api.create_home_tenant(create).await.unwrap_err();
    assert_eq!((again.code(), reason(&again).as_str()), (Code::AlreadyExists, "ALREADY_EXISTS"));
    let get = access::GetHomeTenantRequest { name: made.name.clone() };
    assert_eq!(api.get_home_tenant(get.clone()).await.unwrap().into_inner(), made);
    let listed = api.list_home_tenants(access::ListHomeTenantsRequest::default()).await.unwrap().into_inner();
    assert_eq!((listed.home_tenants, listed.next_page_token), (vec![made.clone()], String::new()));
    let mut update = access::UpdateHomeTenantRequest { home_tenant: Some(made.clone()), ..Default::default() };
    update.home_tenant.as_mut().unwrap().cloud = access::Cloud::China.into();
    let updated = api.update_home_tenant(update.clone()).await.unwrap().into_inner();
    assert!(updated.cloud() == access::Cloud::China && updated.revision > made.revision && updated.uid == made.uid);
    update.home_tenant.as_mut().unwrap().cloud = access::Cloud::Global.into();
    let stale = api.update_home_tenant(update).await.unwrap_err();
    assert_eq!((stale.code(), reason(&stale).as_str()), (Code::Aborted, "STALE_ETAG"));
    let delete = access::DeleteHomeTenantRequest { name: made.name, ..Default::default() };
    api.delete_home_tenant(delete).await.unwrap();
    let gone = api.get_home_tenant(get).await.unwrap_err();
    assert_eq!((gone.code(), reason(&gone).as_str()), (Code::NotFound, "NOT_FOUND"));
}

#[tokio::test]
async fn a_mask_updates_its_fields_and_no_other() {
    let server = Server::start().await.with_contoso().await;
    let mut api = server.access();
    let update = |paths: &[&str], tenant: access::Tenant| access::UpdateTenantRequest {
        tenant: Some(access::Tenant { name: "tenants/contoso".into(), ..tenant }),
        update_mask: Some(FieldMask { paths: paths.iter().map(ToString::to_string).collect() }),
        ..Default::default()
    };
    let change =
        access::Tenant { customer: "Contoso AB".into(), name_prefix: "unmasked-".into(), ..Default::default() };
    let updated = api.update_tenant(update(&["customer"], change)).await.unwrap().into_inner();
    assert_eq!((updated.customer.as_str(), updated.name_prefix.as_str()), ("Contoso AB", "ent-"));
    assert_eq!(updated.labels["region"], "nordic");
    let cleared = api.update_tenant(update(&["labels"], access::Tenant::default())).await.unwrap().into_inner();
    assert!(cleared.labels.is_empty() && cleared.scopes.len() == 1, "{cleared:?}");
    let unknown = api.update_tenant(update(&["colour"], access::Tenant::default())).await.unwrap_err();
    let details = unknown.get_error_details();
    assert_eq!(details.bad_request().unwrap().field_violations[0].field, "update_mask");
    assert_eq!(details.bad_request().unwrap().field_violations[0].reason, "MALFORMED");
}

#[tokio::test]
async fn a_set_is_refused_whole_and_every_fault_is_named() {
    let server = Server::start().await;
    let mut request = set(vec![home(), contoso(), maya()]);
    request.manifests[1].resource = Some(access::manifest::Resource::Tenant(access::Tenant {
        name: "tenants/contoso".into(),
        ..Default::default()
    }));
    request.manifests[2].resource = Some(access::manifest::Resource::Operator(access::Operator {
        name: "operators/Maya".into(),
        display_name: "Maya".into(),
        ..Default::default()
    }));
    let refused = server.access().apply_intent(request).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "INVALID"));
    let details = refused.get_error_details();
    let fields: Vec<_> = details.bad_request().unwrap().field_violations.iter().map(|it| it.field.clone()).collect();
    assert!(fields.iter().any(|field| field.starts_with("tenants/contoso")), "{fields:?}");
    assert!(fields.iter().any(|field| field.starts_with("operators/Maya")), "{fields:?}");
    let listed = server.access().list_home_tenants(access::ListHomeTenantsRequest::default()).await.unwrap();
    assert!(listed.into_inner().home_tenants.is_empty(), "nothing of a refused set stays");
}

#[tokio::test]
async fn what_contradicts_other_resources_is_a_failed_precondition() {
    let server = Server::start().await.with_contoso().await;
    let request = access::DeleteSquadRequest { name: "squads/nordic".into(), ..Default::default() };
    let refused = server.access().delete_squad(request).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "CONTRADICTS"));
    let details = refused.get_error_details();
    assert!(!details.precondition_failure().unwrap().violations.is_empty());
}

#[tokio::test]
async fn malformed_requests_are_refused_by_field() {
    let server = Server::start().await;
    let mut api = server.access();
    let field = |status: Status| {
        assert_eq!(status.code(), Code::InvalidArgument);
        status.get_error_details().bad_request().unwrap().field_violations[0].field.clone()
    };
    let request = access::ListTenantsRequest { page_size: -1, ..Default::default() };
    assert_eq!(field(api.list_tenants(request).await.unwrap_err()), "page_size");
    let request = access::GetTenantRequest { name: "squads/nordic".into() };
    assert_eq!(field(api.get_tenant(request).await.unwrap_err()), "name");
    assert_eq!(field(api.get_tenant(access::GetTenantRequest::default()).await.unwrap_err()), "name");
    let request = access::ApplyIntentRequest { request_id: "tomorrow".into(), ..Default::default() };
    assert_eq!(field(api.apply_intent(request).await.unwrap_err()), "request_id");
    let request = access::CreateSquadRequest::default();
    assert_eq!(field(api.create_squad(request).await.unwrap_err()), "squad");
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let server = Server::start().await;
    let request_id = uuid::Uuid::new_v4().to_string();
    let request = access::ApplyIntentRequest { request_id: request_id.clone(), ..set(vec![home()]) };
    let first = server.access().apply_intent(request.clone()).await.unwrap().into_inner();
    assert_eq!(server.access().apply_intent(request).await.unwrap().into_inner(), first);
    let other = access::ApplyIntentRequest { request_id, ..set(vec![home(), maya()]) };
    let refused = server.access().apply_intent(other).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "REQUEST_ID_REUSED"));
}

#[tokio::test]
async fn a_leavers_operator_comes_back_with_what_it_touches() {
    let server = Server::start().await.with_contoso().await;
    let request = access::LeaveOperatorRequest { name: "operators/maya".into(), ..Default::default() };
    let left = server.access().leave_operator(request).await.unwrap().into_inner();
    assert_eq!(left.operator.unwrap().state(), access::OperatorState::Left);
    assert_eq!(left.impact.unwrap().tenant_names, ["tenants/contoso"]);
    let audit = server.access().list_audit_records(access::ListAuditRecordsRequest::default()).await.unwrap();
    let newest = audit.into_inner().records.remove(0);
    assert_eq!((newest.actor.as_str(), newest.method.as_str()), ("principals/jonas", "LeaveOperator"));
    let asked = fleet::ListRemovalsRequest { operator: "operators/maya".into(), ..Default::default() };
    let removals = FleetServiceClient::new(server.api()).list_removals(asked).await.unwrap().into_inner().removals;
    // No agent was ever enrolled: there is nothing to remove, and nothing is said to be proven.
    let nothing = |it: &fleet::Removal| it.complete && it.proof.is_none() && it.detail.contains("no agent was ever");
    assert!(removals.iter().all(|removal| removal.tenant == "tenants/contoso" && nothing(removal)));
    assert!(!removals.is_empty());
}

/// Makes a principal with that role.
async fn principal(server: &Server, id: &str, role: access::PrincipalRole) -> Credential {
    let (key, csr_pem) = pki::create_key_and_csr().unwrap();
    let principal = access::Principal { name: format!("principals/{id}"), role: role.into(), ..Default::default() };
    let request = access::CreatePrincipalRequest { principal: Some(principal), csr_pem, ..Default::default() };
    let made = server.admin_service().create_principal(request).await.unwrap().into_inner();
    Credential { certificate: made.certificate_pem, key: key.expose().into() }
}

#[tokio::test]
async fn a_role_opens_what_it_may_and_no_more() {
    let server = Server::start().await.with_contoso().await;
    let li = principal(&server, "li", access::PrincipalRole::Viewer).await;
    let channel = server.channel(server.bound.api.port(), Some(&li));
    let mut viewer = AccessServiceClient::new(channel.clone());
    let listed = viewer.list_tenants(access::ListTenantsRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.tenants.len(), 1);
    let refused = viewer.apply_intent(set(vec![maya()])).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "ROLE_MISSING"));
    assert_eq!(refused.get_error_details().error_info().unwrap().metadata["role"], "editor");
    let own = access::GetPrincipalRequest { name: "principals/-".into() };
    let own = AdminServiceClient::new(channel).get_principal(own).await.unwrap().into_inner();
    assert_eq!((own.name.as_str(), own.role()), ("principals/li", access::PrincipalRole::Viewer));
}

#[tokio::test]
async fn a_deleted_principal_is_refused_and_its_watch_ends() {
    let server = Server::start().await.with_contoso().await;
    let li = principal(&server, "li", access::PrincipalRole::Viewer).await;
    let channel = server.channel(server.bound.api.port(), Some(&li));
    let mut fleet = FleetServiceClient::new(channel.clone());
    let mut watch =
        fleet.watch_tenant_statuses(fleet::WatchTenantStatusesRequest::default()).await.unwrap().into_inner();
    let first = watch.message().await.unwrap().unwrap();
    assert_eq!(first.tenant_status.unwrap().tenant, "tenants/contoso");
    assert!(watch.message().await.unwrap().unwrap().initial_complete);
    let request = access::DeletePrincipalRequest { name: "principals/li".into(), ..Default::default() };
    server.admin_service().delete_principal(request).await.unwrap();
    let end = soon("the watch's end", watch.message()).await;
    assert!(!matches!(end, Ok(Some(_))), "{end:?}");
    let mut viewer = AccessServiceClient::new(server.channel(server.bound.api.port(), Some(&li)));
    let refused = viewer.list_tenants(access::ListTenantsRequest::default()).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "UNAUTHENTICATED"));
}

#[tokio::test]
async fn an_agents_certificate_does_not_open_the_api_nor_a_principals_the_stream() {
    let server = Server::start().await.with_contoso().await;
    let enrolled = server.enroll().await;
    let mut api = AccessServiceClient::new(server.channel(server.bound.api.port(), Some(&enrolled.credential)));
    // Already in the handshake, which a client learns as a connection that fails.
    let refused = api.list_tenants(access::ListTenantsRequest::default()).await.unwrap_err();
    assert!(matches!(refused.code(), Code::Unavailable | Code::Unknown), "{refused:?}");
    let first = entente_proto::agent::v1::ConnectRequest::default();
    let refused = connect(&server, &server.admin(), first).await.unwrap_err();
    assert!(matches!(refused.code(), Code::Unavailable | Code::Unknown), "{refused:?}");
    let metrics = server.channel(server.bound.metrics.port(), Some(&enrolled.credential));
    let refused = AccessServiceClient::new(metrics).list_tenants(access::ListTenantsRequest::default()).await;
    assert!(matches!(refused.unwrap_err().code(), Code::Unavailable | Code::Unknown));
}

#[tokio::test]
async fn reflection_describes_the_api_in_both_versions() {
    use tonic_reflection::pb::{v1, v1alpha};
    let server = Server::start().await;
    let services = [
        "entente.access.v1.AccessService",
        "entente.access.v1.AdminService",
        "entente.fleet.v1.FleetService",
        "grpc.health.v1.Health",
    ];
    macro_rules! listed {
        ($version:ident) => {{
            let mut client = $version::server_reflection_client::ServerReflectionClient::new(server.api());
            let message_request = Some($version::server_reflection_request::MessageRequest::ListServices("*".into()));
            let request = $version::ServerReflectionRequest { host: String::new(), message_request };
            let mut answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
            match answers.message().await.unwrap().unwrap().message_response {
                Some($version::server_reflection_response::MessageResponse::ListServicesResponse(list)) => {
                    list.service.into_iter().map(|service| service.name).collect::<Vec<_>>()
                }
                other => panic!("{other:?}"),
            }
        }};
    }
    for listed in [listed!(v1), listed!(v1alpha)] {
        assert_eq!(listed, services, "what this port serves, and not what the agents' port does");
    }
}

#[tokio::test]
async fn health_is_serving_for_each_service() {
    let server = Server::start().await;
    for service in ["", "entente.access.v1.AccessService", "entente.fleet.v1.FleetService"] {
        let asked = HealthCheckRequest { service: service.into() };
        let answer = HealthClient::new(server.api()).check(asked).await.unwrap().into_inner();
        assert_eq!(answer.status(), tonic_health::pb::health_check_response::ServingStatus::Serving, "{service}");
    }
}

#[tokio::test]
async fn a_request_that_is_too_large_is_refused() {
    let server = Server::start().await;
    let mut operator = maya();
    operator["displayName"] = json!("m".repeat(8_000_000));
    let refused = server.access().apply_intent(set(vec![operator])).await.unwrap_err();
    assert!(matches!(refused.code(), Code::OutOfRange | Code::InvalidArgument), "{refused:?}");
}

#[tokio::test]
async fn field_kind_12_a_misspelt_name_is_not_found_and_programs_learn_which_and_what_is_near() {
    let server = Server::start().await.with_contoso().await;
    let mut fleet = FleetServiceClient::new(server.channel(server.bound.api.port(), Some(&server.admin())));
    let ask = fleet::ListAccessRequest { tenant: "tenants/contosoo".into(), ..Default::default() };
    let refused = fleet.list_access(ask).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "NOT_FOUND"));
    let metadata = refused.get_error_details().error_info().unwrap().metadata.clone();
    let of = |key: &str| metadata.get(key).map(String::as_str);
    assert_eq!(of("field"), Some("tenant"));
    assert_eq!((of("resource"), of("nearest")), (Some("tenants/contosoo"), Some("tenants/contoso")));
}

#[tokio::test]
async fn field_kind_17_a_client_of_the_api_at_the_metrics_port_is_told_so() {
    let server = Server::start().await;
    let mut lost = FleetServiceClient::new(server.channel(server.bound.metrics.port(), Some(&server.admin())));
    let refused = lost.list_tenant_statuses(fleet::ListTenantStatusesRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
    assert!(refused.message().starts_with("this is the metrics port of a control plane"), "{refused:?}");
}
