//! Repeated requests get the first answer: a row for each request id, made in the commit that it answers for.
//!
//! Rows go after a day ([`crate::cleanup`]). Knows nothing about what was asked beyond its hash.

use entente_model::desired::Digest;
use entente_model::{PrincipalName, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::caller::Caller;
use crate::error::AppError;
use crate::rows::{self, as_hex};
use crate::writer::Draft;

/// How a call is to be carried out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Chosen by the caller; a repeated one gets the first answer.
    pub request_id: Option<Uuid>,
    /// Check and answer as if, and change nothing.
    pub validate_only: bool,
    /// As in the audit record: `ApplyIntent`.
    pub method: &'static str,
}

/// What was asked and answered.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RequestRow {
    /// Of the method and the request.
    #[serde(with = "as_hex::digest")]
    fingerprint: Digest,
    pub(crate) time: Timestamp,
    /// The answer's JSON, or its length in parts if it is too long for one row.
    answer: String,
    #[serde(default)]
    pub(crate) parts: usize,
}

/// Largest part in bytes: half of what a store takes as one value, as JSON within JSON grows by its quotes.
const PART_BYTES: usize = entente_store::MAX_VALUE_BYTES / 4;

/// One request under an id, if the caller gave one.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    principal: PrincipalName,
    id: Option<Uuid>,
    fingerprint: Digest,
}

impl Request {
    pub(crate) fn of(caller: &Caller, options: &Options, asked: &impl Serialize) -> Self {
        let mut bytes = options.method.as_bytes().to_vec();
        if options.request_id.is_some() {
            serde_json::to_writer(&mut bytes, asked).expect("requests have string keys and no failing serializer");
        }
        Self { principal: caller.principal.clone(), id: options.request_id, fingerprint: rows::sha256(&bytes) }
    }

    /// The first answer, if this is a repetition.
    pub(crate) fn first_answer<T: DeserializeOwned>(&self, draft: &Draft<'_>) -> Result<Option<T>, AppError> {
        let Some(id) = self.id else { return Ok(None) };
        let key = rows::request(&self.principal, id);
        let Some(row) = draft.read::<RequestRow>(&key)? else { return Ok(None) };
        if row.fingerprint != self.fingerprint {
            return Err(AppError::RequestIdReused);
        }
        let mut answer = row.answer.into_bytes();
        for part in 1..=row.parts {
            let text: Option<String> = draft.read(&part_key(&key, part))?;
            answer.extend(text.unwrap_or_default().into_bytes());
        }
        serde_json::from_slice(&answer).map(Some).map_err(AppError::internal)
    }

    /// Keeps the answer, in the same commit.
    pub(crate) fn answered<T: Serialize>(&self, draft: &mut Draft<'_>, answer: &T) {
        let Some(id) = self.id else { return };
        let key = rows::request(&self.principal, id);
        let answer = serde_json::to_string(answer).expect("answers have string keys and no failing serializer");
        let mut parts = split(&answer).into_iter();
        let first = parts.next().unwrap_or_default().to_owned();
        let (fingerprint, time) = (self.fingerprint, draft.now);
        let row = RequestRow { fingerprint, time, answer: first, parts: parts.len() };
        draft.put(key.clone(), rows::encode(&row));
        for (at, part) in parts.enumerate() {
            draft.put(part_key(&key, at + 1), rows::encode(&part));
        }
    }
}

pub(crate) fn part_key(key: &str, part: usize) -> String {
    format!("{key}/{part}")
}

fn split(mut text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    while text.len() > PART_BYTES {
        let at = (0..=PART_BYTES).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        let (part, rest) = text.split_at(at);
        parts.push(part);
        text = rest;
    }
    parts.push(text);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_answers_are_split_between_characters() {
        let text = "ø".repeat(PART_BYTES);
        let parts = split(&text);
        assert_eq!((parts.len(), parts.concat()), (3, text));
        assert_eq!(split(""), [""]);
    }
}
