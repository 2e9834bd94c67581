//! The guardrail's keys, each with what it takes and what it does: one table, from which the reference for people and the
//! schema for editors are made.
//!
//! The parser is `guardrail.rs`, and what is refused beyond the form `guardrail/check.rs`; `tests/keys.rs` holds this
//! table to both.

mod kind;
mod page;
mod table;

pub use kind::Kind;
pub use page::{EXAMPLES, page};
pub use table::TABLE;

/// One key.
#[derive(Debug)]
pub struct Key {
    /// From the top of the file, by points; `[]` after a list of sections.
    pub path: &'static str,
    pub kind: Kind,
    pub presence: Presence,
    /// What is refused beyond the kind; empty if nothing is.
    pub bound: &'static str,
    pub does: &'static str,
    /// What follows when it is made narrower.
    pub narrower: &'static str,
}

/// Whether it has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    Required,
    /// What is taken where it is not, as the file would say it.
    Default(&'static str),
    /// Nothing is taken in its place.
    Optional,
}

impl Key {
    /// The section that it stands in, and its own name there.
    pub fn place(&self) -> (&'static str, &'static str) {
        self.path.rsplit_once('.').unwrap_or(("", self.path))
    }
}
