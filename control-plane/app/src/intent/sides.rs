//! One tenant before and after a change.

use entente_compiler::Touched;
use entente_model::TenantName;
use entente_seal::Buckets;

/// One tenant before and after.
pub(super) struct Sides<'a> {
    pub(super) tenant: &'a TenantName,
    pub(super) before: &'a Buckets,
    pub(super) after: &'a Buckets,
    /// Of the items that differ.
    pub(super) keys: Vec<&'a str>,
}

impl<'a> Sides<'a> {
    pub(super) fn of(before: &'a Buckets, touched: &'a Touched) -> Self {
        let removed = touched.delta.removed.iter().map(|key| &**key);
        let keys = touched.delta.upserts.iter().map(|item| item.key()).chain(removed).collect();
        Self { tenant: &touched.tenant, before, after: &touched.items, keys }
    }

    /// Of a tenant that is deleted: nothing is desired there any more.
    pub(super) fn of_gone(tenant: &'a TenantName, before: &'a Buckets, nothing: &'a Buckets) -> Self {
        Self { tenant, before, after: nothing, keys: before.iter().map(|item| item.key()).collect() }
    }
}
