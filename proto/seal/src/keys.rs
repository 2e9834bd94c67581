//! Keys, all Ed25519: the offline root key, and the online keys that it delegates to for a time.
//!
//! They have two types, so a root key can never sign a state, nor an online key a delegation. Neither prints its
//! secret. [`crate::statement`] has what the root key states, [`crate::root`] what an online key signs.

use std::fmt;
use std::str::FromStr;

use entente_model::desired::Digest;
use ring::rand::SecureRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::hash;

/// Prefix of the signed bytes of a statement, so a signature never fits another kind of thing. The text of a note
/// begins with its origin instead.
pub(crate) const STATEMENT_CONTEXT: &[u8] = b"entente statement v1\n";

/// Why something is not a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("not an Ed25519 key in PKCS #8: {0}")]
    Pkcs8(String),
    #[error("an Ed25519 public key has 32 bytes, this has {0}")]
    PublicLength(usize),
    #[error("{0:?} is not a key id: write ed25519: and 64 lower-case hexadecimal digits")]
    Id(String),
    #[error("the source of randomness failed")]
    Randomness,
}

/// The public half.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        bytes.try_into().map(Self).map_err(|_| KeyError::PublicLength(bytes.len()))
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub fn id(&self) -> KeyId {
        KeyId(hash::of_bytes(&self.0))
    }

    pub(crate) fn verifies(&self, context: &[u8], bytes: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(&[context, bytes].concat(), signature).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}

/// A key's name: the SHA-256 of its public half, written `ed25519:HEX`. A guardrail pins the root key by it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub Digest);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ed25519:{}", self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyId {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let wrong = || KeyError::Id(text.chars().take(80).collect());
        let hex = text.strip_prefix("ed25519:").filter(|hex| hex.len() == 64).ok_or_else(wrong)?;
        if !hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Self(Digest(bytes)))
    }
}

/// A private key's bytes on their way to a file. `Debug` prints a placeholder.
pub struct Secret(Vec<u8>);

impl Secret {
    /// PKCS #8, DER.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A new key.
///
/// # Errors
/// Only if the source of randomness fails.
pub fn generate_pkcs8(rng: &dyn SecureRandom) -> Result<Secret, KeyError> {
    let document = Ed25519KeyPair::generate_pkcs8(rng).map_err(|_| KeyError::Randomness)?;
    Ok(Secret(document.as_ref().to_vec()))
}

macro_rules! private_key {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        pub struct $type(Ed25519KeyPair);

        impl $type {
            /// Reads PKCS #8 in DER, with or without the public half in it (RFC 8410, section 7).
            pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der);
                pair.map(Self).map_err(|error| KeyError::Pkcs8(error.to_string()))
            }

            pub fn public(&self) -> PublicKey {
                PublicKey(self.0.public_key().as_ref().try_into().expect("an Ed25519 public key has 32 bytes"))
            }

            pub fn id(&self) -> KeyId {
                self.public().id()
            }

            pub(crate) fn sign(&self, context: &[u8], bytes: &[u8]) -> Vec<u8> {
                self.0.sign(&[context, bytes].concat()).as_ref().to_vec()
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($type), self.id())
            }
        }
    };
}

private_key!(
    /// The offline key that customers pin. It signs only [`crate::Statement`]s.
    RootKey
);
private_key!(
    /// A key of the running control plane. It signs only [`crate::Root`]s.
    OnlineKey
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_key_prints_its_id_and_never_itself() {
        let (key, secret) = (samples::root_key(), Secret(samples::PKCS8.to_vec()));
        assert_eq!(format!("{key:?}"), format!("RootKey({})", key.id()));
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert_eq!(format!("{:?}", key.public()), format!("PublicKey({})", key.id()));
        assert_eq!(format!("{:?}", key.id()), key.id().to_string());
    }

    #[test]
    fn a_key_id_reads_back_as_written_and_has_one_spelling() {
        let id = samples::root_key().id();
        assert_eq!(id.to_string().parse::<KeyId>().unwrap(), id);
        for text in ["", "ed25519:", "ed25519:ab", &id.to_string().to_uppercase(), &id.to_string().replace(':', "-")] {
            assert!(text.parse::<KeyId>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert!(OnlineKey::from_pkcs8(b"not a key").is_err());
        assert_eq!(PublicKey::from_bytes(&[0; 31]), Err(KeyError::PublicLength(31)));
    }

    #[test]
    fn new_keys_differ() {
        let rng = ring::rand::SystemRandom::new();
        let new = || OnlineKey::from_pkcs8(generate_pkcs8(&rng).unwrap().expose()).unwrap().id();
        assert_ne!(new(), new());
    }
}
