//! A manifest from any tree of values, faulted by the path that its author wrote.

use entente_model::intent::{Kind, Manifest};
use entente_model::violation::{Fault, Violation};
use serde_json::Value;

/// Reads one manifest: an object with `kind` and the fields of that kind.
pub fn from_value(mut value: Value) -> Result<Manifest, Violation> {
    let Some(object) = value.as_object_mut() else {
        return Err(Violation::new("manifest", Fault::Malformed, "is not a mapping; begin with kind and name"));
    };
    let name = object.get("name").and_then(Value::as_str).unwrap_or("manifest").to_owned();
    let kind = object.remove("kind");
    let word = kind.as_ref().and_then(Value::as_str);
    let kinds = || Kind::ALL.map(Kind::word).join(", ");
    let Some(word) = word else {
        let text = format!("is missing; write one of {}", kinds());
        return Err(Violation::new(format!("{name}: kind"), Fault::Missing, text));
    };
    let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.word() == word) else {
        let text = format!("{word:?} is not a kind; write one of {}", kinds());
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
        let reason = if text.starts_with("missing field") { Fault::Missing } else { Fault::Malformed };
        let field = if path == "." { name.to_owned() } else { format!("{name}: {path}") };
        Violation::new(field, reason, said(&text))
    })
}

/// For whoever wrote the manifest: what YAML made of it, and the remedy. Everything else is said in our words already.
fn said(text: &str) -> String {
    let Some((found, expected)) = text.strip_prefix("invalid type: ").and_then(|it| it.split_once(", expected "))
    else {
        return text.to_owned();
    };
    let belongs = match expected {
        _ if expected.contains("string") => "a text",
        _ if expected.starts_with("struct") || expected.contains("map") => "a mapping",
        _ if expected.contains("sequence") => "a list",
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

/// A manifest as the tree that people write, its kind first.
pub fn to_value(manifest: &Manifest) -> Value {
    serde_json::to_value(manifest).expect("a manifest has string keys and no failing serializer")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
        assert!(fault(squad).contains("unknown field `colour`"), "names the field");
    }
}
