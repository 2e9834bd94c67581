//! A service over real TLS that misbehaves on demand: it hangs up, redirects, throttles.
//!
//! It knows nothing about Graph: each test scripts the answers. Only the login service is built in.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entente_cloud::{Cloud, Config, Credential, Endpoints, NationalCloud, Patience};
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;

pub const TENANT: Uuid = Uuid::from_u128(0x0c0de000_0000_4000_8000_000000000001);
pub const PRINCIPAL: Uuid = Uuid::from_u128(0x0c0de000_0000_4000_8000_0000000000aa);
pub const SECRET: &str = "the-word-that-opens-everything";

#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// With its query, decoded.
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: String,
    /// The number of its connection, counted from 0.
    pub connection: usize,
}

impl Request {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    pub fn is_login(&self) -> bool {
        self.path.ends_with("/oauth2/v2.0/token")
    }
}

#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    end: End,
}

#[derive(Debug, Clone, Copy)]
enum End {
    Answer,
    HangUp,
    Silence,
}

pub fn reply(status: u16, body: Value) -> Reply {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    Reply { status, headers: Vec::new(), body, end: End::Answer }
}

pub fn error(status: u16, code: &str, message: &str) -> Reply {
    reply(status, error_body(code, message))
}

pub fn error_body(code: &str, message: &str) -> Value {
    json!({"error": {"code": code, "message": message, "innerError": {"request-id": "x"}}})
}

/// Reads the whole request, and closes the connection without an answer.
pub fn hang_up() -> Reply {
    Reply { end: End::HangUp, ..reply(0, Value::Null) }
}

/// Reads the whole request, and keeps the connection open without an answer.
pub fn silence() -> Reply {
    Reply { end: End::Silence, ..reply(0, Value::Null) }
}

impl Reply {
    /// Any body, JSON or not.
    pub fn text(self, body: &str) -> Reply {
        Reply { body: body.to_owned(), ..self }
    }

    pub fn header(mut self, name: &'static str, value: impl ToString) -> Reply {
        self.headers.push((name, value.to_string()));
        self
    }
}

/// A token as Entra would issue it. The fake's number makes each one different.
pub fn token(tenant: Uuid, number: usize) -> String {
    let claims = json!({"tid": tenant, "oid": PRINCIPAL, "roles": ["User.Invite.All", "Group.Create"], "n": number});
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

type Script = Arc<dyn Fn(&Request, usize) -> Reply + Send + Sync>;

pub struct Fake {
    pub port: u16,
    ca_pem: String,
    requests: Arc<Mutex<Vec<Request>>>,
    folder: tempfile::TempDir,
}

impl Fake {
    /// Answers by `script`, which gets the number of earlier requests, without those for tokens. Token requests are
    /// answered.
    pub async fn start(script: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Fake {
        let login = |number| reply(200, json!({"access_token": token(TENANT, number), "expires_in": 3600}));
        Fake::with_login(login, script).await
    }

    pub async fn with_login(
        login: impl Fn(usize) -> Reply + Send + Sync + 'static,
        script: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static,
    ) -> Fake {
        let logins = Mutex::new(0);
        let others = Mutex::new(0);
        let count = |counter: &Mutex<usize>| {
            let mut counter = counter.lock().unwrap();
            *counter += 1;
            *counter - 1
        };
        let script = move |request: &Request, _| match request.is_login() {
            true => login(count(&logins)),
            false => script(request, count(&others)),
        };
        Fake::listen(Arc::new(script), true).await
    }

    /// Without TLS and without a login service, for a metadata service or a proxy.
    pub async fn plain(script: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Fake {
        Fake::listen(Arc::new(script), false).await
    }

    async fn listen(script: Script, tls: bool) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let identity = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        let acceptor = tls.then(|| acceptor(&identity));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        tokio::spawn(async move {
            for connection in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (script, seen, acceptor) = (script.clone(), seen.clone(), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(stream, connection, script, seen).await,
                        Some(acceptor) => match acceptor.accept(stream).await {
                            Ok(stream) => serve(stream, connection, script, seen).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), format!("{SECRET}\n")).unwrap();
        Fake { port, ca_pem: identity.cert.pem(), requests, folder }
    }

    pub fn address(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    pub fn secret_file(&self) -> std::path::PathBuf {
        self.folder.path().join("secret")
    }

    pub fn config(&self) -> Config {
        let endpoints = Endpoints {
            cloud: NationalCloud::Global,
            login: self.address(),
            graph: self.address(),
            arm: self.address(),
        };
        let credential = Credential::ClientSecret { client_id: Uuid::from_u128(9), secret_file: self.secret_file() };
        Config {
            extra_ca_pem: Some(self.ca_pem.clone().into_bytes()),
            patience: Patience { first_wait: Duration::from_millis(2), ..Patience::default() },
            ..Config::new(TENANT, endpoints, credential)
        }
    }

    pub fn cloud(&self) -> Cloud {
        Cloud::new(self.config()).unwrap()
    }

    pub fn everything(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// All requests except those for tokens.
    pub fn requests(&self) -> Vec<Request> {
        self.everything().into_iter().filter(|r| !r.is_login()).collect()
    }

    pub fn logins(&self) -> Vec<Request> {
        self.everything().into_iter().filter(Request::is_login).collect()
    }
}

fn acceptor(identity: &rcgen::CertifiedKey<rcgen::KeyPair>) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(identity.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.cert.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// HTTP/1.1, one request after another. `None` if the peer or the script ends the connection.
async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    connection: usize,
    script: Script,
    seen: Arc<Mutex<Vec<Request>>>,
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let request = read(&mut stream, connection).await?;
        let number = seen.lock().unwrap().len();
        let reply = script(&request, number);
        seen.lock().unwrap().push(request);
        match reply.end {
            End::Answer => {}
            End::HangUp => return None,
            End::Silence => std::future::pending().await,
        }
        let mut head = format!("HTTP/1.1 {} Said\r\ncontent-length: {}\r\n", reply.status, reply.body.len());
        for (name, value) in &reply.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{head}request-id: r-{number}\r\n\r\n{}", reply.body).as_bytes()).await.ok()?;
        stream.flush().await.ok()?;
    }
}

async fn read<S: AsyncRead + Unpin>(stream: &mut BufReader<S>, connection: usize) -> Option<Request> {
    let first = line(stream).await?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), decode(words.next()?));
    let mut headers = HashMap::new();
    loop {
        let line = line(stream).await?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let body = String::from_utf8(body).ok()?;
    Some(Request { method, path, headers, body, connection })
}

async fn line<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

fn decode(path: &str) -> String {
    let bytes = path.as_bytes();
    let (mut decoded, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%').then(|| u8::from_str_radix(&path[at + 1..at + 3], 16).ok()).flatten();
        decoded.push(escaped.unwrap_or(bytes[at]));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8(decoded).unwrap()
}
