//! The certificate authority: one self-signed P-256 certificate, and what it signs.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use entente_model::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType, SerialNumber,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{KeyPem, PkiError, RequestedKey, Serial, Who};

/// Certificates begin a little before they are made, because the clocks of two machines differ.
const BACKDATED: Duration = Duration::from_secs(300);

/// Signs for agents, principals and servers. Clones share the key.
#[derive(Clone)]
pub struct CertificateAuthority {
    inner: Arc<Inner>,
}

struct Inner {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    sha256: [u8; 32],
    trust_domain: String,
    validity: (Timestamp, Timestamp),
}

/// A signed certificate.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The leaf and the CA's.
    pub certificate_pem: String,
    pub serial: Serial,
    pub not_after: Timestamp,
}

/// A new authority, for the files that it goes into.
#[derive(Debug)]
pub struct NewCa {
    pub certificate_pem: String,
    pub key_pem: KeyPem,
}

impl fmt::Debug for CertificateAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateAuthority({})", self.inner.trust_domain)
    }
}

/// Makes an authority that signs leaves only.
pub fn create_ca(trust_domain: &str, now: Timestamp, lifetime: Duration) -> Result<NewCa, PkiError> {
    check_trust_domain(trust_domain)?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(PkiError::Issue)?;
    let mut params = params(&format!("Entente CA of {trust_domain}"), Serial::random()?, now, lifetime);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&key).map_err(PkiError::Issue)?;
    Ok(NewCa { certificate_pem: certificate.pem(), key_pem: KeyPem(key.serialize_pem()) })
}

impl CertificateAuthority {
    pub fn load(certificate_pem: &str, key_pem: &str, trust_domain: &str) -> Result<Self, PkiError> {
        check_trust_domain(trust_domain)?;
        let key = KeyPair::from_pem(key_pem).map_err(PkiError::CaKey)?;
        let unreadable = || PkiError::CaCertificate(rcgen::Error::CouldNotParseCertificate);
        let der = CertificateDer::from_pem_slice(certificate_pem.as_bytes()).map_err(|_| unreadable())?;
        let (_, parsed) = X509Certificate::from_der(&der).map_err(|_| unreadable())?;
        if parsed.public_key().raw != key.subject_public_key_info() {
            return Err(PkiError::OtherCaKey);
        }
        let (begins, ends) = (parsed.validity().not_before.timestamp(), parsed.validity().not_after.timestamp());
        let validity = (Timestamp::from_unix(begins), Timestamp::from_unix(ends));
        let sha256 = ring::digest::digest(&ring::digest::SHA256, &der);
        let sha256 = sha256.as_ref().try_into().expect("SHA-256 has 32 bytes");
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(PkiError::CaCertificate)?;
        let (pem, trust_domain) = (certificate_pem.trim_end().to_owned() + "\n", trust_domain.to_owned());
        Ok(Self { inner: Arc::new(Inner { issuer, pem, sha256, trust_domain, validity }) })
    }

    /// The authority's certificate.
    pub fn pem(&self) -> &str {
        &self.inner.pem
    }

    /// SHA-256 of the authority's certificate, DER.
    pub fn sha256(&self) -> [u8; 32] {
        self.inner.sha256
    }

    /// From when until when its certificate is good.
    pub fn validity(&self) -> (Timestamp, Timestamp) {
        self.inner.validity
    }

    pub fn trust_domain(&self) -> &str {
        &self.inner.trust_domain
    }

    /// For DNS names and IP addresses. Its key is made here.
    pub fn server(
        &self,
        names: &[String],
        serial: Serial,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<(Issued, KeyPem), PkiError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(PkiError::Issue)?;
        let mut params = params("Entente control plane", serial, now, lifetime);
        params.subject_alt_names = names.iter().map(|name| server_name(name)).collect::<Result<_, _>>()?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        Ok((self.issue(params, &key, serial, now.plus(lifetime))?, KeyPem(key.serialize_pem())))
    }

    /// For an agent or a principal.
    pub fn client(
        &self,
        who: &Who,
        key: &RequestedKey,
        serial: Serial,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<Issued, PkiError> {
        let uri = who.uri(&self.inner.trust_domain);
        let mut params = params("Entente", serial, now, lifetime);
        params.subject_alt_names = vec![SanType::URI(uri.try_into().map_err(PkiError::Issue)?)];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(params, &key.key, serial, now.plus(lifetime))
    }

    fn issue(
        &self,
        mut params: CertificateParams,
        key: &impl PublicKeyData,
        serial: Serial,
        not_after: Timestamp,
    ) -> Result<Issued, PkiError> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let leaf = params.signed_by(key, &self.inner.issuer).map_err(PkiError::Issue)?;
        Ok(Issued { certificate_pem: leaf.pem() + &self.inner.pem, serial, not_after })
    }
}

fn params(common_name: &str, serial: Serial, now: Timestamp, lifetime: Duration) -> CertificateParams {
    let begins = Timestamp::from_unix(now.as_unix() - BACKDATED.as_secs() as i64);
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.serial_number = Some(SerialNumber::from_slice(serial.as_bytes()));
    params.not_before = instant(begins);
    params.not_after = instant(now.plus(lifetime));
    params
}

fn instant(time: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(time.as_unix()).expect("a timestamp lies within the years 1970 to 9999")
}

fn server_name(name: &str) -> Result<SanType, PkiError> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(address));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-*".contains(c);
    let wrong = || PkiError::ServerName(name.into());
    if name.is_empty() || !name.chars().all(plain) {
        return Err(wrong());
    }
    Ok(SanType::DnsName(name.try_into().map_err(|_| wrong())?))
}

/// SPIFFE ID, 2.1: lower case, no port, no user information.
fn check_trust_domain(name: &str) -> Result<(), PkiError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
    let ok = (1..=255).contains(&name.len()) && name.chars().all(plain);
    if ok { Ok(()) } else { Err(PkiError::TrustDomain(name.into())) }
}
