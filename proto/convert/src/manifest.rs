//! Reads a manifest from any tree of values. A fault names the path as the author wrote it.

use entente_model::intent::{Kind, Manifest};
use entente_model::nearest::nearest;
use entente_model::violation::{Fault, Violation};
use serde_json::Value;

/// The `apiVersion` of a manifest. It is the default.
pub const API_VERSION: &str = "entente/v1";

/// Reads one manifest: an object with `kind`, the fields of that kind, and optionally `apiVersion`.
pub fn from_value(mut value: Value) -> Result<Manifest, Violation> {
    let Some(object) = value.as_object_mut() else {
        return Err(Violation::new("manifest", Fault::Malformed, "is not a mapping; begin with kind and name"));
    };
    let name = object.get("name").and_then(Value::as_str).unwrap_or("manifest").to_owned();
    if let Some(version) = object.remove("apiVersion").filter(|it| it.as_str() != Some(API_VERSION)) {
        let text = format!("{version} is not a version that is known here; write {API_VERSION}, or leave it out");
        return Err(Violation::new(format!("{name}: apiVersion"), Fault::Unimplemented, text));
    }
    let kind = object.remove("kind");
    let word = kind.as_ref().and_then(Value::as_str);
    let kinds = || Kind::ALL.map(Kind::word).join(", ");
    let Some(word) = word else {
        let text = format!("is missing; write one of {}", kinds());
        return Err(Violation::new(format!("{name}: kind"), Fault::Missing, text));
    };
    let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.word() == word) else {
        let near = nearest_of(word, Kind::ALL.map(Kind::word)).map(|near| format!("did you mean {near}? Else "));
        let text = format!("{word:?} is not a kind; {}write one of {}", near.unwrap_or_default(), kinds());
        return Err(Violation::new(format!("{name}: kind"), Fault::Malformed, text));
    };
    match kind {
        Kind::HomeTenant => typed(&name, value).map(Manifest::HomeTenant),
        Kind::Tenant => typed(&name, value).map(Manifest::Tenant),
        Kind::Operator => typed(&name, value).map(Manifest::Operator),
        Kind::Squad => typed(&name, value).map(Manifest::Squad),
        Kind::SocRole => typed(&name, value).map(Manifest::SocRole),
        Kind::Assignment => typed(&name, value).map(Manifest::Assignment),
    }
}

fn typed<T: serde::de::DeserializeOwned>(name: &str, value: Value) -> Result<T, Violation> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let text = error.inner().to_string();
        let missing = text.strip_prefix("missing field ").map(|field| field.trim_matches('`'));
        let reason = if missing.is_some() { Fault::Missing } else { Fault::Malformed };
        let path = match (path.as_str(), missing) {
            (".", field) => field.unwrap_or_default().to_owned(),
            (_, Some(field)) => format!("{path}.{field}"),
            (_, None) => path,
        };
        let field = if path.is_empty() { name.to_owned() } else { format!("{name}: {path}") };
        Violation::new(field, reason, missing.map_or_else(|| said(&text), |_| "is missing; write it".into()))
    })
}

/// The known word that the author may have meant.
fn nearest_of<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let words: Vec<&str> = words.into_iter().collect();
    let by_case = words.iter().find(|it| it.eq_ignore_ascii_case(word)).map(|it| (*it).to_owned());
    by_case.or_else(|| nearest(word, words.iter().map(|it| (*it).to_owned())))
}

/// Words in backticks, as serde lists them.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Rewords serde's message for the author of the manifest: what the YAML contains, and the remedy. Other messages are
/// ours and stay as they are.
fn said(text: &str) -> String {
    if let Some(rest) = text.strip_prefix("unknown field ") {
        return unknown(rest, "is no field here", "it takes");
    }
    if let Some(rest) = text.strip_prefix("unknown variant ") {
        return unknown(rest, "is none of the words of this field", "write one of");
    }
    let wrong = text.strip_prefix("invalid type: ").or_else(|| text.strip_prefix("invalid value: "));
    wrong
        .and_then(|it| it.split_once(", expected "))
        .map_or_else(|| text.to_owned(), |(found, expected)| of_type(found, expected))
}

/// An unknown word, with the word that the author may have meant, else all the known ones.
fn unknown(text: &str, is: &str, all: &str) -> String {
    let words = quoted(text);
    let Some((word, known)) = words.split_first() else { return text.to_owned() };
    match nearest_of(word, known.iter().copied()) {
        Some(near) => format!("{word:?} {is}; did you mean {near}?"),
        None if known.is_empty() => format!("{word:?} {is}, where nothing else stands"),
        None => format!("{word:?} {is}; {all} {}", known.join(", ")),
    }
}

fn of_type(found: &str, expected: &str) -> String {
    let belongs = match expected {
        "struct SquadMember" => "a mapping such as {operator: operators/maya}",
        _ if expected.contains("string") => "a text",
        _ if expected.starts_with("struct") || expected.contains("map") => "a mapping",
        _ if expected.contains("sequence") => "a list",
        "u8" | "u16" | "u32" | "u64" | "i32" | "i64" if found.contains('-') => "a whole number from 0 on",
        "u8" | "u16" | "u32" | "u64" | "i32" | "i64" => "a whole number",
        "a boolean" => "true or false",
        other => other,
    };
    let value = found.split_once('`').map_or("", |(_, value)| value.trim_end_matches('`'));
    let read = match found.split(' ').next().unwrap_or_default() {
        "boolean" => format!("the yes-or-no value {value}"),
        "integer" | "floating" => format!("the number {value}"),
        "string" => format!("the text{}", found.trim_start_matches("string")),
        "sequence" => "a list".to_owned(),
        "map" => "a mapping".to_owned(),
        "null" | "unit" => "empty".to_owned(),
        _ => found.to_owned(),
    };
    if belongs == "a text" && !value.is_empty() {
        return format!("reads as {read}, and a text belongs here; put it in quotes");
    }
    format!("is {read}, and {belongs} belongs here")
}

/// A manifest as the tree that people write, with its kind first.
pub fn to_value(manifest: &Manifest) -> Value {
    serde_json::to_value(manifest).expect("a manifest has string keys and no failing serializer")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_manifest_of_another_version_is_refused_and_one_without_is_of_the_first() {
        let squad = |version: Option<Value>| {
            let mut squad = json!({"kind": "Squad", "name": "squads/n", "owner": "operators/j", "members": []});
            squad.as_object_mut().unwrap().extend(version.map(|it| ("apiVersion".to_owned(), it)));
            squad
        };
        let first = from_value(squad(None)).unwrap();
        assert_eq!(from_value(squad(Some(json!("entente/v1")))).unwrap(), first);
        for version in [json!("entente/v2"), json!("v1"), json!(1), json!(null)] {
            // The rest may be of a later version too: `apiVersion` is checked first.
            let mut later = squad(Some(version.clone()));
            later["kind"] = json!("Robot");
            let fault = from_value(later).unwrap_err();
            let text = format!("is not a version that is known here; write {API_VERSION}, or leave it out");
            assert_eq!(fault.to_string(), format!("squads/n: apiVersion: {version} {text}"));
        }
    }

    #[test]
    fn faults_name_the_path() {
        let fault = |value| from_value(value).unwrap_err().to_string();
        assert_eq!(fault(json!([])), "manifest: is not a mapping; begin with kind and name");
        assert!(
            fault(json!({"name": "tenants/a"})).starts_with("tenants/a: kind: is missing; write one of HomeTenant")
        );
        assert!(fault(json!({"kind": "Robot", "name": "r"})).starts_with("r: kind: \"Robot\" is not a kind"));
        let squad =
            json!({"kind": "Squad", "name": "squads/n", "owner": "operators/j", "members": [{"operator": "squads/x"}]});
        assert_eq!(
            fault(squad),
            "squads/n: members[0].operator: \"squads/x\" is not a name in operators/: write operators/ID"
        );
        let squad = json!({"kind": "Squad", "name": "squads/n", "owner": "operators/j", "colour": 1});
        assert_eq!(
            fault(squad),
            "squads/n: colour: \"colour\" is no field here; it takes name, labels, owner, members, homeGroup"
        );
    }
}
