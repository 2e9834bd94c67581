//! Connections through a proxy: which ones use it, and the tunnel.
//!
//! The rules are curl's (`hyper-util`'s matcher). The tunnel is HTTP `CONNECT`. Inside it, the connection is as it
//! would be without: the proxy sees the peer's address, but nothing of the content.

use std::io;
use std::sync::Arc;

use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tonic::transport::Uri;
use tower::{ServiceExt, service_fn};

/// Which connections use a proxy. `Debug` shows no address, because it may contain a password.
#[derive(Clone, Default)]
pub struct Proxy(Option<Arc<Matcher>>);

/// Why an address is not a proxy's. The error has no address, because it may contain a password.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    #[error("is not an address: write http://HOST:PORT")]
    Address,
    #[error("is not supported: write http://HOST:PORT; what goes through the proxy is still encrypted")]
    Scheme,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Proxy(..)" } else { "Proxy(none)" })
    }
}

impl Proxy {
    /// Everything through the proxy at that address, except the hosts of `except`, a list as in `NO_PROXY`.
    pub fn new(address: &str, except: &str) -> Result<Self, ProxyError> {
        let matcher = Matcher::builder().https(address.trim()).build();
        let anywhere = matcher.intercept(&Uri::from_static("https://host.invalid")).ok_or(ProxyError::Address)?;
        match anywhere.uri().scheme_str() {
            Some("http") if anywhere.uri().port_u16() != Some(0) => {}
            _ => return Err(ProxyError::Scheme),
        }
        Ok(Self(Some(Arc::new(Matcher::builder().https(address.trim()).no(except).build()))))
    }

    fn of(&self, host: &str, port: u16) -> Option<Intercept> {
        self.0.as_ref()?.intercept(&format!("https://{host}:{port}").parse().ok()?)
    }

    /// The proxy for a host, without a password. `None` if the host is reached directly.
    pub fn way(&self, host: &str, port: u16) -> Option<String> {
        let way = self.of(host, port)?;
        Some(match (way.uri().host(), way.uri().port_u16()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or_default().to_owned(),
        })
    }

    /// A connection to a host, directly or through the proxy.
    pub(crate) async fn connect(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        let Some(way) = self.of(host, port) else {
            return TcpStream::connect((host.trim_matches(['[', ']']), port)).await;
        };
        let (proxy, shown) = (way.uri().clone(), way.uri().authority().map(ToString::to_string).unwrap_or_default());
        let plain = service_fn(|proxy: Uri| async move {
            let host = proxy.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
            TcpStream::connect((host, proxy.port_u16().unwrap_or(80))).await.map(TokioIo::new)
        });
        let mut tunnel = Tunnel::new(proxy, plain);
        if let Some(word) = way.basic_auth() {
            tunnel = tunnel.with_auth(word.clone());
        }
        let target: Uri = format!("https://{host}:{port}").parse().map_err(io::Error::other)?;
        let opened = tunnel.oneshot(target).await;
        let refused =
            |error| io::Error::other(format!("the proxy {shown} does not allow connections to {host}:{port}: {error}"));
        opened.map(TokioIo::into_inner).map_err(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_are_curls() {
        let proxy =
            Proxy::new("http://a:b@proxy.contoso.example:3128", "internal.example, 10.0.0.0/8,.corp.example").unwrap();
        let through = |host: &str| proxy.of(host, 7444).is_some();
        assert!(through("soc.nordwall.example") && through("notinternal.example") && through("192.0.2.1"));
        assert!(!through("internal.example") && !through("a.internal.example") && !through("10.1.2.3"));
        assert!(!through("b.corp.example"));
        assert!(Proxy::new("http://proxy:3128", "*").unwrap().of("soc.nordwall.example", 7444).is_none());
        assert!(Proxy::new("proxy:3128", "").unwrap().of("soc.nordwall.example", 7444).is_some());
        assert!(Proxy::default().of("soc.nordwall.example", 7444).is_none());
        assert_eq!(format!("{proxy:?}"), "Proxy(..)");
    }

    #[test]
    fn an_address_that_is_none_is_refused_without_being_shown() {
        for bad in ["", "socks5://proxy:1080", "https://u:secret@proxy:3128", "http://"] {
            let error = Proxy::new(bad, "").unwrap_err();
            assert!(!format!("{error:?} {error}").contains("secret"), "{bad}");
        }
    }
}
