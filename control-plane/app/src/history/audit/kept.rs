//! What an audit record keeps of a change: which fields, from what to what. Bounded, and it says what was left out.

use entente_model::report::bounds::bounded;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::history::changed::{ChangeKind, FieldChange, ResourceChange};

/// Longest value, in bytes: a list keeps only what differs of it, so that this is a sentence or a rare large list.
const MAX_VALUE_BYTES: usize = 2 * 1024;

/// Most bytes of one record's changes. A record shares its commit with all that it is about, and a page has many.
const MAX_RECORD_BYTES: usize = 16 * 1024;

/// What a change of one resource takes beside its texts, in a row.
const CHANGE_BYTES: usize = 64;

/// One resource, as an audit record has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditedChange {
    pub name: String,
    pub kind: ChangeKind,
    /// Of a list, only the members that come or go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
    /// Fields for which there was no room.
    #[serde(default, skip_serializing_if = "is_none")]
    pub more: u32,
}

pub(super) fn is_none(count: &u32) -> bool {
    *count == 0
}

/// As much as there is room for, and how many resources there was none for.
pub(crate) fn kept(changes: &[ResourceChange]) -> (Vec<AuditedChange>, u32) {
    let (mut kept, mut left) = (Vec::new(), MAX_RECORD_BYTES);
    let changed: Vec<_> = changes.iter().filter(|it| it.kind != ChangeKind::Unchanged).collect();
    for change in &changed {
        let name = change.name.to_string();
        let Some(room) = left.checked_sub(name.len() + CHANGE_BYTES) else { break };
        left = room;
        let mut it = AuditedChange { name, kind: change.kind, fields: Vec::new(), more: 0 };
        for field in change.fields.iter().map(brief) {
            let size = field.path.len() + field.before.len() + field.after.len();
            match left.checked_sub(size) {
                Some(room) => {
                    left = room;
                    it.fields.push(field);
                }
                None => it.more += 1,
            }
        }
        kept.push(it);
    }
    let more = changed.len() - kept.len();
    (kept, u32::try_from(more).unwrap_or(u32::MAX))
}

fn brief(field: &FieldChange) -> FieldChange {
    let (before, after) = members(field).unwrap_or_else(|| (field.before.clone(), field.after.clone()));
    let path = bounded(field.path.clone(), MAX_VALUE_BYTES);
    FieldChange { path, before: bounded(before, MAX_VALUE_BYTES), after: bounded(after, MAX_VALUE_BYTES) }
}

/// Of two lists, what is in one more often than in the other.
fn members(field: &FieldChange) -> Option<(String, String)> {
    let list = |json: &str| serde_json::from_str::<Vec<Value>>(json).ok();
    let (before, after) = (list(&field.before)?, list(&field.after)?);
    let beyond = |here: &[Value], there: &[Value]| {
        let mut rest: Vec<&Value> = there.iter().collect();
        let mut taken =
            |value: &Value| rest.iter().position(|it| *it == value).map(|at| rest.swap_remove(at)).is_some();
        let left: Vec<_> = here.iter().filter(|value| !taken(value)).cloned().collect();
        Value::Array(left).to_string()
    };
    Some((beyond(&before, &after), beyond(&after, &before)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(fields: &[(&str, &str, &str)]) -> ResourceChange {
        let field = |(path, before, after): &(&str, &str, &str)| FieldChange {
            path: (*path).into(),
            before: (*before).into(),
            after: (*after).into(),
        };
        let (name, kind) = ("squads/triage".parse().unwrap(), ChangeKind::Updated);
        ResourceChange { name, kind, fields: fields.iter().map(field).collect() }
    }

    #[test]
    fn a_list_keeps_who_comes_and_who_goes() {
        let (kept, more) = kept(&[change(&[("members", r#"["li","sam"]"#, r#"["li","maya"]"#), ("n", "1", "")])]);
        let fields: Vec<_> =
            kept[0].fields.iter().map(|it| format!("{} {} {}", it.path, it.before, it.after)).collect();
        assert_eq!((fields, more), (vec![r#"members ["sam"] ["maya"]"#.to_owned(), "n 1 ".to_owned()], 0));
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so_and_what_is_too_much_is_counted() {
        let long = format!("\"{}\"", "x".repeat(5_000));
        let fields: Vec<_> = (0..20).map(|_| ("text", long.as_str(), "")).collect();
        let (kept, more) = kept(&vec![change(&fields); 200]);
        assert!(kept[0].fields[0].before.ends_with("more bytes"), "{}", kept[0].fields[0].before);
        let unchanged = ResourceChange { kind: ChangeKind::Unchanged, ..change(&[]) };
        assert_eq!(super::kept(&[unchanged]), (Vec::new(), 0));
        let counted: usize = kept.iter().map(|it| it.fields.len() + it.more as usize).sum();
        assert_eq!((counted, kept.len() + more as usize), (20 * kept.len(), 200));
        let bytes = serde_json::to_vec(&kept).unwrap().len();
        assert!(more > 0 && bytes < 2 * MAX_RECORD_BYTES, "{bytes} bytes, {more} more");
    }
}
