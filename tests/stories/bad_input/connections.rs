//! What machines send wrong: certificates, tokens, bytes, and fields that people do not write.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use entente_proto::access::v1 as access;
use entente_proto::access::v1::access_service_client::AccessServiceClient;
use entente_proto::access::v1::admin_service_client::AdminServiceClient;
use entente_proto::agent::v1::agent_service_client::AgentServiceClient;
use entente_proto::agent::v1::{EnrollRequest, RenewRequest};
use entente_proto::channel::{Identity, channel, client_config};
use entente_tests::{Fleet, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::Status;
use tonic::transport::Channel;

use super::Verdict;
use crate::kit::SOON;

/// Addresses of the control plane, and its CA.
struct Server {
    api: String,
    agents: String,
    metrics: String,
    ca: Vec<u8>,
}

impl Server {
    fn of(fleet: &Fleet) -> Result<Self> {
        let dir = fleet.control_plane_dir();
        let config: toml::Table = std::fs::read_to_string(dir.join("config.toml"))?.parse()?;
        let listen = |name: &str| -> Result<String> {
            let address = config.get("listen").and_then(|it| it.get(name)).and_then(toml::Value::as_str);
            Ok(address.context("an address")?.to_owned())
        };
        let ca = std::fs::read(dir.join("ca.crt"))?;
        Ok(Self { api: listen("api")?, agents: listen("agents")?, metrics: listen("metrics")?, ca })
    }

    fn connect(&self, address: &str, identity: Option<(&[u8], &[u8])>) -> Result<Channel> {
        let identity = identity.map(|(certificate_pem, key_pem)| Identity { certificate_pem, key_pem });
        let tls = client_config(&self.ca, identity)?;
        Ok(channel(address, Arc::new(arc_swap::ArcSwap::from_pointee(tls)))?)
    }
}

fn verdict<T>(what: &str, answer: Result<T, Status>, expected: &str) -> Verdict {
    match answer {
        Ok(_) => Verdict::of(what, 0, "", expected),
        // A refused handshake surfaces as one of several transport errors, whatever the code.
        Err(status) => Verdict::of(what, 1, &format!("{:?} {} {status:?}", status.code(), status.message()), expected),
    }
}

async fn list(channel: Channel) -> Result<access::ListTenantsResponse, Status> {
    let request = access::ListTenantsRequest::default();
    Ok(AccessServiceClient::new(channel).list_tenants(request).await?.into_inner())
}

fn pair(folder: &Path, name: &str) -> Result<(Vec<u8>, Vec<u8>)> {
    Ok((std::fs::read(folder.join(format!("{name}.crt")))?, std::fs::read(folder.join(format!("{name}.key")))?))
}

pub async fn all(fleet: &Fleet) -> Result<Vec<Verdict>> {
    let server = Server::of(fleet)?;
    let (certificate, key) = pair(&fleet.control_plane_dir(), "admin")?;
    let admin = server.connect(&server.api, Some((&certificate, &key)))?;
    let mut verdicts = certificates(fleet, &server).await?;
    verdicts.extend(tokens(fleet, &server, admin.clone()).await?);
    verdicts.extend(bytes(&server).await?);
    verdicts.extend(fields(admin).await);
    Ok(verdicts)
}

async fn certificates(fleet: &Fleet, server: &Server) -> Result<Vec<Verdict>> {
    let dir = fleet.control_plane_dir();
    let expired = expired_administrator(&dir)?;
    let foreign = foreign_administrator()?;
    // The agent keeps its certificate and its key in one file.
    let agent = std::fs::read(fleet.customer_dir("contoso").join("state").join("identity.pem"))?;
    let agent = (agent.clone(), agent);
    let admin = pair(&dir, "admin")?;
    let ask = |identity: Option<&(Vec<u8>, Vec<u8>)>| {
        let channel = server.connect(&server.api, identity.map(|(it, key)| (it.as_slice(), key.as_slice())));
        async move { Ok::<_, anyhow::Error>(list(channel?).await) }
    };
    let renew = server.connect(&server.agents, Some((&admin.0, &admin.1)))?;
    let renewed = AgentServiceClient::new(renew).renew(RenewRequest { csr_pem: String::new() }).await;
    Ok(vec![
        verdict("no certificate on the API", ask(None).await?, ""),
        verdict("an expired certificate", ask(Some(&expired)).await?, ""),
        verdict("a certificate of another CA", ask(Some(&foreign)).await?, ""),
        verdict("an agent's certificate on the API", ask(Some(&agent)).await?, ""),
        verdict("an administrator's certificate on the agents' port", renewed, ""),
    ])
}

fn certificate(days_ago: (i64, i64), issuer: &rcgen::Issuer<'_, rcgen::KeyPair>) -> Result<(Vec<u8>, Vec<u8>)> {
    let key = rcgen::KeyPair::generate()?;
    let mut params = rcgen::CertificateParams::new(Vec::new())?;
    params.subject_alt_names = vec![rcgen::SanType::URI("spiffe://entente/principals/admin".try_into()?)];
    let now = time::OffsetDateTime::now_utc();
    params.not_before = now - time::Duration::days(days_ago.0);
    params.not_after = now - time::Duration::days(days_ago.1);
    let certificate = params.signed_by(&key, issuer)?;
    Ok((certificate.pem().into_bytes(), key.serialize_pem().into_bytes()))
}

/// Signed by the real CA, and expired since yesterday.
fn expired_administrator(dir: &Path) -> Result<(Vec<u8>, Vec<u8>)> {
    let (ca, key) = (std::fs::read_to_string(dir.join("ca.crt"))?, std::fs::read_to_string(dir.join("ca.key"))?);
    certificate((2, 1), &rcgen::Issuer::from_ca_cert_pem(&ca, rcgen::KeyPair::from_pem(&key)?)?)
}

/// Valid, and signed by another CA.
fn foreign_administrator() -> Result<(Vec<u8>, Vec<u8>)> {
    let mut params = rcgen::CertificateParams::new(Vec::new())?;
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    certificate((1, -1), &rcgen::Issuer::new(params, rcgen::KeyPair::generate()?))
}

async fn tokens(fleet: &Fleet, server: &Server, admin: Channel) -> Result<Vec<Verdict>> {
    let csr = || -> Result<String> {
        let key = rcgen::KeyPair::generate()?;
        Ok(rcgen::CertificateParams::new(Vec::new())?.serialize_request(&key)?.pem()?)
    };
    let enroll = |token: String, tenant: String, csr_pem: String| {
        let channel = server.connect(&server.agents, None);
        async move {
            let request = EnrollRequest { token, csr_pem, entra_tenant_id: tenant };
            Ok::<_, anyhow::Error>(AgentServiceClient::new(channel?).enroll(request).await)
        }
    };
    let contoso = fleet.customer("contoso")?.entra_tenant();
    let used = secret(&std::fs::read_to_string(fleet.customer_dir("contoso").join("token.toml"))?)?;
    let mut admin = AdminServiceClient::new(admin);
    let mut create = async |seconds: i64| -> Result<String> {
        let request = access::CreateEnrollmentTokenRequest {
            tenant: "tenants/contoso".into(),
            lifetime_seconds: seconds,
            replace: true,
            request_id: String::new(),
        };
        secret(&admin.create_enrollment_token(request).await?.into_inner().token_file)
    };
    let short = create(1).await?;
    let fresh = create(600).await?;
    // Before its end the token would work, so wait for the end by the clock.
    let made = Instant::now();
    eventually("the token ends", SOON, || async {
        ensure!(made.elapsed() > Duration::from_secs(3), "not yet");
        Ok(())
    })
    .await?;
    let expired = enroll(short, contoso.clone(), csr()?).await?;
    Ok(vec![
        verdict("an expired token", expired, "PermissionDenied"),
        verdict("an unknown token", enroll("guessed".into(), contoso.clone(), csr()?).await?, "PermissionDenied"),
        verdict("a used token with another key", enroll(used, contoso.clone(), csr()?).await?, "PermissionDenied"),
        verdict(
            "a token for another tenant",
            enroll(fresh.clone(), fleet.customer("fabrikam")?.entra_tenant(), csr()?).await?,
            "",
        ),
        verdict("a signing request that is none", enroll(fresh, contoso, "hello".into()).await?, "InvalidArgument"),
    ])
}

fn secret(token_file: &str) -> Result<String> {
    let table: toml::Table = token_file.parse()?;
    Ok(table.get("token").and_then(toml::Value::as_str).context("a secret")?.to_owned())
}

/// Garbage on each port: the server closes the connection and reveals nothing.
async fn bytes(server: &Server) -> Result<Vec<Verdict>> {
    let mut verdicts = Vec::new();
    for (port, address) in [("API", &server.api), ("agents", &server.agents), ("metrics", &server.metrics)] {
        for (what, garbage) in [("plain HTTP", &b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"[..]), ("noise", &[0x5a; 4096][..])]
        {
            let mut stream = tokio::net::TcpStream::connect(address).await?;
            stream.write_all(garbage).await?;
            let mut answer = Vec::new();
            let closed = tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await;
            let fault = match closed {
                Err(_) => Some("it is still open".to_owned()),
                Ok(_) if answer.len() > 64 => Some(format!("{} bytes came back", answer.len())),
                Ok(_) => None,
            };
            verdicts.push(Verdict { what: format!("{what} on the {port} port"), fault });
        }
    }
    Ok(verdicts)
}

/// Fields that the command line would not send.
async fn fields(admin: Channel) -> Vec<Verdict> {
    let mut client = AccessServiceClient::new(admin);
    let squad = |owner: &str| access::Squad { name: "squads/triage".into(), owner: owner.into(), ..Default::default() };
    let update = |squad: access::Squad, mask: &[&str], request_id: &str| access::UpdateSquadRequest {
        squad: Some(squad),
        update_mask: Some(prost_types::FieldMask { paths: mask.iter().map(|it| (*it).to_owned()).collect() }),
        request_id: request_id.into(),
        validate_only: false,
    };
    let stale = access::Squad { etag: "stale".into(), ..squad("operators/jonas") };
    let page = access::ListTenantsRequest { page_size: 1, page_token: "forged".into() };
    let negative = access::ListTenantsRequest { page_size: -1, page_token: String::new() };
    let empty = access::ApplyIntentRequest { manifests: vec![access::Manifest::default()], ..Default::default() };
    let enumerated =
        access::Operator { name: "operators/x".into(), display_name: "x".into(), state: 77, ..Default::default() };
    let create = access::CreateOperatorRequest { operator: Some(enumerated), ..Default::default() };
    let taken = access::CreateSquadRequest { squad: Some(squad("operators/jonas")), ..Default::default() };
    vec![
        verdict(
            "a mask of a field that is not there",
            client.update_squad(update(squad("operators/jonas"), &["colour"], "")).await,
            "colour",
        ),
        verdict("a stale etag", client.update_squad(update(stale, &["owner"], "")).await, "Aborted"),
        verdict(
            "a request id that is no UUID",
            client.update_squad(update(squad("operators/jonas"), &["owner"], "7")).await,
            "request_id",
        ),
        verdict("a forged page token", client.list_tenants(page).await, "page_token"),
        verdict("a negative page size", client.list_tenants(negative).await, "page_size"),
        verdict("an empty manifest", client.apply_intent(empty).await, "InvalidArgument"),
        verdict("a number that is no state", client.create_operator(create).await, "state"),
        verdict("a name that is taken", client.create_squad(taken).await, "AlreadyExists"),
        verdict("an update of nothing", client.update_squad(access::UpdateSquadRequest::default()).await, "squad"),
    ]
}
