//! Enrolment, renewal and the stream.

use entente_proto::access::v1 as access;
use entente_proto::agent::v1 as agent;
use entente_proto::agent::v1::GoAwayReason;
use entente_proto::agent::v1::connect_request::Message as Said;
use entente_proto::agent::v1::connect_response::Message;
use serde_json::{Value, json};
use tonic::Code;
use tonic_types::StatusExt;

use crate::support::*;

#[tokio::test]
async fn an_enrolled_agent_gets_a_state_that_it_can_verify() {
    let server = Server::start().await.with_contoso().await;
    let enrolled = server.enroll().await;
    let mut agent = Agent::connect(&server, &enrolled).await;
    assert_eq!((agent.welcome.protocol, agent.welcome.epoch), (1, 1));
    let (items, verified) = agent.state().await;
    let keys: Vec<_> = items.sorted().iter().map(|item| item.key().to_owned()).collect();
    assert!(keys.contains(&"group/l1-analyst/standard".to_owned()), "{keys:?}");
    assert!(keys.iter().any(|key| key.starts_with("member/l1-analyst/standard/nordwall/")), "{keys:?}");
    loop {
        if let Message::Lease(lease) = agent.next().await.unwrap() {
            assert!(!lease.seal.unwrap().note.is_empty());
            break;
        }
    }
    let asked = access::GetAgentRequest { name: enrolled.name };
    assert!(server.admin_service().get_agent(asked).await.unwrap().into_inner().connected);
    assert_eq!(verified.header.count, items.len());
}

#[tokio::test]
async fn a_change_reaches_the_agent_as_a_delta_and_its_report_reaches_the_status() {
    let server = Server::start().await.with_contoso().await;
    let mut agent = Agent::connect(&server, &server.enroll().await).await;
    agent.state().await;
    let request = access::LeaveOperatorRequest { name: "operators/maya".into(), ..Default::default() };
    server.access().leave_operator(request).await.unwrap();
    let delta = loop {
        if let Message::Delta(delta) = agent.next().await.unwrap() {
            break delta;
        }
    };
    assert!(delta.upserts.iter().any(|item| item.key.starts_with("user/")), "{delta:?}");
    agent.ack(delta.nonce, agent::AckStage::Accepted).await;
    let key = delta.upserts[0].key.clone();
    let item =
        agent::ItemReport { key: key.clone(), state: "PENDING".into(), detail: "soon".into(), ..Default::default() };
    agent.say(Said::Report(agent::Report { number: 1, items: vec![item], ..Default::default() })).await;
    loop {
        if let Message::ReportAck(ack) = agent.next().await.unwrap() {
            assert_eq!(ack.number, 1);
            break;
        }
    }
    let mut fleet = entente_proto::fleet::v1::fleet_service_client::FleetServiceClient::new(server.api());
    let asked =
        entente_proto::fleet::v1::ListItemStatusesRequest { tenant: "tenants/contoso".into(), ..Default::default() };
    let statuses = fleet.list_item_statuses(asked).await.unwrap().into_inner().item_statuses;
    assert!(statuses.iter().any(|status| status.key == key && status.detail == "soon"), "{statuses:?}");
}

/// What gives many people, each with a long name, access to contoso.
fn crowd(people: usize) -> Vec<Value> {
    let id = |n: usize| format!("p{n:04}");
    let operator = |n: usize| {
        let mut operator = maya();
        let object_id = format!("0b0de000-0000-4000-8000-{:012}", n + 100);
        operator["name"] = format!("operators/{}", id(n)).into();
        operator["displayName"] = "long ".repeat(40).into();
        operator["identities"][0]["objectId"] = object_id.into();
        operator["identities"][0]["mail"] = format!("{}@nordwall.example", id(n)).into();
        operator["identities"][0]["upn"] = format!("{}@nordwall.example", id(n)).into();
        operator
    };
    let (mut squad, mut assignment) = (nordic(), nordic_l1());
    squad["members"] = (0..people).map(|n| json!({"operator": format!("operators/{}", id(n))})).collect();
    for resource in [&mut squad, &mut assignment] {
        resource["owner"] = "operators/p0000".into();
    }
    (0..people).map(operator).chain([l1_analyst(), squad, assignment]).collect()
}

#[tokio::test]
async fn a_change_that_is_too_large_for_one_message_comes_as_a_whole_state_in_parts() {
    let server = Server::start().await;
    server.apply(vec![home(), contoso()]).await;
    let mut agent = Agent::connect(&server, &server.enroll().await).await;
    assert!(agent.state().await.0.is_empty());
    server.apply(crowd(900)).await;
    let (items, _) = agent.state().await;
    assert!(items.len() > 2 * 900, "{}", items.len());
}

#[tokio::test]
async fn a_token_enrols_once_and_a_wrong_one_says_nothing() {
    let server = Server::start().await.with_contoso().await;
    let (_, csr_pem) = entente_app::pki::create_key_and_csr().unwrap();
    let request = agent::EnrollRequest { token: "no.token".into(), csr_pem, entra_tenant_id: CONTOSO.into() };
    let refused = server.agents(None).enroll(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(refused.get_error_details().error_info().unwrap().reason, "ENROLMENT_REFUSED");
}

#[tokio::test]
async fn without_a_certificate_only_enrolment_is_open() {
    let server = Server::start().await.with_contoso().await;
    let (_, csr_pem) = entente_app::pki::create_key_and_csr().unwrap();
    let refused = server.agents(None).renew(agent::RenewRequest { csr_pem }).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let stream = tokio_stream::once(agent::ConnectRequest { message: Some(Said::Hello(hello())) });
    let refused = server.agents(None).connect(stream).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_renewed_certificate_connects() {
    let server = Server::start().await.with_contoso().await;
    let mut enrolled = server.enroll().await;
    let (key, csr_pem) = entente_app::pki::create_key_and_csr().unwrap();
    let request = agent::RenewRequest { csr_pem };
    let early = server.agents(Some(&enrolled.credential)).renew(request.clone()).await.unwrap_err();
    assert_eq!(early.code(), Code::FailedPrecondition);
    let details = early.get_error_details();
    let info = details.error_info().unwrap();
    assert!(info.reason == "RENEWAL_EARLY" && info.metadata.contains_key("from"), "{info:?}");
    let mut client = server.agents(Some(&server.aged(&enrolled, 20)));
    let renewed = client.renew(request).await.unwrap().into_inner();
    enrolled.credential = Credential { certificate: renewed.certificate_pem, key: key.expose().into() };
    Agent::connect(&server, &enrolled).await;
}

#[tokio::test]
async fn a_revoked_agents_open_stream_is_cut_and_it_does_not_come_back() {
    let server = Server::start().await.with_contoso().await;
    let enrolled = server.enroll().await;
    let mut agent = Agent::connect(&server, &enrolled).await;
    agent.state().await;
    let request = access::RevokeAgentRequest { name: enrolled.name.clone(), ..Default::default() };
    server.admin_service().revoke_agent(request).await.unwrap();
    let (messages, _) = agent.rest().await;
    assert_eq!(away(&messages), Some(GoAwayReason::Revoked), "{messages:?}");
    let first = agent::ConnectRequest { message: Some(Said::Hello(hello())) };
    let refused = connect(&server, &enrolled.credential, first).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_newer_stream_displaces_the_older() {
    let server = Server::start().await.with_contoso().await;
    let enrolled = server.enroll().await;
    let older = Agent::connect(&server, &enrolled).await;
    let mut newer = Agent::connect(&server, &enrolled).await;
    let (messages, _) = older.rest().await;
    assert_eq!(away(&messages), Some(GoAwayReason::Displaced), "{messages:?}");
    newer.state().await;
}

#[tokio::test]
async fn what_breaks_the_protocol_is_sent_away_and_the_server_goes_on() {
    let server = Server::start().await.with_contoso().await;
    let enrolled = server.enroll().await;
    let nonsense = agent::Ack { nonce: "not a number".into(), stage: agent::AckStage::Accepted.into() };
    for said in [Said::Hello(hello()), Said::Ack(nonsense), Said::Ack(agent::Ack { nonce: "4711".into(), stage: 9 })] {
        let agent = Agent::connect(&server, &enrolled).await;
        agent.say(said.clone()).await;
        let (messages, orderly) = agent.rest().await;
        assert_eq!((away(&messages), orderly), (Some(GoAwayReason::Protocol), true), "{said:?}: {messages:?}");
    }
    let first = agent::ConnectRequest { message: Some(Said::Pong(agent::Pong { number: 1 })) };
    assert_eq!(connect(&server, &enrolled.credential, first).await.unwrap_err().code(), Code::InvalidArgument);
    let old = agent::Hello { protocol_min: 7, protocol_max: 9, ..hello() };
    let first = agent::ConnectRequest { message: Some(Said::Hello(old)) };
    let (_say, mut hear) = connect(&server, &enrolled.credential, first).await.unwrap();
    let refused = next(&mut hear).await.unwrap();
    assert_eq!(away(&[refused]), Some(GoAwayReason::Protocol));
    Agent::connect(&server, &enrolled).await.state().await;
}

#[tokio::test]
async fn more_streams_than_the_rate_allows_are_told_when_to_come_back() {
    let server = Server::start().await.with_contoso().await;
    let enrolled = server.enroll().await;
    let slow = |text: String| {
        let text = text.replace("streams_per_second = 1500", "streams_per_second = 1");
        text.replace("streams_at_once = 3000", "streams_at_once = 1")
    };
    let server = server.restart_with(slow).await;
    let first = Agent::connect(&server, &enrolled).await;
    let hello = agent::ConnectRequest { message: Some(Said::Hello(hello())) };
    let (_say, mut hear) = connect(&server, &enrolled.credential, hello).await.unwrap();
    let Some(Message::GoAway(away)) = next(&mut hear).await else { panic!("sent away") };
    assert_eq!(away.reason(), GoAwayReason::Overloaded);
    assert!(away.retry_after_milliseconds >= 1_000);
    assert_eq!(next(&mut hear).await, None);
    assert_eq!(first.welcome.protocol, 1);
}

#[tokio::test]
async fn a_server_that_stops_sends_its_agents_away_and_ends() {
    let server = Server::start().await.with_contoso().await;
    let enrolled = server.enroll().await;
    let mut agent = Agent::connect(&server, &enrolled).await;
    agent.state().await;
    let stopped = tokio::spawn(server.stop());
    let (messages, orderly) = agent.rest().await;
    assert_eq!((away(&messages), orderly), (Some(GoAwayReason::Shutdown), true), "{messages:?}");
    soon("the stop", stopped).await.unwrap();
}

#[tokio::test]
async fn what_was_enrolled_stays_enrolled_over_a_restart() {
    let server = Server::start().await.with_contoso().await;
    let enrolled = server.enroll().await;
    let before = Agent::connect(&server, &enrolled).await.state().await.1;
    let server = server.restart().await;
    let after = Agent::connect(&server, &enrolled).await.state().await.1;
    assert_eq!(before.header.digest, after.header.digest);
    assert!(after.header.version >= before.header.version);
}
