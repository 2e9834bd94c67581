//! What a field of intent means: the comment that stands beside it in the API's description.

use std::fmt::Write as _;

use entente_model::nearest::nearest;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Value, json};

use crate::output;

/// Kinds of manifests, as their messages are called.
pub(super) const KINDS: [&str; 6] = ["HomeTenant", "Tenant", "Operator", "Squad", "SocRole", "Assignment"];

/// Fields that a manifest calls otherwise than the API's message does: message, there, in a manifest.
const RENAMED: [(&str, &str, &str); 5] = [
    ("HomeTenant", "entraTenantId", "entraTenant"),
    ("Tenant", "entraTenantId", "entraTenant"),
    ("Tenant", "attestation", "attested"),
    ("Workspace", "armId", "id"),
    ("Attestation", "attestedBy", "by"),
];

/// Fields that a manifest writes in another shape: message, field, type, meaning.
const OWN: [(&str, &str, &str, &str); 4] = [
    ("SocRole", "name", "text", "`socRoles/{role}`. The id: 1 to 40 lower-case letters, digits and hyphens."),
    (
        "SocRole",
        "version",
        "number",
        "Which version of the role this is. A version never changes; another one is another document, and assignments \
         name the one that they give: `socRoles/{role}@{version}`.",
    ),
    (
        "Tenant",
        "scopes",
        "map of lists of texts",
        "What the symbolic scopes of SOC roles mean here: each name, such as `sentinel_resource_group`, and its ARM scopes \
         at or below a subscription, `/subscriptions/{guid}/resourceGroups/{name}`; at least one.",
    ),
    (
        "TenantSelector",
        "expect",
        "number, or `{atLeast: number}`",
        "How many tenants the author means, or the least of them, so that new customers may come. Checked in every change that \
         would alter the number; offboarded ones don't count.",
    ),
];

/// Fields of a message that a manifest writes within another of them: message, field, how.
const WITHIN: [(&str, &str, &str); 1] = [("TenantSelector", "expectAtLeast", "expect: {atLeast: 6}")];

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
    while let Some(part) = parts.next() {
        if let Some(field) = field.as_ref().filter(|field| !has_fields(field)) {
            return Err(ended(&name_of(field), &type_of(field), part));
        }
        if let Some((_, name, kind, means)) = OWN.iter().find(|(of, name, ..)| *of == message.name() && *name == part) {
            let own = json!({"field": path, "type": kind, "means": means, "fields": [], "words": []});
            return parts.next().map_or(Ok(own), |more| Err(ended(name, kind, more)));
        }
        let Some(next) = message.fields().find(|it| is_written(it) && name_of(it) == part) else {
            return Err(no_field(&message, part));
        };
        if let Kind::Message(inner) = next.kind() {
            message = inner;
        }
        field = Some(next);
    }
    Ok(described(path, field.as_ref(), &message))
}

/// Whether a manifest writes it, under whatever name.
fn is_written(field: &FieldDescriptor) -> bool {
    !is_of_the_server(field) && within(field).is_none()
}

/// How a manifest writes it within another field.
fn within(field: &FieldDescriptor) -> Option<&'static str> {
    let message = field.parent_message();
    WITHIN.iter().find(|(of, name, _)| *of == message.name() && *name == field.json_name()).map(|(.., how)| *how)
}

fn has_fields(field: &FieldDescriptor) -> bool {
    matches!(field.kind(), Kind::Message(message) if !field.is_map() && !is_foreign(&message))
}

/// What a path goes on behind, and nothing stands in it.
fn ended(name: &str, kind: &str, part: &str) -> String {
    let writes = match kind {
        "map of texts" => format!("the keys are yours, and a manifest writes `{name}: {{{part}: TEXT}}`"),
        "map of lists of texts" => format!("the keys are yours, and a manifest writes `{name}: {{{part}: [TEXT]}}`"),
        _ => format!("a manifest writes it whole, and it has no field {part:?}"),
    };
    format!("`{name}` takes: {kind}; {writes}")
}

/// What may have been meant by a name that no manifest has.
fn no_field(message: &MessageDescriptor, part: &str) -> String {
    let names: Vec<_> = fields(message).iter().map(|it| it["name"].as_str().unwrap_or_default().to_owned()).collect();
    let of_the_api = message.fields().find(|it| it.json_name() == part || it.name() == part);
    let meant = match of_the_api {
        Some(field) if is_of_the_server(&field) => "; the control plane sets it, and no manifest writes it".to_owned(),
        Some(field) => {
            let writes = within(&field).map_or_else(|| name_of(&field), str::to_owned);
            format!("; a manifest writes `{writes}`")
        }
        None => near(part, &names),
    };
    format!("{} has no field {part:?}{meant}; it has {}", message.name(), names.join(", "))
}

fn near(word: &str, names: &[String]) -> String {
    nearest(word, names.iter().cloned()).map(|near| format!("; did you mean {near}?")).unwrap_or_default()
}

/// What a manifest calls a field.
fn name_of(field: &FieldDescriptor) -> String {
    let message = field.parent_message();
    let other = RENAMED.iter().find(|(of, there, _)| *of == message.name() && *there == field.json_name());
    other.map_or_else(|| field.json_name().to_owned(), |(_, _, here)| (*here).to_owned())
}

/// What a manifest writes in a message.
fn fields(message: &MessageDescriptor) -> Vec<Value> {
    if is_foreign(message) {
        return Vec::new();
    }
    let own = |name: &str| OWN.iter().find(|(of, own, ..)| *of == message.name() && *own == name);
    let mut all = Vec::new();
    for field in message.fields().filter(is_written) {
        let name = name_of(&field);
        all.push(match own(&name) {
            Some((_, _, kind, means)) => json!({"name": name, "type": kind, "means": means}),
            None => json!({"name": name, "type": type_of(&field), "means": comment_of_field(&field)}),
        });
    }
    // What the API has in another field stands behind the name.
    let more =
        OWN.iter().filter(|(of, name, ..)| *of == message.name() && message.get_field_by_json_name(name).is_none());
    let more = more.map(|(_, name, kind, means)| json!({"name": name, "type": kind, "means": means}));
    all.splice(1..1, more.collect::<Vec<_>>());
    all
}

/// The words of a field that takes one of a few, as a manifest writes them.
fn words(field: &FieldDescriptor) -> Vec<Value> {
    let Kind::Enum(of) = field.kind() else { return Vec::new() };
    // States are written in capitals, everything else is not.
    let is_state = of.name().ends_with("State");
    let values: Vec<_> = of.values().collect();
    // `CLOUD_UNSPECIFIED` shows what the others begin with.
    let prefix = values.first().map(|it| it.name().trim_end_matches("UNSPECIFIED").to_owned()).unwrap_or_default();
    let word = |name: &str| {
        let word = name.strip_prefix(&prefix).unwrap_or(name);
        if is_state { word.to_owned() } else { word.to_lowercase() }
    };
    let said = values.iter().filter(|it| it.number() != 0);
    said.map(|it| {
        let means = comment(of.parent_file().file_descriptor_proto(), it.path());
        json!({"word": word(it.name()), "means": means})
    })
    .collect()
}

/// What a phase of a tenant means, by its word.
pub(super) fn phase(word: &str) -> Option<String> {
    let phases = output::pool().get_enum_by_name("entente.fleet.v1.TenantPhase")?;
    let name = format!("TENANT_PHASE_{}", word.to_ascii_uppercase());
    let value = phases.values().find(|it| it.name() == name && it.number() != 0)?;
    Some(comment(phases.parent_file().file_descriptor_proto(), value.path()))
}

fn described(path: &str, field: Option<&FieldDescriptor>, message: &MessageDescriptor) -> Value {
    let is_whole = field.is_none_or(|field| matches!(field.kind(), Kind::Message(_)) && !field.is_map());
    let fields = if is_whole { fields(message) } else { Vec::new() };
    let means = field.map_or_else(|| comment(message.parent_file_descriptor_proto(), message.path()), comment_of_field);
    let kind = field.map_or_else(|| "manifest".to_owned(), type_of);
    json!({"field": path, "type": kind, "means": means, "fields": fields, "words": field.map(words).unwrap_or_default()})
}

/// Of Google's own messages, as instants are: their fields are not written one by one.
fn is_foreign(message: &MessageDescriptor) -> bool {
    !message.full_name().starts_with("entente.")
}

/// Set by the control plane, and so not written in a manifest.
fn is_of_the_server(field: &FieldDescriptor) -> bool {
    ["uid", "etag", "revision", "create_time", "update_time"].contains(&field.name())
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
    for word in found["words"].as_array().into_iter().flatten() {
        let _ = write!(out, "\n  {}\n    {}\n", text(&word["word"]), text(&word["means"]));
    }
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
            (&json!("text"), &json!("The last day, in UTC. Empty means no end."))
        );
        let squad = shown(&at("squad").unwrap());
        assert!(squad.contains("members (list of SquadMember)") && !squad.contains("uid"), "{squad}");
        assert!(at("squad.menbers").unwrap_err().contains("did you mean members?"));
        assert!(at("sqad").unwrap_err().contains("Squad"));
        assert_eq!(at("tenant.entraTenant").unwrap()["type"], "text");
        assert!(shown(&at("tenant.state").unwrap()).contains("ONBOARDING\n"));
        assert!(at("socRole.version").unwrap()["means"].as_str().unwrap().contains("never changes"));
    }

    #[test]
    fn what_a_manifest_refuses_is_not_explained_and_the_error_says_what_it_writes() {
        for (path, said) in [
            ("squad.owner.members", "`owner` takes: text; a manifest writes it whole, and it has no field \"members\""),
            ("squad.etag", "Squad has no field \"etag\"; the control plane sets it, and no manifest writes it; it has"),
            ("tenant.entraTenantId", "Tenant has no field \"entraTenantId\"; a manifest writes `entraTenant`; it has"),
            (
                "operator.display_name",
                "Operator has no field \"display_name\"; a manifest writes `displayName`; it has",
            ),
            (
                "assignment.tenants.expectAtLeast",
                "TenantSelector has no field \"expectAtLeast\"; a manifest writes `expect: {atLeast: 6}`; it has",
            ),
            (
                "assignment.tenants.expect.x",
                "`expect` takes: number, or `{atLeast: number}`; a manifest writes it whole",
            ),
            (
                "tenant.labels.region",
                "`labels` takes: map of texts; the keys are yours, and a manifest writes `labels: {region: TEXT}`",
            ),
            ("socRole.version.x", "`version` takes: number; a manifest writes it whole"),
            (
                "tenant.scopes.sentinel",
                "`scopes` takes: map of lists of texts; the keys are yours, and a manifest writes `scopes: {sentinel: [TEXT]}`",
            ),
            ("tenant.state.x", "`state` takes: TenantState; a manifest writes it whole"),
            ("squad.owner.", "`owner` takes: text"),
        ] {
            let found = at(path).unwrap_err();
            assert!(found.starts_with(said), "{path}\n  {found}\n  {said}");
        }
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
