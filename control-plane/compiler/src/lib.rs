//! Compiles intent at a revision to one desired state per customer tenant, and says which tenants a change touches.
//!
//! Pure: no clock, no IO, no randomness; the same intent gives the same bytes on every replica. [`compile`] is the
//! whole of it for one tenant. [`Fleet`] holds all tenants compiled and follows changes at a cost that goes with what
//! they touch: `selection` says which tenants an assignment means, `rights` and `people` make items, `touched` says
//! what a change reaches, `validate` what is wrong with it, `removals` what it names for removal, `advance` what it comes to. Bytes, digests and
//! signatures are `entente-seal`'s; rows and transactions `entente-app`'s.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod advance;
mod edit;
mod fleet;
mod index;
mod people;
mod removals;
mod render;
mod rights;
mod selection;
mod touched;
mod validate;
mod view;

#[cfg(test)]
mod tests;

use entente_model::TenantName;
use entente_model::desired::Item;
use entente_model::intent::Intent;

pub use advance::{Advance, is_stored};
pub use edit::{Edit, Memory, RemovalIn, Sighting};
pub use fleet::{Batch, Fleet, Replay, Touched};
pub use render::render;

/// Raised with every change to what the same intent compiles to. The active one is kept in the store, and raised when
/// every live replica supports it.
pub const COMPILER_VERSION: u32 = 2;

/// What one tenant should hold, in order of key. Nothing for a tenant that is not there.
pub fn compile(intent: &Intent, tenant: &TenantName) -> Vec<Item> {
    let index = index::Index::of(intent);
    let view = view::IntentView::new(intent, &index);
    let Some(tenant) = intent.tenants.get(tenant) else { return Vec::new() };
    let mut items: Vec<Item> = fleet::whole(&view.place(tenant)).into_iter().map(|(item, _)| item).collect();
    items.sort_by_cached_key(|item| item.key.to_string());
    items
}
