//! The binary: what it prints, what it writes, and what it reads.
#![allow(clippy::unwrap_used)] // tests fail by panicking

mod common;

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use entente_simulator::control::Client;

/// Ends with the test, however the test ends.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test]
async fn the_binary_prints_its_address_and_keeps_its_files() {
    let data = tempfile::tempdir().unwrap();
    let tenants = data.path().join("tenants.json");
    let log = data.path().join("calls.jsonl");
    std::fs::write(&tenants, serde_json::to_string(&[common::contoso()]).unwrap()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_entente-simulator"));
    command.arg("--data").arg(data.path()).arg("--tenants").arg(&tenants).arg("--call-log").arg(&log);
    let mut process = Process(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = std::fs::read_to_string(data.path().join("address")).unwrap();
    assert_eq!(line, format!("listening on {address}\n"));
    let mode = std::fs::metadata(data.path().join("control-token")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let control = Client::from_data_dir(data.path()).unwrap();
    assert_eq!(control.truth(common::TENANT).await.unwrap().users.len(), 2);
    let ca = reqwest::Certificate::from_pem(&std::fs::read(data.path().join("ca.pem")).unwrap()).unwrap();
    let http = reqwest::Client::builder().tls_certs_only([ca]).build().unwrap();
    let url = address.replace("127.0.0.1", "localhost");
    assert_eq!(http.get(format!("{url}/v1.0/users")).send().await.unwrap().status(), 401);
    let logged = std::fs::read_to_string(&log).unwrap();
    assert!(logged.lines().last().unwrap().contains("\"path\":\"/v1.0/users\""), "{logged}");
}
