//! What is asked of intent, and from that whole manifests: existence, etags, masks, shapes.

use std::collections::BTreeSet;

use entente_model::OperatorName;
use entente_model::intent::{Manifest, ResourceName};
use entente_model::violation::{Fault, Violation};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{AppError, Result};
use crate::history::Snapshot;

/// Most resources in one change: a thousand operators at once is a whole SOC moving in.
pub const MAX_MANIFESTS: usize = 1_000;

/// Largest change in bytes of JSON: what a message may hold.
pub const MAX_CHANGE_BYTES: usize = 4 * 1024 * 1024;

/// Largest manifest in bytes of JSON. A squad of a thousand takes some 80 KiB; a row must stay below 1 MiB.
pub const MAX_MANIFEST_BYTES: usize = 512 * 1024;

/// Whole manifests, well formed each by itself.
pub(super) struct Prepared {
    pub(super) puts: Vec<Manifest>,
    pub(super) deletes: Vec<ResourceName>,
    pub(super) rejoins: Vec<OperatorName>,
    /// The one resource that the change is about.
    pub(super) subject: Option<ResourceName>,
}

impl Prepared {
    pub(super) fn of_one(manifest: Manifest, rejoins: Vec<OperatorName>) -> Self {
        let subject = Some(manifest.name());
        Self { puts: vec![manifest], deletes: Vec::new(), rejoins, subject }
    }
}

/// Counts before anything is worked out.
pub(super) fn check_size(change: &Change) -> Result<()> {
    if change.puts.len() + change.deletes.len() > MAX_MANIFESTS {
        return Err(AppError::TooLarge { what: "resources in one change", limit: MAX_MANIFESTS });
    }
    let mut total = 0;
    for put in &change.puts {
        let bytes = Count::of(put);
        total += bytes;
        if bytes > MAX_MANIFEST_BYTES {
            return Err(AppError::TooLarge { what: "bytes in one manifest", limit: MAX_MANIFEST_BYTES });
        }
    }
    if total > MAX_CHANGE_BYTES {
        return Err(AppError::TooLarge { what: "bytes in one change", limit: MAX_CHANGE_BYTES });
    }
    Ok(())
}

/// Counts the bytes of a JSON text without keeping it.
struct Count(usize);

impl Count {
    fn of(value: &impl serde::Serialize) -> usize {
        let mut count = Self(0);
        serde_json::to_writer(&mut count, value).expect("manifests have string keys, and counting does not fail");
        count.0
    }
}

impl std::io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(super) fn prepare(snapshot: &Snapshot, change: &Change) -> Result<Prepared> {
    let puts = change.puts.iter().map(|put| whole(snapshot, put)).collect::<Result<Vec<_>, _>>()?;
    let deletes = change.deletes.iter().map(|delete| existing(snapshot, delete)).collect::<Result<Vec<_>, _>>()?;
    // What stays as it is stored is not refused for a rule that came later.
    let is_new = |put: &&Manifest| !entente_compiler::is_stored(snapshot.fleet.intent(), put);
    let mut faults: Vec<Violation> = puts.iter().filter(is_new).flat_map(Manifest::check).collect();
    let mut seen = BTreeSet::new();
    for name in puts.iter().map(Manifest::name).chain(deletes.iter().cloned()) {
        if !seen.insert(name.clone()) {
            faults.push(Violation::new(name.to_string(), Fault::Conflict, "is named twice; keep one"));
        }
    }
    AppError::of_shape(faults)?;
    let subject = match change.puts.as_slice() {
        [Put::Create { .. } | Put::Update { .. }] if deletes.is_empty() => puts.first().map(Manifest::name),
        _ => None,
    };
    Ok(Prepared { puts, deletes, rejoins: Vec::new(), subject })
}

fn whole(snapshot: &Snapshot, put: &Put) -> Result<Manifest> {
    match put {
        Put::Set { manifest, etag } => {
            check_etag(snapshot, &manifest.name(), etag.as_deref())?;
            Ok(manifest.clone())
        }
        Put::Create { manifest } => {
            let name = manifest.name();
            if snapshot.metas.contains_key(&name) {
                return Err(AppError::AlreadyExists { resource: name.to_string() });
            }
            Ok(manifest.clone())
        }
        Put::Update { name, fields, etag } => {
            let current = snapshot.fleet.intent().get(name).ok_or_else(|| snapshot.missing("name", name))?;
            check_etag(snapshot, name, etag.as_deref())?;
            merged(name, &current, fields).map_err(|fault| AppError::Invalid(vec![fault]))
        }
    }
}

fn existing(snapshot: &Snapshot, delete: &Delete) -> Result<ResourceName> {
    if !snapshot.metas.contains_key(&delete.name) {
        return Err(snapshot.missing("name", &delete.name));
    }
    check_etag(snapshot, &delete.name, delete.etag.as_deref())?;
    Ok(delete.name.clone())
}

fn check_etag(snapshot: &Snapshot, name: &ResourceName, etag: Option<&str>) -> Result<()> {
    let Some(etag) = etag.filter(|etag| !etag.is_empty()) else { return Ok(()) };
    match snapshot.metas.get(name) {
        Some(meta) if meta.etag == etag => Ok(()),
        _ => Err(AppError::StaleEtag { resource: name.to_string() }),
    }
}

/// Replaces top-level fields of the manifest's own form; null leaves the field out, which means its default.
fn merged(name: &ResourceName, current: &Manifest, fields: &Map<String, Value>) -> Result<Manifest, Violation> {
    let mut value = serde_json::to_value(current).expect("manifests have string keys and no failing serializer");
    let tree = value.as_object_mut().expect("a manifest is an object");
    for (field, new) in fields {
        if matches!(field.as_str(), "kind" | "name") {
            continue;
        }
        match new {
            Value::Null => drop(tree.remove(field)),
            new => drop(tree.insert(field.clone(), new.clone())),
        }
    }
    tree.remove("kind");
    // By kind, because through the tagged enum a fault would lose its path.
    match current {
        Manifest::HomeTenant(_) => typed(name, value).map(Manifest::HomeTenant),
        Manifest::Tenant(_) => typed(name, value).map(Manifest::Tenant),
        Manifest::Operator(_) => typed(name, value).map(Manifest::Operator),
        Manifest::Squad(_) => typed(name, value).map(Manifest::Squad),
        Manifest::SocRole(_) => typed(name, value).map(Manifest::SocRole),
        Manifest::Assignment(_) => typed(name, value).map(Manifest::Assignment),
    }
}

fn typed<T: DeserializeOwned>(name: &ResourceName, value: Value) -> Result<T, Violation> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { name.to_string() } else { format!("{name}: {path}") };
        let text = error.inner().to_string();
        let reason = if text.starts_with("missing field") { Fault::Missing } else { Fault::Malformed };
        Violation::new(field, reason, text)
    })
}

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
