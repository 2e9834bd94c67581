//! Which crate may depend on which. Dependencies point inward, and each outside thing has one crate that knows it.

use std::collections::BTreeMap;

use super::{files, none_of, root, shown};

/// Crates that decide: no IO, no runtime, no wire format, no store, no clock.
const PURE: [&str; 4] = ["entente-model", "entente-compiler", "entente-planner", "entente-session"];

/// What a pure crate must not depend on.
const OUTSIDE: [&str; 16] = [
    "tokio",
    "tonic",
    "prost",
    "sled",
    "reqwest",
    "hyper",
    "axum",
    "rustls",
    "tokio-rustls",
    "rand",
    "tracing",
    "entente-store",
    "entente-store-embedded",
    "entente-cloud",
    "entente-proto",
    "entente-convert",
];

/// Outside things, and the crates that may depend on them.
const KNOWN_BY: [(&str, &[&str]); 6] = [
    ("sled", &["entente-store-embedded"]),
    ("reqwest", &["entente-cloud", "entente-simulator"]),
    ("axum", &["entente-simulator", "entente-cloud"]),
    ("prost", &["entente-proto", "entente-seal", "entente-cli", "entente-grpc", "entente-agent"]),
    ("tonic", &["entente-proto", "entente-cli", "entente-grpc", "entente-agent"]),
    (
        "entente-proto",
        &["entente-convert", "entente-cli", "entente-grpc", "entente-agent", "entente-control-plane", "entente-tests"],
    ),
];

/// From the middle outwards: the crates that each of our crates may depend on.
const INWARD: [(&str, &[&str]); 16] = [
    ("entente-model", &[]),
    ("entente-seal", &["entente-model"]),
    ("entente-compiler", &["entente-model", "entente-seal"]),
    ("entente-store", &[]),
    ("entente-store-embedded", &["entente-store"]),
    ("entente-planner", &["entente-model"]),
    ("entente-session", &["entente-model", "entente-seal"]),
    ("entente-cloud", &[]),
    ("entente-proto", &[]),
    ("entente-tasks", &[]),
    ("entente-convert", &["entente-model", "entente-seal", "entente-proto"]),
    ("entente-app", &["entente-model", "entente-seal", "entente-compiler", "entente-store", "entente-tasks"]),
    (
        "entente-grpc",
        &["entente-model", "entente-seal", "entente-app", "entente-proto", "entente-convert", "entente-tasks"],
    ),
    ("entente-cli", &["entente-model", "entente-proto", "entente-convert", "entente-seal"]),
    (
        "entente-control-plane",
        &[
            "entente-model",
            "entente-seal",
            "entente-store",
            "entente-store-embedded",
            "entente-app",
            "entente-grpc",
            "entente-proto",
            "entente-tasks",
        ],
    ),
    (
        "entente-agent",
        &[
            "entente-model",
            "entente-seal",
            "entente-store",
            "entente-store-embedded",
            "entente-session",
            "entente-planner",
            "entente-cloud",
            "entente-proto",
            "entente-convert",
            "entente-tasks",
        ],
    ),
];

struct Crate {
    name: String,
    dependencies: Vec<String>,
    every: Vec<String>,
}

fn crates() -> BTreeMap<String, Crate> {
    let manifests = files(&root(), &["Cargo.toml"]).into_iter();
    let read = manifests.filter_map(|path| {
        let table: toml::Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        let name = table.get("package")?.get("name")?.as_str()?.to_owned();
        let keys = |section: &str| -> Vec<String> {
            table.get(section).and_then(|it| it.as_table()).map(|it| it.keys().cloned().collect()).unwrap_or_default()
        };
        let dependencies = keys("dependencies");
        let every = [dependencies.clone(), keys("dev-dependencies"), keys("build-dependencies")].concat();
        Some((name.clone(), Crate { name, dependencies, every }))
    });
    read.collect()
}

#[test]
fn pure_crates_know_nothing_of_the_outside() {
    let crates = crates();
    let mut faults = Vec::new();
    for name in PURE {
        for dependency in crates[name].dependencies.iter().filter(|it| OUTSIDE.contains(&it.as_str())) {
            faults.push(format!("{name} depends on {dependency}"));
        }
    }
    none_of(faults);
}

#[test]
fn each_outside_thing_has_its_crates() {
    let mut faults = Vec::new();
    for it in crates().values() {
        for (thing, known_by) in KNOWN_BY {
            if it.dependencies.iter().any(|dependency| dependency == thing) && !known_by.contains(&it.name.as_str()) {
                faults.push(format!("{} depends on {thing}, which only {} may", it.name, known_by.join(", ")));
            }
        }
    }
    none_of(faults);
}

#[test]
fn our_own_dependencies_point_inward() {
    let crates = crates();
    let mut faults = Vec::new();
    for (name, allowed) in INWARD {
        let ours = crates[name].dependencies.iter().filter(|it| it.starts_with("entente-"));
        faults.extend(ours.filter(|it| !allowed.contains(&it.as_str())).map(|it| format!("{name} depends on {it}")));
    }
    none_of(faults);
}

#[test]
fn every_dependency_is_named_once_for_the_whole_house() {
    let mut faults = Vec::new();
    for path in files(&root(), &["Cargo.toml"]) {
        let text = std::fs::read_to_string(&path).unwrap();
        let table: toml::Table = text.parse().unwrap();
        if table.contains_key("workspace") {
            continue;
        }
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let entries = table.get(section).and_then(|it| it.as_table()).into_iter().flatten();
            let own = entries.filter(|(_, value)| value.get("workspace").is_none());
            faults.extend(own.map(|(name, _)| format!("{}: {name} is not taken from the workspace", shown(&path))));
        }
    }
    none_of(faults);
}

#[test]
fn no_second_tls_provider_comes_in() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let banned = ["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls"];
    none_of(
        banned.iter().filter(|name| lock.contains(&format!("name = \"{name}\""))).map(ToString::to_string).collect(),
    );
}

#[test]
fn every_named_dependency_is_used() {
    let mut faults = Vec::new();
    for path in files(&root(), &["Cargo.toml"]) {
        let table: toml::Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        let Some(name) = table.get("package").and_then(|it| it.get("name")).and_then(|it| it.as_str()) else {
            continue;
        };
        let all = crates();
        let folder = path.parent().unwrap();
        let nested: Vec<_> = files(folder, &["Cargo.toml"])
            .into_iter()
            .filter(|it| *it != path)
            .map(|it| it.parent().unwrap().to_owned())
            .collect();
        let sources = files(folder, &[".rs"]).into_iter().filter(|file| !nested.iter().any(|it| file.starts_with(it)));
        let text: String = sources.map(|file| std::fs::read_to_string(file).unwrap()).collect();
        // Generated code uses these.
        let generated = ["prost", "prost-types", "tonic-prost"];
        for dependency in &all[name].every {
            let word = dependency.replace('-', "_");
            let in_generated = name == "entente-proto" && generated.contains(&dependency.as_str());
            if !in_generated && !text.contains(&word) {
                faults.push(format!("{name}: {dependency} is not used"));
            }
        }
    }
    none_of(faults);
}
