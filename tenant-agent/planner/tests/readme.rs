//! The guardrail in the README lets the sample intent work: somebody who follows the README meets no refusal.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;

use entente_planner::capability::{self, Answer};
use entente_planner::guardrail::Guardrail;
use serde_json::Value;

const INTENT: &str = "../../deploy/demo/intent";

fn guardrail() -> Guardrail {
    let readme = std::fs::read_to_string("../../README.md").unwrap();
    let blocks = readme.split("```yaml\n").skip(1).filter_map(|block| block.split("```").next());
    let text = blocks.into_iter().find(|it| it.starts_with("guardrail: 1")).expect("the README shows a guardrail");
    let key = format!("ed25519:{}", "7f3c".repeat(16));
    let tenant = "0c0de000-0000-4000-8000-000000000001".parse().unwrap();
    Guardrail::load(&text.replace("ed25519:...", &key), tenant).unwrap()
}

/// The items of every role of the sample intent that somebody is assigned to.
fn items() -> Vec<Value> {
    let files = std::fs::read_dir(Path::new(INTENT)).unwrap().map(|it| it.unwrap().path());
    let texts: Vec<String> = files.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let documents = texts.iter().flat_map(|text| text.split("\n---\n"));
    let trees: Vec<Value> = documents.map(|text| serde_saphyr::from_str(text).unwrap()).collect();
    let assigned: BTreeSet<String> = trees
        .iter()
        .filter(|it| it["kind"] == "Assignment")
        .filter_map(|it| it["role"].as_str().map(str::to_owned))
        .collect();
    let version = |role: &Value| format!("{}@{}", role["name"].as_str().unwrap_or_default(), role["version"]);
    let roles = trees.iter().filter(|it| it["kind"] == "SocRole" && assigned.contains(&version(it)));
    roles.flat_map(|role| role["items"].as_array().cloned().unwrap_or_default()).collect()
}

fn texts(value: &Value) -> BTreeSet<String> {
    value.as_array().into_iter().flatten().filter_map(|it| it.as_str().map(str::to_owned)).collect()
}

#[test]
fn users_d17_the_guardrail_of_the_readme_allows_the_sample_intent() {
    let guardrail = guardrail();
    let mut refused = BTreeSet::new();
    let mut judged = 0;
    for item in items() {
        for permission in texts(&item["permissions"]) {
            let lets = capability::of_defender_permission(&permission).expect("a permission of the catalogue");
            judged += 1;
            if guardrail.capabilities.answer(lets) != Answer::Allowed {
                refused.insert(permission);
            }
        }
        for role in texts(&item["roles"]) {
            let Some(id) = guardrail.azure.roles.get(&role) else {
                refused.insert(role);
                continue;
            };
            judged += 1;
            let lets = capability::of_azure_role(*id).expect("a role of the catalogue");
            if guardrail.capabilities.answer(lets) != Answer::Allowed {
                refused.insert(role);
            }
        }
    }
    assert!(judged > 5, "the sample intent has more rights than {judged}");
    assert_eq!(refused, BTreeSet::new(), "the README's guardrail refuses these");
}
