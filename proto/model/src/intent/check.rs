//! Collects what is wrong with one resource, under the paths that its author wrote.

use super::resource_name::ResourceName;
use crate::text::{self, TextError};
use crate::violation::{Fault, Violation};

/// Most entries of one list. The largest known list is a squad of some 300 members, in the largest SOC.
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

    /// Checks free text: its length, and that it looks like what it is, because it appears in signed items, terminals
    /// and logs.
    pub(super) fn text(&mut self, field: &str, value: &str) {
        let reason = |error| match error {
            TextError::Long => Fault::TooLarge,
            TextError::Control | TextError::Directing | TextError::Unseen => Fault::Malformed,
        };
        if let Err(error) = text::check(value) {
            self.add(field, reason(error), error.to_string());
        }
    }

    /// Labels: keys and values are free text.
    pub(super) fn labels(&mut self, labels: &std::collections::BTreeMap<String, String>) {
        for (key, value) in labels {
            self.text(&format!("labels.{key}"), key);
            self.text(&format!("labels.{key}"), value);
        }
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
