//! Defender's actions: which one a permission means in this tenant, and when two sets of them mean the same.
//!
//! Defender drops on save what a wildcard covers, and a read that the matching manage covers: sets are compared in
//! their canonical form, or drift never clears.

use std::collections::BTreeSet;

use entente_model::Timestamp;
use entente_model::catalog;
use entente_model::desired::PermissionGrant;
use entente_model::intent::DataSource;

use crate::observed::Defender;

/// The action that a permission is in this tenant: what the tenant itself calls by that name, or a known spelling
/// that the tenant's own list holds. Never guessed.
pub fn resolve(permission: &str, tenant: &Defender) -> Option<String> {
    let known = catalog::defender_permission(permission)?;
    let named = tenant.by_display.get(known.display).cloned();
    named.or_else(|| known.candidates.iter().find(|it| tenant.actions.contains(**it)).map(ToString::to_string))
}

/// The actions of a role's permissions that are not withheld now, or the permissions that the tenant does not know.
pub fn resolve_all(
    permissions: &[PermissionGrant],
    tenant: &Defender,
    now: Timestamp,
) -> Result<BTreeSet<String>, Vec<String>> {
    let given = permissions.iter().filter(|grant| grant.withheld_until.is_none_or(|until| until <= now));
    let (mut actions, mut missing) = (BTreeSet::new(), Vec::new());
    for grant in given {
        match resolve(&grant.permission, tenant) {
            Some(action) => drop(actions.insert(action)),
            None => missing.push(grant.permission.clone()),
        }
    }
    if missing.is_empty() { Ok(actions) } else { Err(missing) }
}

/// Without what another one covers.
pub fn canonical(actions: &BTreeSet<String>) -> BTreeSet<String> {
    let covered = |action: &String| actions.iter().any(|other| other != action && covers(other, action));
    actions.iter().filter(|action| !covered(action)).cloned().collect()
}

/// Whether two sets let people do the same.
pub fn is_same(a: &BTreeSet<String>, b: &BTreeSet<String>) -> bool {
    canonical(a) == canonical(b)
}

/// Whether who may do the one may do the other: by a wildcard, or as a read that the matching manage covers.
pub(crate) fn covers(wide: &str, narrow: &str) -> bool {
    matches_wildcard(wide, narrow)
        || narrow.strip_suffix("/read").is_some_and(|path| matches_wildcard(wide, &format!("{path}/manage")))
}

/// `*` stands for one or more segments, as in `microsoft.xdr/secops/*/manage`.
fn matches_wildcard(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            (1..=rest.len())
                .filter(|at| rest.is_char_boundary(*at))
                .any(|at| if tail.is_empty() { at == rest.len() } else { matches_wildcard(tail, &rest[at..]) })
        }),
    }
}

/// What an assignment reaches (Graph beta: appScopeIds). No source means all of them.
pub fn app_scopes(sources: &[DataSource]) -> BTreeSet<String> {
    if sources.is_empty() || sources.contains(&DataSource::All) {
        return ["/".to_string()].into();
    }
    let token = |source: &DataSource| match source {
        DataSource::All => "/",
        DataSource::Mde => "Mde",
        DataSource::Mdo => "Mdo",
        DataSource::Mdi => "Mdi",
        DataSource::Mdc => "Mdc",
    };
    sources.iter().map(|source| token(source).to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(actions: &[&str]) -> BTreeSet<String> {
        actions.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_covered_makes_no_difference() {
        let wide = set(&["microsoft.xdr/secops/*/manage"]);
        let both = set(&["microsoft.xdr/secops/*/manage", "microsoft.xdr/secops/securitydata/alerts/manage"]);
        assert!(is_same(&wide, &both));
        let manage = set(&["microsoft.xdr/secops/securitydata/alerts/manage"]);
        let read_too =
            set(&["microsoft.xdr/secops/securitydata/alerts/manage", "microsoft.xdr/secops/securitydata/alerts/read"]);
        assert!(is_same(&manage, &read_too));
    }

    #[test]
    fn a_wildcard_is_more_than_what_it_covers() {
        assert!(!is_same(&set(&["a/*/manage"]), &set(&["a/b/manage"])));
        assert!(!is_same(&set(&["a/b/read"]), &set(&["a/b/manage"])));
        assert!(!is_same(&set(&["a/*"]), &set(&["b/c"])));
    }

    #[test]
    fn an_action_is_taken_from_the_tenant_and_never_guessed() {
        let mut tenant = Defender::default();
        assert_eq!(resolve("alerts.manage", &tenant), None);
        tenant.actions = set(&["microsoft.xdr/secops/securitydata/alerts/manage"]);
        assert_eq!(
            resolve("alerts.manage", &tenant).as_deref(),
            Some("microsoft.xdr/secops/securitydata/alerts/manage")
        );
        let display = catalog::defender_permission("alerts.manage").unwrap().display;
        tenant.by_display.insert(display.into(), "microsoft.xdr/new/spelling".into());
        assert_eq!(resolve("alerts.manage", &tenant).as_deref(), Some("microsoft.xdr/new/spelling"));
    }
}
