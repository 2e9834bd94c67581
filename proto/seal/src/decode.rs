//! What can be wrong with bytes, and how single values are read.

use entente_model::desired::{Digest, KeyError};
use entente_model::{Guid, Timestamp};

/// Why bytes cannot be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("item key {0:?} is not in its canonical spelling")]
    KeySpelling(String),
    #[error("{what} has {len} bytes; at most {max} are taken")]
    TooLarge { what: String, len: usize, max: usize },
    #[error("{0} is not in its canonical encoding")]
    Bytes(String, #[source] prost::DecodeError),
    #[error("{what}: {field} has an unknown value")]
    Field { what: String, field: &'static str },
}

impl DecodeError {
    pub(crate) fn field(what: impl ToString, field: &'static str) -> Self {
        Self::Field { what: what.to_string(), field }
    }
}

pub(crate) fn guid(what: impl ToString, field: &'static str, bytes: &[u8]) -> Result<Guid, DecodeError> {
    let bytes: [u8; 16] = bytes.try_into().map_err(|_| DecodeError::field(what, field))?;
    Ok(Guid::from_u128(u128::from_be_bytes(bytes)))
}

pub(crate) fn digest(what: impl ToString, field: &'static str, bytes: &[u8]) -> Result<Digest, DecodeError> {
    bytes.try_into().map(Digest).map_err(|_| DecodeError::field(what, field))
}

pub(crate) fn timestamp(what: impl ToString, field: &'static str, seconds: i64) -> Result<Timestamp, DecodeError> {
    let timestamp = Timestamp::from_unix(seconds);
    if timestamp.as_unix() == seconds { Ok(timestamp) } else { Err(DecodeError::field(what, field)) }
}
