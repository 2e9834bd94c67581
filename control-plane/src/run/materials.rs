//! Everything that a server reads before it touches anything.

use entente_app::pki::CertificateAuthority;
use entente_grpc::transport::Material;
use entente_model::Timestamp;
use entente_seal::{OnlineKey, PublicKey};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::config::Config;
use crate::failure::Failure;
use crate::statements::Statements;
use crate::{admin, files};

/// See the module.
pub(crate) struct Materials {
    pub(crate) tls: Material,
    pub(crate) ca: CertificateAuthority,
    pub(crate) online: OnlineKey,
    pub(crate) root: PublicKey,
    pub(crate) statements: Statements,
}

/// Key files that everybody on this machine may read, each with what to do.
pub(crate) fn open_keys(config: &Config) -> Vec<String> {
    let keys = [&config.tls.key, &config.ca.key, &config.signing.key];
    let open = keys.into_iter().filter(|path| files::is_open(path));
    open.map(|path| format!("other users can read the key {0}: chmod 600 {0}", path.display())).collect()
}

impl Materials {
    pub(crate) fn load(config: &Config) -> Result<Self, Failure> {
        let root = config.root_public_key().map_err(Failure::Usage)?;
        Ok(Self {
            tls: tls(config)?,
            ca: admin::authority(config)?,
            online: files::online_key(&config.signing.key)?,
            root,
            statements: Statements::load(&config.signing.statements, root)?,
        })
    }
}

/// What ends, and when. An alert on it is what keeps a server from stopping by itself.
pub(crate) struct Expiry {
    pub(crate) what: &'static str,
    pub(crate) end: Timestamp,
    pub(crate) remedy: &'static str,
}

impl Materials {
    /// Everything that ends by itself. A signing key without a delegation is refused.
    pub(crate) fn expiries(&self) -> Result<Vec<Expiry>, Failure> {
        let delegated = self.statements.delegated_until(self.online.public());
        let delegated = delegated
            .ok_or_else(|| Failure::failed("no delegation lets the signing key sign; make one with `delegate`"))?;
        let certificate = certificate_end(&self.tls.certificate_pem)?;
        let ca = certificate_end(self.ca.pem().as_bytes())?;
        Ok(vec![
            Expiry { what: "delegation", end: delegated, remedy: "make a new one with `delegate`" },
            Expiry { what: "server_certificate", end: certificate, remedy: "replace its file and send SIGHUP" },
            Expiry { what: "ca_certificate", end: ca, remedy: "replace it while agents still trust it" },
        ])
    }
}

pub(crate) fn certificate_end(pem: &[u8]) -> Result<Timestamp, Failure> {
    validity(pem).map(|(_, end)| end)
}

/// From when until when a certificate is good.
pub(crate) fn validity(pem: &[u8]) -> Result<(Timestamp, Timestamp), Failure> {
    let unreadable = || Failure::failed("a certificate cannot be read");
    let der = CertificateDer::from_pem_slice(pem).map_err(|_| unreadable())?;
    let (_, certificate) = X509Certificate::from_der(&der).map_err(|_| unreadable())?;
    let validity = certificate.validity();
    let at = |time: x509_parser::time::ASN1Time| Timestamp::from_unix(time.timestamp());
    Ok((at(validity.not_before), at(validity.not_after)))
}

pub(crate) fn tls(config: &Config) -> Result<Material, Failure> {
    Ok(Material {
        certificate_pem: files::read(&config.tls.certificate)?.into_bytes(),
        key_pem: files::read(&config.tls.key)?.into_bytes(),
        client_ca_pem: files::read(&config.ca.certificate)?.into_bytes(),
        trust_domain: config.trust_domain.clone(),
    })
}
