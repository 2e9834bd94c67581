//! The three services over one mutual-TLS channel.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use entente_model::text;
use entente_proto::access::v1::access_service_client::AccessServiceClient;
use entente_proto::access::v1::admin_service_client::AdminServiceClient;
use entente_proto::channel::{Identity, channel, client_config};
use entente_proto::fleet::v1::fleet_service_client::FleetServiceClient;
use tonic::transport::Channel;

use crate::context::Context;
use crate::failure::Failure;
use crate::output;

/// Longest wait for one answer. The largest set of manifests takes a few seconds; watching has no limit.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// Largest answer: a page of 1,000 of the largest resources.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// What a command talks to.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) access: AccessServiceClient<Channel>,
    pub(crate) admin: AdminServiceClient<Channel>,
    pub(crate) fleet: FleetServiceClient<Channel>,
}

impl Client {
    pub(crate) fn new(context: &Context) -> Result<Self, Failure> {
        if is_open(&context.key) {
            output::aside(&format!("warning: other users can read the key {0}: chmod 600 {0}", context.key.display()));
        }
        let (ca, certificate, key) = (read(&context.ca)?, read(&context.certificate)?, read(&context.key)?);
        let identity = Identity { certificate_pem: &certificate, key_pem: &key };
        let unusable = |error: entente_proto::channel::ChannelError| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            Failure::Failed(format!("the context cannot be used: {error}{cause}"))
        };
        let tls = client_config(&ca, Some(identity)).map_err(unusable)?;
        let channel = channel(&context.server, Arc::new(ArcSwap::from_pointee(tls))).map_err(unusable)?;
        Ok(Self::over(channel))
    }

    pub(crate) fn over(channel: Channel) -> Self {
        Self {
            access: AccessServiceClient::new(channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES),
            admin: AdminServiceClient::new(channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES),
            fleet: FleetServiceClient::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES),
        }
    }
}

/// Whether everybody on this machine may read a file.
fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0)
}

/// A file as it is without the mark that editors of Windows put before it.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(format!("cannot read {}: {error}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| failed(&error))?;
    Ok(text::unmarked(&bytes).map_err(|error| failed(&error))?.to_vec())
}

/// A request with a deadline.
pub(crate) fn within<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.set_timeout(CALL_TIMEOUT);
    request
}

/// A fresh id, so that a call that is repeated by the network is carried out once.
pub(crate) fn request_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn field_kind_17_a_key_that_everybody_may_read_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.key");
        std::fs::write(&path, "key").unwrap();
        for (mode, open) in [(0o644, true), (0o604, true), (0o640, false), (0o600, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_open(&path), open, "{mode:o}");
        }
        assert!(!is_open(&folder.path().join("none")));
    }

    #[test]
    fn field_kind_17_a_mark_before_a_file_is_no_part_of_it_and_utf_16_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, "\u{feff}-----BEGIN").unwrap();
        assert_eq!(read(&path).unwrap(), b"-----BEGIN");
        std::fs::write(&path, [0xff, 0xfe, b'-', 0]).unwrap();
        assert!(
            read(&path).unwrap_err().to_string().ends_with("it is UTF-16, as PowerShell writes it; save it as UTF-8")
        );
    }
}
