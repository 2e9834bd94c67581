//! What would show only once the first faults of a file are mended: they are said at once with these.
//!
//! The file is read again with something sound in the place of each fault, until it can be read; the parser stays the judge.

use std::collections::BTreeSet;

use entente_model::violation::{Fault, Violation};
use serde_json::{Map, Value};

use super::lines::Lines;
use super::{Guardrail, check, place};
use crate::reference::{EXAMPLES, Presence, TABLE};

/// Most faults that are looked for: several times as many as there are keys.
const MAX_LOOKS: usize = 200;

/// More faults than are told of a file that is YAML and cannot be read as a guardrail; none of what is no YAML.
pub(super) fn faults(yaml: &str, told: &[Violation]) -> Vec<Violation> {
    let (Ok(lines), Ok(Value::Object(mut file))) = (Lines::of(yaml), Guardrail::read::<Value>(yaml)) else {
        return Vec::new();
    };
    // Sound, and with nearly every key.
    let Ok(sample) = Guardrail::read::<Value>(EXAMPLES[2].1) else { return Vec::new() };
    let mut found = Vec::new();
    let mut mended = BTreeSet::new();
    for key in TABLE.iter().filter(|key| key.presence == Presence::Required && !key.path.contains("[]")) {
        let (section, name) = key.place();
        let missing = section_of(&mut file, section).filter(|section| !section.contains_key(name));
        if let (Some(section), Some(sound)) = (missing, at(&sample, key.path)) {
            section.insert(name.to_owned(), sound.clone());
            if !told.iter().any(|it| it.field == key.path) {
                found.push(Violation::new(key.path, Fault::Missing, "is missing; there is no default"));
            }
            mended.insert(key.path.to_owned());
        }
    }
    for _ in 0..MAX_LOOKS {
        let (text, paths) = one_a_line(&file);
        let fault = match Guardrail::read::<Guardrail>(&text) {
            Ok(guardrail) => {
                let is_theirs = |it: &Violation| !mended.iter().any(|path| it.field.starts_with(path.as_str()));
                found.extend(check::check(&guardrail).into_iter().filter(is_theirs));
                break;
            }
            Err(fault) => fault,
        };
        let line = line_of(&fault).and_then(|line| usize::try_from(line).ok()?.checked_sub(1));
        let path = line.and_then(|line| paths.get(line));
        let Some(path) = path.filter(|path| mended.insert((*path).clone())) else { break };
        let (section, name) = path.rsplit_once('.').unwrap_or(("", path));
        let Some(section) = section_of(&mut file, section) else { break };
        match at(&sample, path).filter(|_| TABLE.iter().any(|key| key.path == path)) {
            Some(sound) => section.insert(name.to_owned(), sound.clone()),
            None => section.remove(name),
        };
        let stands = lines.at(path);
        let is_here = |it: &Violation| line_of(it).is_some_and(|line| stands.iter().any(|at| at.number == line));
        if told.iter().any(|it| it.description == fault.description && is_here(it)) {
            continue;
        }
        let field = lines.value_at(path).map_or_else(|| path.clone(), |(line, column)| place(line, column));
        found.push(Violation { field, ..fault });
    }
    found
}

fn line_of(fault: &Violation) -> Option<u64> {
    let (_, rest) = fault.field.split_once(", line ")?;
    rest.split(',').next()?.parse().ok()
}

fn at<'a>(file: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(file, |at, name| at.get(name))
}

fn section_of<'a>(file: &'a mut Map<String, Value>, path: &str) -> Option<&'a mut Map<String, Value>> {
    let names = path.split('.').filter(|name| !name.is_empty());
    names.into_iter().try_fold(file, |at, name| at.get_mut(name)?.as_object_mut())
}

/// The file with one key a line, and the path of each.
fn one_a_line(file: &Map<String, Value>) -> (String, Vec<String>) {
    let (mut text, mut paths) = (String::new(), Vec::new());
    let mut open: Vec<(String, &str, &Value)> = Vec::new();
    open.extend(file.iter().rev().map(|(name, value)| (name.clone(), name.as_str(), value)));
    while let Some((path, name, value)) = open.pop() {
        let indent = "  ".repeat(path.matches('.').count());
        // Of a map of names, such as `azure.roles`, the whole is one line: its names have points too.
        let is_section = TABLE.iter().any(|key| key.place().0 == path);
        match value.as_object().filter(|below| is_section && !below.is_empty()) {
            Some(below) => {
                text.push_str(&format!("{indent}{}:\n", Value::from(name)));
                open.extend(below.iter().rev().map(|(name, value)| (format!("{path}.{name}"), name.as_str(), value)));
            }
            None => text.push_str(&format!("{indent}{}: {value}\n", Value::from(name))),
        }
        paths.push(path);
    }
    (text, paths)
}
