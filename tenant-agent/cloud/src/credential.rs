//! How the agent proves its identity to Entra: the fields of a token request, read from disk each time.
//!
//! Files are read again so that a rotated secret, certificate or federated token needs no restart. It sends nothing;
//! `tokens.rs` does. The signed assertion is in `credential/assertion.rs`.

mod assertion;
mod file;
mod managed_identity;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use uuid::Uuid;

pub use managed_identity::ManagedIdentity;
pub(crate) use managed_identity::{WAITS, read_token};

use crate::secret::Secret;

use crate::failure::TokenError;
use file::{read_bounded, unusable};

/// RFC 7523: the type of the `client_assertion`.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The credential of the agent's application, or of its machine.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential {
    /// The first line of a file, trimmed.
    ClientSecret { client_id: Uuid, secret_file: PathBuf },
    /// An RSA certificate and its key, both PEM; they may be one file.
    Certificate { client_id: Uuid, certificate_file: PathBuf, key_file: PathBuf },
    /// A token of another issuer that Entra trusts, for example one that Kubernetes provides.
    FederatedToken { client_id: Uuid, token_file: PathBuf },
    /// The managed identity of the machine. `client_id` selects one of several.
    ManagedIdentity { client_id: Option<Uuid>, source: ManagedIdentity },
}

/// The fields of a token request. Without `Debug`: one of them is a secret.
pub(crate) type Form = Vec<(&'static str, String)>;

/// Entra: client credentials flow. The fields that prove the identity. `audience` is the token endpoint's own name.
pub(crate) fn proof(credential: &Credential, audience: &str, now: OffsetDateTime) -> Result<Form, TokenError> {
    let assertion = |client_id: &Uuid, jwt: String| {
        vec![
            ("client_id", client_id.to_string()),
            ("client_assertion_type", JWT_BEARER.to_owned()),
            ("client_assertion", jwt),
        ]
    };
    match credential {
        Credential::ClientSecret { client_id, secret_file } => {
            let secret = first_line(secret_file)?;
            Ok(vec![("client_id", client_id.to_string()), ("client_secret", secret.reveal().to_owned())])
        }
        Credential::Certificate { client_id, certificate_file, key_file } => {
            let signer = assertion::Signer::read(certificate_file, key_file)?;
            Ok(assertion(client_id, signer.sign(*client_id, audience, now)?))
        }
        Credential::FederatedToken { client_id, token_file } => {
            let token = first_line(token_file)?;
            Ok(assertion(client_id, token.reveal().to_owned()))
        }
        // No fields: the machine vouches for it, and `tokens.rs` asks the machine.
        Credential::ManagedIdentity { .. } => Ok(Vec::new()),
    }
}

/// A fingerprint of the credential's files, to notice changes. Kept in memory only.
pub(crate) fn print(credential: &Credential) -> u64 {
    let files: Vec<&Path> = match credential {
        Credential::ClientSecret { secret_file, .. } => vec![secret_file],
        Credential::Certificate { certificate_file, key_file, .. } => vec![certificate_file, key_file],
        Credential::FederatedToken { token_file, .. } => vec![token_file],
        Credential::ManagedIdentity { .. } => Vec::new(),
    };
    let mut hasher = DefaultHasher::new();
    files.into_iter().for_each(|file| read_bounded(file).ok().hash(&mut hasher));
    hasher.finish()
}

fn first_line(path: &Path) -> Result<Secret, TokenError> {
    let bytes = read_bounded(path)?;
    let not_utf_8 =
        "is not UTF-8 text: save it as UTF-8 (Windows PowerShell writes UTF-16 unless told: -Encoding ascii)";
    let text = std::str::from_utf8(&bytes)
        .ok()
        .filter(|text| !text.contains('\0'))
        .ok_or_else(|| unusable(path, not_utf_8))?;
    match text.trim().lines().next() {
        Some(line) => Ok(Secret::new(line.trim_end())),
        None => Err(unusable(path, "is empty")),
    }
}
