//! One change of intent, as it is asked for: manifests and deletions, what is said of removals, and who says it.

use std::collections::BTreeSet;
use std::sync::Arc;

use entente_model::intent::{Manifest, ResourceName};
use entente_model::revocation::Known;
use entente_model::{Guid, HomeName, OperatorName, TenantName, Timestamp};

/// A change to intent.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    /// Whole resources. One that is already stored like this is left as it is.
    pub puts: Vec<Manifest>,
    pub deletes: Vec<ResourceName>,
    /// Operators who have left and are meant to be back: without this, ACTIVE is refused for them.
    pub rejoins: Vec<OperatorName>,
    /// Accounts that agents still report of those who leave by this change, or have left before it. Their removal covers
    /// these tenants too, whatever intent said of them lately.
    pub still_there: Vec<Sighting>,
    /// Removals that are proven.
    pub proven: Vec<RemovalIn>,
    /// Proven removals of what is there again: they are to be proven again.
    pub came_back: Vec<RemovalIn>,
    /// Removals of accounts of which more has come to be known since they were named.
    pub amended: Vec<RemovalIn>,
    /// Ids of removals whose watch may be over.
    pub watched: Vec<String>,
    /// What is known beyond intent of those who are named for removal. Without it, nothing is.
    pub memory: Option<Arc<dyn Memory>>,
    /// Who changes it: a principal's name.
    pub actor: String,
    pub now: Timestamp,
    /// Of the change, unlike that of any other: it tells removals apart.
    pub number: u64,
}

/// What is known of people beyond intent. The compiler asks it only when it names a person for removal.
pub trait Memory: std::fmt::Debug + Send + Sync {
    /// What agents have ever reported of an account in a tenant.
    fn known(&self, tenant: &TenantName, home: &HomeName, object_id: Guid) -> Known;

    /// Whether an agent was ever enrolled in a tenant.
    fn was_enrolled(&self, tenant: &TenantName) -> bool;

    /// Addresses that an operator's account had before, in lower case.
    fn former_addresses(&self, operator: &OperatorName, home: &HomeName, object_id: Guid) -> BTreeSet<String>;
}

/// An account that an agent reports in its tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    pub tenant: TenantName,
    pub home: HomeName,
    pub object_id: Guid,
}

/// A removal in one of its tenants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovalIn {
    /// The removal's id.
    pub revocation: String,
    pub tenant: TenantName,
}
