//! Who may connect and who may ask: tokens, agents, principals; and the record of what was changed.

use std::io::Write;
use std::path::{Path, PathBuf};

use entente_proto::access::v1 as wire;
use serde_json::{Value, json};

use crate::args::{Agents, Audit, Format, Principals, Role, Tokens};
use crate::client::{Client, request_id, within};
use crate::failure::Failure;
use crate::fleet::{every_page, full_name};
use crate::output::{self, instant, or_dash, table};

pub(crate) async fn tokens(mut client: Client, ask: Tokens, format: Format) -> Result<(), Failure> {
    match ask {
        Tokens::Create { tenant, lifetime, out } => {
            let request = wire::CreateEnrollmentTokenRequest {
                tenant: full_name("tenants", &tenant),
                lifetime_seconds: i64::from(lifetime) * 3_600,
                request_id: request_id(),
            };
            let answer = client.admin.create_enrollment_token(within(request)).await?.into_inner();
            let token = answer.token.unwrap_or_default();
            let Some(path) = out else { return output::say(&answer.token_file) };
            write_private(&path, answer.token_file.as_bytes())?;
            let until = instant(&token.expire_time);
            output::print(format, &output::document(&token), || {
                format!(
                    "{} enrols an agent of {} until {until}; its secret is in {}\n",
                    token.name,
                    token.tenant,
                    path.display()
                )
            })
        }
        Tokens::List => {
            let request = wire::ListEnrollmentTokensRequest { page_size: 1_000, ..Default::default() };
            let all: Vec<wire::EnrollmentToken> =
                every_page!(client.admin, list_enrollment_tokens, request, enrollment_tokens);
            output::print(format, &documents(&all), || {
                let row = |it: &wire::EnrollmentToken| {
                    [
                        it.name.clone(),
                        it.tenant.clone(),
                        instant(&it.expire_time),
                        instant(&it.use_time),
                        or_dash(&it.agent),
                    ]
                };
                table(["NAME", "TENANT", "UNTIL", "USED", "AGENT"], &all.iter().map(row).collect::<Vec<_>>())
            })
        }
        Tokens::Delete { name } => {
            let name = full_name("enrollmentTokens", &name);
            let request = wire::DeleteEnrollmentTokenRequest { name: name.clone(), request_id: request_id() };
            client.admin.delete_enrollment_token(within(request)).await?;
            output::print(format, &json!({"deleted": name}), || format!("- {name}\n"))
        }
    }
}

pub(crate) async fn agents(mut client: Client, ask: Agents, format: Format) -> Result<(), Failure> {
    match ask {
        Agents::List { tenant } => {
            let parent = tenant.map(|name| full_name("tenants", &name)).unwrap_or_default();
            let request = wire::ListAgentsRequest { page_size: 1_000, page_token: String::new(), parent };
            let all: Vec<wire::Agent> = every_page!(client.admin, list_agents, request, agents);
            output::print(format, &documents(&all), || agent_table(&all))
        }
        Agents::Revoke { name } => {
            let request = wire::RevokeAgentRequest { name, request_id: request_id() };
            let agent = client.admin.revoke_agent(within(request)).await?.into_inner();
            output::print(format, &output::document(&agent), || agent_table(std::slice::from_ref(&agent)))
        }
    }
}

fn agent_table(all: &[wire::Agent]) -> String {
    let row = |it: &wire::Agent| {
        let seen = if it.connected { "now".to_owned() } else { instant(&it.last_seen_time) };
        [
            it.name.clone(),
            instant(&it.enroll_time),
            instant(&it.certificate_expire_time),
            instant(&it.revoke_time),
            seen,
        ]
    };
    let header = ["NAME", "ENROLLED", "CERTIFICATE ENDS", "REVOKED", "SEEN"];
    table(header, &all.iter().map(row).collect::<Vec<_>>())
}

pub(crate) async fn principals(mut client: Client, ask: Principals, format: Format) -> Result<(), Failure> {
    match ask {
        Principals::Create { name, role, out } => create_principal(client, &name, role, &out, format).await,
        Principals::List => {
            let request = wire::ListPrincipalsRequest { page_size: 1_000, ..Default::default() };
            let all: Vec<wire::Principal> = every_page!(client.admin, list_principals, request, principals);
            output::print(format, &documents(&all), || principal_table(&all))
        }
        Principals::Delete { name } => {
            let name = full_name("principals", &name);
            let request = wire::DeletePrincipalRequest { name: name.clone(), request_id: request_id() };
            client.admin.delete_principal(within(request)).await?;
            output::print(format, &json!({"deleted": name}), || format!("- {name}\n"))
        }
        Principals::Whoami => {
            let request = wire::GetPrincipalRequest { name: "principals/-".into() };
            let me = client.admin.get_principal(within(request)).await?.into_inner();
            output::print(format, &output::document(&me), || principal_table(std::slice::from_ref(&me)))
        }
    }
}

fn principal_table(all: &[wire::Principal]) -> String {
    let row = |it: &wire::Principal| {
        let role = it.role().as_str_name().trim_start_matches("PRINCIPAL_ROLE_").to_ascii_lowercase();
        [it.name.clone(), role, instant(&it.create_time), instant(&it.certificate_expire_time)]
    };
    table(["NAME", "ROLE", "CREATED", "CERTIFICATE ENDS"], &all.iter().map(row).collect::<Vec<_>>())
}

async fn create_principal(
    mut client: Client,
    name: &str,
    role: Role,
    out: &Path,
    format: Format,
) -> Result<(), Failure> {
    let name = full_name("principals", name);
    let id = name.trim_start_matches("principals/");
    let (certificate, key) = (out.join(format!("{id}.pem")), out.join(format!("{id}.key")));
    if key.exists() || certificate.exists() {
        return Err(Failure::Usage(format!("{} or {} is there already", certificate.display(), key.display())));
    }
    let cannot = |error: rcgen::Error| Failure::Failed(format!("cannot make a key: {error}"));
    let pair = rcgen::KeyPair::generate().map_err(cannot)?;
    let params = rcgen::CertificateParams::new(Vec::new()).map_err(cannot)?;
    let csr_pem = params.serialize_request(&pair).and_then(|request| request.pem()).map_err(cannot)?;
    let role = match role {
        Role::Viewer => wire::PrincipalRole::Viewer,
        Role::Operator => wire::PrincipalRole::Operator,
        Role::Admin => wire::PrincipalRole::Admin,
    };
    let principal = wire::Principal { name, role: role.into(), ..Default::default() };
    // The key first: a certificate without it would be of no use to anyone.
    write_private(&key, pair.serialize_pem().as_bytes())?;
    let request = wire::CreatePrincipalRequest { principal: Some(principal), csr_pem, request_id: request_id() };
    let made = client.admin.create_principal(within(request)).await?.into_inner();
    write_private(&certificate, made.certificate_pem.as_bytes())?;
    output::print(format, &output::document(&made), || {
        format!("{} is made; certificate {}, key {}\n", made.name, certificate.display(), key.display())
    })
}

/// A new file that other users cannot read. One that is there is not written over.
fn write_private(path: &Path, content: &[u8]) -> Result<(), Failure> {
    use std::os::unix::fs::OpenOptionsExt;
    let open = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    open.and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .map_err(|error| Failure::Failed(format!("cannot write {}: {error}", PathBuf::from(path).display())))
}

pub(crate) async fn audit(mut client: Client, ask: Audit, format: Format) -> Result<(), Failure> {
    let Audit::List { resource, limit } = ask;
    let mut all: Vec<wire::AuditRecord> = Vec::new();
    let mut page_token = String::new();
    while all.len() < limit {
        let page_size = i32::try_from((limit - all.len()).min(1_000)).unwrap_or(1_000);
        let request =
            wire::ListAuditRecordsRequest { page_size, page_token, resource: resource.clone().unwrap_or_default() };
        let page = client.access.list_audit_records(within(request)).await?.into_inner();
        all.extend(page.records);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    all.truncate(limit);
    output::print(format, &documents(&all), || {
        let row = |it: &wire::AuditRecord| {
            [it.revision.to_string(), instant(&it.time), it.actor.clone(), it.method.clone(), it.summary.clone()]
        };
        table(["REVISION", "TIME", "WHO", "METHOD", "WHAT"], &all.iter().map(row).collect::<Vec<_>>())
    })
}

fn documents<M: prost::Message + prost::Name>(all: &[M]) -> Value {
    Value::Array(all.iter().map(output::document).collect())
}
