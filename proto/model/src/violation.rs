//! What is wrong with an input, in words that help its author correct it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One fault in one field. People see it as it is; gRPC carries it as a field violation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// Path from the resource, as its author wrote it: `assignments/nordic-l1: tenants.expect`.
    pub field: String,
    /// One of a closed list of upper-case words, for programs.
    pub reason: Fault,
    /// What is wrong and what to do, for people.
    pub description: String,
}

impl Violation {
    pub fn new(field: impl Into<String>, reason: Fault, description: impl Into<String>) -> Self {
        Self { field: field.into(), reason, description: description.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.description)
    }
}

/// Kinds of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Fault {
    /// Not in the form that the field requires.
    Malformed,
    /// Left out, and there is no default.
    Missing,
    /// Names something that does not exist.
    NotFound,
    /// Larger or more than a bound allows.
    TooLarge,
    /// Cannot be changed once it is set.
    Immutable,
    /// Contradicts another field or resource.
    Conflict,
    /// Still needed by another resource.
    InUse,
    /// Not supported by this version.
    Unimplemented,
}

impl Fault {
    /// The word that programs see.
    pub fn word(self) -> &'static str {
        match self {
            Self::Malformed => "MALFORMED",
            Self::Missing => "MISSING",
            Self::NotFound => "NOT_FOUND",
            Self::TooLarge => "TOO_LARGE",
            Self::Immutable => "IMMUTABLE",
            Self::Conflict => "CONFLICT",
            Self::InUse => "IN_USE",
            Self::Unimplemented => "UNIMPLEMENTED",
        }
    }
}
