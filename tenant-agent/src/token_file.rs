//! The token file: the service provider makes it, and the customer enrols the agent with it, once.

use std::path::{Path, PathBuf};

use entente_cloud::Secret;
use entente_model::{Guid, TenantName};
use entente_seal::KeyId;
use serde::Deserialize;

use crate::config;
use crate::files::{self, FileError};

/// The file has six short lines.
const MAX_BYTES: usize = 8 << 10;

/// The content of the file.
#[derive(Debug)]
pub struct TokenFile {
    /// `HOST:PORT` of the agents' port.
    pub address: String,
    pub entra_tenant: Guid,
    /// Enrols one agent, once.
    pub token: Secret,
    /// SHA-256 of the DER of the CA's certificate.
    pub ca_sha256: [u8; 32],
    /// Id of the provider's root key.
    pub root_key: KeyId,
}

/// Why the file cannot be used. Never quotes it.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("there is no token file {0}")]
    Missing(PathBuf),
    #[error("token file {0} is not one: it must hold address, tenant, entra_tenant, token, ca_sha256 and root_key")]
    Form(PathBuf),
    #[error("token file {path}: {field} is malformed")]
    Field { path: PathBuf, field: &'static str },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    address: String,
    tenant: String,
    entra_tenant: String,
    token: Secret,
    ca_sha256: String,
    /// `ed25519:HEX`, as the guardrail has it.
    root_key: String,
}

impl TokenFile {
    pub fn load(path: &Path) -> Result<Self, TokenFileError> {
        let text = files::read_text(path, MAX_BYTES)?.ok_or_else(|| TokenFileError::Missing(path.into()))?;
        let form: Form = toml::from_str(&text).map_err(|_| TokenFileError::Form(path.into()))?;
        let wrong = |field| move || TokenFileError::Field { path: path.into(), field };
        config::check_address(&form.address).map_err(|_| wrong("address")())?;
        let mut ca_sha256 = [0; 32];
        hex::decode_to_slice(&form.ca_sha256, &mut ca_sha256).map_err(|_| wrong("ca_sha256")())?;
        form.tenant.parse::<TenantName>().map_err(|_| wrong("tenant")())?;
        Ok(Self {
            entra_tenant: form.entra_tenant.parse().map_err(|_| wrong("entra_tenant")())?,
            root_key: form.root_key.parse().map_err(|_| wrong("root_key")())?,
            address: form.address,
            token: form.token,
            ca_sha256,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "ed25519:56475aa75463474c0285df5dbf2bcab73da651358839e9b77481b2eab107708c";
    const HASH: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn load(root_key: &str) -> Result<TokenFile, TokenFileError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token.toml");
        let text = format!(
            "address = \"nordwall.example:7444\"\ntenant = \"tenants/contoso\"\n\
             entra_tenant = \"0c0de000-0000-4000-8000-000000000001\"\ntoken = \"t1.topsecret\"\n\
             ca_sha256 = \"{HASH}\"\nroot_key = \"{root_key}\"\n"
        );
        std::fs::write(&path, text).unwrap();
        TokenFile::load(&path)
    }

    #[test]
    fn the_root_key_is_named_as_in_the_guardrail() {
        assert_eq!(load(ID).unwrap().root_key.to_string(), ID);
        assert!(load(HASH).is_err());
        assert!(load("none").is_err());
    }

    #[test]
    fn the_secret_shows_nowhere() {
        let token = load(ID).unwrap();
        assert!(!format!("{token:?}").contains("topsecret"));
        assert!(!format!("{:?}", load("none")).contains("topsecret"));
    }
}
