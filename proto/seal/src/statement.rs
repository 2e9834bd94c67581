//! What the root key states: which keys may sign for it and how long, which delegations are revoked, and the current
//! history.

use std::collections::BTreeSet;

use entente_model::Timestamp;
use prost::Message;

use crate::decode::{DecodeError, timestamp};
use crate::keys::{PublicKey, RootKey, STATEMENT_CONTEXT};
use crate::wire::{self, StatementKind};

/// Most bytes of a statement: a revocation of four thousand serials, one a day for ten years.
pub(crate) const MAX_STATEMENT_BYTES: usize = 40 * 1024;

/// One statement of the root key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// An online key may sign roots from `not_before`, inclusive, to `not_after`, exclusive.
    Delegation { key: PublicKey, not_before: Timestamp, not_after: Timestamp, serial: u64 },
    /// These delegations no longer count, whatever their dates are.
    Revocation { serials: BTreeSet<u64> },
    /// This is the current history; earlier ones are over. The first history needs one as well.
    Epoch { epoch: u64, reason: String },
}

/// A statement with its signature, as it is sent and stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    pub statement: Vec<u8>,
    pub signature: Vec<u8>,
}

impl Statement {
    fn encode(&self) -> Vec<u8> {
        let kind = match self {
            Self::Delegation { key, not_before, not_after, serial } => StatementKind::Delegation(wire::Delegation {
                key: key.as_bytes().to_vec(),
                not_before: not_before.as_unix(),
                not_after: not_after.as_unix(),
                serial: *serial,
            }),
            Self::Revocation { serials } => {
                StatementKind::Revocation(wire::Revocation { serials: serials.iter().copied().collect() })
            }
            Self::Epoch { epoch, reason } => {
                StatementKind::Epoch(wire::Epoch { epoch: *epoch, reason: reason.clone() })
            }
        };
        wire::Statement { kind: Some(kind) }.encode_to_vec()
    }

    /// Decodes a statement. [`crate::Verifier::accept`] checks its signature.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_STATEMENT_BYTES {
            return Err(DecodeError::TooLarge { what: "statement".into(), len: bytes.len(), max: MAX_STATEMENT_BYTES });
        }
        let statement =
            wire::Statement::decode(bytes).map_err(|error| DecodeError::Bytes("statement".into(), error))?;
        Ok(match statement.kind.ok_or_else(|| DecodeError::field("statement", "kind"))? {
            StatementKind::Delegation(it) => Self::Delegation {
                key: PublicKey::from_bytes(&it.key).map_err(|_| DecodeError::field("delegation", "key"))?,
                not_before: timestamp("delegation", "not_before", it.not_before)?,
                not_after: timestamp("delegation", "not_after", it.not_after)?,
                serial: it.serial,
            },
            StatementKind::Revocation(it) => Self::Revocation { serials: it.serials.into_iter().collect() },
            StatementKind::Epoch(it) => Self::Epoch { epoch: it.epoch, reason: it.reason },
        })
    }
}

impl RootKey {
    /// Signs a statement.
    pub fn state(&self, statement: &Statement) -> Signed {
        let statement = statement.encode();
        Signed { signature: self.sign(STATEMENT_CONTEXT, &statement), statement }
    }
}
