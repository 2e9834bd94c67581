//! Every section that is not well formed, where the file as a whole is not: one look names all, not the first.
//!
//! Each top-level key is read by itself, at its own lines. What stands behind the first fault of a section, and what is wrong
//! with what can be read, is `beneath`'s.

use std::collections::BTreeSet;

use entente_model::Date;
use entente_model::violation::{Fault, Violation};
use serde::Deserialize;

use super::{
    Approvers, Azure, Capabilities, Customer, Entra, Freeze, Guardrail, Limits, People, Planes, Protected, Provider,
    ProviderSilent, beneath, plain,
};

/// What has no default.
const REQUIRED: [&str; 8] = ["guardrail", "customer", "owner", "reviewBy", "provider", "planes", "people", "limits"];

#[derive(Deserialize)]
struct Form(
    #[serde(deserialize_with = "plain::count")]
    #[expect(dead_code, reason = "only whether it can be read is asked")]
    u32,
);

/// Most top-level keys that are looked at one by one: twice those that there are. Each is read behind its own empty lines,
/// and a file of nothing but keys would take a thousand times its size.
const MAX_SECTIONS: usize = 30;

/// The file's keys, each for itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only whether they can be read is asked")]
struct Section {
    guardrail: Option<Form>,
    customer: Option<Customer>,
    owner: Option<String>,
    review_by: Option<Date>,
    provider: Option<Provider>,
    planes: Option<Planes>,
    people: Option<People>,
    capabilities: Option<Capabilities>,
    azure: Option<Azure>,
    entra: Option<Entra>,
    protected: Option<Protected>,
    limits: Option<Limits>,
    approvers: Option<Approvers>,
    freeze: Option<Vec<Freeze>>,
    provider_silent: Option<ProviderSilent>,
}

/// The faults of a file that cannot be read, of which the first is known.
pub(super) fn faults(yaml: &str, first: Violation) -> Vec<Violation> {
    if yaml.lines().filter(|line| begins(line)).count() > MAX_SECTIONS {
        return vec![first];
    }
    let chunks = chunks(yaml);
    let keys: BTreeSet<&str> = chunks.iter().filter_map(|chunk| chunk.trim_start().split(':').next()).collect();
    let broken = chunks.iter().filter_map(|chunk| Guardrail::read::<Section>(chunk).err());
    let mut found: Vec<Violation> = broken.collect();
    let missing = REQUIRED.iter().filter(|key| !keys.contains(**key));
    found.extend(missing.map(|key| Violation::new(*key, Fault::Missing, "is missing; there is no default")));
    // What only shows in the whole: a key that is there twice, a mapping that never ends.
    let is_told = found.iter().any(|it| it.field == first.field) || first.description.starts_with("missing field");
    if !is_told || found.is_empty() {
        found.insert(0, first);
    }
    let beneath = beneath::faults(yaml, &found);
    // Said by its path there.
    if beneath.iter().any(|it| it.reason == Fault::Missing) {
        found.retain(|it| !it.description.starts_with("missing field"));
    }
    found.extend(beneath);
    found
}

fn begins(line: &str) -> bool {
    line.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// Each key with what is below it, behind as many empty lines as stand before it.
fn chunks(yaml: &str) -> Vec<String> {
    let mut chunks: Vec<String> = Vec::new();
    for (at, line) in yaml.lines().enumerate() {
        if begins(line) {
            chunks.push("\n".repeat(at));
        }
        if let Some(chunk) = chunks.last_mut() {
            chunk.push_str(line);
            chunk.push('\n');
        }
    }
    chunks
}
