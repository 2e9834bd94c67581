//! What differs between two states of a resource, field by field, in the manifest's own form.

use entente_model::intent::{Manifest, ResourceName};
use serde_json::Value;

use crate::history::{ChangeKind, FieldChange, ResourceChange, Snapshot};

pub(super) fn changes(snapshot: &Snapshot, puts: &[Manifest], deletes: &[ResourceName]) -> Vec<ResourceChange> {
    let intent = snapshot.fleet.intent();
    let put = |manifest: &Manifest| change(manifest.name(), intent.get(&manifest.name()).as_ref(), Some(manifest));
    let delete = |name: &ResourceName| change(name.clone(), intent.get(name).as_ref(), None);
    puts.iter().map(put).chain(deletes.iter().map(delete)).collect()
}

fn change(name: ResourceName, before: Option<&Manifest>, after: Option<&Manifest>) -> ResourceChange {
    let kind = match (before, after) {
        (None, _) => ChangeKind::Created,
        (_, None) => ChangeKind::Deleted,
        (before, after) if before == after => ChangeKind::Unchanged,
        _ => ChangeKind::Updated,
    };
    let mut fields = Vec::new();
    if kind != ChangeKind::Unchanged {
        differences("", &tree(before), &tree(after), &mut fields);
    }
    ResourceChange { name, kind, fields }
}

fn tree(manifest: Option<&Manifest>) -> Value {
    let mut value = manifest.map_or(Value::Null, |manifest| {
        serde_json::to_value(manifest).expect("manifests have string keys and no failing serializer")
    });
    if let Some(tree) = value.as_object_mut() {
        // They are in the resource's name already.
        tree.remove("kind");
        tree.remove("name");
    }
    value
}

fn differences(path: &str, before: &Value, after: &Value, found: &mut Vec<FieldChange>) {
    let empty = serde_json::Map::new();
    let (left, right) = (before.as_object(), after.as_object());
    if before == after {
        return;
    }
    // Objects are compared inside, also with nothing; lists are one value, as they have no names within.
    if (left.is_some() || before.is_null()) && (right.is_some() || after.is_null()) {
        let (left, right) = (left.unwrap_or(&empty), right.unwrap_or(&empty));
        let mut names: Vec<&String> = left.keys().chain(right.keys()).collect();
        names.sort();
        names.dedup();
        for name in names {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let nothing = &Value::Null;
            differences(&path, left.get(name).unwrap_or(nothing), right.get(name).unwrap_or(nothing), found);
        }
        return;
    }
    let text = |value: &Value| if value.is_null() { String::new() } else { value.to_string() };
    found.push(FieldChange { path: path.to_owned(), before: text(before), after: text(after) });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(before: Value, after: Value, expected: &str) {
        let mut found = Vec::new();
        differences("", &before, &after, &mut found);
        let lines = found.iter().map(|it| format!("{}: {} -> {}", it.path, it.before, it.after));
        assert_eq!(lines.collect::<Vec<_>>().join("\n"), expected);
    }

    #[test]
    fn nested_fields_are_named_by_path_and_lists_are_whole() {
        check(
            json!({"a": 1, "t": {"expect": 3, "names": ["x"]}}),
            json!({"b": "y", "t": {"expect": 4, "names": []}}),
            "a: 1 -> \nb:  -> \"y\"\nt.expect: 3 -> 4\nt.names: [\"x\"] -> []",
        );
        check(Value::Null, json!({"t": {"expect": 4}}), "t.expect:  -> 4");
        check(json!({"a": 1}), json!({"a": 1}), "");
    }
}
