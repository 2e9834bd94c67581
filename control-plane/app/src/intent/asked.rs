//! What is asked of intent.

use entente_model::intent::{Manifest, ResourceName};
use serde::Serialize;
use serde_json::{Map, Value};

/// What is asked: all of it happens, or nothing.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Change {
    pub puts: Vec<Put>,
    pub deletes: Vec<Delete>,
}

/// One resource to be written.
#[derive(Debug, Clone, Serialize)]
pub enum Put {
    /// Creates it, or replaces it as a whole.
    Set { manifest: Manifest, etag: Option<String> },
    /// It must not exist yet.
    Create { manifest: Manifest },
    /// It must exist. Top-level fields in the manifest's own form; null means the default.
    Update { name: ResourceName, fields: Map<String, Value>, etag: Option<String> },
}

/// One resource to be removed.
#[derive(Debug, Clone, Serialize)]
pub struct Delete {
    pub name: ResourceName,
    pub etag: Option<String>,
}
