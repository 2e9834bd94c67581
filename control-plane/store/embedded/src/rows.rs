//! Reads rows through a layer of entries that hide them.
//!
//! Readers look through the entries from before the group that is being written; a decision looks through the entries
//! of the group so far. This file does not know which of the two it is.

use std::collections::BTreeMap;
use std::collections::btree_map::Range;
use std::iter::Peekable;
use std::ops::Bound;

use sled::IVec;

use entente_store::{Entry, Key, MAX_PAGE_BYTES, MAX_PAGE_ENTRIES, Page, ReadError, Revision, View};

use crate::row::{self, AFTER_HEADS};

/// Entries that hide the rows. `None` means that the key has no entry.
pub(crate) type Overlay = BTreeMap<Key, Option<Entry>>;

#[derive(Debug)]
pub(crate) struct Layered<'a> {
    pub(crate) rows: &'a sled::Tree,
    pub(crate) over: &'a Overlay,
    pub(crate) revision: Revision,
}

impl View for Layered<'_> {
    fn get(&self, key: &str) -> Result<Option<Entry>, ReadError> {
        match self.over.get(key) {
            Some(entry) => Ok(entry.clone()),
            None => get(self.rows, key),
        }
    }

    fn scan(&self, prefix: &str, start_after: Option<&str>, limit: usize) -> Result<Page, ReadError> {
        let mut page = Page { entries: Vec::new(), revision: self.revision, next: None };
        let (limit, mut bytes) = (limit.clamp(1, MAX_PAGE_ENTRIES), 0);
        for found in self.merged(prefix, start_after) {
            let (key, found) = found?;
            if matches!(found, Found::Over(None)) {
                continue;
            }
            if page.entries.len() >= limit || bytes >= MAX_PAGE_BYTES {
                page.next = page.entries.last().map(|(key, _)| key.clone());
                break;
            }
            let entry = match found {
                Found::Row(head) => row::read(self.rows, &key, &head)?,
                Found::Over(Some(entry)) => entry.clone(),
                Found::Over(None) => continue,
            };
            bytes += entry.value.len();
            page.entries.push((key, entry));
        }
        Ok(page)
    }

    fn revision(&self) -> Revision {
        self.revision
    }
}

/// The entry in the rows.
pub(crate) fn get(rows: &sled::Tree, key: &str) -> Result<Option<Entry>, ReadError> {
    let head = rows.get(row::head_key(key)).map_err(row::storage)?;
    head.map(|head| row::read(rows, key, &head)).transpose()
}

impl<'a> Layered<'a> {
    fn merged(&self, prefix: &str, start_after: Option<&str>) -> Merged<'a> {
        let start = match start_after {
            Some(key) if key >= prefix => Bound::Excluded(key),
            _ => Bound::Included(prefix),
        };
        let rows = self.rows.range((start.map(row::head_key), Bound::Excluded(vec![AFTER_HEADS])));
        let over = self.over.range::<str, _>((start, Bound::Unbounded));
        Merged { prefix: prefix.to_owned(), rows, row: None, over: over.peekable() }
    }
}

/// Rows and overlay in key order. If both have a key, the overlay's entry counts.
struct Merged<'a> {
    prefix: String,
    rows: sled::Iter,
    /// A row that was read but comes after the overlay's next key.
    row: Option<(Key, IVec)>,
    over: Peekable<Range<'a, Key, Option<Entry>>>,
}

enum Found<'a> {
    Row(IVec),
    Over(Option<&'a Entry>),
}

impl<'a> Merged<'a> {
    fn next_row(&mut self) -> Result<Option<(Key, IVec)>, ReadError> {
        if let Some(row) = self.row.take() {
            return Ok(Some(row));
        }
        let Some(row) = self.rows.next() else { return Ok(None) };
        let (row_key, head) = row.map_err(row::storage)?;
        let key = std::str::from_utf8(&row_key[1..])
            .map_err(|_| ReadError::Corrupt { key: String::from_utf8_lossy(&row_key[1..]).into() })?;
        Ok(key.starts_with(&self.prefix).then(|| (Key::from(key), head)))
    }

    fn advance(&mut self) -> Result<Option<(Key, Found<'a>)>, ReadError> {
        let row = self.next_row()?;
        let over = self.over.next_if(|(key, _)| {
            key.starts_with(&self.prefix) && row.as_ref().is_none_or(|(row_key, _)| *key <= row_key)
        });
        let Some((key, entry)) = over else {
            return Ok(row.map(|(key, head)| (key, Found::Row(head))));
        };
        // Skip a row with the same key; keep a later one for its turn.
        self.row = row.filter(|(row_key, _)| row_key != key);
        Ok(Some((key.clone(), Found::Over(entry.as_ref()))))
    }
}

impl<'a> Iterator for Merged<'a> {
    type Item = Result<(Key, Found<'a>), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}
