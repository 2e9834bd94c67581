//! The one place where an error becomes a gRPC status: its code, a reason from a closed list, the fields at fault,
//! and a message fit for a stranger.
//!
//! What is internal stays in the log, under the id that the client is given.

use std::collections::HashMap;
use std::time::Duration;

use entente_app::AppError;
use entente_model::Violation;
use entente_model::text::chain;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, PreconditionViolation, StatusExt};
use tracing::error;

use crate::call::CallId;

/// Of every `ErrorInfo`.
const DOMAIN: &str = "entente";

/// Until a client tries again, where the server cannot know better.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Most bytes of a message: what it is cut to. It is percent-encoded, and leaves room for the details beside it.
const MAX_MESSAGE_BYTES: usize = 1_024;

/// Most bytes of faults in the details. A status travels in HTTP headers, of which clients take 8 KiB (gRPC over HTTP/2), and
/// base64 makes a third more of it: what is more never arrives.
const MAX_FAULT_BYTES: usize = 4_096;

/// What one fault takes beside its texts, in bytes.
const FAULT_BYTES: usize = 16;

/// What the caller of `call` is told.
pub(crate) fn status(error: &AppError, call: CallId) -> Status {
    let code = code(error);
    if let AppError::Internal(_) | AppError::Unconfirmed(_) | AppError::DiskFull(_) | AppError::DiskFullUnconfirmed(_) =
        error
    {
        error!(call_id = %call, error = %chain(error), "a call failed inside");
    }
    // The request's id, in the details, is where the log has the cause.
    Status::with_error_details(code, cut(&error.to_string(), MAX_MESSAGE_BYTES), details(error, call))
}

fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.into();
    }
    let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    format!("{}...", &text[..end])
}

/// Faults that fit, and then one that names no field and says how many more there are.
fn fitting(violations: &[Violation]) -> Vec<(&'static str, String, String)> {
    let (mut all, mut bytes) = (Vec::new(), 0);
    for it in violations {
        let one = (it.reason.word(), cut(&it.field, MAX_MESSAGE_BYTES), cut(&it.description, MAX_MESSAGE_BYTES));
        bytes += one.0.len() + one.1.len() + one.2.len() + FAULT_BYTES;
        if bytes > MAX_FAULT_BYTES && !all.is_empty() {
            let more = violations.len() - all.len();
            // The last of many names no field: it counts those that did not come this far.
            let least = if violations.last().is_some_and(|it| it.field.is_empty()) { "at least " } else { "" };
            all.push(("MORE", String::new(), format!("and {least}{more} more; mend these first")));
            break;
        }
        all.push(one);
    }
    all
}

fn code(error: &AppError) -> Code {
    match error {
        AppError::NotFound { .. } => Code::NotFound,
        AppError::AlreadyExists { .. } => Code::AlreadyExists,
        AppError::Invalid(_) | AppError::RequestIdReused | AppError::TooLarge { .. } => Code::InvalidArgument,
        AppError::Contradicts(_)
        | AppError::NoPlan { .. }
        | AppError::LastAdmin { .. }
        | AppError::AgentLives { .. }
        | AppError::CannotSign { .. }
        | AppError::RenewalEarly { .. } => Code::FailedPrecondition,
        AppError::Unimplemented(_) => Code::Unimplemented,
        AppError::StaleEtag { .. } => Code::Aborted,
        AppError::Denied { .. }
        | AppError::OwnCase { .. }
        | AppError::RevokesAgent { .. }
        | AppError::EnrolmentRefused => Code::PermissionDenied,
        AppError::Unauthenticated => Code::Unauthenticated,
        // A repeat with the same request id is safe, and tells.
        AppError::Offline { .. } | AppError::Unconfirmed(_) | AppError::DiskFullUnconfirmed(_) => Code::Unavailable,
        AppError::DiskFull(_) | AppError::TooOften { .. } => Code::ResourceExhausted,
        AppError::Internal(_) => Code::Internal,
    }
}

fn details(error: &AppError, call: CallId) -> ErrorDetails {
    let mut details = ErrorDetails::new();
    details.set_error_info(error.reason(), DOMAIN, metadata(error));
    details.set_request_info(call.to_string(), "");
    match error {
        AppError::Invalid(violations) | AppError::Unimplemented(violations) => {
            let field = |(reason, field, text): (&str, String, String)| FieldViolation {
                reason: reason.into(),
                ..FieldViolation::new(field, text)
            };
            details.set_bad_request(fitting(violations).into_iter().map(field).collect::<Vec<_>>());
        }
        AppError::Contradicts(violations) => {
            let violation =
                |(reason, field, text): (&str, String, String)| PreconditionViolation::new(reason, field, text);
            details.set_precondition_failure(fitting(violations).into_iter().map(violation).collect::<Vec<_>>());
        }
        AppError::Offline { .. }
        | AppError::Unconfirmed(_)
        | AppError::DiskFull(_)
        | AppError::DiskFullUnconfirmed(_) => {
            details.set_retry_info(Some(RETRY_AFTER));
        }
        _ => {}
    }
    details
}

fn metadata(error: &AppError) -> HashMap<String, String> {
    let one = |key: &str, value: String| HashMap::from([(key.to_owned(), value)]);
    match error {
        AppError::NotFound { resource, field, nearest } => not_found(resource, field, nearest.as_deref()),
        AppError::AlreadyExists { resource } | AppError::StaleEtag { resource } => one("resource", resource.clone()),
        AppError::Offline { tenant } | AppError::TooOften { tenant, .. } | AppError::NoPlan { tenant, .. } => {
            one("resource", tenant.to_string())
        }
        AppError::RenewalEarly { from } => one("from", from.to_string()),
        AppError::TooLarge { limit, .. } => one("limit", limit.to_string()),
        AppError::Denied { needs } => one("role", needs.word().to_owned()),
        AppError::RevokesAgent { agent, .. } => {
            HashMap::from([("role".to_owned(), "admin".to_owned()), ("resource".to_owned(), agent.to_string())])
        }
        AppError::AgentLives { agent, .. } => one("resource", agent.to_string()),
        AppError::OwnCase { principal, .. } | AppError::LastAdmin { principal } => {
            one("resource", principal.to_string())
        }
        _ => HashMap::new(),
    }
}

fn not_found(resource: &str, field: &str, nearest: Option<&str>) -> HashMap<String, String> {
    let all = [("resource", resource), ("field", field), ("nearest", nearest.unwrap_or_default())];
    all.into_iter().filter(|(_, text)| !text.is_empty()).map(|(key, text)| (key.to_owned(), text.to_owned())).collect()
}
