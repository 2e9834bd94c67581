//! A request as the handlers see it, and their answer.
//!
//! Knows nothing of sockets, TLS or streaming bodies: `front` reads those and makes a [`Call`]. Handlers are plain
//! functions from a call to an [`Answer`], so that a `$batch` can run them once more for each of its parts.

use http::{HeaderMap, Method};
use serde_json::Value;

/// One request, decoded.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: Method,
    /// `https://host:port` as the client named it; links in answers start with it.
    pub origin: String,
    /// Path as sent, without the query.
    pub raw_path: String,
    /// Query as sent, without the question mark.
    pub raw_query: String,
    /// Percent-decoded path segments, empty ones dropped.
    pub segments: Vec<String>,
    /// Percent-decoded query pairs in order.
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    /// The body as text; JSON is parsed on demand, forms by the token endpoint.
    pub body: String,
}

impl Call {
    /// Splits a target such as `/v1.0/users?$top=5` into its decoded parts.
    pub fn new(method: Method, origin: String, target: &str, headers: HeaderMap, body: String) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method,
            origin,
            raw_path: path.to_owned(),
            raw_query: query.to_owned(),
            segments: path.split('/').filter(|part| !part.is_empty()).map(|part| decode(part, false)).collect(),
            query: parse_pairs(query),
            headers,
            body,
        }
    }

    /// The target as sent: path and query.
    pub fn target(&self) -> String {
        if self.raw_query.is_empty() { self.raw_path.clone() } else { format!("{}?{}", self.raw_path, self.raw_query) }
    }

    /// Path and query with percent-encoding undone: what fault and barrier patterns match.
    pub fn decoded_target(&self) -> String {
        let path = format!("/{}", self.segments.join("/"));
        if self.raw_query.is_empty() { path } else { format!("{path}?{}", decode(&self.raw_query, true)) }
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as JSON; `None` if there is none or it is not JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.body).ok()
    }

    /// Whether the call would change something (everything but GET and HEAD).
    pub fn is_write(&self) -> bool {
        !matches!(self.method, Method::GET | Method::HEAD)
    }
}

/// What goes back.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Body,
    /// For how many seconds the body is sent a byte a second, if at all.
    pub drip_seconds: Option<u64>,
}

/// An answer's body.
#[derive(Debug, Clone, Default)]
pub enum Body {
    #[default]
    Empty,
    Json(Value),
    Text(String),
}

/// A handler's result. `Err` is a refusal, which is also an answer.
pub type Reply = Result<Answer, Answer>;

impl Answer {
    pub fn json(status: u16, body: Value) -> Self {
        Self { status, body: Body::Json(body), ..Self::default() }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self { status, body: Body::Text(body.into()), ..Self::default() }
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn succeeded(&self) -> bool {
        (200..400).contains(&self.status)
    }
}

/// Whichever of the two a handler returned.
pub fn settle(reply: Reply) -> Answer {
    reply.unwrap_or_else(|refusal| refusal)
}

/// Parses `a=1&b=2` with percent- and plus-encoding.
pub fn parse_pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key, true), decode(value, true))
        })
        .collect()
}

/// Undoes percent-encoding; what is not valid stays as it is. In queries a plus sign is a space.
pub fn decode(text: &str, plus_is_space: bool) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes.get(at + 1..at + 3).and_then(|two| std::str::from_utf8(two).ok());
        match (bytes[at], pair.and_then(|two| u8::from_str_radix(two, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
                continue;
            }
            (b'+', _) if plus_is_space => out.push(b' '),
            (other, _) => out.push(other),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Percent-encodes everything but unreserved characters.
pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => (byte as char).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
