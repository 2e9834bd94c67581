//! Why a configuration cannot be used.

use crate::failure::Cause;

/// Why a [`crate::Cloud`] could not be built.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    #[error("cloud {0:?} is not one of global, usGovL4, usGovL5, china")]
    Cloud(String),
    #[error("endpoint {field} must be an https origin without a path, not {address:?}")]
    Endpoint { field: &'static str, address: String },
    #[error("the extra certificate authorities are not PEM certificates")]
    Authority(#[source] Option<Cause>),
    /// Without the cause, which would show the address with its password.
    #[error("the proxy address is not usable; expected http://host:port")]
    Proxy,
    #[error("the http client could not be built; is there any trusted certificate authority on this machine?")]
    Client(#[source] Cause),
}
