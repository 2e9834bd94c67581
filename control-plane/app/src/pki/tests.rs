//! What is signed is read back, and what is not ours is not.

use std::time::Duration;

use entente_model::{AgentName, PrincipalName, Timestamp};

use super::*;

const YEAR: Duration = Duration::from_secs(365 * 86_400);

fn now() -> Timestamp {
    "2026-12-01T00:00:00Z".parse().unwrap()
}

fn authority() -> CertificateAuthority {
    let new = create_ca("soc.example", now(), YEAR).unwrap();
    CertificateAuthority::load(&new.certificate_pem, new.key_pem.expose(), "soc.example").unwrap()
}

fn leaf(pem: &str) -> Vec<u8> {
    use rustls_pki_types::pem::PemObject;
    rustls_pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec()
}

#[test]
fn an_agents_certificate_says_who_it_is() {
    let (_, csr) = create_key_and_csr().unwrap();
    let key = RequestedKey::from_csr_pem(&csr).unwrap();
    let (name, serial) = ("tenants/contoso/agents/a1".parse::<AgentName>().unwrap(), Serial::random().unwrap());
    let issued = authority().client(&Who::Agent(name.clone()), &key, serial, now(), YEAR).unwrap();
    let peer = Peer::read(&leaf(&issued.certificate_pem), "soc.example").unwrap();
    let not_before = Timestamp::from_unix(now().as_unix() - 300);
    assert_eq!(peer, Peer { who: Who::Agent(name), serial, not_before, not_after: now().plus(YEAR) });
    assert_eq!(issued.certificate_pem.matches("BEGIN CERTIFICATE").count(), 2, "the leaf and the CA's");
}

#[test]
fn an_identity_of_another_trust_domain_is_nobody() {
    let (_, csr) = create_key_and_csr().unwrap();
    let key = RequestedKey::from_csr_pem(&csr).unwrap();
    let name: PrincipalName = "principals/maya".parse().unwrap();
    let issued =
        authority().client(&Who::Principal(name.clone()), &key, Serial::random().unwrap(), now(), YEAR).unwrap();
    for domain in ["soc.exampl", "soc.example.org", "other.example", ""] {
        assert!(Peer::read(&leaf(&issued.certificate_pem), domain).is_err(), "{domain}");
    }
    assert!(Peer::read(b"rubbish", "soc.example").is_err());
}

#[test]
fn a_server_certificate_takes_names_and_addresses_and_is_no_identity() {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let (issued, key) = authority().server(&names, Serial::random().unwrap(), now(), YEAR).unwrap();
    assert!(matches!(Peer::read(&leaf(&issued.certificate_pem), "soc.example"), Err(PeerError::Names(0))));
    assert_eq!(format!("{key:?}"), "KeyPem(..)");
    let odd = authority().server(&["a b".to_owned()], Serial::random().unwrap(), now(), YEAR);
    assert!(matches!(odd, Err(PkiError::ServerName(_))));
}

#[test]
fn a_request_that_its_key_did_not_sign_is_refused() {
    let (_, csr) = create_key_and_csr().unwrap();
    let (_, other) = create_key_and_csr().unwrap();
    assert_ne!(
        RequestedKey::from_csr_pem(&csr).unwrap().digest(),
        RequestedKey::from_csr_pem(&other).unwrap().digest()
    );
    let lines: Vec<&str> = csr.lines().collect();
    let mut broken: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    let at = broken.len() - 2;
    broken[at] = broken[at].chars().rev().collect();
    assert!(RequestedKey::from_csr_pem(&broken.join("\n")).is_err());
    assert!(RequestedKey::from_csr_pem("").is_err());
}

#[test]
fn a_key_of_another_authority_is_refused() {
    let (one, other) = (create_ca("soc.example", now(), YEAR).unwrap(), create_ca("soc.example", now(), YEAR).unwrap());
    let mixed = CertificateAuthority::load(&one.certificate_pem, other.key_pem.expose(), "soc.example");
    assert!(matches!(mixed, Err(PkiError::OtherCaKey)));
}

#[test]
fn a_signer_is_of_our_authority_and_has_a_p256_key() {
    let name: AgentName = "tenants/contoso/agents/a1".parse().unwrap();
    let signer = |issuing: &CertificateAuthority, pem: &str| {
        let key = RequestedKey::from_csr_pem(pem).unwrap();
        let issued = issuing.client(&Who::Agent(name.clone()), &key, Serial::random().unwrap(), now(), YEAR).unwrap();
        leaf(&issued.certificate_pem)
    };
    let (ours, other, (_, p256)) = (authority(), authority(), create_key_and_csr().unwrap());
    let found = ours.signer(&signer(&ours, &p256)).unwrap();
    assert_eq!((found.peer.who, found.public_key.len()), (Who::Agent(name.clone()), 65));
    assert!(matches!(ours.signer(&signer(&other, &p256)), Err(SignerError::NotOurs)));
    let ed25519 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let ed25519 = rcgen::CertificateParams::default().serialize_request(&ed25519).unwrap().pem().unwrap();
    assert!(matches!(ours.signer(&signer(&ours, &ed25519)), Err(SignerError::KeyKind)));
    let long = [signer(&ours, &p256), vec![0]].concat();
    assert!(matches!(ours.signer(&long), Err(SignerError::Unreadable)));
    assert!(matches!(ours.signer(b"rubbish"), Err(SignerError::Unreadable)));
}
