//! The leaves that are signed for one tenant: a header has the digest of its state, a lease has the end of its
//! freshness.

use entente_model::desired::{Header, Lease, Version};
use prost::Message;

use crate::decode::{DecodeError, digest, guid, timestamp};
use crate::wire;

/// The header's canonical bytes.
pub fn encode_header(header: &Header) -> Vec<u8> {
    wire::Header {
        entra_tenant: header.entra_tenant.as_bytes().to_vec(),
        epoch: header.version.epoch,
        revision: header.version.revision,
        compiler: header.compiler,
        digest: header.digest.0.to_vec(),
        count: header.count,
    }
    .encode_to_vec()
}

/// Decodes a header. [`crate::Verifier`] checks whose it is.
pub fn decode_header(bytes: &[u8]) -> Result<Header, DecodeError> {
    let header = wire::Header::decode(bytes).map_err(|error| DecodeError::Bytes("header".into(), error))?;
    Ok(Header {
        entra_tenant: guid("header", "entra_tenant", &header.entra_tenant)?,
        version: Version { epoch: header.epoch, revision: header.revision },
        compiler: header.compiler,
        digest: digest("header", "digest", &header.digest)?,
        count: header.count,
    })
}

/// The lease's canonical bytes.
pub fn encode_lease(lease: &Lease) -> Vec<u8> {
    wire::Lease {
        entra_tenant: lease.entra_tenant.as_bytes().to_vec(),
        epoch: lease.version.epoch,
        revision: lease.version.revision,
        digest: lease.digest.0.to_vec(),
        fresh_until: lease.fresh_until.as_unix(),
    }
    .encode_to_vec()
}

/// Decodes a lease. [`crate::Verifier`] checks whose it is.
pub fn decode_lease(bytes: &[u8]) -> Result<Lease, DecodeError> {
    let lease = wire::Lease::decode(bytes).map_err(|error| DecodeError::Bytes("lease".into(), error))?;
    Ok(Lease {
        entra_tenant: guid("lease", "entra_tenant", &lease.entra_tenant)?,
        version: Version { epoch: lease.epoch, revision: lease.revision },
        digest: digest("lease", "digest", &lease.digest)?,
        fresh_until: timestamp("lease", "fresh_until", lease.fresh_until)?,
    })
}
