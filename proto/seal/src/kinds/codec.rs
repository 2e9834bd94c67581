//! How every kind is encoded and decoded.

use crate::decode::DecodeError;

/// Encodes and decodes the body of one kind. No method has a default.
pub(crate) trait Codec: Sized {
    type Wire;

    /// The same body always has the same encoding.
    fn encode(&self) -> Self::Wire;

    /// `None` for a word of a closed list that this version does not know.
    fn decode(key: &str, wire: Self::Wire) -> Result<Option<Self>, DecodeError>;

    /// The texts that people see or that the agent writes to a tenant.
    fn texts(&self) -> Vec<&str>;
}
