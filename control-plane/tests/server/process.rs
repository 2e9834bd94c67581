//! The server as a process of its own: readiness, signals, metrics, the log.

use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use entente_app::pki::{CertificateAuthority, Serial};
use entente_control_plane::{Bound, Initialised};
use entente_proto::access::v1 as access;
use entente_proto::access::v1::access_service_client::AccessServiceClient;
use entente_proto::channel::{channel, client_config};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::transport::Channel;

use crate::commands::program;
use crate::support::*;

pub struct Process {
    child: Child,
    pub bound: Bound,
    pub made: Initialised,
    dir: tempfile::TempDir,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    pub async fn start() -> Self {
        Self::start_as(program()).await
    }

    /// With at most so many files and connections open.
    async fn start_with_descriptors(most: u32) -> Self {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &format!("ulimit -n {most} && exec \"$0\" \"$@\"")]).arg(program().get_program());
        Self::start_as(command).await
    }

    async fn start_as(command: std::process::Command) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let made = make(dir.path()).await;
        Self::start_from(dir, made, command).await
    }

    /// What was made in a folder, by a command that gets the arguments.
    pub async fn start_from(dir: tempfile::TempDir, made: Initialised, mut command: std::process::Command) -> Self {
        let (ready, log) = (dir.path().join("ready.json"), dir.path().join("log"));
        command.arg("run").arg("--config").arg(&made.config).arg("--ready-file").arg(&ready);
        let child = command.stderr(Stdio::from(std::fs::File::create(&log).unwrap())).spawn().unwrap();
        let bound = soon("the ready file", read_when_there(&ready)).await;
        Self { child, bound, made, dir }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    fn signal(&self, name: &str) {
        let status = std::process::Command::new("kill").arg(name).arg(self.child.id().to_string()).status();
        assert!(status.unwrap().success());
    }

    /// Waits until the log says so.
    async fn says(&self, what: &str) {
        soon(what, async {
            while !self.log().contains(what) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    async fn ended(&mut self) -> Option<i32> {
        soon("the process's end", async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status.code();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
    }

    pub fn admin(&self) -> Credential {
        Credential::read(&self.made.admin_certificate, &self.made.admin_key)
    }

    pub fn api(&self, ca_pem: &[u8], credential: &Credential) -> AccessServiceClient<Channel> {
        let config = client_config(ca_pem, Some(credential.identity())).unwrap();
        let config = Arc::new(arc_swap::ArcSwap::from_pointee(config));
        AccessServiceClient::new(channel(&format!("localhost:{}", self.bound.api.port()), config).unwrap())
    }
}

async fn read_when_there(path: &Path) -> Bound {
    loop {
        if let Ok(text) = std::fs::read_to_string(path) {
            return serde_json::from_str(&text).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn sigterm_and_sigint_end_it_with_0() {
    for signal in ["-TERM", "-INT"] {
        let mut process = Process::start().await;
        assert_eq!(process.bound.pid, process.child.id());
        let ca = std::fs::read(&process.made.ca_certificate).unwrap();
        let mut api = process.api(&ca, &process.admin());
        api.list_tenants(access::ListTenantsRequest::default()).await.unwrap();
        process.signal(signal);
        assert_eq!(process.ended().await, Some(0), "{}", process.log());
        assert!(process.log().contains("every call and stream has ended"), "{}", process.log());
    }
}

#[tokio::test]
async fn sighup_takes_new_certificates_and_keeps_the_old_ones_if_they_are_bad() {
    let process = Process::start().await;
    let ca_pem = std::fs::read_to_string(&process.made.ca_certificate).unwrap();
    let at = |name: &str| process.made.config.with_file_name(name);
    let ca_key = std::fs::read_to_string(at("ca.key")).unwrap();
    let ca = CertificateAuthority::load(&ca_pem, &ca_key, "nordwall.example").unwrap();
    std::fs::write(at("server.crt"), "not a certificate").unwrap();
    process.signal("-HUP");
    process.says("the old certificates stay").await;
    let mut api = process.api(ca_pem.as_bytes(), &process.admin());
    api.list_tenants(access::ListTenantsRequest::default()).await.unwrap();
    // A certificate that the client refuses shows that it is the new one.
    let names = ["elsewhere.example".to_owned()];
    let now = entente_app::system_clock()();
    let (issued, key) = ca.server(&names, Serial::random().unwrap(), now, Duration::from_secs(3_600)).unwrap();
    std::fs::write(at("server.crt"), issued.certificate_pem).unwrap();
    std::fs::write(at("server.key"), key.expose()).unwrap();
    process.signal("-HUP");
    process.says("certificates reloaded").await;
    process.says("the online key may sign until then").await;
    let mut api = process.api(ca_pem.as_bytes(), &process.admin());
    api.list_tenants(access::ListTenantsRequest::default()).await.unwrap_err();
}

#[tokio::test]
async fn when_strangers_use_up_the_descriptors_the_soc_still_gets_in() {
    const CALLS: usize = 20;
    let process = Process::start_with_descriptors(256).await;
    process.says("few file descriptors").await;
    let ca = std::fs::read(&process.made.ca_certificate).unwrap();
    let agents = process.bound.agents;
    let flood = tokio::spawn(async move {
        // More than it may have open, and new ones all the time, each silent after one byte.
        let mut opened = std::collections::VecDeque::new();
        let mut period = tokio::time::interval(Duration::from_millis(4));
        loop {
            while opened.len() < 600 {
                let mut stream = TcpStream::connect(agents).await.unwrap();
                let _ = stream.write_all(&[0x16]).await;
                opened.push_back(stream);
            }
            opened.pop_front();
            period.tick().await;
        }
    });
    let calls = async {
        for _ in 0..CALLS {
            let mut api = process.api(&ca, &process.admin());
            api.list_tenants(access::ListTenantsRequest::default()).await.unwrap();
        }
    };
    soon("every call of the SOC's", calls).await;
    flood.abort();
}

#[tokio::test]
async fn metrics_are_for_principals_in_prometheus_text() {
    let process = Process::start().await;
    let ca = std::fs::read(&process.made.ca_certificate).unwrap();
    let mut api = process.api(&ca, &process.admin());
    api.list_tenants(access::ListTenantsRequest::default()).await.unwrap();
    let page = get(&process, &ca, "/metrics").await;
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    let line = "entente_calls_total{method=\"entente.access.v1.AccessService/ListTenants\",code=\"OK\"} 1";
    assert!(page.contains(line), "{page}");
    assert!(page.contains("entente_call_seconds_bucket"), "{page}");
    assert!(get(&process, &ca, "/other").await.starts_with("HTTP/1.1 404"));
}

/// As an HTTP/1.1 scraper asks.
async fn get(process: &Process, ca_pem: &[u8], path: &str) -> String {
    let mut config = client_config(ca_pem, Some(process.admin().identity())).unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let tcp = TcpStream::connect(process.bound.metrics).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect("localhost".try_into().unwrap(), tcp).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon("the page", stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

#[tokio::test]
async fn the_log_names_calls_and_callers_and_nothing_that_they_hold() {
    let process = Process::start().await;
    let ca = std::fs::read(&process.made.ca_certificate).unwrap();
    let mut api = process.api(&ca, &process.admin());
    api.apply_intent(set(vec![home(), maya()])).await.unwrap();
    process.says("ApplyIntent").await;
    let log = process.log();
    let line = log.lines().find(|line| line.contains("ApplyIntent")).unwrap();
    assert!(line.contains("principals/jonas") && line.contains("OK"), "{line}");
    assert!(!log.contains("maya@nordwall.example") && !log.contains("Maya Berg"), "{log}");
}
