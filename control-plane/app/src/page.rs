//! Pages of a list: how many, and after which.

use std::fmt::Display;
use std::str::FromStr;

use entente_model::Violation;
use entente_model::violation::Fault;

use crate::error::{AppError, Result};

/// What fits a screen and a message.
const DEFAULT_PAGE: usize = 100;

/// A thousand of the largest entries stay below a message's bound of 4 MiB.
const MAX_PAGE: usize = 1_000;

/// Which page.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// 0 means 100, more than 1,000 means 1,000.
    pub size: u32,
    /// Of the page before; empty means the first page.
    pub token: String,
}

/// One page.
#[derive(Debug, Clone)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Of the next page; empty on the last one.
    pub next: String,
}

impl PageRequest {
    pub(crate) fn limit(&self) -> usize {
        if self.size == 0 { DEFAULT_PAGE } else { (self.size as usize).min(MAX_PAGE) }
    }

    /// The key of the last entry of the page before.
    pub(crate) fn after<K: FromStr>(&self) -> Result<Option<K>> {
        if self.token.is_empty() {
            return Ok(None);
        }
        self.token.parse().map(Some).map_err(|_| Self::wrong())
    }

    pub(crate) fn wrong() -> AppError {
        AppError::Invalid(vec![Violation::new("page_token", Fault::Malformed, "is not one that this list gave")])
    }
}

impl<T> Page<T> {
    /// The first entries of a list that begins after the token. `key` says what the next page comes after.
    pub(crate) fn of<K: Display>(entries: impl Iterator<Item = T>, limit: usize, key: impl Fn(&T) -> K) -> Self {
        let mut items: Vec<T> = entries.take(limit + 1).collect();
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| key(last).to_string()).unwrap_or_default();
        Self { items, next }
    }

    pub(crate) fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(change).collect(), next: self.next }
    }
}
