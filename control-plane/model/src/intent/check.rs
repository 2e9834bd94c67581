//! Gathers what is wrong with one resource, under the paths that its author wrote.

use super::ResourceName;
use crate::violation::{Fault, Violation};

/// Longest free text: a justification, a display name. Entra ID caps display names at 256 (Graph: group).
pub const MAX_TEXT_CHARS: usize = 256;

/// Most entries of one list. The largest list seen is the members of a squad, some 300 in the largest SOC.
pub const MAX_LIST: usize = 1_000;

/// The faults of one resource.
pub(super) struct Faults {
    name: ResourceName,
    found: Vec<Violation>,
}

impl Faults {
    pub(super) fn of(name: ResourceName) -> Self {
        Self { name, found: Vec::new() }
    }

    pub(super) fn into_violations(self) -> Vec<Violation> {
        self.found
    }

    pub(super) fn add(&mut self, field: &str, reason: Fault, description: impl Into<String>) {
        self.found.push(Violation::new(format!("{}: {field}", self.name), reason, description));
    }

    pub(super) fn unless(&mut self, holds: bool, field: &str, reason: Fault, description: impl Into<String>) {
        if !holds {
            self.add(field, reason, description);
        }
    }

    pub(super) fn unimplemented(&mut self, field: &str, description: impl Into<String>) {
        self.add(field, Fault::Unimplemented, description);
    }

    /// Free text: within bounds and printable, as it ends up in terminals and logs.
    pub(super) fn text(&mut self, field: &str, value: &str) {
        self.unless(
            value.chars().count() <= MAX_TEXT_CHARS,
            field,
            Fault::TooLarge,
            format!("is longer than {MAX_TEXT_CHARS} characters; shorten it"),
        );
        self.unless(
            !value.chars().any(char::is_control),
            field,
            Fault::Malformed,
            "holds a control character; write one line of plain text",
        );
        self.unless(
            !value.chars().any(is_directing),
            field,
            Fault::Malformed,
            "holds an invisible character that changes the direction of the text; remove it",
        );
    }

    pub(super) fn list<T>(&mut self, field: &str, list: &[T]) {
        self.unless(
            list.len() <= MAX_LIST,
            field,
            Fault::TooLarge,
            format!("has {} entries; at most {MAX_LIST} are taken", list.len()),
        );
    }
}

/// Makes text look like other text (Unicode: UAX #9, explicit directional formatting).
fn is_directing(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
