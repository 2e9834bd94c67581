//! The server on a disk that fills up, and has room again: the real binary under the shim of the power cuts
//! (`tests/crash/shim.c`), for which the disk is full while a file exists.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use entente_proto::access::v1 as access;
use tonic::Code;

use crate::commands::program;
use crate::process::Process;
use crate::support::*;

fn shim(dir: &Path) -> PathBuf {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/crash/shim.c");
    let shim = dir.join("shim.so");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let compiled = Command::new(compiler)
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&shim, Path::new(source)])
        .args(["-ldl", "-lpthread"])
        .status();
    assert!(compiled.expect("a C compiler").success(), "the shim does not compile");
    shim
}

#[tokio::test]
async fn a_full_disk_is_called_one_and_with_room_the_server_goes_on() {
    // Or the store would still find some room in its own file.
    goes_on_with_room([("CRASH_COW", "1")]).await;
}

#[tokio::test]
async fn a_disk_whose_sync_finds_no_room_is_called_full_and_with_room_the_server_goes_on() {
    goes_on_with_room([("CRASH_COW", "1"), ("CRASH_LATE", "1")]).await;
}

async fn goes_on_with_room(kind: impl IntoIterator<Item = (&'static str, &'static str)>) {
    let dir = tempfile::tempdir().unwrap();
    let made = make(dir.path()).await;
    let at = |name: &str| dir.path().join(name);
    let (full, data) = (at("full"), made.config.with_file_name("data"));
    assert!(data.join("STORE").exists(), "the shim watches the store");
    std::fs::create_dir(at("image")).unwrap();
    let mut command = program();
    command
        .env("LD_PRELOAD", shim(dir.path()))
        .env("CRASH_DIR", &data)
        .env("CRASH_IMAGE", at("image"))
        .env("CRASH_REPORT", at("report"))
        .env("CRASH_FULL", &full)
        .envs(kind);
    let process = Process::start_from(dir, made, command).await;
    let ca = std::fs::read(&process.made.ca_certificate).unwrap();
    let mut api = process.api(&ca, &process.admin());
    api.apply_intent(set(vec![home()])).await.unwrap();

    std::fs::write(&full, "").unwrap();
    let refused = api.apply_intent(set(vec![maya()])).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    assert!(refused.message().contains("disk of the control plane is full, and nothing was changed"), "{refused:?}");
    let found = api.list_operators(access::ListOperatorsRequest::default()).await.unwrap().into_inner();
    assert_eq!(found.operators.len(), 0, "what was refused is not there, and what is there can be read");
    assert_eq!(api.apply_intent(set(vec![maya()])).await.unwrap_err().code(), Code::ResourceExhausted);

    std::fs::remove_file(&full).unwrap();
    let goes_on = async {
        while let Err(refused) = api.apply_intent(set(vec![maya()])).await {
            assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}\n{}", process.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    soon("room to be noticed", goes_on).await;
    let found = api.list_operators(access::ListOperatorsRequest::default()).await.unwrap().into_inner();
    assert_eq!(found.operators.len(), 1);
    assert!(process.log().contains("the disk has room again"), "{}", process.log());
}
