//! Who may connect and who may ask: tokens, agents, principals.

use std::path::{Path, PathBuf};

use entente_proto::access::v1 as wire;
use serde_json::{Value, json};

use crate::args::{Agents, Format, Principals, Role, Tokens};
use crate::client::{Client, request_id, within};
use crate::failure::Failure;
use crate::output::{self, List, column, instant, or_dash, wide};
use crate::pages::{every_page, full_name};
use crate::private_file::PrivateFile;

/// Where it is seen whether a change was made whose answer was lost.
const TOKENS: &str = "`entente tokens list`";
const PRINCIPALS: &str = "`entente principals list`";

pub(crate) async fn tokens(mut client: Client, ask: Tokens, format: Format) -> Result<(), Failure> {
    match ask {
        Tokens::Create { tenant, lifetime, replace, out } => {
            create_token(client, &tenant, (lifetime, replace), out, format).await
        }
        Tokens::List => {
            let request = wire::ListEnrollmentTokensRequest { page_size: 1_000, ..Default::default() };
            let all: Vec<wire::EnrollmentToken> =
                every_page!(client.admin, list_enrollment_tokens, request, enrollment_tokens);
            let now = output::now();
            let row = |it: &wire::EnrollmentToken| {
                [
                    it.name.clone(),
                    it.tenant.clone(),
                    output::until(&it.expire_time, now),
                    instant(&it.expire_time),
                    instant(&it.use_time),
                    or_dash(&it.agent),
                    or_dash(&it.creator),
                    if it.replace { "yes".to_owned() } else { "-".to_owned() },
                ]
            };
            let header = ["NAME", "TENANT", "ENDS", "UNTIL", "USED", "AGENT", "MADE BY", "DISPLACES"];
            List::of(header, all.iter().map(row)).print(format, &documents(&all), ("", ""))
        }
        Tokens::Delete { name } => {
            let name = full_name("enrollmentTokens", &name);
            let request = wire::DeleteEnrollmentTokenRequest { name: name.clone(), request_id: request_id() };
            client.admin.delete_enrollment_token(within(request)).await.map_err(Failure::of_change(TOKENS))?;
            output::print(format, &json!({"deleted": name}), || format!("- {name}\n"))
        }
    }
}

async fn create_token(
    mut client: Client,
    tenant: &str,
    (lifetime, replace): (u32, bool),
    out: Option<PathBuf>,
    format: Format,
) -> Result<(), Failure> {
    // Before the token is made: its secret is shown once, and must have a place to go to.
    let file = out.as_deref().map(PrivateFile::create).transpose()?;
    let request = wire::CreateEnrollmentTokenRequest {
        tenant: full_name("tenants", tenant),
        lifetime_seconds: i64::from(lifetime) * 3_600,
        replace,
        request_id: request_id(),
    };
    let look = Failure::of_change(format!("{TOKENS}, and delete it if it is there: its secret is lost"));
    let answer = client.admin.create_enrollment_token(within(request)).await.map_err(look)?.into_inner();
    let Some(file) = file else { return output::say(&answer.token_file) };
    let token = answer.token.unwrap_or_default();
    let path = file.path().display().to_string();
    file.fill(answer.token_file.as_bytes())
        .map_err(|error| Failure::Failed(format!("{error}; {} is made and lost: delete it", token.name)))?;
    let until = instant(&token.expire_time);
    output::print(format, &output::document(&token), || {
        let name = token.tenant.trim_start_matches("tenants/");
        format!(
            "{} enrols an agent of {} until {until}, once; its secret is in {path}\n\n\
             Give that file to the customer, who runs where the agent is to be:\n\
             \x20 entente-agent init .                                     agent.toml and guardrail.yaml, to fill in\n\
             \x20 entente-agent check-guardrail guardrail.yaml             the text to consent to\n\
             \x20 entente-agent --config agent.toml permissions            what Microsoft has to grant\n\
             \x20 entente-agent --config agent.toml enroll --token {path}\n\
             \x20 entente-agent --config agent.toml doctor                 what keeps it from working, and what to do\n\
             \x20 entente-agent --config agent.toml run\n\
             Then here: entente status {name}\n",
            token.name, token.tenant
        )
    })
}

pub(crate) async fn agents(mut client: Client, ask: Agents, format: Format) -> Result<(), Failure> {
    match ask {
        Agents::List { tenant } => {
            let parent = tenant.map(|name| full_name("tenants", &name)).unwrap_or_default();
            let request = wire::ListAgentsRequest { page_size: 1_000, page_token: String::new(), parent };
            let all: Vec<wire::Agent> = every_page!(client.admin, list_agents, request, agents);
            agent_list(&all).print(format, &documents(&all), ("", ""))
        }
        Agents::Get { name } => {
            let request = wire::GetAgentRequest { name };
            print_agent(&client.admin.get_agent(within(request)).await?.into_inner(), format)
        }
        Agents::Vouch { name } => {
            let look = look_at_agent(&name);
            let request = wire::VouchAgentRequest { name, request_id: request_id() };
            print_agent(&client.admin.vouch_agent(within(request)).await.map_err(look)?.into_inner(), format)
        }
        Agents::Acknowledge { name } => {
            let look = look_at_agent(&name);
            let request = wire::AcknowledgeDisplacementRequest { name, request_id: request_id() };
            let answer = client.admin.acknowledge_displacement(within(request)).await.map_err(look)?;
            print_agent(&answer.into_inner(), format)
        }
        Agents::Revoke { name } => {
            let look = look_at_agent(&name);
            let request = wire::RevokeAgentRequest { name, request_id: request_id() };
            print_agent(&client.admin.revoke_agent(within(request)).await.map_err(look)?.into_inner(), format)
        }
    }
}

fn look_at_agent(name: &str) -> impl FnOnce(tonic::Status) -> Failure + use<> {
    Failure::of_change(format!("`entente agents get {name}`"))
}

fn print_agent(agent: &wire::Agent, format: Format) -> Result<(), Failure> {
    output::print(format, &output::document(agent), || {
        agent_list(std::slice::from_ref(agent)).shown(format == Format::Wide)
    })
}

fn agent_list(all: &[wire::Agent]) -> List {
    let now = output::now();
    let mut list = List::new([
        column("NAME"),
        column("AGE"),
        column("ENDS"),
        column("REVOKED"),
        column("SEEN"),
        column("DISPLACED"),
        column("VOUCHED BY"),
        wide("ENROLLED"),
        wide("CERTIFICATE ENDS"),
        wide("LAST SEEN"),
    ]);
    for it in all {
        let seen = if it.connected { "now".to_owned() } else { output::age(&it.last_seen_time, now) };
        list.row(
            &it.name,
            [
                it.name.clone(),
                output::age(&it.enroll_time, now),
                output::until(&it.certificate_expire_time, now),
                instant(&it.revoke_time),
                seen,
                displaced(it),
                it.vouch.as_ref().map_or_else(|| "-".into(), |vouch| vouch.principal.clone()),
                instant(&it.enroll_time),
                instant(&it.certificate_expire_time),
                instant(&it.last_seen_time),
            ],
        );
    }
    list
}

/// The agent that it displaced, and whether an admin has acknowledged that.
fn displaced(agent: &wire::Agent) -> String {
    let former = or_dash(&agent.displaced_agent);
    let open = !agent.displaced_agent.is_empty() && agent.vouch.is_none() && agent.acknowledgement.is_none();
    if open { format!("{former}, not acknowledged") } else { former }
}

pub(crate) async fn principals(mut client: Client, ask: Principals, format: Format) -> Result<(), Failure> {
    match ask {
        Principals::Create { name, role, operator, out } => {
            let operator = operator.map(|operator| full_name("operators", &operator)).unwrap_or_default();
            create_principal(client, &name, (role, operator), &out, format).await
        }
        Principals::List => {
            let request = wire::ListPrincipalsRequest { page_size: 1_000, ..Default::default() };
            let all: Vec<wire::Principal> = every_page!(client.admin, list_principals, request, principals);
            principal_list(&all).print(format, &documents(&all), ("", ""))
        }
        Principals::Tie { name, operator } => tie(client, &name, full_name("operators", &operator), format).await,
        Principals::Untie { name } => tie(client, &name, String::new(), format).await,
        Principals::Delete { name } => {
            let name = full_name("principals", &name);
            let request = wire::DeletePrincipalRequest { name: name.clone(), request_id: request_id() };
            client.admin.delete_principal(within(request)).await.map_err(Failure::of_change(PRINCIPALS))?;
            output::print(format, &json!({"deleted": name}), || format!("- {name}\n"))
        }
        Principals::Whoami => {
            let request = wire::GetPrincipalRequest { name: "principals/-".into() };
            let me = client.admin.get_principal(within(request)).await?.into_inner();
            output::print(format, &output::document(&me), || principal_list(std::slice::from_ref(&me)).shown(false))
        }
    }
}

async fn tie(mut client: Client, name: &str, operator: String, format: Format) -> Result<(), Failure> {
    let principal = wire::Principal { name: full_name("principals", name), operator, ..Default::default() };
    let update_mask = Some(prost_types::FieldMask { paths: vec!["operator".into()] });
    let request = wire::UpdatePrincipalRequest { principal: Some(principal), update_mask, request_id: request_id() };
    let look = Failure::of_change(PRINCIPALS);
    let tied = client.admin.update_principal(within(request)).await.map_err(look)?.into_inner();
    output::print(format, &output::document(&tied), || principal_list(std::slice::from_ref(&tied)).shown(false))
}

fn principal_list(all: &[wire::Principal]) -> List {
    let now = output::now();
    let row = |it: &wire::Principal| {
        let role = it.role().as_str_name().trim_start_matches("PRINCIPAL_ROLE_").to_ascii_lowercase();
        let (created, ends) = (instant(&it.create_time), instant(&it.certificate_expire_time));
        let left = output::until(&it.certificate_expire_time, now);
        [it.name.clone(), role, or_dash(&it.operator), output::age(&it.create_time, now), left, created, ends]
    };
    let header = ["NAME", "ROLE", "OF", "AGE", "ENDS", "CREATED", "CERTIFICATE ENDS"];
    List::of(header, all.iter().map(row))
}

async fn create_principal(
    mut client: Client,
    name: &str,
    (role, operator): (Role, String),
    out: &Path,
    format: Format,
) -> Result<(), Failure> {
    let name = full_name("principals", name);
    let id = name.trim_start_matches("principals/");
    let (certificate, key) = (out.join(format!("{id}.pem")), out.join(format!("{id}.key")));
    let cannot = |error: rcgen::Error| Failure::Failed(format!("cannot make a key: {error}"));
    let pair = rcgen::KeyPair::generate().map_err(cannot)?;
    let params = rcgen::CertificateParams::new(Vec::new()).map_err(cannot)?;
    let csr_pem = params.serialize_request(&pair).and_then(|request| request.pem()).map_err(cannot)?;
    let role = match role {
        Role::Viewer => wire::PrincipalRole::Viewer,
        Role::Editor => wire::PrincipalRole::Editor,
        Role::Admin => wire::PrincipalRole::Admin,
    };
    let principal = wire::Principal { name, role: role.into(), operator, ..Default::default() };
    // Before the principal is made, which cannot be asked for its certificate again.
    let (certificate_file, key_file) = (PrivateFile::create(&certificate)?, PrivateFile::create(&key)?);
    let request = wire::CreatePrincipalRequest { principal: Some(principal), csr_pem, request_id: request_id() };
    let look = Failure::of_change(format!("{PRINCIPALS}, and delete it if it is there: its key is lost"));
    let made = client.admin.create_principal(within(request)).await.map_err(look)?.into_inner();
    let lost = |error| Failure::Failed(format!("{error}; {} is made and its key lost: delete it", made.name));
    key_file.fill(pair.serialize_pem().as_bytes()).map_err(lost)?;
    certificate_file.fill(made.certificate_pem.as_bytes()).map_err(lost)?;
    output::print(format, &output::document(&made), || {
        format!("{} is made; certificate {}, key {}\n", made.name, certificate.display(), key.display())
    })
}

fn documents<M: prost::Message + prost::Name>(all: &[M]) -> Value {
    Value::Array(all.iter().map(output::document).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;

    /// Of a server that is not there.
    fn client(folder: &Path) -> Client {
        let pair = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&pair).unwrap();
        let path = |name: &str| folder.join(name);
        std::fs::write(path("it.pem"), certificate.pem()).unwrap();
        std::fs::write(path("it.key"), pair.serialize_pem()).unwrap();
        // Bound and dropped: nobody listens there.
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let server = nobody.to_string();
        Client::new(&Context { server, ca: path("it.pem"), certificate: path("it.pem"), key: path("it.key") }).unwrap()
    }

    async fn token(folder: &Path, out: &Path) -> String {
        let out = Some(out.to_owned());
        let ask = Tokens::Create { tenant: "contoso".into(), lifetime: 1, replace: false, out };
        tokens(client(folder), ask, Format::Table).await.unwrap_err().to_string()
    }

    #[test]
    fn an_agents_table_says_whom_it_displaced_and_whether_anybody_has_looked() {
        let agent = |vouch: Option<&str>| wire::Agent {
            name: "tenants/contoso/agents/b".into(),
            displaced_agent: "tenants/contoso/agents/a".into(),
            vouch: vouch.map(|by| wire::Vouch { principal: by.into(), vouch_time: None }),
            ..Default::default()
        };
        let open = agent_list(&[agent(None)]).shown(false);
        assert!(open.contains("tenants/contoso/agents/a, not acknowledged"), "{open}");
        let vouched = agent_list(&[agent(Some("principals/maya"))]).shown(false);
        assert!(vouched.contains("principals/maya") && !vouched.contains("not acknowledged"), "{vouched}");
    }

    #[tokio::test]
    async fn a_file_that_is_there_is_found_before_anything_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("token.toml");
        std::fs::write(&out, "mine").unwrap();
        assert!(token(folder.path(), &out).await.starts_with("cannot write"));
        assert_eq!(std::fs::read_to_string(&out).unwrap(), "mine");
    }

    #[tokio::test]
    async fn what_was_not_made_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("token.toml");
        let failure = token(folder.path(), &out).await;
        assert!(failure.starts_with("the control plane does not answer: ") && !out.exists(), "{failure}");
        let (name, role, out) = ("li".into(), Role::Viewer, folder.path().to_owned());
        let ask = Principals::Create { name, role, operator: None, out: out.clone() };
        let failure = principals(client(folder.path()), ask, Format::Table).await.unwrap_err().to_string();
        assert!(failure.starts_with("the control plane does not answer: "), "{failure}");
        assert!(!out.join("li.key").exists() && !out.join("li.pem").exists());
    }

    /// Of a server that takes what is sent, and breaks the connection without an answer.
    async fn breaking() -> Client {
        use tokio::io::AsyncReadExt;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut said = Vec::new();
                while !is_whole(&said) && stream.read_buf(&mut said).await.is_ok_and(|read| read > 0) {}
            }
        });
        let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{address}")).unwrap();
        Client::over(endpoint.connect_lazy())
    }

    /// Whether a request's DATA frame is there, behind the preface of 24 bytes (RFC 9113, 3.4 and 4.1).
    fn is_whole(said: &[u8]) -> bool {
        let mut rest = said.get(24..).unwrap_or_default();
        while let [a, b, c, kind, _, _, _, _, _, behind @ ..] = rest {
            let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
            match behind.get(length..) {
                Some(_) if *kind == 0 => return true,
                next => rest = next.unwrap_or_default(),
            }
        }
        false
    }

    #[tokio::test]
    async fn what_was_sent_and_not_answered_may_have_been_done() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().to_owned();
        let ask = Principals::Create { name: "li".into(), role: Role::Viewer, operator: None, out: out.clone() };
        let failure = principals(breaking().await, ask, Format::Table).await.unwrap_err().to_string();
        let said =
            "it is not known whether this was done: look with `entente principals list`, and delete it if it is there";
        assert!(failure.contains(said) && !out.join("li.key").exists(), "{failure}");
        let ask = Tokens::Create { tenant: "contoso".into(), lifetime: 1, replace: false, out: None };
        let failure = tokens(breaking().await, ask, Format::Table).await.unwrap_err().to_string();
        assert!(failure.contains("look with `entente tokens list`, and delete it if it is there"), "{failure}");
        let failure = tokens(breaking().await, Tokens::List, Format::Table).await.unwrap_err().to_string();
        assert!(
            failure.starts_with("the control plane does not answer: ") && !failure.contains("not known"),
            "{failure}"
        );
    }
}
