//! Graph's error bodies. The request id and the date are filled in when the answer leaves (`front`).

use serde_json::json;

use crate::http::Answer;

/// `{"error":{"code","message","innerError":{}}}`
pub fn refuse(status: u16, code: &str, message: impl Into<String>) -> Answer {
    Answer::json(status, json!({"error": {"code": code, "message": message.into(), "innerError": {}}}))
}

pub fn bad_request(message: impl Into<String>) -> Answer {
    refuse(400, "Request_BadRequest", message)
}

pub fn unsupported_query(message: impl Into<String>) -> Answer {
    refuse(400, "Request_UnsupportedQuery", message)
}

/// No such object, or not yet.
pub fn not_found(id: &str) -> Answer {
    let message =
        format!("Resource '{id}' does not exist or one of its queried reference-property objects are not present.");
    refuse(404, "Request_ResourceNotFound", message)
}

pub fn denied() -> Answer {
    refuse(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
}

pub fn unknown_segment(segment: &str) -> Answer {
    refuse(400, "BadRequest", format!("Resource not found for the segment '{segment}'."))
}

pub fn method_not_allowed() -> Answer {
    refuse(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
}
