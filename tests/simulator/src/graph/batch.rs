//! `POST /$batch`: reading the parts, their order and their dependencies. `front` runs them.
//!
//! Graph: json-batching. At most 20 parts, ids unique without regard to case, no nesting, 424 for what depended on a
//! failure; each part counts against the budgets on its own.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use super::error::bad_request;
use crate::http::{Answer, Body, Call};

/// Graph's limit.
const MAX_PARTS: usize = 20;

/// One part of a batch.
#[derive(Debug)]
pub struct Part {
    pub id: String,
    pub depends_on: Vec<String>,
    pub call: Call,
}

/// The parts, in an order in which each comes after what it depends on.
pub fn parts(call: &Call) -> Result<Vec<Part>, Answer> {
    let body = call.json().ok_or_else(|| bad_request("Invalid batch payload format."))?;
    let requests = body["requests"].as_array().ok_or_else(|| bad_request("Invalid batch payload format."))?;
    if requests.is_empty() || requests.len() > MAX_PARTS {
        return Err(bad_request(format!("Number of batch request steps is not between 1 and {MAX_PARTS}.")));
    }
    let version = call.segments.first().cloned().unwrap_or_default();
    let mut found: Vec<Part> = Vec::with_capacity(requests.len());
    for request in requests {
        let one = part(call, &version, request)?;
        if found.iter().any(|other| other.id.eq_ignore_ascii_case(&one.id)) {
            return Err(bad_request("Request id values are not unique (case-insensitively) within the batch."));
        }
        if let Some(unknown) =
            one.depends_on.iter().find(|id| !found.iter().any(|other| other.id.eq_ignore_ascii_case(id)))
        {
            return Err(bad_request(format!("dependsOn names request '{unknown}', which does not come before it.")));
        }
        found.push(one);
    }
    Ok(found)
}

fn part(outer: &Call, version: &str, request: &Value) -> Result<Part, Answer> {
    let id = request["id"]
        .as_str()
        .filter(|id| !id.is_empty())
        .ok_or_else(|| bad_request("A batch request needs an id."))?;
    let method =
        request["method"].as_str().and_then(|method| Method::from_bytes(method.to_uppercase().as_bytes()).ok());
    let method = method.ok_or_else(|| bad_request(format!("Batch request '{id}' has no method.")))?;
    let url = request["url"].as_str().unwrap_or_default().trim_start_matches('/');
    if url.is_empty() || url.contains("://") || url.starts_with("$batch") || request.get("atomicityGroup").is_some() {
        return Err(bad_request(format!(
            "Batch request '{id}': the url must be relative, and neither nested batches nor atomicity groups exist."
        )));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        let name = HeaderName::from_bytes(name.as_bytes()).ok();
        let value = value.as_str().and_then(|value| HeaderValue::from_str(value).ok());
        headers.extend(name.zip(value).map(|(name, value)| (Some(name), value)));
    }
    let is_write = matches!(method, Method::POST | Method::PATCH | Method::PUT);
    let body = match request.get("body") {
        // Even without a payload there must be one (Graph: json-batching).
        None | Some(Value::Null) if is_write => {
            return Err(bad_request(format!("Write request id : {id} does not contain Content-Type header or body.")));
        }
        None | Some(Value::Null) => String::new(),
        Some(_) if !headers.contains_key("content-type") => {
            return Err(bad_request(format!("Batch request '{id}' has a body and no Content-Type header.")));
        }
        Some(body) => body.to_string(),
    };
    for inherited in ["authorization", "x-sim-deliberate"] {
        headers.extend(
            outer.headers.get(inherited).map(|value| (Some(HeaderName::from_static(inherited)), value.clone())),
        );
    }
    let depends_on =
        request["dependsOn"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let call = Call::new(method, outer.origin.clone(), &format!("/{version}/{url}"), headers, body);
    Ok(Part { id: id.to_owned(), depends_on, call })
}

/// What stands in for a part that depended on a failed one.
pub fn failed_dependency() -> Answer {
    super::error::refuse(424, "FailedDependency", "The request depended on another request that failed.")
}

/// The outer answer; 200 whatever happened inside.
pub fn answer(answers: Vec<(String, Answer)>) -> Answer {
    // A part cannot drip by itself.
    let drip_seconds = answers.iter().filter_map(|(_, answer)| answer.drip_seconds).max();
    let responses: Vec<Value> = answers.into_iter().map(|(id, answer)| response(&id, answer)).collect();
    Answer { drip_seconds, ..Answer::json(200, json!({"responses": responses})) }
}

fn response(id: &str, answer: Answer) -> Value {
    let mut headers: serde_json::Map<String, Value> =
        answer.headers.into_iter().map(|(name, value)| (name, json!(value))).collect();
    let body = match answer.body {
        Body::Empty => return json!({"id": id, "status": answer.status, "headers": headers}),
        Body::Json(body) => body,
        Body::Text(text) => json!(text),
    };
    headers.entry("Content-Type").or_insert_with(|| json!("application/json"));
    json!({"id": id, "status": answer.status, "headers": headers, "body": body})
}
