//! How every kind is written and read.

use crate::decode::DecodeError;

/// How the body of one kind is written and read. No method has a default.
pub(crate) trait Codec: Sized {
    type Wire;

    /// The same body always has the same form.
    fn encode(&self) -> Self::Wire;

    /// `None` for a word of a closed list that this version does not know.
    fn decode(key: &str, wire: Self::Wire) -> Result<Option<Self>, DecodeError>;

    /// The texts in it that are shown to people or written to a tenant.
    fn texts(&self) -> Vec<&str>;
}
