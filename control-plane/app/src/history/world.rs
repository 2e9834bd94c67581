//! All intent at one revision, compiled: what reads see, and what a change begins from. Never changed in place.

use std::sync::Arc;

use entente_compiler::Fleet;
use entente_model::intent::{Manifest, ResourceName};
use entente_model::{Map, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::former::Former;

/// One revision of everything that is stated. Clones are free.
#[derive(Debug, Clone)]
pub(crate) struct World {
    /// The store revision of the newest change.
    pub(crate) revision: u64,
    pub(crate) fleet: Fleet,
    pub(crate) metas: Map<ResourceName, Arc<Meta>>,
}

/// What the server keeps beside a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    pub uid: Uuid,
    /// The store revision of the last change.
    pub revision: u64,
    pub created: Timestamp,
    pub updated: Timestamp,
    /// Changes with every change.
    pub etag: String,
    /// Of an operator: addresses that the accounts had before.
    #[serde(default, skip_serializing_if = "Former::is_empty")]
    pub(crate) former: Former,
}

impl Meta {
    /// Of a resource that is written at a revision, new or after another state of it.
    pub(crate) fn written(before: Option<&Self>, revision: u64, now: Timestamp) -> Self {
        // A revision changes one resource once, so it is as good as a hash of the content.
        let etag = format!("{revision:x}");
        match before {
            Some(before) => Self { revision, updated: now, etag, ..before.clone() },
            None => Self { uid: Uuid::new_v4(), revision, created: now, updated: now, etag, former: Former::new() },
        }
    }
}

/// A resource and what the server keeps beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    pub manifest: Manifest,
    pub meta: Meta,
}

impl World {
    pub(crate) fn stored(&self, name: &ResourceName) -> Option<Stored> {
        let manifest = self.fleet.intent().get(name)?;
        let meta = self.metas.get(name).expect("every resource has its meta");
        Some(Stored { manifest, meta: Meta::clone(meta) })
    }
}
