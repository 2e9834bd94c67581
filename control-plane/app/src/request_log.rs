//! Repeated requests get the first answer: a row for each request id, made in the commit that it answers for.
//!
//! Rows go after a day (the cleanup of [`crate::app`]). Knows nothing about what was asked beyond its hash.

use std::sync::Arc;

use entente_model::desired::Digest;
use entente_model::{PrincipalName, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::caller::{Caller, Options};
use crate::error::{AppError, Result};
use crate::history::{Decision, History};
use crate::rows::{self, as_hex};

impl History {
    /// Decides and commits what a caller asks. A repeated request gets the first answer, and decides nothing.
    pub(crate) async fn answer<T, F>(
        self: &Arc<Self>,
        caller: &Caller,
        options: &Options,
        asked: &impl Serialize,
        mut decide: F,
    ) -> Result<T>
    where
        F: FnMut(&mut Decision<'_>, &Caller) -> Result<T> + Send + 'static,
        T: Serialize + DeserializeOwned + Send + 'static,
    {
        let (request, caller) = (Request::of(caller, options, asked), caller.clone());
        let answered = self.commit(move |decision| {
            decision.check(&caller)?;
            if let Some(first) = request.first_answer(decision)? {
                return Ok(first);
            }
            let answer = decide(decision, &caller)?;
            request.answered(decision, &answer);
            Ok(answer)
        });
        Ok(answered.await?.1)
    }
}

/// What was asked and answered.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RequestRow {
    /// Of the method and the request.
    #[serde(with = "as_hex::digest")]
    fingerprint: Digest,
    pub(crate) time: Timestamp,
    answer: Value,
}

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
    pub(crate) fn first_answer<T: DeserializeOwned>(&self, decision: &Decision<'_>) -> Result<Option<T>> {
        let Some(id) = self.id else { return Ok(None) };
        let key = rows::request(&self.principal, id);
        let Some(row) = decision.read::<RequestRow>(&key)? else { return Ok(None) };
        if row.fingerprint != self.fingerprint {
            return Err(AppError::RequestIdReused);
        }
        serde_json::from_value(row.answer).map(Some).map_err(AppError::internal)
    }

    /// Keeps the answer, in the same commit.
    pub(crate) fn answered<T: Serialize>(&self, decision: &mut Decision<'_>, answer: &T) {
        let Some(id) = self.id else { return };
        let answer = serde_json::to_value(answer).expect("answers have string keys and no failing serializer");
        let row = RequestRow { fingerprint: self.fingerprint, time: decision.now, answer };
        decision.put(rows::request(&self.principal, id), rows::encode(&row));
    }
}
