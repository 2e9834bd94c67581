//! What is said of a selection that matches another number of tenants than its author expects: what it selects by, and the label
//! that may have been meant.

use std::collections::{BTreeMap, BTreeSet};

use entente_model::intent::{Expect, Intent, Tenant, TenantSelector, TenantState};
use entente_model::nearest::nearest;

/// Whether a tenant is one of those that an assignment expects.
pub(super) fn counts(tenant: &Tenant) -> bool {
    tenant.state != TenantState::Offboarded
}

/// `is 6, but region=nordc matches no tenant (region=nordic matches 6)`.
pub(super) fn missed(
    selector: &TenantSelector,
    expected: Expect,
    found: usize,
    near: Option<(String, usize)>,
) -> String {
    let matches = match found {
        0 => "no tenant".to_owned(),
        1 => "1 tenant".to_owned(),
        many => format!("{many} tenants"),
    };
    let said = format!("is {expected}, but {} {matches}", selection(selector));
    match near {
        Some((labels, count)) => format!("{said} ({labels} matches {count})"),
        None if found == 0 => format!("{said}; correct the selection"),
        None => format!("{said}; correct the selection, or write {found} or {{atLeast: {found}}}"),
    }
}

fn selection(selector: &TenantSelector) -> String {
    let except = match selector.except.len() {
        0 => String::new(),
        some => format!(" ({some} excepted)"),
    };
    if selector.labels.is_empty() {
        format!("the names{except} match")
    } else {
        format!("{}{except} matches", shown(&selector.labels))
    }
}

fn shown(labels: &BTreeMap<String, String>) -> String {
    labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

/// Labels that differ by a slip in one of them, and match as many tenants as are expected.
pub(super) fn near(intent: &Intent, selector: &TenantSelector, expected: Expect) -> Option<(String, usize)> {
    let mut proposals = selector.labels.iter().flat_map(|(key, value)| {
        let own = |other: &str| other != value;
        let values: BTreeSet<String> =
            intent.tenants.values().filter_map(|it| it.labels.get(key)).filter(|it| own(it)).cloned().collect();
        let others = intent.tenants.values().flat_map(|it| it.labels.keys()).filter(|it| *it != key);
        let keys: BTreeSet<String> = others.cloned().collect();
        let value_is = nearest(value, values.into_iter()).map(|value| (key.clone(), value));
        let key_is = nearest(key, keys.into_iter()).map(|key| (key, value.clone()));
        [value_is, key_is].into_iter().flatten().map(move |label| (key, label))
    });
    proposals.find_map(|(slip, (key, value))| {
        let mut meant = selector.clone();
        meant.labels.remove(slip);
        meant.labels.insert(key, value);
        let count = intent.tenants.values().filter(|it| counts(it) && meant.matches(it)).count();
        expected.allows(count).then(|| (shown(&meant.labels), count))
    })
}
