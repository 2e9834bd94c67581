//! Repeated calls, over the wire: each gets the first answer, whatever has happened to its resource since (AIP-155).

use entente_convert::access::manifest_to_proto;
use entente_convert::manifest::from_value;
use entente_proto::access::v1::access_service_client::AccessServiceClient;
use prost_types::FieldMask;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::wire::manifest::Resource as Sent;
use super::*;
use crate::testing::Fixture;

type Client = AccessServiceClient<Channel>;

fn id() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn operator(display_name: &str, etag: &str) -> wire::Operator {
    let name = "operators/sam".into();
    wire::Operator { name, display_name: display_name.into(), etag: etag.into(), ..Default::default() }
}

fn update(display_name: &str, etag: &str, paths: &[&str], request_id: &str) -> wire::UpdateOperatorRequest {
    wire::UpdateOperatorRequest {
        operator: Some(operator(display_name, etag)),
        update_mask: Some(FieldMask { paths: paths.iter().map(|it| (*it).to_owned()).collect() }),
        request_id: request_id.into(),
        validate_only: false,
    }
}

/// Knows sam, as "Sam".
async fn start() -> (Fixture, Client, wire::Operator) {
    let fixture = Fixture::start(|_| {}).await;
    let mut client = AccessServiceClient::new(fixture.channel(fixture.api, &fixture.maya));
    let request_id = id();
    let create = wire::CreateOperatorRequest { operator: Some(operator("Sam", "")), request_id, validate_only: false };
    let sam = client.create_operator(create.clone()).await.unwrap().into_inner();
    assert_eq!(client.create_operator(create).await.unwrap().into_inner(), sam);
    (fixture, client, sam)
}

/// Somebody else's change in between.
async fn rename(client: &mut Client, to: &str) {
    client.update_operator(update(to, "", &["display_name"], &id())).await.unwrap();
}

async fn present(client: &mut Client) -> Result<wire::Operator, Status> {
    let request = wire::GetOperatorRequest { name: "operators/sam".into() };
    client.get_operator(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn a_repeated_update_gets_the_first_answer_and_changes_nothing() {
    let (_fixture, mut client, sam) = start().await;
    for (paths, etag) in [(&["display_name"][..], ""), (&[], ""), (&["*"], ""), (&["display_name"], "present")] {
        let etag = if etag.is_empty() { String::new() } else { present(&mut client).await.unwrap().etag };
        let asked = update("Sam Berg", &etag, paths, &id());
        let first = client.update_operator(asked.clone()).await.unwrap().into_inner();
        assert_eq!((first.display_name.as_str(), &first.uid), ("Sam Berg", &sam.uid));
        assert_eq!(client.update_operator(asked.clone()).await.unwrap().into_inner(), first, "{paths:?}, at once");
        rename(&mut client, "Samuel").await;
        assert_eq!(client.update_operator(asked.clone()).await.unwrap().into_inner(), first, "{paths:?}, later");
        assert_eq!(present(&mut client).await.unwrap().display_name, "Samuel");
    }
}

#[tokio::test]
async fn an_update_under_the_id_of_another_one_is_refused() {
    let (_fixture, mut client, sam) = start().await;
    let first = update("Sam Berg", "", &["display_name"], &id());
    client.update_operator(first.clone()).await.unwrap();
    for other in [
        update("Samuel", "", &["display_name"], &first.request_id),
        update("Sam Berg", "", &[], &first.request_id),
        update("Sam Berg", &sam.etag, &["display_name"], &first.request_id),
    ] {
        let refused = client.update_operator(other).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(refused.get_details_error_info().unwrap().reason, "REQUEST_ID_REUSED");
    }
}

#[tokio::test]
async fn repeated_deletions_and_sets_with_an_etag_get_the_first_answer() {
    let (_fixture, mut client, sam) = start().await;
    let manifest = wire::Manifest { resource: Some(Sent::Operator(operator("Sam Berg", &sam.etag))) };
    let set = wire::ApplyIntentRequest { manifests: vec![manifest], request_id: id(), ..Default::default() };
    let first = client.apply_intent(set.clone()).await.unwrap().into_inner();
    assert_eq!(first.changes[0].kind(), wire::ChangeKind::Updated);
    rename(&mut client, "Samuel").await;
    assert_eq!(client.apply_intent(set.clone()).await.unwrap().into_inner(), first);

    let etag = present(&mut client).await.unwrap().etag;
    let (name, request_id) = ("operators/sam".to_owned(), id());
    let delete = wire::DeleteOperatorRequest { name, etag, request_id, validate_only: false };
    let deleted = client.delete_operator(delete.clone()).await.unwrap().into_inner();
    assert_eq!(client.delete_operator(delete).await.unwrap().into_inner(), deleted);
    assert_eq!(present(&mut client).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(client.apply_intent(set).await.unwrap().into_inner(), first, "also once it is gone");
}

#[tokio::test]
async fn an_update_leaves_alone_what_its_mask_does_not_name() {
    let (_fixture, mut client, sam) = start().await;
    let wrong = wire::Operator { state: 77, ..operator("Sam Berg", "") };
    let asked = wire::UpdateOperatorRequest { operator: Some(wrong), ..update("", "", &["display_name"], "") };
    let updated = client.update_operator(asked).await.unwrap().into_inner();
    assert_eq!((updated.display_name.as_str(), updated.state), ("Sam Berg", sam.state));
    let empty = client.update_operator(update("", "", &["display_name"], "")).await.unwrap_err();
    let fault = empty.get_details_bad_request().unwrap().field_violations.remove(0);
    assert_eq!((fault.field.as_str(), fault.reason.as_str()), ("operators/sam", "MISSING"));
}

#[tokio::test]
async fn users_d15_deletions_in_a_set_are_all_done_or_none() {
    let (_fixture, mut client, sam) = start().await;
    let deletion = |name: &str, etag: &str| wire::Deletion { name: name.into(), etag: etag.into() };
    let set = |deletions| wire::ApplyIntentRequest { deletions, request_id: id(), ..Default::default() };
    for (bad, code) in [
        (deletion("operators/nobody", ""), Code::NotFound),
        (deletion("nobody", ""), Code::InvalidArgument),
        (deletion("", ""), Code::InvalidArgument),
    ] {
        let refused = client.apply_intent(set(vec![deletion("operators/sam", ""), bad])).await.unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
        assert_eq!(present(&mut client).await.unwrap(), sam, "nothing is deleted");
    }
    let stale = client.apply_intent(set(vec![deletion("operators/sam", "0")])).await.unwrap_err();
    assert_eq!(stale.code(), Code::Aborted);
    let asked = set(vec![deletion("operators/sam", &sam.etag)]);
    let done = client.apply_intent(asked.clone()).await.unwrap().into_inner();
    let changes: Vec<_> = done.changes.iter().map(|it| (it.name.as_str(), it.kind())).collect();
    assert_eq!(changes, [("operators/sam", wire::ChangeKind::Deleted)]);
    assert_eq!(present(&mut client).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(client.apply_intent(asked).await.unwrap().into_inner(), done, "a repeat gets the first answer");
}

#[tokio::test]
async fn users_d24_a_refusal_of_many_faults_arrives_and_says_how_many_more_there_are() {
    let (_fixture, mut client, _) = start().await;
    let squad = |number: usize| {
        let owner = format!("operators/nobody-of-a-rather-long-name-{number:03}");
        let it = wire::Squad { name: format!("squads/s{number}"), owner, ..Default::default() };
        wire::Manifest { resource: Some(Sent::Squad(it)) }
    };
    let set = wire::ApplyIntentRequest { manifests: (0..150).map(squad).collect(), ..Default::default() };
    let refused = client.apply_intent(set).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    let faults = refused.get_details_precondition_failure().unwrap().violations;
    let (last, first) = faults.split_last().unwrap();
    assert!(first.len() > 20, "{} are named", first.len());
    assert!(first.iter().all(|it| it.description.contains("does not exist")), "{first:?}");
    assert_eq!(last.description, format!("and at least {} more; mend these first", 101 - first.len()));
    assert_eq!((last.subject.as_str(), last.r#type.as_str()), ("", "MORE"));
}

#[tokio::test]
async fn the_audit_log_says_what_changed_and_which_record_is_its_newest() {
    let (_fixture, mut client, _) = start().await;
    rename(&mut client, "Samuel").await;
    let log = client.list_audit_records(wire::ListAuditRecordsRequest::default()).await.unwrap().into_inner();
    assert_eq!(log.head_digest, log.records[0].digest);
    let field = wire::FieldChange { path: "displayName".into(), before: "\"Sam\"".into(), after: "\"Samuel\"".into() };
    let kind = wire::ChangeKind::Updated.into();
    let change = wire::ResourceChange { name: "operators/sam".into(), kind, fields: vec![field], more_fields: 0 };
    assert_eq!(log.records[0].changes, [change]);
    assert_eq!(log.records[1].changes[0].kind(), wire::ChangeKind::Created);
}

#[tokio::test]
async fn signed_roots_come_with_the_keys_that_verify_them() {
    let (_fixture, mut client, _) = start().await;
    let none = client.list_roots(wire::ListRootsRequest::default()).await.unwrap().into_inner();
    assert_eq!(none, wire::ListRootsResponse::default(), "nothing is desired of anybody yet");
    for tenant in ["contoso", "fabrikam"] {
        let home = serde_json::json!({"kind": "HomeTenant", "name": "homeTenants/nordwall",
            "entraTenant": "0a0de000-0000-4000-8000-000000000001"});
        let number = if tenant == "contoso" { 1 } else { 2 };
        let tenant = serde_json::json!({"kind": "Tenant", "name": format!("tenants/{tenant}"), "customer": tenant,
            "home": "homeTenants/nordwall", "entraTenant": format!("0c0de000-0000-4000-8000-{number:012}")});
        let manifest = |value| manifest_to_proto(&from_value(value).unwrap());
        let manifests = [home, tenant].map(manifest).to_vec();
        client.apply_intent(wire::ApplyIntentRequest { manifests, ..Default::default() }).await.unwrap();
    }
    let roots = client.list_roots(wire::ListRootsRequest::default()).await.unwrap().into_inner();
    let (_, key) = entente_seal::read_verifier_key(&roots.verifier_keys[0]).unwrap();
    let read = |note: &String| entente_seal::Checkpoint::read(note.as_bytes()).unwrap();
    let sizes: Vec<u64> = roots.notes.iter().map(|note| read(note).size).collect();
    assert_eq!(sizes.len(), 2);
    assert!(sizes.iter().rev().copied().eq(1..=roots.notes.len() as u64), "{sizes:?}");
    assert!(roots.notes.iter().all(|note| read(note).is_signed_by(&key)));
    assert!(roots.next_page_token.is_empty());
}
