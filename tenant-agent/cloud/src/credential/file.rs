//! A credential's file, read completely and within a bound.

use std::io::{self, Read};
use std::path::Path;

use crate::failure::TokenError;

/// The largest credential file: a certificate chain with its key is under a tenth of it.
const FILE_LIMIT_BYTES: u64 = 64 * 1024;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

pub(super) fn read_bounded(path: &Path) -> Result<Vec<u8>, TokenError> {
    let failed = |source| TokenError::File { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(FILE_LIMIT_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > FILE_LIMIT_BYTES {
        return Err(failed(io::Error::other("larger than 64 KiB")));
    }
    // The byte order mark that Windows editors and PowerShell put before UTF-8 is not part of a secret or a key.
    Ok(bytes.strip_prefix(BYTE_ORDER_MARK).map(<[u8]>::to_vec).unwrap_or(bytes))
}

pub(super) fn unusable(path: &Path, reason: impl Into<String>) -> TokenError {
    TokenError::Credential { path: path.to_owned(), reason: reason.into() }
}
