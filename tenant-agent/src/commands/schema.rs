//! `schema`: a JSON schema of the guardrail (draft 2020-12), for editors that check YAML by one.
//!
//! It is made from the planner's table, which a test compares with the parser. It covers the form; `check-guardrail`
//! finds more.

use entente_planner::reference::{Key, Kind, Presence, TABLE};
use serde_json::{Map, Value, json};

use super::screen::{Done, Outcome};

pub(super) fn print() -> Outcome {
    println!("{}", serde_json::to_string_pretty(&schema())?);
    Ok(Done::Whole)
}

fn schema() -> Value {
    let mut root = section("");
    root.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    root.insert("title".into(), json!("Guardrail of an Entente agent"));
    Value::Object(root)
}

/// The schema of the keys below a path. It allows no others.
fn section(path: &str) -> Map<String, Value> {
    let keys: Vec<&Key> = TABLE.iter().filter(|key| key.place().0 == path).collect();
    let properties: Map<String, Value> = keys.iter().map(|key| (key.place().1.to_owned(), property(key))).collect();
    let required: Vec<&str> =
        keys.iter().filter(|key| key.presence == Presence::Required).map(|key| key.place().1).collect();
    let all = json!({
        "type": "object", "additionalProperties": false, "required": required, "properties": properties,
    });
    all.as_object().cloned().unwrap_or_default()
}

fn property(key: &Key) -> Value {
    let mut found = match key.kind {
        Kind::Section => section(key.path),
        Kind::Sections => list(section(&format!("{}[]", key.path))),
        Kind::List(kind) => list(value(kind)),
        ref kind => value(kind),
    };
    let bound = if key.bound.is_empty() { String::new() } else { format!(" ({})", key.bound) };
    found.insert("description".into(), json!(format!("{}{bound}", key.does)));
    Value::Object(found)
}

fn list(items: Map<String, Value>) -> Map<String, Value> {
    [("type".to_owned(), json!("array")), ("items".to_owned(), Value::Object(items))].into_iter().collect()
}

fn value(kind: &Kind) -> Map<String, Value> {
    let found = match kind {
        Kind::Form => json!({"const": 1}),
        Kind::Count => json!({"type": "integer", "minimum": 0, "maximum": u32::MAX}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Word(words) => json!({"enum": words()}),
        Kind::Roles | Kind::EntraRoles => json!({
            "type": "object", "additionalProperties": {"type": "string", "pattern": Kind::Guid.pattern()},
        }),
        kind => match kind.pattern() {
            Some(pattern) => json!({"type": "string", "pattern": pattern}),
            None => json!({}),
        },
    };
    found.as_object().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use entente_planner::guardrail::Guardrail;
    use entente_planner::reference::EXAMPLES;

    use super::*;

    /// Where a document breaks the schema, by the words that ours uses and no others.
    fn breaks(schema: &Value, document: &Value, at: &str, found: &mut Vec<String>) {
        for (word, said) in schema.as_object().unwrap() {
            let holds = match word.as_str() {
                "type" => match said.as_str().unwrap() {
                    "object" => document.is_object(),
                    "array" => document.is_array(),
                    "string" => document.is_string(),
                    "boolean" => document.is_boolean(),
                    "integer" => document.is_u64() || document.is_i64(),
                    other => panic!("type {other}"),
                },
                "const" => document == said,
                "enum" => said.as_array().unwrap().contains(document),
                "minimum" => document.as_i64().is_none_or(|it| it >= said.as_i64().unwrap()),
                "maximum" => document.as_i64().is_none_or(|it| it <= said.as_i64().unwrap()),
                "pattern" => {
                    document.as_str().is_none_or(|it| regex::Regex::new(said.as_str().unwrap()).unwrap().is_match(it))
                }
                "required" => {
                    let has = |key: &Value| document.get(key.as_str().unwrap()).is_some();
                    !document.is_object() || said.as_array().unwrap().iter().all(has)
                }
                "properties" | "additionalProperties" | "items" | "description" | "$schema" | "title" => true,
                other => panic!("the schema has the word {other}, which is not looked at here"),
            };
            if !holds {
                found.push(format!("{at}: {word} {said}"));
            }
        }
        let known = |key: &str| schema["properties"].get(key);
        for (key, below) in document.as_object().into_iter().flatten() {
            let at = format!("{at}/{key}");
            match known(key).unwrap_or(&schema["additionalProperties"]) {
                Value::Bool(false) => found.push(format!("{at}: unknown key")),
                Value::Null => {}
                schema => breaks(schema, below, &at, found),
            }
        }
        for (n, below) in document.as_array().into_iter().flatten().enumerate() {
            breaks(&schema["items"], below, &format!("{at}/{n}"), found);
        }
    }

    /// As an editor reads it: YAML to JSON.
    fn faults(yaml: &str) -> Vec<String> {
        let document: Value = serde_saphyr::from_str(yaml).unwrap();
        let mut found = Vec::new();
        breaks(&schema(), &document, "", &mut found);
        found
    }

    /// The README's sample, with a key where it has three points.
    fn readme() -> String {
        let readme = include_str!("../../../README.md");
        let mut blocks = readme.split("```yaml\n").skip(1).filter_map(|block| block.split("```").next());
        let sample = blocks.find(|block| block.starts_with("guardrail: 1")).unwrap();
        sample.replace("ed25519:...", &format!("ed25519:{}", "7f3c".repeat(16)))
    }

    #[test]
    fn the_schema_takes_every_example_and_the_readmes_sample() {
        for yaml in EXAMPLES.map(|(_, yaml)| yaml.to_owned()).into_iter().chain([readme()]) {
            assert_eq!(faults(&yaml), Vec::<String>::new(), "{yaml}");
        }
    }

    #[test]
    fn what_the_schema_refuses_the_parser_refuses_too() {
        let whole = EXAMPLES[2].1;
        for (from, to) in [
            ("guardrail: 1", "guardrail: 2"),
            ("maxOperators: 4", "maxOperators: -4"),
            ("maxOperators: 4", "maxOperators: many"),
            ("users: manage", "users: maybe"),
            ("owner: ciso@contoso.example", "owner: \" \""),
            ("name: Contoso", "nmae: Contoso"),
            ("[nordwall.example]", "[nordwall]"),
            ("7f3c7f3c\"", "7f3c...\""),
            ("namePrefix: ent-", "namePrefix: E"),
            ("longestGrant: 90d", "longestGrant: 90"),
            ("from: 2026-12-23", "from: Christmas"),
            ("then: alarm", "then: cry"),
            ("entraTenant: 0c0de000-0000-4000-8000-000000000001", "entraTenant: contoso"),
            ("[/subscriptions/", "[/subscription/"),
            ("Microsoft Sentinel Reader: 8d289c81-5878-46d4-8554-54e1e3d8b5cb", "Microsoft Sentinel Reader: reader"),
            ("readIncidents, ", "readincidents, "),
        ] {
            assert!(whole.contains(from), "{from}");
            let yaml = whole.replacen(from, to, 1);
            assert_ne!(faults(&yaml), Vec::<String>::new(), "the schema takes {to}");
            assert!(!Guardrail::parse(&yaml).is_ok_and(|file| file.check().is_empty()), "the parser takes {to}");
        }
        for key in ["owner", "provider", "limits"] {
            let without: String = whole.replace(&format!("\n{key}:"), &format!("\nx{key}:"));
            assert!(faults(&without).len() >= 2, "{key}");
        }
    }

    #[test]
    fn the_schema_in_the_documents_is_the_one_that_is_printed() {
        let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
        expect_test::expect_file!["../../../docs/guardrail.schema.json"].assert_eq(&text);
    }
}
