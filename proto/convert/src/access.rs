//! Resources of intent.
//!
//! Messages become model types through the manifest's serde form ([`super::manifest`]): an empty field counts as left
//! out, and faults carry the manifest's paths.

mod from_proto;
mod to_proto;

use entente_model::Timestamp;

pub use from_proto::{manifest_field, manifest_from_proto, resource_from_proto, resource_to_value};
pub use to_proto::{manifest_to_proto, resource_to_proto};

use entente_proto::access::v1 as wire;

/// What the server stores beside a resource.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Meta {
    pub uid: String,
    pub etag: String,
    pub revision: i64,
    pub created: Timestamp,
    pub updated: Timestamp,
}

/// One resource of the API, of any kind.
pub type Resource = wire::manifest::Resource;

#[cfg(test)]
mod tests;
