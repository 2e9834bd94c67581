//! From the fields of requests to what `entente-app` takes, each fault named by its field.

use std::str::FromStr;

use entente_app::{AppError, Options, PageRequest};
use entente_model::Violation;
use entente_model::violation::Fault;
use uuid::Uuid;

pub(crate) fn fault(field: &str, reason: Fault, text: impl Into<String>) -> AppError {
    AppError::Invalid(vec![Violation::new(field, reason, text)])
}

/// A required name.
pub(crate) fn name<N>(field: &str, text: &str) -> Result<N, AppError>
where
    N: FromStr,
    N::Err: std::fmt::Display,
{
    if text.is_empty() {
        return Err(fault(field, Fault::Missing, "is missing"));
    }
    text.parse().map_err(|error: N::Err| fault(field, Fault::Malformed, error.to_string()))
}

/// A name that may be left out.
pub(crate) fn optional_name<N>(field: &str, text: &str) -> Result<Option<N>, AppError>
where
    N: FromStr,
    N::Err: std::fmt::Display,
{
    if text.is_empty() { Ok(None) } else { name(field, text).map(Some) }
}

/// A message that is required.
pub(crate) fn required<T>(field: &str, message: Option<T>) -> Result<T, AppError> {
    message.ok_or_else(|| fault(field, Fault::Missing, "is missing"))
}

pub(crate) fn page(size: i32, token: String) -> Result<PageRequest, AppError> {
    let size = u32::try_from(size).map_err(|_| fault("page_size", Fault::Malformed, "is negative; 0 means 100"))?;
    Ok(PageRequest { size, token })
}

pub(crate) fn etag(text: String) -> Option<String> {
    Some(text).filter(|etag| !etag.is_empty())
}

pub(crate) fn options(method: &'static str, request_id: &str, validate_only: bool) -> Result<Options, AppError> {
    let parsed = (!request_id.is_empty()).then(|| Uuid::try_parse(request_id)).transpose();
    let request_id =
        parsed.map_err(|_| fault("request_id", Fault::Malformed, "is not a UUID; make a new one for each change"))?;
    Ok(Options { request_id, validate_only, method })
}
