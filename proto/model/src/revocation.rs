//! Named removals: what remains to be done in each tenant after an operator's leave, a suspension or a dropped
//! membership, until every agent has proven it and the watch is over.
//!
//! `entente-compiler` makes them from the change that caused them, and compiles them into ABSENT items.
//! [`crate::removal`] judges their proofs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

pub use crate::cause::Cause;
use crate::desired::{ItemKey, MAX_KNOWN};
use crate::intent::Identity;
use crate::name::{Guid, OperatorName, TenantName};
use crate::time::Timestamp;

/// How long a removal is watched after its proof. A deleted user can be restored from the recycle bin for 30 days
/// (Microsoft Entra: restore a deleted user); the other days are for seeing and correcting a last-minute restore.
pub const WATCH: Duration = Duration::from_secs(35 * 86_400);

/// One removal in its tenants. It lasts until access is granted again, or until it is proven in all of them and watched
/// for [`WATCH`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Revocation {
    /// Unique: the operator's id, the subject's key, and the number of the change that requested it. A person who
    /// leaves, comes back and leaves again has two removals, and a proof of one does not prove the other.
    pub id: String,
    pub operator: OperatorName,
    /// For people, as the operator's resource may be gone.
    pub display_name: String,
    /// The account that loses access, as a copy, because the operator's resource may be deleted.
    pub identity: Identity,
    pub subject: Subject,
    #[serde(deserialize_with = "tenants")]
    pub tenants: BTreeMap<TenantName, InTenant>,
    /// Every address ever used for the account, in lower case. At most [`MAX_KNOWN`].
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub addresses: BTreeSet<String>,
    pub cause: Cause,
    /// The principal that requested it, by name.
    pub actor: String,
    pub time: Timestamp,
}

/// A removal in one tenant: what is known about the person there, and the progress.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InTenant {
    /// The tenant's own id, which tells it from another tenant of the same name. `None` in rows of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entra_tenant: Option<Guid>,
    #[serde(flatten)]
    pub known: Known,
    /// When its proof was accepted. `None` until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven: Option<Timestamp>,
    /// When what was proven gone was last seen again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub came_back: Option<Timestamp>,
    /// For a leave: the person has come back since, so a later leave is another removal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_earlier_leave: bool,
    /// No agent ever enrolled there, so there is nothing to remove.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub never_enrolled: bool,
}

/// What agents have ever reported about a person in one tenant. Entries are added, never removed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Known {
    /// Accounts. At most [`MAX_KNOWN`].
    #[serde(rename = "known", default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ids: BTreeSet<Guid>,
    /// There were more accounts. A person must look at them, because unknown accounts have no proof.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_more: bool,
}

impl Known {
    /// Adds accounts.
    pub fn add(&mut self, ids: impl IntoIterator<Item = Guid>) {
        for id in ids {
            if self.ids.len() < MAX_KNOWN {
                self.ids.insert(id);
            } else {
                self.has_more |= !self.ids.contains(&id);
            }
        }
    }

    /// Adds what another knows.
    pub fn merge(&mut self, other: &Self) {
        self.add(other.ids.iter().copied());
        self.has_more |= other.has_more;
    }
}

impl InTenant {
    /// Until when it is watched. `None` until it is proven.
    pub fn watched_until(&self) -> Option<Timestamp> {
        self.proven.map(|proven| proven.plus(WATCH))
    }

    /// Whether nothing is left to prove.
    pub fn is_complete(&self) -> bool {
        self.proven.is_some() || self.never_enrolled
    }
}

impl Revocation {
    /// Whether it is proven wherever it is named.
    pub fn is_complete(&self) -> bool {
        self.tenants.values().all(InTenant::is_complete)
    }

    /// Whether the watch is over in every tenant. Where no agent was, one may still enrol during that time.
    pub fn is_over(&self, now: Timestamp) -> bool {
        let end = |it: &InTenant| it.watched_until().or(it.never_enrolled.then(|| self.time.plus(WATCH)));
        self.tenants.values().all(|it| end(it).is_some_and(|end| end <= now))
    }
}

/// Reads a map, or the list that older versions wrote.
fn tenants<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<TenantName, InTenant>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        List(Vec<TenantName>),
        Map(BTreeMap<TenantName, InTenant>),
    }
    Ok(match Form::deserialize(d)? {
        Form::List(names) => names.into_iter().map(|name| (name, InTenant::default())).collect(),
        Form::Map(tenants) => tenants,
    })
}

/// The subject of a removal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Subject {
    /// Everything: the account is blocked and has no access.
    Person,
    /// One membership.
    Membership(ItemKey),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_an_older_version_is_read_and_each_tenants_progress_reads_back() {
        let identity = r#"{"home":"homeTenants/nordwall","objectId":"0b0de000-0000-4000-8000-000000000005","upn":"li@nordwall.example","mail":"li@nordwall.example"}"#;
        let text = format!(
            r#"{{"id":"li/x@1","operator":"operators/li","displayName":"Li","identity":{identity},"subject":"person","tenants":["tenants/contoso"],"cause":"LEFT","actor":"principals/jonas","time":"2026-12-24T12:00:00Z"}}"#
        );
        let mut row: Revocation = serde_json::from_str(&text).unwrap();
        assert_eq!(row.tenants.values().next(), Some(&InTenant::default()));
        assert!(!row.is_complete());
        let tenant = row.tenants.values_mut().next().unwrap();
        tenant.known.add([Guid::from_u128(7)]);
        (tenant.proven, tenant.entra_tenant) = (Some(row.time), Some(Guid::from_u128(9)));
        let read: Revocation = serde_json::from_str(&serde_json::to_string(&row).unwrap()).unwrap();
        assert_eq!(read, row);
        assert!(row.is_complete() && !row.is_over(row.time) && row.is_over(row.time.plus(WATCH)));
    }

    #[test]
    fn what_is_known_is_bounded_and_says_when_there_was_more() {
        let mut known = Known::default();
        known.add((0..MAX_KNOWN as u128).map(Guid::from_u128));
        known.add([Guid::from_u128(0)]);
        assert!(!known.has_more);
        known.add([Guid::from_u128(1_000)]);
        assert_eq!((known.ids.len(), known.has_more), (MAX_KNOWN, true));
    }
}
