//! Everything that a server reads before it touches anything.

use entente_app::pki::CertificateAuthority;
use entente_grpc::transport::Material;
use entente_seal::{OnlineKey, PublicKey};

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

pub(crate) fn tls(config: &Config) -> Result<Material, Failure> {
    Ok(Material {
        certificate_pem: files::read(&config.tls.certificate)?.into_bytes(),
        key_pem: files::read(&config.tls.key)?.into_bytes(),
        client_ca_pem: files::read(&config.ca.certificate)?.into_bytes(),
    })
}
