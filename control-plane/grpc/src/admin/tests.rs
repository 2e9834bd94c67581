//! Who may speak and who may change, over the wire.

use entente_app::pki::create_key_and_csr;
use entente_proto::access::v1::access_service_client::AccessServiceClient;
use entente_proto::access::v1::admin_service_client::AdminServiceClient;
use entente_proto::agent::v1 as agent;
use entente_proto::agent::v1::agent_service_client::AgentServiceClient;
use entente_proto::fleet::v1 as fleet;
use entente_proto::fleet::v1::fleet_service_client::FleetServiceClient;
use tokio::io::AsyncReadExt;
use tonic::Code;
use tonic_types::StatusExt;
use wire::manifest::Resource;

use super::*;
use crate::testing::{Fixture, PATIENCE, Pair};

/// A server that looks at everyone only once in a long time: what is cut is cut because somebody ended.
async fn start() -> Fixture {
    let fixture = Fixture::start(|server| server.review = Duration::from_secs(3_600)).await;
    let (home, name) = ("homeTenants/nordwall".to_owned(), "tenants/contoso".to_owned());
    let entra = |n: u32| format!("0c0de000-0000-4000-8000-{n:012}");
    let identity = wire::Identity {
        home: home.clone(),
        object_id: entra(3),
        upn: "sam@nordwall.example".into(),
        mail: "sam@nordwall.example".into(),
        ..Default::default()
    };
    let sam = wire::Operator {
        name: "operators/sam".into(),
        display_name: "Sam".into(),
        identities: vec![identity],
        ..Default::default()
    };
    let tenant = wire::Tenant {
        name,
        customer: "contoso".into(),
        entra_tenant_id: entra(1),
        home: home.clone(),
        ..Default::default()
    };
    let home = wire::HomeTenant { name: home, entra_tenant_id: entra(2), ..Default::default() };
    let resources = [Resource::HomeTenant(home), Resource::Operator(sam), Resource::Tenant(tenant)];
    access(&fixture, &fixture.maya).apply_intent(set(resources.into())).await.unwrap();
    fixture
}

fn set(resources: Vec<Resource>) -> wire::ApplyIntentRequest {
    let manifests = resources.into_iter().map(|it| wire::Manifest { resource: Some(it) }).collect();
    wire::ApplyIntentRequest { manifests, ..Default::default() }
}

fn access(fixture: &Fixture, pair: &Pair) -> AccessServiceClient<tonic::transport::Channel> {
    AccessServiceClient::new(fixture.channel(fixture.api, pair))
}

fn admin(fixture: &Fixture, pair: &Pair) -> AdminServiceClient<tonic::transport::Channel> {
    AdminServiceClient::new(fixture.channel(fixture.api, pair))
}

/// An editor that is tied to operators/sam.
async fn sam(fixture: &Fixture) -> Pair {
    let (key, csr_pem) = create_key_and_csr().unwrap();
    let principal = wire::Principal {
        name: "principals/sam".into(),
        role: wire::PrincipalRole::Editor.into(),
        operator: "operators/sam".into(),
        ..Default::default()
    };
    let request = wire::CreatePrincipalRequest { principal: Some(principal), csr_pem, ..Default::default() };
    let made = admin(fixture, &fixture.maya).create_principal(request).await.unwrap().into_inner();
    assert_eq!((made.role(), made.operator.as_str()), (wire::PrincipalRole::Editor, "operators/sam"));
    (made.certificate_pem, key.expose().into())
}

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().unwrap().reason.clone()
}

#[tokio::test]
async fn whoever_leaves_loses_the_principal_and_what_it_has_open_and_the_answer_says_so() {
    let fixture = start().await;
    let pair = sam(&fixture).await;
    let mut silent = fixture.open(fixture.api, Some(&pair)).await;
    let mut watch = FleetServiceClient::new(fixture.channel(fixture.api, &pair))
        .watch_tenant_statuses(fleet::WatchTenantStatusesRequest::default())
        .await
        .unwrap()
        .into_inner();
    while !watch.message().await.unwrap().unwrap().initial_complete {}

    let leave = wire::LeaveOperatorRequest { name: "operators/sam".into(), ..Default::default() };
    let left = access(&fixture, &fixture.maya).leave_operator(leave).await.unwrap().into_inner();
    assert_eq!(left.impact.unwrap().ended_principals, ["principals/sam"]);
    let over = tokio::time::timeout(PATIENCE, watch.message()).await.expect("the watch ends");
    assert!(!matches!(over, Ok(Some(_))), "{over:?}");
    let end = tokio::time::timeout(PATIENCE, silent.read_to_end(&mut Vec::new())).await;
    drop(end.expect("an open connection is cut"));

    let rejoin = wire::RejoinOperatorRequest { name: "operators/sam".into(), ..Default::default() };
    for who in ["himself", "by an admin, which brings no principal back"] {
        let refused = access(&fixture, &pair).rejoin_operator(rejoin.clone()).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "UNAUTHENTICATED"), "{who}");
        access(&fixture, &fixture.maya).rejoin_operator(rejoin.clone()).await.ok();
    }
}

#[tokio::test]
async fn a_tied_principal_gives_its_person_nothing_and_other_people_what_they_need() {
    let fixture = start().await;
    let pair = sam(&fixture).await;
    let squad = |member: &str| {
        let members = vec![wire::SquadMember { operator: member.into(), ..Default::default() }];
        let (name, owner) = ("squads/triage".into(), "operators/sam".into());
        Resource::Squad(wire::Squad { name, owner, members, ..Default::default() })
    };
    let mut client = access(&fixture, &pair);
    let refused = client.apply_intent(set(vec![squad("operators/sam")])).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "OWN_CASE"));
    assert_eq!(
        refused.message(),
        "principals/sam decides nothing in its own case: it is tied to operators/sam, who would gain by squads/triage; \
         ask another person"
    );
    let li = wire::Operator { name: "operators/li".into(), display_name: "Li".into(), ..Default::default() };
    client.apply_intent(set(vec![Resource::Operator(li), squad("operators/li")])).await.unwrap();

    let mut untie = wire::UpdatePrincipalRequest {
        principal: Some(wire::Principal { name: "principals/sam".into(), ..Default::default() }),
        ..Default::default()
    };
    let denied = admin(&fixture, &pair).update_principal(untie.clone()).await.unwrap_err();
    assert_eq!(reason(&denied), "ROLE_MISSING");
    untie.update_mask = Some(prost_types::FieldMask { paths: vec!["role".into()] });
    let wrong = admin(&fixture, &fixture.maya).update_principal(untie.clone()).await.unwrap_err();
    assert_eq!(wrong.code(), Code::InvalidArgument);
    untie.update_mask = None;
    let untied = admin(&fixture, &fixture.maya).update_principal(untie).await.unwrap().into_inner();
    assert_eq!(untied.operator, "");
}

async fn token(fixture: &Fixture, pair: &Pair, replace: bool) -> Result<String, Status> {
    let request =
        wire::CreateEnrollmentTokenRequest { tenant: "tenants/contoso".into(), replace, ..Default::default() };
    let made = admin(fixture, pair).create_enrollment_token(request).await?.into_inner();
    let line = made.token_file.lines().find_map(|line| line.strip_prefix("token = ")).unwrap();
    Ok(line.trim_matches('"').to_owned())
}

/// Enrols an agent, and has it come once.
async fn enrol(fixture: &Fixture, token: String) -> String {
    let (key, csr_pem) = create_key_and_csr().unwrap();
    let entra_tenant_id = "0c0de000-0000-4000-8000-000000000001".into();
    let request = agent::EnrollRequest { token, csr_pem, entra_tenant_id };
    let mut anyone = AgentServiceClient::new(fixture.anonymous(fixture.agents));
    let enrolled = anyone.enroll(request).await.unwrap().into_inner();
    let pair = (enrolled.certificate_pem, key.expose().to_owned());
    let hello = agent::Hello {
        protocol_min: 1,
        protocol_max: 1,
        build: "test".into(),
        boot_id: uuid::Uuid::new_v4().to_string(),
        ..Default::default()
    };
    let hello = agent::ConnectRequest { message: Some(agent::connect_request::Message::Hello(hello)) };
    let says = futures::StreamExt::chain(futures::stream::iter([hello]), futures::stream::pending());
    let mut stream =
        AgentServiceClient::new(fixture.channel(fixture.agents, &pair)).connect(says).await.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    enrolled.agent
}

#[tokio::test]
async fn only_an_admins_token_displaces_a_live_agent_and_the_status_says_so_until_an_admin_vouches() {
    let fixture = start().await;
    let editor = sam(&fixture).await;
    let old = enrol(&fixture, token(&fixture, &editor, false).await.unwrap()).await;
    let refused = token(&fixture, &editor, false).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "AGENT_LIVES"));
    assert!(refused.message().ends_with("`entente tokens create contoso --replace`"), "{refused:?}");
    let denied = token(&fixture, &editor, true).await.unwrap_err();
    assert_eq!((denied.code(), reason(&denied).as_str()), (Code::PermissionDenied, "ROLE_MISSING"));
    let new = enrol(&fixture, token(&fixture, &fixture.maya, true).await.unwrap()).await;

    let mut fleet = FleetServiceClient::new(fixture.channel(fixture.api, &fixture.maya));
    let request = fleet::GetTenantStatusRequest { tenant: "tenants/contoso".into() };
    let status = fleet.get_tenant_status(request.clone()).await.unwrap().into_inner();
    let [alarm] = status.displacements.as_slice() else { panic!("{status:?}") };
    assert_eq!((&alarm.agent, &alarm.displaced_agent, alarm.principal.as_str()), (&new, &old, "principals/maya"));
    assert!(status.explanation.contains(&new) && status.explanation.contains(&old), "{}", status.explanation);

    let vouch = wire::VouchAgentRequest { name: new.clone(), ..Default::default() };
    let denied = admin(&fixture, &editor).vouch_agent(vouch.clone()).await.unwrap_err();
    assert_eq!(reason(&denied), "ROLE_MISSING");
    let vouched = admin(&fixture, &fixture.maya).vouch_agent(vouch).await.unwrap().into_inner();
    assert_eq!((vouched.displaced_agent, vouched.vouch.unwrap().principal), (old, "principals/maya".into()));
    assert!(fleet.get_tenant_status(request).await.unwrap().into_inner().displacements.is_empty());
}
