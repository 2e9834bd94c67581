//! Why a call did not succeed, in a form that tells the caller whether anything may have changed.
//!
//! It knows nothing about HTTP libraries or the next step. `call.rs` decides which of these an attempt is.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

/// The result of every operation of this crate.
pub type Answer<T> = Result<T, Failure>;

/// The error below, shared because one lost batch is the error of twenty calls.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// How much of a service's message we keep. Enough for any documented text.
const MESSAGE_LIMIT: usize = 1_000;

/// The mark where a long text was cut.
const CUT: &str = " [..] ";

/// The greatest depth of nested error codes. The services nest two or three.
const NESTING_LIMIT: usize = 8;

/// ARM returns this for one subscription that belongs to another directory. The credential is fine.
const OTHER_DIRECTORY: &str = "InvalidAuthenticationTokenTenant";

/// Why a call did not succeed, by what it means for the tenant.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// A definite no. Nothing was applied.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The service's code says that the object does not exist or is not visible yet. Nothing was applied. Any other 404
    /// is [`Failure::Refused`] and says nothing about the object.
    #[error("{0}")]
    NotFound(Box<Refusal>),
    /// A 403 that means that unified RBAC is not activated in Defender. A person must do that in the portal. Nothing
    /// was applied.
    #[error("defender unified rbac is not activated: {0}")]
    DefenderNotActivated(Box<Refusal>),
    /// Too many requests, this one or earlier ones. Nothing was applied, and nothing more is sent to that service until
    /// `retry_after` is over.
    #[error("{call} was throttled; try again after {} s{}", retry_after.as_secs_f64().ceil(), words(refusal))]
    Throttled {
        call: &'static str,
        retry_after: Duration,
        /// The service's refusal. `None` if the call was not sent because earlier ones were throttled.
        refusal: Option<Box<Refusal>>,
    },
    /// No attempt at a read got a usable answer.
    #[error("{call} got no answer: {reason}")]
    Unavailable { call: &'static str, reason: String, source: Option<Cause> },
    /// A write that may have been applied. Look up the result; do not repeat it.
    #[error("{call} may or may not have been applied: {reason}")]
    Unknown {
        call: &'static str,
        reason: String,
        /// The refusal of the last attempt, if an earlier one was lost.
        refusal: Option<Box<Refusal>>,
        source: Option<Cause>,
    },
    /// No request left this machine, so nothing was applied.
    #[error("{call} was not sent: {reason}")]
    NotSent { call: &'static str, reason: String, source: Option<Cause> },
    /// There is no token to call with, so nothing was applied.
    #[error("no access token")]
    NoToken(#[source] Arc<TokenError>),
    /// The answer to a read is unusable: too large, not as the contract says, or pointing elsewhere.
    #[error("{call} gave an answer that cannot be used: {reason}")]
    Unreadable { call: &'static str, reason: String },
}

impl Failure {
    /// Whether the tenant may have changed nevertheless.
    pub fn may_have_applied(&self) -> bool {
        matches!(self, Failure::Unknown { .. })
    }

    /// How long the service asked us to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Failure::Throttled { retry_after, .. } => Some(*retry_after),
            Failure::NoToken(error) => error.failure().and_then(Failure::retry_after),
            _ => None,
        }
    }

    /// Whether nothing was applied and the trouble may pass by itself.
    pub fn is_passing(&self) -> bool {
        match self {
            Failure::Throttled { .. } | Failure::Unavailable { .. } | Failure::NotSent { .. } => true,
            Failure::NoToken(error) => error.failure().is_some_and(Failure::is_passing),
            _ => false,
        }
    }

    /// Whether a person has to look at the credential: there is no token for it, or its tokens are refused.
    pub fn is_of_credential(&self) -> bool {
        match self {
            Failure::NoToken(error) => error.is_refusal(),
            Failure::Refused(refusal) => refusal.status == 401 && !refusal.has_code(OTHER_DIRECTORY),
            _ => false,
        }
    }

    /// The service's refusal, if the service refused.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Failure::Refused(refusal) | Failure::NotFound(refusal) | Failure::DefenderNotActivated(refusal) => {
                Some(refusal)
            }
            Failure::Unknown { refusal, .. } | Failure::Throttled { refusal, .. } => refusal.as_deref(),
            Failure::NoToken(error) => error.failure().and_then(Failure::refusal),
            _ => None,
        }
    }
}

fn words(refusal: &Option<Box<Refusal>>) -> String {
    refusal.as_ref().map(|refusal| format!(" ({refusal})")).unwrap_or_default()
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    #[error("credential file {} cannot be read", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("credential file {} {reason}", path.display())]
    Credential { path: PathBuf, reason: String },
    #[error("the login service gave no token")]
    Login(#[source] Box<Failure>),
    /// After all the documented attempts.
    #[error("this machine's managed identity gave no token")]
    Machine(#[source] Box<Failure>),
    #[error("the token is for entra tenant {actual}, not for {expected}; check the credential")]
    WrongTenant { expected: Uuid, actual: Uuid },
    #[error("the token cannot be used: {0}")]
    Malformed(String),
}

impl TokenError {
    /// Whether a person has to look at the credential. Anything else passes by itself.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            TokenError::Login(failure) => matches!(**failure, Failure::Refused(_) | Failure::NotFound(_)),
            _ => true,
        }
    }

    /// The failed call to the login service, if there was one.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        match self {
            TokenError::Login(failure) | TokenError::Machine(failure) => Some(failure),
            _ => None,
        }
    }
}

/// A service's refusal, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Method and path template, without any id: `DELETE /groups/{id}/members/{id}/$ref`.
    pub call: &'static str,
    pub status: u16,
    /// The outermost error code. Empty if the answer had none.
    pub code: String,
    /// All codes, from the outermost inwards.
    pub codes: Vec<String>,
    pub message: String,
    /// The service's id of this request. Its support asks for it.
    pub request_id: Option<String>,
}

impl Refusal {
    /// Whether one of the nested codes is `code`. Services differ in capitals.
    pub fn has_code(&self, code: &str) -> bool {
        self.codes.iter().any(|c| c.eq_ignore_ascii_case(code))
    }

    /// Whether the message contains `part`, ignoring case. Use it only if the code says nothing.
    pub fn says(&self, part: &str) -> bool {
        let message = self.message.to_ascii_lowercase();
        message.contains(&part.to_ascii_lowercase())
    }

    pub(crate) fn read(call: &'static str, status: u16, request_id: Option<String>, body: &Value) -> Refusal {
        let (codes, message) = codes_and_message(body);
        Refusal { call, status, code: codes.first().cloned().unwrap_or_default(), codes, message, request_id }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was refused with {}", self.call, self.status)?;
        if !self.code.is_empty() {
            write!(f, " {}", self.code)?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " (request {id})")?;
        }
        Ok(())
    }
}

/// Graph: errors. ARM: error response. Entra: token error. One tolerant reader for the three shapes:
/// `{"error":{"code","message","innerError"|"innererror":{..},"details":[..]}}` and
/// `{"error":"..","error_description":".."}`.
fn codes_and_message(body: &Value) -> (Vec<String>, String) {
    let error = match body.get("error") {
        Some(Value::String(code)) => {
            return (vec![head_and_tail(code, MESSAGE_LIMIT)], text(body, "error_description"));
        }
        Some(error) => error,
        None => return (Vec::new(), String::new()),
    };
    let mut codes = Vec::new();
    let mut level = Some(error);
    while let Some(at) = level.filter(|_| codes.len() < NESTING_LIMIT) {
        let own = text(at, "code");
        if own.is_empty() {
            break;
        }
        codes.push(own);
        level = at.get("innerError").or_else(|| at.get("innererror"));
    }
    let details = error.get("details").and_then(Value::as_array);
    let more = details.into_iter().flatten().map(|d| text(d, "code"));
    codes.extend(more.filter(|c| !c.is_empty()).take(NESTING_LIMIT));
    (codes, text(error, "message"))
}

fn text(value: &Value, field: &str) -> String {
    match value.get(field) {
        Some(Value::String(text)) => head_and_tail(text, MESSAGE_LIMIT),
        // Graph documents `message` as text, but some of its services nest `{lang, value}` there.
        Some(nested) => {
            nested.get("value").and_then(Value::as_str).map(|t| head_and_tail(t, MESSAGE_LIMIT)).unwrap_or_default()
        }
        None => String::new(),
    }
}

/// At most `limit` characters, from the start and the end: a service first says what happened and last what to do.
pub fn head_and_tail(text: &str, limit: usize) -> String {
    let length = text.chars().count();
    if length <= limit {
        return text.to_owned();
    }
    let kept = limit.saturating_sub(CUT.chars().count());
    let (head, tail) = (kept - kept / 2, kept / 2);
    let head: String = text.chars().take(head).collect();
    let tail: String = text.chars().skip(length - tail).collect();
    format!("{head}{CUT}{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: Value) -> Refusal {
        Refusal::read("GET /users/{id}", 400, None, &body)
    }

    #[test]
    fn nested_codes_are_read_in_either_spelling() {
        for inner in ["innerError", "innererror"] {
            let refusal = read(json!({"error": {"code": "BadRequest", "message": "no",
                inner: {"code": "Deeper", inner: {"code": "Deepest"}},
                "details": [{"code": "Aside"}]}}));
            assert_eq!(refusal.codes, ["BadRequest", "Deeper", "Deepest", "Aside"]);
            assert!(refusal.has_code("deepest") && refusal.says("NO"));
        }
    }

    #[test]
    fn an_answer_without_an_error_object_still_makes_a_refusal() {
        for body in [Value::Null, json!([]), json!("no"), json!({"error": null}), json!({"error": 7})] {
            let refusal = read(body);
            assert_eq!((refusal.code.as_str(), refusal.status), ("", 400));
        }
    }

    #[test]
    fn the_login_service_puts_its_code_where_others_put_an_object() {
        let refusal = read(json!({"error": "invalid_client", "error_description": "AADSTS7000215"}));
        assert_eq!((refusal.code.as_str(), refusal.message.as_str()), ("invalid_client", "AADSTS7000215"));
    }

    #[test]
    fn a_message_without_end_is_cut_in_the_middle() {
        let message = format!("The scope is locked. {} Please remove the lock and try again.", "é".repeat(100_000));
        let refusal = read(json!({"error": {"code": "ScopeLocked", "message": message}}));
        assert_eq!(refusal.message.chars().count(), MESSAGE_LIMIT);
        assert!(refusal.message.starts_with("The scope is locked."), "{refusal}");
        assert!(refusal.message.ends_with("remove the lock and try again."), "{refusal}");
        assert_eq!((head_and_tail("abc", 3), head_and_tail("abcd", 0)), ("abc".to_owned(), CUT.to_owned()));
    }
}
