//! Compiles the protos with protox, so that a build needs no protoc.

use std::path::PathBuf;

use prost::Message;

const FILES: [&str; 4] = [
    "entente/access/v1/access_service.proto",
    "entente/access/v1/admin_service.proto",
    "entente/fleet/v1/fleet_service.proto",
    "entente/agent/v1/agent_service.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let descriptors = protox::compile(FILES, ["proto"])?;
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    let mut config = tonic_prost_build::Config::new();
    // With full names, a message is found among the descriptors and can be printed as JSON.
    config.enable_type_names();
    tonic_prost_build::configure()
        // Snapshots and seals are shared bytes, never copied per recipient.
        .bytes(".entente.agent.v1")
        // We have our own client channel (`channel.rs`). A generated `connect` would clash with the stream's.
        .build_transport(false)
        .compile_fds_with_config(descriptors, config)?;
    Ok(())
}
