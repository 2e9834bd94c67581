//! The commands around a server: backups, statements, lost administrators, bad configurations. Run as a process.

use std::path::Path;
use std::process::{Command, Output};

use entente_proto::access::v1 as access;
use entente_proto::access::v1::access_service_client::AccessServiceClient;

use crate::support::*;

pub fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_entente-control-plane"))
}

fn call(args: &[&Path]) -> Output {
    program().args(args).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), output.stderr.as_slice()].concat()).into_owned()
}

fn path(text: &str) -> &Path {
    Path::new(text)
}

/// Off the runtime's threads, as a process of its own would run it.
async fn done(args: &[&Path]) -> String {
    let owned: Vec<_> = args.iter().map(|arg| arg.to_path_buf()).collect();
    let run = move || call(&owned.iter().map(AsRef::as_ref).collect::<Vec<_>>());
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(output.status.success(), "{}", text(&output));
    text(&output)
}

#[tokio::test]
async fn init_refuses_a_folder_that_is_not_empty() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("mine"), "precious").unwrap();
    let output = call(&[path("init"), path("--dir"), dir.path()]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn init_says_what_belongs_offline_and_what_comes_next() {
    let dir = tempfile::tempdir().unwrap();
    let said = done(&[path("init"), path("--dir"), &dir.path().join("new")]).await;
    assert!(said.contains("root.key offline") && said.contains("ed25519:") && said.contains("run --config"), "{said}");
    assert!(!said.contains("PRIVATE"), "{said}");
    let said = done(&[path("check-config"), path("--config"), &dir.path().join("new/config.toml")]).await;
    assert!(said.contains("may sign until") && said.contains("server certificate until"), "{said}");
}

#[tokio::test]
async fn what_ends_soon_is_said_by_the_check_with_3_and_what_has_ended_with_1() {
    let dir = tempfile::tempdir().unwrap();
    let check = async |days_ago: i64| {
        let folder = dir.path().join(days_ago.to_string());
        let made = make_at(&folder, days_ago).await;
        let output = call(&[path("check-config"), path("--config"), &made.config]);
        (output.status.code(), text(&output))
    };
    let (soon, ended) = (check(25).await, check(31).await);
    assert!(soon.0 == Some(3) && soon.1.contains("the delegation ends"), "{soon:?}");
    assert!(ended.0 == Some(1) && ended.1.contains("the delegation ended"), "{ended:?}");
}

#[tokio::test]
async fn a_bad_configuration_ends_with_2_and_a_missing_file_with_1() {
    let dir = tempfile::tempdir().unwrap();
    let made = make(dir.path()).await;
    let config = std::fs::read_to_string(&made.config).unwrap();
    std::fs::write(&made.config, config.replace("trust_domain", "trust_domian")).unwrap();
    let output = call(&[path("run"), path("--config"), &made.config]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("trust_domian"), "{}", text(&output));
    let output = call(&[path("run"), path("--config"), &dir.path().join("none.toml")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("none.toml"), "{}", text(&output));
}

#[tokio::test]
async fn a_running_server_is_backed_up_and_the_backup_restores() {
    let server = Server::start().await.with_contoso().await;
    let out = server.path("backup");
    let said = done(&[path("backup"), path("--config"), &server.made.config, &out]).await;
    assert!(said.contains("from the running server"), "{said}");
    let verified = done(&[path("verify"), &out]).await;
    assert_eq!(said.split(": ").nth(1), verified.split(": ").nth(1));
    let again = call(&[path("backup"), path("--config"), &server.made.config, &out]);
    assert_eq!(again.status.code(), Some(2), "a backup is never overwritten");
    let into_running = call(&[path("restore"), path("--config"), &server.made.config, &out]);
    assert_eq!(into_running.status.code(), Some(1), "{}", text(&into_running));
    let (dir, made) = server.stop().await;
    let offline = done(&[path("backup"), path("--config"), &made.config, &dir.path().join("offline")]).await;
    assert!(!offline.contains("running"), "{offline}");
    std::fs::rename(dir.path().join("server/data"), dir.path().join("server/lost")).unwrap();
    done(&[path("restore"), path("--config"), &made.config, &out]).await;
    let server = Server::start_again(dir, made).await;
    let listed = server.access().list_tenants(access::ListTenantsRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.tenants[0].name, "tenants/contoso");
}

#[tokio::test]
async fn an_altered_backup_is_refused_and_leaves_nothing() {
    let server = Server::start().await;
    let out = server.path("backup");
    done(&[path("backup"), path("--config"), &server.made.config, &out]).await;
    let mut bytes = std::fs::read(&out).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&out, bytes).unwrap();
    let refused = call(&[path("verify"), &out]);
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert_eq!(std::fs::read_dir(server.path("")).unwrap().count(), 2, "the server's folder and the backup");
}

#[tokio::test]
async fn a_new_epoch_counts_from_the_next_start() {
    let server = Server::start().await.with_contoso().await;
    let enrolled = server.enroll().await;
    let (config, root) = (server.made.config.clone(), server.made.root_key.clone());
    let args =
        [path("new-epoch"), path("--config"), &config, path("--root-key"), &root, path("--reason"), path("test")];
    let said = done(&args).await;
    assert!(said.contains("epoch 2: test") && said.contains("starts next"), "{said}");
    let server = server.restart().await;
    let agent = Agent::connect(&server, &enrolled).await;
    assert_eq!(agent.welcome.epoch, 2);
}

#[tokio::test]
async fn a_new_signing_key_signs_once_the_root_key_says_so() {
    let server = Server::start().await.with_contoso().await;
    let enrolled = server.enroll().await;
    let (config, root) = (server.made.config.clone(), server.made.root_key.clone());
    done(&[path("delegate"), path("--new-key"), path("--config"), &config, path("--root-key"), &root]).await;
    let server = server.restart().await;
    Agent::connect(&server, &enrolled).await.state().await;
    let other = tempfile::tempdir().unwrap();
    let made = make(other.path()).await;
    let refused = call(&[path("delegate"), path("--config"), &config, path("--root-key"), &made.root_key]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused).contains("the configuration pins ed25519:"), "{}", text(&refused));
}

#[tokio::test]
async fn a_lost_administrator_gets_a_new_certificate_offline() {
    let server = Server::start().await;
    let lost = server.admin();
    let (dir, made) = server.stop().await;
    let out = dir.path().join("recovered");
    std::fs::create_dir(&out).unwrap();
    let args =
        [path("recover-admin"), path("--config"), &made.config, path("--name"), path("jonas"), path("--out"), &out];
    done(&args).await;
    let server = Server::start_again(dir, made).await;
    let recovered = Credential::read(&out.join("jonas.crt"), &out.join("jonas.key"));
    let port = server.bound.api.port();
    let mut client = AccessServiceClient::new(server.channel(port, Some(&recovered)));
    client.list_tenants(access::ListTenantsRequest::default()).await.unwrap();
    let mut former = AccessServiceClient::new(server.channel(port, Some(&lost)));
    former.list_tenants(access::ListTenantsRequest::default()).await.unwrap_err();
}

#[tokio::test]
async fn a_taken_port_is_said_before_the_store_is_touched() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (made, address) = (make(dir.path()).await, taken.local_addr().unwrap());
    let config = std::fs::read_to_string(&made.config).unwrap();
    std::fs::write(&made.config, config.replace("agents = \"127.0.0.1:0\"", &format!("agents = \"{address}\"")))
        .unwrap();
    let output = call(&[path("run"), path("--config"), &made.config]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains(&format!("cannot listen on {address}")), "{}", text(&output));
}

#[tokio::test]
async fn field_kind_17_init_takes_the_names_of_one_machine_and_listens_where_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let output =
        call(&[path("init"), path("--dir"), &dir.path().join("a"), path("--host"), path("*.nordwall.example")]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("is not the name of one machine") && !dir.path().join("a").exists());
    done(&[path("init"), path("--dir"), &dir.path().join("b"), path("--host"), path("::1")]).await;
    let config = std::fs::read_to_string(dir.path().join("b/config.toml")).unwrap();
    assert!(config.contains("api = \"[::1]:7443\"") && config.contains("address = \"[::1]:7444\""), "{config}");
}

#[tokio::test]
async fn a_new_server_listens_on_its_own_machine_alone_until_somebody_says_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    let made = async |name: &str, more: &[&str]| {
        let folder = dir.path().join(name);
        let mut args = vec![path("init"), path("--dir"), &folder, path("--host"), path("control.nordwall.example")];
        args.extend(more.iter().map(|it| path(it)));
        let said = done(&args).await;
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        (said, read("config.toml"), read("cli.toml"))
    };
    let (said, config, context) = made("own", &[]).await;
    for line in ["api = \"127.0.0.1:7443\"", "agents = \"127.0.0.1:7444\"", "metrics = \"127.0.0.1:9443\""] {
        assert!(config.contains(line), "{line}: {config}");
    }
    assert!(config.contains("address = \"control.nordwall.example:7444\""), "what agents are told: {config}");
    assert!(context.contains("server = \"localhost:7443\""), "nothing answers by the other name: {context}");
    assert!(said.contains("from this machine alone") && said.contains("agents = \"0.0.0.0:7444\""), "{said}");
    let (said, config, context) = made("open", &["--listen", "0.0.0.0"]).await;
    assert!(config.contains("api = \"0.0.0.0:7443\"") && config.contains("metrics = \"127.0.0.1:9443\""), "{config}");
    assert!(context.contains("server = \"control.nordwall.example:7443\""), "{context}");
    assert!(said.contains("from wherever the network lets in") && !said.contains("write into [listen]"), "{said}");
}

#[tokio::test]
async fn attacks_s03_the_reason_of_an_epoch_is_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let made = make(dir.path()).await;
    let args =
        [path("new-epoch"), path("--config"), &made.config, path("--root-key"), &made.root_key, path("--reason")];
    let output = call(&[&args[..], &[path("restored\nall is well")]].concat());
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("--reason holds a control character"), "{}", text(&output));
}
