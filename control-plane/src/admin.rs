//! `recover-admin`: a new administrator's certificate for those who have lost all of theirs. Needs the CA's key and a
//! stopped server, so whoever can run it could do anything already.

use std::path::{Path, PathBuf};
use std::time::Duration;

use entente_app::pki::CertificateAuthority;
use entente_model::{PrincipalName, Timestamp};

use crate::config::Config;
use crate::failure::Failure;
use crate::{files, init};

/// Returns the certificate and its key.
pub(crate) async fn recover(
    config: &Config,
    name: &str,
    out: &Path,
    now: Timestamp,
) -> Result<(PathBuf, PathBuf), Failure> {
    let name = PrincipalName::from_id(name).map_err(|error| Failure::Usage(error.to_string()))?;
    let ca = authority(config)?;
    let store = init::open_store(&config.data)?;
    let (certificate, key) = (out.join(format!("{}.crt", name.id())), out.join(format!("{}.key", name.id())));
    let lifetime = Duration::from_secs(86_400) * config.timing.principal_certificate_days;
    init::put_admin(&store, &ca, &name, now, lifetime, (&certificate, &key)).await?;
    Ok((certificate, key))
}

pub(crate) fn authority(config: &Config) -> Result<CertificateAuthority, Failure> {
    let (certificate, key) = (files::read(&config.ca.certificate)?, files::read(&config.ca.key)?);
    CertificateAuthority::load(&certificate, &key, &config.trust_domain)
        .map_err(|error| Failure::because("the CA cannot be used", error))
}
