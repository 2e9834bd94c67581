//! The page *intent reference*: every kind of manifest with its fields, from the comments of the API, held to the parser.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use entente_model::intent::Manifest;
use serde_json::{Value, json};

use super::field::{self, KINDS};

const HEAD: &str = "\
# Intent, kind by kind

What the service provider writes: one document of YAML for each resource, with its `kind`. `entente apply -f FILE` takes files
and folders; `--dry-run` says what would change. A field that is not here is refused. `entente explain squad.members.until` says
the same on the command line; [`deploy/demo/intent`](../deploy/demo/intent) is a whole intent to begin with. Ids have 1 to 40
lower-case letters, digits and hyphens. A document may say `apiVersion: entente/v1`, which is meant where it says nothing.

This page is made from code: `UPDATE_EXPECT=1 cargo test -p entente-cli --lib reference`.
";

/// Each thing that has fields, by its path: the kinds, and what stands in them.
fn sections() -> Vec<(String, Value)> {
    let mut open: Vec<String> = KINDS.iter().rev().map(|kind| lower(kind)).collect();
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        let here = field::at(&path).unwrap();
        let below = here["fields"].as_array().unwrap().iter().rev();
        let below = below.map(|it| format!("{path}.{}", it["name"].as_str().unwrap()));
        open.extend(below.filter(|path| !field::at(path).unwrap()["fields"].as_array().unwrap().is_empty()));
        found.push((path, here));
    }
    found
}

fn lower(kind: &str) -> String {
    kind[..1].to_lowercase() + &kind[1..]
}

fn words(path: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found = field::at(path).unwrap()["words"].clone();
    found.as_array().unwrap().iter().map(|it| (text(&it["word"]), text(&it["means"]))).collect()
}

fn page() -> String {
    let mut out = HEAD.to_owned();
    for (path, here) in sections() {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let level = if path.contains('.') { "###" } else { "##" };
        let title = if path.contains('.') { format!("`{path}`") } else { kind(&path).to_owned() };
        let _ =
            write!(out, "\n{level} {title}\n\n{}\n\n| field | takes | means |\n|---|---|---|\n", text(&here["means"]));
        for field in here["fields"].as_array().unwrap() {
            let name = text(&field["name"]);
            let words: Vec<String> =
                words(&format!("{path}.{name}")).iter().map(|(word, means)| format!("`{word}`: {means}")).collect();
            let takes = if words.is_empty() { text(&field["type"]) } else { "a word".into() };
            let words = if words.is_empty() { String::new() } else { format!("<br>{}", words.join("<br>")) };
            let _ = writeln!(out, "| `{name}` | {takes} | {}{words} |", text(&field["means"]));
        }
    }
    out
}

fn kind(path: &str) -> &'static str {
    let first = path.split('.').next().unwrap();
    KINDS.into_iter().find(|kind| kind.eq_ignore_ascii_case(first)).unwrap()
}

/// What the parser says that it would take, of a manifest with nothing but that at that place.
fn expected(path: &str, value: Value) -> BTreeSet<String> {
    let lists = ["members", "identities", "items", "workspaces", "exemptions"];
    let wrong = path.split('.').skip(1).collect::<Vec<_>>().into_iter().rev().fold(value, |below, name| {
        if lists.contains(&name) && below.is_object() { json!({name: [below]}) } else { json!({name: below}) }
    });
    let mut document = wrong.as_object().unwrap().clone();
    document.insert("kind".into(), json!(kind(path)));
    let error = serde_json::from_value::<Manifest>(Value::Object(document)).unwrap_err().to_string();
    let (_, said) = error.split_once("expected").unwrap_or_else(|| panic!("{path}: {error}"));
    said.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_reference_has_every_field_that_a_manifest_takes_and_no_other() {
    for (path, here) in sections() {
        let named: BTreeSet<String> =
            here["fields"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(named, expected(&path, json!({"AAA": 1})), "{path}");
    }
}

#[test]
fn the_reference_has_every_word_that_a_manifest_takes_and_no_other() {
    let mut judged = 0;
    for (path, here) in sections() {
        for field in here["fields"].as_array().unwrap() {
            let path = format!("{path}.{}", field["name"].as_str().unwrap());
            let named: BTreeSet<String> = words(&path).into_iter().map(|(word, _)| word).collect();
            if !named.is_empty() {
                judged += 1;
                assert_eq!(named, expected(&path, json!("AAA")), "{path}");
            }
        }
    }
    assert!(judged >= 9, "{judged}");
}

#[test]
fn the_page_of_intent_says_what_the_code_says() {
    expect_test::expect_file!["../../../../docs/intent-reference.md"].assert_eq(&page());
}
