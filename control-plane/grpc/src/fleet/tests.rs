//! What is asked by a name that nothing has, over the wire.

use entente_proto::fleet::v1::fleet_service_client::FleetServiceClient;
use tonic::Code;
use tonic_types::StatusExt;

use super::*;
use crate::testing::Fixture;

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
