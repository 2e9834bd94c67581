//! The table of the guardrail's keys, held to the parser: every key and word of both, what is required, and each default.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::guardrail::Guardrail;
use crate::reference::{EXAMPLES, Key, Kind, Presence, TABLE, page};

/// A file that has every key of the table: the strictest example, and what stands in none.
fn whole() -> Value {
    let mut file: Value = serde_saphyr::from_str(EXAMPLES[2].1).unwrap();
    file["capabilities"]["ask"] = json!(["respond"]);
    file["capabilities"]["actions"] = json!(["Microsoft.OperationalInsights/workspaces/read"]);
    file["approvers"] = json!({"need": 1, "keys": ["k"], "expires": "24h"});
    for plane in ["crossTenantTrust", "entraRoles", "pim", "lighthouse"] {
        file["planes"][plane] = json!("none");
    }
    file["entra"] = json!({"roles": {"Security Reader": "5d6b6bb7-de71-4623-b4af-96380a352509"}});
    file
}

/// Each section by itself, as faults are named by section; JSON is YAML.
fn parsed(file: &Value) -> Result<Guardrail, String> {
    let yaml: String = file.as_object().unwrap().iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
    Guardrail::parse(&yaml).map_err(|error| error.to_string())
}

fn pointer(path: &str) -> String {
    format!("/{}", path.replace("[]", "/0").replace('.', "/"))
}

fn section<'a>(file: &'a mut Value, path: &str) -> &'a mut Map<String, Value> {
    let at = if path.is_empty() { String::new() } else { pointer(path) };
    file.pointer_mut(&at).and_then(Value::as_object_mut).unwrap_or_else(|| panic!("{path} is no section of the sample"))
}

/// What the parser's own words say it would take: everything that it quotes.
fn expected(refused: Value) -> BTreeSet<String> {
    let error = serde_json::from_value::<Guardrail>(refused).unwrap_err().to_string();
    let (_, said) = error.split_once("expected").unwrap_or_else(|| panic!("{error}"));
    said.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// A file with nothing but that at that place.
fn alone(path: &str, value: Value) -> Value {
    path.rsplit('.').fold(value, |below, name| match name.strip_suffix("[]") {
        Some(list) => json!({list: [below]}),
        None => json!({name: below}),
    })
}

#[test]
fn the_reference_has_every_key_that_the_parser_takes_and_no_other() {
    let sections: BTreeSet<&str> = TABLE.iter().map(|key| key.place().0).collect();
    for path in sections {
        let named: BTreeSet<String> =
            TABLE.iter().map(Key::place).filter(|(of, _)| *of == path).map(|(_, name)| name.to_owned()).collect();
        let wrong = json!({"AAA": 1});
        let refused = if path.is_empty() { wrong } else { alone(path, wrong) };
        assert_eq!(named, expected(refused), "{path}");
    }
}

#[test]
fn the_reference_has_every_word_that_is_taken() {
    for key in TABLE {
        let (words, wrong) = match &key.kind {
            Kind::Word(words) => (words(), json!("AAA")),
            Kind::List(Kind::Word(words)) => (words(), json!(["AAA"])),
            _ => continue,
        };
        let known: BTreeSet<String> = words.iter().map(ToString::to_string).collect();
        let taken = expected(alone(key.path, wrong));
        // What the form knows and `check` refuses, the bound says.
        let refused = |word: &String| key.bound.contains(&format!("`{word}`")) || key.bound.contains("only `none`");
        assert!(known.is_subset(&taken), "{}: {known:?} {taken:?}", key.path);
        assert!(taken.difference(&known).all(refused), "{}: {known:?} {taken:?}", key.path);
        for word in &words {
            let mut file = whole();
            let value = if matches!(key.kind, Kind::Word(_)) { json!(word) } else { json!([word]) };
            let (of, name) = key.place();
            section(&mut file, of).insert(name.to_owned(), value);
            // Allowed and asked at once is a contradiction, and no matter of the word.
            section(&mut file, "capabilities").insert("ask".into(), json!([]));
            let faults = parsed(&file).unwrap().check();
            assert_eq!(faults, [], "{}: {word}", key.path);
        }
    }
}

#[test]
fn what_is_required_is_refused_where_it_is_not_and_every_other_key_has_the_default_that_is_said() {
    assert_eq!(parsed(&whole()).unwrap().check(), []);
    for key in TABLE {
        let (of, name) = key.place();
        let mut without = whole();
        assert!(section(&mut without, of).remove(name).is_some(), "{} stands nowhere in the sample", key.path);
        match key.presence {
            Presence::Required => {
                let error = parsed(&without).unwrap_err();
                assert!(error.contains(name), "{}: {error}", key.path);
            }
            Presence::Optional => drop(parsed(&without).unwrap()),
            Presence::Default(value) => {
                let mut with = whole();
                let value: Value = serde_saphyr::from_str(value).unwrap();
                section(&mut with, of).insert(name.to_owned(), value);
                assert_eq!(parsed(&without).unwrap(), parsed(&with).unwrap(), "{}", key.path);
            }
        }
    }
}

#[test]
fn every_example_can_be_used_as_it_is() {
    for (about, yaml) in EXAMPLES {
        let tenant = "0c0de000-0000-4000-8000-000000000001".parse().unwrap();
        Guardrail::load(yaml, tenant).unwrap_or_else(|error| panic!("{about}: {error}"));
    }
}

#[test]
fn the_page_of_the_reference_says_what_the_code_says() {
    expect_test::expect_file!["../../../../docs/guardrail-reference.md"].assert_eq(&page());
}

#[test]
fn a_file_of_another_form_is_told_by_its_form_alone() {
    let mut later = whole();
    later["guardrail"] = json!(2);
    let said = "guardrail: is form 2; this agent understands 1";
    let faults = Guardrail::parse(&serde_json::to_string(&later).unwrap()).unwrap().check();
    assert_eq!(faults.iter().map(ToString::to_string).collect::<Vec<_>>(), [said]);
    // What else it says is of that form, too.
    later["later"] = json!({"key": true});
    later["planes"] = json!("everything");
    assert_eq!(parsed(&later).unwrap_err(), format!("the guardrail cannot be used: {said}"));
    later["guardrail"] = json!(1);
    assert!(parsed(&later).unwrap_err().contains("later"), "of this form, every fault is named");
}
