//! Files that hold keys and certificates: private ones readable by their owner only, new ones never over old ones.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use entente_model::text;
use entente_seal::{KeyError, OnlineKey, RootKey, Secret};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;

use crate::failure::Failure;

/// RFC 7468, section 2.
const PEM_LINE_CHARS: usize = 64;

pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    let bytes = fs::read(path).map_err(Failure::reading(path))?;
    let wrong = |source: Box<dyn std::error::Error + Send + Sync>| {
        Failure::because(format!("cannot read {}", path.display()), source)
    };
    let bytes = text::unmarked(&bytes).map_err(|error| wrong(error.into()))?;
    String::from_utf8(bytes.to_vec()).map_err(|_| wrong("it is not UTF-8".into()))
}

/// Whether everybody on this machine may read a file: a warning, as what mounts keys into containers often leaves it so.
pub(crate) fn is_open(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0)
}

/// Writes a new file that anyone may read.
pub(crate) fn write_new(path: &Path, content: &str) -> Result<(), Failure> {
    write(path, content, 0o644).map_err(Failure::writing(path))
}

/// Writes a new file that only its owner may read.
pub(crate) fn write_secret(path: &Path, content: &str) -> Result<(), Failure> {
    write(path, content, 0o600).map_err(Failure::writing(path))
}

fn write(path: &Path, content: &str, mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()
}

/// Replaces a file whole, or leaves the old one.
pub(crate) fn replace(path: &Path, content: &str) -> Result<(), Failure> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let written = fs::write(&fresh, content).and_then(|()| fs::rename(&fresh, path));
    written.map_err(Failure::writing(path))
}

/// A signing key as PEM.
pub(crate) fn key_pem(key: &Secret) -> String {
    let text = STANDARD.encode(key.expose());
    let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
    for at in (0..text.len()).step_by(PEM_LINE_CHARS) {
        pem.push_str(&text[at..text.len().min(at + PEM_LINE_CHARS)]);
        pem.push('\n');
    }
    pem + "-----END PRIVATE KEY-----\n"
}

pub(crate) fn online_key(path: &Path) -> Result<OnlineKey, Failure> {
    signing_key(path, OnlineKey::from_pkcs8)
}

pub(crate) fn root_key(path: &Path) -> Result<RootKey, Failure> {
    signing_key(path, RootKey::from_pkcs8)
}

fn signing_key<K>(path: &Path, parse: impl FnOnce(&[u8]) -> Result<K, KeyError>) -> Result<K, Failure> {
    let pem = read(path)?;
    let not_pem = |source| Failure::because(format!("{} holds no private key in PEM", path.display()), source);
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(not_pem)?;
    let not_ours = |source| Failure::because(format!("{} cannot be used", path.display()), source);
    parse(der.secret_pkcs8_der()).map_err(not_ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_its_owners_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        let key = entente_seal::generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap();
        write_secret(&path, &key_pem(&key)).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(write_secret(&path, "another").unwrap_err().to_string().starts_with("cannot write"));
        assert_eq!(root_key(&path).unwrap().id(), RootKey::from_pkcs8(key.expose()).unwrap().id());
    }

    #[test]
    fn field_kind_17_a_mark_before_a_file_is_no_part_of_it_and_a_key_that_is_open_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, "\u{feff}data = 1").unwrap();
        assert_eq!(read(&path).unwrap(), "data = 1");
        fs::write(&path, [0xfe, 0xff, 0, b'd']).unwrap();
        assert!(read(&path).unwrap_err().chain().ends_with("it is UTF-16, as PowerShell writes it; save it as UTF-8"));
        for (mode, open) in [(0o644, true), (0o640, false), (0o600, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_open(&path), open, "{mode:o}");
        }
    }
}
