//! Addresses that an operator's accounts had before: kept beside the operator's resource, for removals.

use std::collections::{BTreeMap, BTreeSet};

use entente_model::desired::MAX_KNOWN;
use entente_model::intent::{Identity, Operator};

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
