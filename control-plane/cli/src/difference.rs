//! One field that differs, as people read it: of a list, its members that come and go.

use entente_proto::access::v1::FieldChange;
use serde_json::Value;

/// Members that are shown of one list; of more there is the count.
const SHOWN: usize = 50;

/// Lines for people.
pub(crate) fn text(field: &FieldChange) -> String {
    let read = |json: &str| if json.is_empty() { Ok(Value::Null) } else { serde_json::from_str::<Value>(json) };
    match (read(&field.before), read(&field.after)) {
        (Ok(before), Ok(after)) if is_list(&before, &after) => list(&field.path, &members(before), &members(after)),
        (Ok(before), Ok(after)) => format!("    {}: {} -> {}\n", field.path, inline(&before), inline(&after)),
        _ => format!("    {}: {} -> {}\n", field.path, field.before, field.after),
    }
}

/// The same in one line.
pub(crate) fn line(field: &FieldChange) -> String {
    text(field).split_whitespace().collect::<Vec<_>>().join(" ").replacen(": - ", " - ", 1).replacen(": + ", " + ", 1)
}

fn is_list(before: &Value, after: &Value) -> bool {
    (before.is_array() || before.is_null()) && (after.is_array() || after.is_null())
}

fn members(value: Value) -> Vec<Value> {
    match value {
        Value::Array(members) => members,
        _ => Vec::new(),
    }
}

fn list(path: &str, before: &[Value], after: &[Value]) -> String {
    let (gone, new) = (beyond(before, after), beyond(after, before));
    if gone.is_empty() && new.is_empty() {
        return format!("    {path}: the same in another order\n");
    }
    let lines = gone.iter().map(|it| ('-', it)).chain(new.iter().map(|it| ('+', it)));
    let more = (gone.len() + new.len()).saturating_sub(SHOWN);
    let mut text = format!("    {path}:\n");
    lines.take(SHOWN).for_each(|(sign, it)| text.push_str(&format!("      {sign} {}\n", inline(it))));
    if more > 0 {
        text.push_str(&format!("      and {more} more\n"));
    }
    text
}

/// What is in one list more often than in the other.
fn beyond<'a>(here: &'a [Value], there: &[Value]) -> Vec<&'a Value> {
    let mut rest: Vec<&Value> = there.iter().collect();
    let mut taken =
        |value: &Value| rest.iter().position(|other| *other == value).map(|at| rest.swap_remove(at)).is_some();
    here.iter().filter(|value| !taken(value)).collect()
}

/// As YAML writes it in one line, without braces and quotes.
fn inline(value: &Value) -> String {
    match value {
        Value::Null => "(nothing)".into(),
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, it)| format!("{name}: {}", nested(it)));
            fields.collect::<Vec<_>>().join(", ")
        }
        Value::Array(members) => format!("[{}]", members.iter().map(nested).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

fn nested(value: &Value) -> String {
    if value.is_object() { format!("{{{}}}", inline(value)) } else { inline(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &str, after: &str, expected: &str) {
        let field = FieldChange { path: "members".into(), before: before.into(), after: after.into() };
        assert_eq!(text(&field), expected);
    }

    #[test]
    fn users_a_list_shows_who_comes_and_who_goes() {
        check(
            r#"[{"operator":"operators/li"},{"operator":"operators/maya"}]"#,
            r#"[{"operator":"operators/maya"},{"operator":"operators/sam","until":"2026-12-31"}]"#,
            "    members:\n      - operator: operators/li\n      + operator: operators/sam, until: 2026-12-31\n",
        );
        check(r#"["a","b"]"#, r#"["b","a"]"#, "    members: the same in another order\n");
        check("", r#"["a","a"]"#, "    members:\n      + a\n      + a\n");
        check("3", "4", "    members: 3 -> 4\n");
        check(r#""x""#, "", "    members: x -> (nothing)\n");
        check("[{", "[]", "    members: [{ -> []\n");
    }
}
