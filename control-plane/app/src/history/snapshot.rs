//! All intent at one revision, compiled: what reads see, and what a change begins from. Never changed in place.
//!
//! A name that no resource has is an error that names the field and, where one is near, the name that may have been meant: an empty
//! answer to a misspelt question would be read as "nobody has access". Beside an operator's resource stand the addresses that the
//! operator's accounts had before, for removals.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use entente_compiler::Fleet;
use entente_model::desired::MAX_KNOWN;
use entente_model::intent::{Identity, Manifest, Operator, ResourceName};
use entente_model::nearest::nearest;
use entente_model::{Map, RoleName, TenantName, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{AppError, Result};

/// One revision of everything that is stated. Clones are free.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
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

impl Snapshot {
    pub(crate) fn stored(&self, name: &ResourceName) -> Option<Stored> {
        let manifest = self.fleet.intent().get(name)?;
        let meta = self.metas.get(name).expect("every resource has its meta");
        Some(Stored { manifest, meta: Meta::clone(meta) })
    }

    pub(crate) fn missing(&self, field: &'static str, name: &ResourceName) -> AppError {
        let kind = name.kind();
        let begun = |other: &ResourceName| other.kind() < kind;
        let alike = self.metas.iter_from(begun).map(|(other, _)| other).take_while(|other| other.kind() == kind);
        let resource = name.to_string();
        let nearest = nearest(&resource, alike.take(MAX_COMPARED).map(ToString::to_string));
        AppError::NotFound { resource, field, nearest }
    }

    /// Refuses a request that names a resource in `field` which does not exist.
    pub(crate) fn needs(&self, field: &'static str, name: &ResourceName) -> Result<()> {
        if self.metas.contains_key(name) { Ok(()) } else { Err(self.missing(field, name)) }
    }

    pub(crate) fn needs_tenant(&self, field: &'static str, name: &TenantName) -> Result<()> {
        self.needs(field, &ResourceName::Tenant(name.clone()))
    }

    /// A role that a request names, in any version.
    pub(crate) fn needs_role(&self, field: &'static str, name: &RoleName) -> Result<()> {
        let mut roles = self.fleet.intent().roles.values().map(|role| &role.name);
        if roles.any(|role| role == name) {
            return Ok(());
        }
        let roles = self.fleet.intent().roles.values().take(MAX_COMPARED).map(|role| role.name.to_string());
        let resource = name.to_string();
        let nearest = nearest(&resource, roles);
        Err(AppError::NotFound { resource, field, nearest })
    }
}

/// Addresses that an operator's accounts had before, by account.
pub(crate) type Former = BTreeMap<String, BTreeSet<String>>;

/// What is former once a manifest takes the place of another.
pub(crate) fn former(former: &Former, before: &Operator, after: &Operator) -> Former {
    let mut kept = Former::new();
    for is in &after.identities {
        let mut all = former.get(&account_text(is)).cloned().unwrap_or_default();
        let was = before.identities.iter().filter(|was| account_text(was) == account_text(is));
        for address in was.flat_map(|was| [was.mail.to_ascii_lowercase(), was.upn.to_ascii_lowercase()]) {
            let is_now = address.eq_ignore_ascii_case(&is.mail) || address.eq_ignore_ascii_case(&is.upn);
            if !is_now && all.len() < MAX_KNOWN {
                all.insert(address);
            }
        }
        if !all.is_empty() {
            kept.insert(account_text(is), all);
        }
    }
    kept
}

fn account_text(identity: &Identity) -> String {
    format!("{}/{}", identity.home.id(), identity.object_id)
}

/// Names that are compared: all of the largest fleet seen. Beyond, no other name is proposed.
const MAX_COMPARED: usize = 20_000;
