//! Where a managed identity's tokens come from, and the two forms of the answer.
//!
//! Entra: managed identities, how to use a VM token; App Service: managed identity REST endpoint. It sends nothing;
//! `tokens.rs` does.

use std::time::Duration;

use reqwest::{Client, Request};
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::failure::TokenError;
use crate::secret::Secret;

const IMDS: &str = "http://169.254.169.254";

/// Entra: how to use a VM token, retry guidance: after 404, 410, 429 and 5xx; the service may be away for 70 s.
pub(crate) const WAITS: [Duration; 6] = [
    Duration::from_secs(0),
    Duration::from_secs(2),
    Duration::from_secs(6),
    Duration::from_secs(14),
    Duration::from_secs(30),
    Duration::from_secs(30),
];

/// The platform's endpoint for tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ManagedIdentity {
    /// The instance metadata service of a virtual machine; `address` is an origin.
    Imds { address: String },
    /// App Service, Functions and Container Apps; `address` is `IDENTITY_ENDPOINT`, `header` is `IDENTITY_HEADER`.
    AppService { address: String, header: Secret },
}

impl ManagedIdentity {
    /// The endpoint in the environment, else the metadata service.
    pub fn detect(env: impl Fn(&str) -> Option<String>) -> ManagedIdentity {
        match (env("IDENTITY_ENDPOINT"), env("IDENTITY_HEADER")) {
            (Some(address), Some(header)) => ManagedIdentity::AppService { address, header: Secret::new(header) },
            _ => ManagedIdentity::Imds { address: IMDS.to_owned() },
        }
    }

    pub(crate) fn request(&self, client: &Client, resource: &str, id: Option<Uuid>) -> Result<Request, reqwest::Error> {
        let mut query = vec![("resource", format!("{resource}/"))];
        if let Some(id) = id {
            query.push(("client_id", id.to_string()));
        }
        match self {
            ManagedIdentity::Imds { address } => {
                query.push(("api-version", "2018-02-01".to_owned()));
                let url = format!("{}/metadata/identity/oauth2/token", address.trim_end_matches('/'));
                client.get(url).header("Metadata", "true").query(&query).build()
            }
            ManagedIdentity::AppService { address, header } => {
                query.push(("api-version", "2019-08-01".to_owned()));
                client.get(address).header("X-IDENTITY-HEADER", header.reveal()).query(&query).build()
            }
        }
    }
}

/// A token answer of any of the three services. Numbers may be strings, and App Service gives the end instead of the
/// lifetime.
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Secret,
    expires_in: Option<Value>,
    expires_on: Option<Value>,
}

/// The token, and how long from `now` it is valid.
pub(crate) fn read_token(body: Value, now: OffsetDateTime) -> Result<(Secret, Duration), TokenError> {
    // The body may contain a token, so the decoder's message is not part of the error.
    let answer: TokenAnswer = serde_json::from_value(body)
        .map_err(|_| TokenError::Malformed("the answer contains no access token".to_owned()))?;
    let left = match (seconds(&answer.expires_in), seconds(&answer.expires_on)) {
        (Some(left), _) => left,
        (None, Some(at)) => at.saturating_sub(now.unix_timestamp()),
        (None, None) => return Err(TokenError::Malformed("the answer does not say when the token expires".to_owned())),
    };
    Ok((answer.access_token, Duration::from_secs(left.clamp(0, MAX_LIFE_SECONDS) as u64)))
}

/// Managed identity tokens live 24 hours, others about one hour. A longer life is a mistake.
const MAX_LIFE_SECONDS: i64 = 24 * 60 * 60;

fn seconds(value: &Option<Value>) -> Option<i64> {
    match value.as_ref()? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_three_ways_of_saying_when_a_token_ends_are_read() {
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        for (field, value, seconds) in [
            ("expires_in", json!(3599), 3599),
            ("expires_in", json!("86399"), 86_399),
            ("expires_on", json!("1800000060"), 60),
            ("expires_on", json!(1_700_000_000), 0),
            ("expires_on", json!(i64::MIN), 0),
            ("expires_in", json!(i64::MAX), 86_400),
        ] {
            let (token, left) = read_token(json!({"access_token": "t", field: value}), now).unwrap();
            assert_eq!((token.reveal(), left.as_secs()), ("t", seconds));
        }
        assert!(read_token(json!({"access_token": "t"}), now).is_err());
        assert!(read_token(Value::Null, now).is_err());
    }

    #[test]
    fn the_environment_chooses_app_service_only_when_it_names_both_parts() {
        let both = |name: &str| Some(format!("http://127.0.0.1/{name}"));
        assert!(matches!(ManagedIdentity::detect(both), ManagedIdentity::AppService { .. }));
        let one = |name: &str| (name == "IDENTITY_ENDPOINT").then(|| "http://127.0.0.1".to_owned());
        assert_eq!(ManagedIdentity::detect(one), ManagedIdentity::Imds { address: IMDS.to_owned() });
    }
}
