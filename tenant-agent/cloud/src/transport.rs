//! One HTTP exchange: bytes out, a bounded answer back, and whether the request was sent at all.
//!
//! This is the only file that uses reqwest's client. It repeats nothing and judges no status; `call.rs` does.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Request, Response};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::config::{Config, ConfigError};
use crate::failure::Cause;
use crate::secret::Secret;

/// The largest answer that we read. A batch of twenty full pages is less than half of it, and memory stays bounded.
const ANSWER_LIMIT_BYTES: usize = 8 * 1024 * 1024;

/// How long idle connections are kept: less than the services' own idle time, so a request rarely meets a closing one.
const IDLE: Duration = Duration::from_secs(60);

/// A service's answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub status: u16,
    pub retry_after: Option<Duration>,
    pub request_id: Option<String>,
    /// The service's own time when it answered.
    pub date: Option<OffsetDateTime>,
    /// `Null` when the body was empty or not JSON.
    pub body: Value,
    /// There was a body that was not JSON. These services always answer in JSON, so the answer is not theirs.
    pub garbled: bool,
    /// The length of the body as received.
    pub bytes: usize,
}

/// The result of one exchange.
#[derive(Debug, Clone)]
pub(crate) enum Exchange {
    Reply(Reply),
    /// No connection was made: nothing was sent.
    NotSent(Cause),
    /// Sent completely or in part, without a complete answer.
    Lost(Cause),
    /// The answer is longer than we read.
    TooLarge(u16),
}

/// The HTTP clients of one agent. They never follow redirects: a header must not decide where a token goes.
pub(crate) struct Transport {
    pooled: Client,
    /// Opens a connection for each request. Graph asks for this after 503 and 504 (Graph: best practices).
    fresh: Client,
    /// Without the proxy, because the instance metadata service is on the machine's own link.
    local: Client,
}

/// By hand, because reqwest's own would print the proxy, whose address may contain a password.
impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transport")
    }
}

/// The client for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Via {
    Pooled,
    Fresh,
    Local,
}

#[cfg(test)]
impl Reply {
    pub(crate) fn bare(status: u16) -> Reply {
        Reply { status, retry_after: None, request_id: None, date: None, body: Value::Null, garbled: false, bytes: 0 }
    }
}

impl Transport {
    pub(crate) fn new(config: &Config) -> Result<Transport, ConfigError> {
        install_crypto_provider();
        let build = |builder: reqwest::ClientBuilder| builder.build().map_err(|e| ConfigError::Client(Arc::new(e)));
        let outward = || -> Result<_, ConfigError> {
            let builder = base(config)?.https_only(true);
            Ok(match &config.proxy {
                Some(address) => builder.proxy(proxy(address, &config.no_proxy)?),
                None => builder.no_proxy(),
            })
        };
        Ok(Transport {
            pooled: build(outward()?)?,
            fresh: build(outward()?.pool_max_idle_per_host(0))?,
            local: build(base(config)?.no_proxy())?,
        })
    }

    pub(crate) fn client(&self, via: Via) -> &Client {
        match via {
            Via::Pooled => &self.pooled,
            Via::Fresh => &self.fresh,
            Via::Local => &self.local,
        }
    }

    pub(crate) async fn exchange(&self, via: Via, request: Request) -> Exchange {
        let response = match self.client(via).execute(request).await {
            Ok(response) => response,
            Err(error) if error.is_connect() || error.is_builder() => {
                return Exchange::NotSent(cause(error));
            }
            Err(error) => return Exchange::Lost(cause(error)),
        };
        read(response).await
    }
}

/// reqwest panics without a process-wide provider. One that is already installed stays.
fn install_crypto_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error means that another thread was first, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

fn base(config: &Config) -> Result<reqwest::ClientBuilder, ConfigError> {
    let mut builder = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(config.patience.connect)
        .timeout(config.patience.answer)
        .pool_idle_timeout(IDLE)
        .user_agent(concat!("entente-agent/", env!("CARGO_PKG_VERSION")));
    if let Some(pem) = &config.extra_ca_pem {
        let authorities =
            reqwest::Certificate::from_pem_bundle(pem).map_err(|e| ConfigError::Authority(Some(Arc::new(e))))?;
        if authorities.is_empty() {
            return Err(ConfigError::Authority(None));
        }
        builder = builder.tls_certs_merge(authorities);
    }
    Ok(builder)
}

fn proxy(address: &Secret, except: &str) -> Result<reqwest::Proxy, ConfigError> {
    let proxy = reqwest::Proxy::all(address.reveal()).map_err(|_| ConfigError::Proxy)?;
    Ok(proxy.no_proxy(reqwest::NoProxy::from_string(except)))
}

/// Without its URL, because a query may contain a person's mail address.
fn cause(error: reqwest::Error) -> Cause {
    Arc::new(error.without_url())
}

async fn read(mut response: Response) -> Exchange {
    let status = response.status().as_u16();
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if bytes.len() + chunk.len() > ANSWER_LIMIT_BYTES => {
                return Exchange::TooLarge(status);
            }
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => return Exchange::Lost(cause(error)),
        }
    }
    let headers = response.headers();
    let body = serde_json::from_slice(&bytes);
    let date = header(headers, DATE.as_str()).and_then(http_date);
    Exchange::Reply(Reply {
        status,
        retry_after: header(headers, RETRY_AFTER.as_str()).and_then(|v| retry_after(v, date)),
        request_id: ["request-id", "x-ms-request-id"]
            .iter()
            .find_map(|name| header(headers, name))
            .map(|id| id.chars().take(64).collect()),
        date,
        bytes: bytes.len(),
        garbled: body.is_err() && !bytes.is_empty(),
        body: body.unwrap_or(Value::Null),
    })
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// RFC 9110, 10.2.3: seconds, or a date. Graph sends seconds, sometimes with decimals; devices in between may send
/// either. A date counts from `now`, the sender's own, because our clock may be wrong.
pub(crate) fn retry_after(value: &str, now: Option<OffsetDateTime>) -> Option<Duration> {
    let value = value.trim();
    if value.starts_with(|c: char| c.is_ascii_digit()) {
        let seconds = value.parse::<f64>().ok().filter(|seconds| seconds.is_finite())?;
        // More than a century is as good as never.
        return Some(Duration::from_secs_f64(seconds.min(u32::MAX.into())));
    }
    Some((http_date(value)? - now?).try_into().unwrap_or(Duration::ZERO))
}

/// RFC 9110, 5.6.7.
pub(crate) fn http_date(value: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(value.trim(), &Rfc2822).ok()
}

/// The innermost cause, which says more than "error sending request".
pub(crate) fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut at = error;
    while let Some(next) = at.source() {
        at = next;
    }
    at.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        let now = OffsetDateTime::parse("Sun, 06 Nov 1994 08:49:30 GMT", &Rfc2822).unwrap();
        let check = |value, seconds: Option<u64>| {
            assert_eq!(retry_after(value, Some(now)), seconds.map(Duration::from_secs), "{value}");
        };
        check("7", Some(7));
        check(" 0 ", Some(0));
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(7));
        check("Sun, 06 Nov 1994 08:00:00 GMT", Some(0));
        check("-1", None);
        check("soon", None);
        check("120.0", Some(120));
        check("1e300", Some(u32::MAX.into()));
        check("", None);
        check("7 s", None);
        assert_eq!(retry_after("1.5", None), Some(Duration::from_millis(1_500)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", None), None, "a date says nothing without another");
    }
}
