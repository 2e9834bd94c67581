//! A control plane and an agent, one of which is a version later. Each side reports what it does not understand, keeps
//! it as it came, and continues with the rest.

mod later;

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use entente_model::desired::{AzureRoleBody, GroupBody, Item, ItemBody, MemberBody, UserBody, Want};
use entente_model::intent::UserType;
use entente_model::revocation::Cause;
use entente_model::{Guid, Timestamp, Windows};
use entente_proto::agent::v1 as wire;
use entente_proto::agent::v1::agent_service_client::AgentServiceClient;
use entente_proto::agent::v1::connect_request::Message as Said;
use entente_proto::agent::v1::connect_response::Message as Heard;
use entente_proto::channel::{Identity, channel, client_config};
use entente_seal::{SealedItem, encode_item};
use entente_tests::customer::{AZURE_ROLES, HOME_TENANT};
use entente_tests::{Customer, Fleet, args, eventually, provider};
use later::LaterControlPlane;
use time::OffsetDateTime;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::kit::{self, SOON, Story, contoso};

/// In the item's bytes: field 3 as a varint, the level that a reader must have (`seal`: wire::Item).
const NEEDS_A_LATER_LEVEL: [u8; 2] = [3 << 3, 99];

const LATER_KIND: &str = "conditionalAccess/l1/standard";

pub async fn an_agent_does_what_it_understands_of_a_later_control_plane(story: Story) -> Result<()> {
    let mut fleet = story.start([contoso()]).await?;
    fleet.wait_converged(SOON).await?;
    fleet.control_plane()?.stop().await?;
    let customer = fleet.customer("contoso")?.clone();
    let (dir, address, tenant) = (fleet.control_plane_dir(), fleet.agent_address()?, customer.entra_tenant());
    let later = LaterControlPlane::start(&dir, &address, &tenant, items(&customer)?).await?;

    let [_, responder, _, playbooks] = AZURE_ROLES.map(|(_, id)| role_key(&customer, id));
    for key in [responder, user_key("sam"), user_key("maya"), member_key("sam"), member_key("maya")] {
        wait_report(&later, &key, "APPLIED").await?;
    }
    for key in [LATER_KIND, playbooks.as_str()] {
        wait_report(&later, key, "UNSUPPORTED").await?;
    }
    let sam = kit::account(&fleet, "contoso", "sam").await?.context("an account")?;
    ensure!(sam.enabled && sam.azure_roles.len() == 1, "what needs a later level is not given: {sam:?}");

    // Sam leaves, for a cause that this version has no name for.
    later.say(items(&customer)?.into_iter().map(|item| left(item, "sam")).collect::<Result<_>>()?);
    for key in [user_key("sam"), member_key("sam")] {
        let report = wait_report(&later, &key, "REMOVED").await?;
        ensure!(report.proof.is_some(), "{report:?}");
    }
    kit::ensure_gone(&fleet, "contoso", "sam").await?;
    let maya = kit::account(&fleet, "contoso", "maya").await?.context("an account")?;
    ensure!(maya.enabled && maya.azure_roles.len() == 1, "{maya:?}");
    kit::ensure_clean(&fleet).await
}

/// Sam and Maya as L1, with one Azure role, and something that no version knows.
fn items(customer: &Customer) -> Result<Vec<SealedItem>> {
    let group = ItemBody::Group(GroupBody { display_name: "ent-l1".into(), description: "Entente: l1".into() });
    let role = |(name, id): (&str, &str)| -> Result<Item> {
        let body = ItemBody::AzureRole(AzureRoleBody {
            scope: customer.scope(),
            definition: id.parse()?,
            role_name: name.into(),
        });
        item(&role_key(customer, id), body)
    };
    let mut all = vec![SealedItem::seal(&item("group/l1/standard", group)?), SealedItem::seal(&role(AZURE_ROLES[1])?)];
    for person in ["sam", "maya"] {
        all.push(SealedItem::seal(&item(&user_key(person), user(person)?)?));
        all.push(SealedItem::seal(&item(&member_key(person), ItemBody::Member(MemberBody { grounds: Vec::new() }))?));
    }
    let later = role(AZURE_ROLES[3])?;
    let later_bytes = [encode_item(&later), NEEDS_A_LATER_LEVEL.to_vec()].concat();
    all.push(SealedItem::received(&later.key.to_string(), later_bytes.into())?);
    // A body under a free tag: only a later version knows what is in it.
    let body = [0xa2, 0x06, 3, b'n', b'e', b'w'];
    all.push(SealedItem::received(LATER_KIND, body.to_vec().into())?);
    Ok(all)
}

fn item(key: &str, body: ItemBody) -> Result<Item> {
    Ok(Item { key: key.parse()?, want: Want::Present, windows: Windows::always(), body })
}

fn user(person: &str) -> Result<ItemBody> {
    Ok(ItemBody::User(UserBody {
        operator: format!("operators/{person}").parse()?,
        display_name: person.into(),
        upn: provider::mail(person),
        mail: provider::mail(person),
        user_type: UserType::Guest,
        home_tenant: HOME_TENANT.parse()?,
    }))
}

fn home_id(person: &str) -> Guid {
    Guid::from_u128(0x0b0d_e000_0000_4000_8000_0000_0000_0000 + if person == "sam" { 8 } else { 4 })
}

fn user_key(person: &str) -> String {
    format!("user/nordwall/{}", home_id(person))
}

fn member_key(person: &str) -> String {
    format!("member/l1/standard/nordwall/{}", home_id(person))
}

fn role_key(customer: &Customer, role: &str) -> String {
    format!("azureRole/l1/standard{}/{role}", customer.scope().to_lowercase())
}

/// The item; named for removal if it is about this person, for a cause of a later version.
fn left(sealed: SealedItem, person: &str) -> Result<SealedItem> {
    if !sealed.key().ends_with(&home_id(person).to_string()) {
        return Ok(sealed);
    }
    let mut item = sealed.open()?;
    let since = Timestamp::from_unix(OffsetDateTime::now_utc().unix_timestamp());
    let (known, addresses) = Default::default();
    item.want = Want::Absent { cause: Cause::Left, actor: "principals/admin".into(), since, known, addresses };
    let (bytes, known, later) = (encode_item(&item), Cause::Left.word().as_bytes(), b"lost");
    let at = bytes.windows(known.len()).position(|part| part == known).context("the cause's word")?;
    // Of the same length, so that the lengths around it stay valid.
    ensure!(known.len() == later.len(), "{:?}", Cause::Left.word());
    let bytes = [&bytes[..at], later, &bytes[at + known.len()..]].concat();
    Ok(SealedItem::received(sealed.key(), bytes.into())?)
}

async fn wait_report(later: &LaterControlPlane, key: &str, state: &str) -> Result<wire::ItemReport> {
    eventually(&format!("{key} {state}"), SOON, || async {
        let report = later.report(key).context("nothing is reported of it")?;
        ensure!(report.state == state, "{report:?}");
        Ok(report)
    })
    .await
}

pub async fn words_of_a_later_agent_are_kept_and_shown_as_they_came(story: Story) -> Result<()> {
    let mut fleet = story.converged([contoso()], &["maya"]).await?;
    fleet.agent("contoso")?.stop().await?;
    let (tell, mut heard) = connect(&fleet).await?;
    let item = wire::ItemReport {
        key: format!("user/nordwall/{}", home_id("maya")),
        state: "HALF_THERE".into(),
        reason: "NEW_REASON".into(),
        detail: "of a later version".into(),
        ..Default::default()
    };
    let plane = wire::PlaneStanding { plane: "newPlane".into(), mode: "sometimes".into(), ..Default::default() };
    let finding = wire::Finding { plane: "newPlane".into(), reason: "NEW_FINDING".into(), detail: "seen".into() };
    let standing = wire::Standing { planes: vec![plane], findings: vec![finding], ..Default::default() };
    let report = wire::Report { number: 1, items: vec![item], standing: Some(standing), ..Default::default() };
    tell.send(wire::ConnectRequest { message: Some(Said::Report(report)) }).await?;
    let acknowledged = async {
        while let Some(message) = heard.message().await? {
            if matches!(message.message, Some(Heard::ReportAck(ref ack)) if ack.number == 1) {
                return Ok(());
            }
        }
        anyhow::bail!("the stream ended before the report was taken")
    };
    tokio::time::timeout(SOON, acknowledged).await??;

    let shown = kit::wait_item(&fleet, "contoso", "user/", kit::in_state("HALF_THERE", "NEW_REASON")).await?;
    ensure!(shown["detail"] == "of a later version", "{shown}");
    let status = fleet.cli_json(&args!["status", "contoso"]).await?;
    let findings = status["findings"].as_array().context("findings")?;
    ensure!(findings.iter().any(|it| it["reason"] == "NEW_FINDING" && it["plane"] == "newPlane"), "{status}");
    let planes = status["planes"].as_array().context("planes")?;
    ensure!(planes.iter().any(|it| it["plane"] == "newPlane" && it["mode"] == "sometimes"), "{status}");
    // Nothing known is stored, so nothing is done, and nothing stops.
    ensure!(status["phase"] != "CONVERGED" && status["phase"] != "PARKED", "{status}");
    drop((tell, heard));
    // The current agent comes back, and reports itself in known words.
    fleet.start_agent("contoso").await?;
    fleet.wait_converged(SOON).await
}

type Stream = (mpsc::Sender<wire::ConnectRequest>, tonic::Streaming<wire::ConnectResponse>);

/// Connects as contoso's agent, with its certificate.
async fn connect(fleet: &Fleet) -> Result<Stream> {
    let state = fleet.customer_dir("contoso").join("state");
    let (pem, ca) = (std::fs::read(state.join("identity.pem"))?, std::fs::read(state.join("ca.pem"))?);
    let tls = client_config(&ca, Some(Identity { certificate_pem: &pem, key_pem: &pem }))?;
    let channel = channel(&fleet.agent_address()?, Arc::new(arc_swap::ArcSwap::from_pointee(tls)))?;
    let (tell, said) = mpsc::channel(4);
    let hello = wire::Hello {
        protocol_min: 1,
        protocol_max: 9,
        build: "99.0.0".into(),
        boot_id: "00000000-0000-4000-8000-000000000099".into(),
        ..Default::default()
    };
    tell.send(wire::ConnectRequest { message: Some(Said::Hello(hello)) }).await?;
    let mut client = AgentServiceClient::new(channel);
    let connected = tokio::time::timeout(SOON, client.connect(ReceiverStream::new(said))).await;
    Ok((tell, connected??.into_inner()))
}
