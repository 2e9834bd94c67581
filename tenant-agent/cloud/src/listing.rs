//! The result of a listing: the entries that were understood, and the names of those that were not.
//!
//! One bad entry costs one entry. The caller decides whether the others are enough: what is not among the entries is
//! absent only if no entry is odd. It knows nothing about pages (`paging.rs`) or the meaning of entries.

use serde::de::DeserializeOwned;
use serde_json::Value;
use time::OffsetDateTime;

use crate::failure::head_and_tail;

/// The most odd entries with a name. Twenty show what kind of problem it is; a report has no room for thousands.
const ODD_LIMIT: usize = 20;
/// The longest name: an id, which may be an ARM path, and what is wrong with the entry.
const ODD_LENGTH: usize = 300;

/// A collection as a service listed it, over all its pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    pub entries: Vec<T>,
    /// What was not understood: each entry's id and the reason, at most 20, then "and others". A user who is not in
    /// `entries` may be here.
    pub odd: Vec<String>,
    /// The newest `Date` of the answers of this listing.
    pub date: Option<OffsetDateTime>,
}

impl<T> Listing<T> {
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Listing<U> {
        Listing { entries: self.entries.into_iter().map(convert).collect(), odd: self.odd, date: self.date }
    }

    /// Adds the result of another listing of the same things.
    pub(crate) fn join(&mut self, other: Listing<T>) {
        self.entries.extend(other.entries);
        other.odd.into_iter().for_each(|odd| self.note(odd));
        self.date = self.date.max(other.date);
    }

    pub(crate) fn note(&mut self, odd: String) {
        match self.odd.len() {
            len if len < ODD_LIMIT => self.odd.push(head_and_tail(&odd, ODD_LENGTH)),
            ODD_LIMIT => self.odd.push("and others".to_owned()),
            _ => {}
        }
    }
}

impl Listing<Value> {
    /// Reads each entry separately.
    pub(crate) fn read<T>(self, read: impl Fn(Value) -> Result<T, String>) -> Listing<T> {
        let mut listing = Listing { entries: Vec::with_capacity(self.entries.len()), odd: Vec::new(), date: self.date };
        self.odd.into_iter().for_each(|odd| listing.note(odd));
        for entry in self.entries {
            let name = name(&entry);
            match read(entry) {
                Ok(entry) => listing.entries.push(entry),
                Err(reason) => listing.note(format!("{name}: {reason}")),
            }
        }
        listing
    }
}

/// An entry as its type describes it.
pub(crate) fn as_typed<T: DeserializeOwned>(entry: Value) -> Result<T, String> {
    serde_json::from_value(entry).map_err(|e| e.to_string())
}

/// What a person would use to look up the entry.
fn name(entry: &Value) -> String {
    let text = |field: &&str| entry.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    let name = ["id", "name", "displayName"].iter().find_map(text);
    name.map_or_else(|| "an entry without an id".to_owned(), |name| head_and_tail(name, ODD_LENGTH / 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(entries: Vec<Value>) -> Listing<u64> {
        let raw = Listing { entries, odd: Vec::new(), date: None };
        raw.read(|entry| entry.get("n").and_then(Value::as_u64).ok_or_else(|| "no number".to_owned()))
    }

    #[test]
    fn one_bad_entry_costs_one_entry_and_is_named() {
        let entries = vec![
            json!({"id": "a", "n": 1}),
            json!({"id": "b"}),
            json!(null),
            json!({"id": "", "name": "c"}),
            json!({"n": 2}),
        ];
        let listing = read(entries);
        assert_eq!(listing.entries, [1, 2]);
        assert_eq!(listing.odd, ["b: no number", "an entry without an id: no number", "c: no number"]);
    }

    #[test]
    fn what_is_odd_is_bounded_in_length_and_in_number() {
        let listing = read((0..5_000).map(|n| json!({"id": format!("{n}{}", "x".repeat(10_000))})).collect());
        assert_eq!(listing.odd.len(), ODD_LIMIT + 1);
        assert!(listing.odd.iter().all(|odd| odd.chars().count() <= ODD_LENGTH));
        assert!(listing.odd[0].ends_with("no number"), "{}", listing.odd[0]);
    }
}
