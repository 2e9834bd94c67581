//! What a field of intent means: the comment that stands beside it in the API's description.

use std::fmt::Write as _;

use entente_model::nearest::nearest;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Value, json};

use crate::output;

/// Kinds of manifests, as their messages are called.
const KINDS: [&str; 6] = ["HomeTenant", "Tenant", "Operator", "Squad", "SocRole", "Assignment"];

/// What stands at `squad.members.until`, or why nothing does.
pub(super) fn at(path: &str) -> Result<Value, String> {
    let mut parts = path.split('.');
    let kind = parts.next().unwrap_or_default();
    let name = KINDS.into_iter().find(|it| it.eq_ignore_ascii_case(kind));
    let Some(name) = name else {
        let near = near(kind, &KINDS.map(str::to_owned));
        return Err(format!("{kind:?} is no kind of manifest{near}; kinds are {}", KINDS.join(", ")));
    };
    let pool = output::pool();
    // The descriptors are those of this build, so the kinds are among them.
    let mut message = pool.get_message_by_name(&format!("entente.access.v1.{name}")).expect("a kind has a message");
    let mut field: Option<FieldDescriptor> = None;
    for part in parts {
        let Some(next) = message.fields().find(|it| it.json_name() == part || it.name() == part) else {
            let names: Vec<_> = message.fields().map(|it| it.json_name().to_owned()).collect();
            let near = near(part, &names);
            return Err(format!("{} has no field {part:?}{near}; it has {}", message.name(), names.join(", ")));
        };
        if let Kind::Message(inner) = next.kind() {
            message = inner;
        }
        field = Some(next);
    }
    Ok(described(path, field.as_ref(), &message))
}

fn near(word: &str, names: &[String]) -> String {
    nearest(word, names.iter().cloned()).map(|near| format!("; did you mean {near}?")).unwrap_or_default()
}

/// What a phase of a tenant means, by its word.
pub(super) fn phase(word: &str) -> Option<String> {
    let phases = output::pool().get_enum_by_name("entente.fleet.v1.TenantPhase")?;
    let name = format!("TENANT_PHASE_{}", word.to_ascii_uppercase());
    let value = phases.values().find(|it| it.name() == name && it.number() != 0)?;
    Some(comment(phases.parent_file().file_descriptor_proto(), value.path()))
}

fn described(path: &str, field: Option<&FieldDescriptor>, message: &MessageDescriptor) -> Value {
    let is_whole = field.is_none_or(|field| matches!(field.kind(), Kind::Message(_)));
    let fields = message.fields().filter(|_| is_whole && !is_foreign(message));
    let fields: Vec<Value> = fields
        .filter(|it| !is_of_the_server(it))
        .map(|it| json!({"name": it.json_name(), "type": type_of(&it), "means": comment_of_field(&it)}))
        .collect();
    let means = field.map_or_else(|| comment(message.parent_file_descriptor_proto(), message.path()), comment_of_field);
    let kind = field.map_or_else(|| "manifest".to_owned(), type_of);
    json!({"field": path, "type": kind, "means": means, "fields": fields})
}

/// Of Google's own messages, as instants are: their fields are not written one by one.
fn is_foreign(message: &MessageDescriptor) -> bool {
    !message.full_name().starts_with("entente.")
}

/// Set by the control plane, and so not written in a manifest.
fn is_of_the_server(field: &FieldDescriptor) -> bool {
    ["uid", "revision", "create_time", "update_time"].contains(&field.name())
}

fn type_of(field: &FieldDescriptor) -> String {
    let one = match field.kind() {
        Kind::Message(message) => message.name().to_owned(),
        Kind::Enum(of) => of.name().to_owned(),
        Kind::Bool => "true or false".into(),
        Kind::String => "text".into(),
        _ => "number".into(),
    };
    match (field.is_map(), field.is_list()) {
        (true, _) => "map of texts".into(),
        (_, true) => format!("list of {one}"),
        _ => one,
    }
}

fn comment_of_field(field: &FieldDescriptor) -> String {
    comment(field.parent_message().parent_file_descriptor_proto(), field.path())
}

fn comment(file: &prost_reflect::prost_types::FileDescriptorProto, path: &[i32]) -> String {
    let locations = file.source_code_info.iter().flat_map(|info| &info.location);
    let found = locations.filter(|it| it.path == path).find_map(|it| it.leading_comments.as_deref());
    found.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn shown(found: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut out = format!("{} ({})\n  {}\n", text(&found["field"]), text(&found["type"]), text(&found["means"]));
    for field in found["fields"].as_array().into_iter().flatten() {
        // Writing to a text never fails.
        let _ = write!(out, "\n  {} ({})\n    {}\n", text(&field["name"]), text(&field["type"]), text(&field["means"]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_explained_by_its_comment_and_a_wrong_one_names_the_right_ones() {
        let until = at("squad.members.until").unwrap();
        assert_eq!(
            (&until["type"], &until["means"]),
            (&json!("text"), &json!("The last day, in UTC. Empty means without an end."))
        );
        let squad = shown(&at("squad").unwrap());
        assert!(squad.contains("members (list of SquadMember)") && !squad.contains("uid"), "{squad}");
        assert!(at("squad.menbers").unwrap_err().contains("did you mean members?"));
        assert!(at("sqad").unwrap_err().contains("Squad"));
    }

    #[test]
    fn every_phase_has_a_comment() {
        use entente_proto::fleet::v1::TenantPhase;
        for number in 1..=15 {
            let phase = TenantPhase::try_from(number).unwrap();
            let word = phase.as_str_name().trim_start_matches("TENANT_PHASE_");
            assert!(super::phase(word).is_some_and(|it| it.ends_with('.')), "{word}");
        }
        assert!(TenantPhase::try_from(16).is_err() && super::phase("UNSPECIFIED").is_none());
    }

    #[test]
    fn every_field_of_every_kind_has_a_comment() {
        for kind in KINDS {
            let found = at(kind).unwrap();
            assert_ne!(found["means"], "", "{kind}");
            for field in found["fields"].as_array().unwrap() {
                assert_ne!(field["means"], "", "{kind}: {field}");
            }
        }
    }
}
