//! What is asked by a name that nothing has, over the wire.

use entente_proto::access::v1 as access;
use entente_proto::access::v1::admin_service_client::AdminServiceClient;
use entente_proto::fleet::v1::fleet_service_client::FleetServiceClient;
use tonic::Code;
use tonic_types::StatusExt;

use super::*;
use crate::testing::{Fixture, PATIENCE};

#[tokio::test]
async fn users_d06_a_name_that_nothing_has_is_an_error_and_no_empty_list() {
    let fixture = Fixture::start(|_| {}).await;
    let mut client = FleetServiceClient::new(fixture.channel(fixture.api, &fixture.li));
    let all = client.list_access(wire::ListAccessRequest::default()).await.unwrap().into_inner();
    assert_eq!(all.access, [], "nobody has access anywhere, and that is no error");
    let ask = |set: fn(&mut wire::ListAccessRequest)| {
        let mut request = wire::ListAccessRequest::default();
        set(&mut request);
        request
    };
    let mut refused = Vec::new();
    for request in [
        ask(|it| it.operator = "operators/nobody".into()),
        ask(|it| it.tenant = "tenants/nowhere".into()),
        ask(|it| it.role = "socRoles/none".into()),
        ask(|it| it.assignment = "assignments/none".into()),
    ] {
        refused.push(client.list_access(request).await.unwrap_err());
    }
    let removals = wire::ListRemovalsRequest { operator: "operators/nosuch".into(), ..Default::default() };
    refused.push(client.list_removals(removals).await.unwrap_err());
    let items = wire::ListItemStatusesRequest { tenant: "tenants/nowhere".into(), ..Default::default() };
    refused.push(client.list_item_statuses(items).await.unwrap_err());
    let said: Vec<_> = refused.iter().map(|status| (status.code(), status.message())).collect();
    let none = |text| (Code::NotFound, text);
    assert_eq!(
        said,
        [
            none("operators/nobody does not exist"),
            none("tenants/nowhere does not exist"),
            none("socRoles/none does not exist"),
            none("assignments/none does not exist"),
            none("operators/nosuch does not exist"),
            none("tenants/nowhere does not exist"),
        ]
    );
    let fields: Vec<_> =
        refused.iter().map(|it| it.get_details_error_info().unwrap().metadata["field"].clone()).collect();
    assert_eq!(fields, ["operator", "tenant", "role", "assignment", "operator", "tenant"]);
}

#[tokio::test]
async fn events_are_listed_and_followed_over_the_wire() {
    let fixture = Fixture::start(|_| {}).await;
    let mut client = FleetServiceClient::new(fixture.channel(fixture.api, &fixture.li));
    let all = client.list_events(wire::ListEventsRequest::default()).await.unwrap().into_inner();
    assert_eq!(all, wire::ListEventsResponse::default());
    let kinds = vec![wire::EventKind::DriftMended.into()];
    let some = wire::ListEventsRequest { kinds, ..Default::default() };
    assert_eq!(client.list_events(some).await.unwrap().into_inner().events, []);
    let mut refused = Vec::new();
    for request in [
        wire::ListEventsRequest { tenant: "tenants/nowhere".into(), ..Default::default() },
        wire::ListEventsRequest { kinds: vec![99], ..Default::default() },
        wire::ListEventsRequest { page_token: "x".into(), ..Default::default() },
    ] {
        refused.push(client.list_events(request).await.unwrap_err());
    }
    for request in [
        wire::WatchEventsRequest { tenant: "tenants/nowhere".into(), ..Default::default() },
        wire::WatchEventsRequest { after_number: Some(-1), ..Default::default() },
        wire::WatchEventsRequest { after_number: Some(7), ..Default::default() },
    ] {
        refused.push(client.watch_events(request).await.unwrap_err());
    }
    let said: Vec<_> = refused.iter().map(|status| (status.code(), status.message())).collect();
    let invalid = |text| (Code::InvalidArgument, text);
    assert_eq!(
        said,
        [
            (Code::NotFound, "tenants/nowhere does not exist"),
            invalid("the request is not well formed; kinds: 99 is no kind of event of this version"),
            invalid("the request is not well formed; page_token: is not one that this list gave"),
            (Code::NotFound, "tenants/nowhere does not exist"),
            invalid("the request is not well formed; after_number: is negative; 0 means all that are kept"),
            invalid(
                "the request is not well formed; after_number: is 7, and the newest event is 0; was a backup restored? Leave it out"
            ),
        ]
    );
    let mut watch = client.watch_events(wire::WatchEventsRequest::default()).await.unwrap().into_inner();
    // Whoever may not ask any more is not told any more.
    let mut admin = AdminServiceClient::new(fixture.channel(fixture.api, &fixture.maya));
    let gone = access::DeletePrincipalRequest { name: "principals/li".into(), ..Default::default() };
    admin.delete_principal(gone).await.unwrap();
    let over = tokio::time::timeout(PATIENCE, watch.message()).await.unwrap();
    assert!(!matches!(over, Ok(Some(_))), "{over:?}");
}
