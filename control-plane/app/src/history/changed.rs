//! What a change did to resources, as answers and audit records say it.

use entente_model::intent::ResourceName;
use serde::{Deserialize, Serialize};

/// What happens to one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResourceChange {
    pub name: ResourceName,
    pub kind: ChangeKind,
    /// Those that differ; all of them for a new resource.
    pub fields: Vec<FieldChange>,
}

/// Kinds of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeKind {
    Created,
    Updated,
    Unchanged,
    Deleted,
}

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// As in a manifest: `tenants.expect`.
    pub path: String,
    /// JSON; empty where there was nothing.
    pub before: String,
    /// JSON; empty where there is nothing any more.
    pub after: String,
}
