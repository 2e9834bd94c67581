//! What is open in a tenant.

use std::collections::BTreeMap;

use entente_model::report::{ItemState, Reason};

/// How many of the tenant's items stand so, for one reason.
pub(crate) type Open = BTreeMap<(ItemState, Option<Reason>), u32>;
