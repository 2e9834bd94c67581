//! Scopes of Azure. No IO.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// The longest resource id that ARM documents is well below this.
const LENGTH_LIMIT: usize = 2_048;

/// A place in Azure: `/subscriptions/..`, a resource group or resource in it, or a management group. Capitals stay as
/// written and are ignored in comparisons, as in ARM.
#[derive(Debug, Clone)]
pub struct Scope(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("azure scope {0:?} is not a path such as /subscriptions/{{id}}/resourceGroups/{{name}}")]
pub struct ScopeError(String);

impl Scope {
    /// A scope is only a path: nothing in it can end the path or climb out of it. `/` alone is the tenant.
    pub fn parse(text: &str) -> Result<Scope, ScopeError> {
        let path = text.strip_suffix('/').unwrap_or(text);
        // Resource group names allow these characters, and letters and digits of any script (ARM: naming rules).
        let allowed = |c: char| c.is_alphanumeric() || "-_.()".contains(c);
        let segment = |s: &str| !s.is_empty() && !s.chars().all(|c| c == '.') && s.chars().all(allowed);
        let valid = path.len() <= LENGTH_LIMIT
            && (text == "/" || path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(segment)));
        match valid {
            true => Ok(Scope(path.to_owned())),
            false => Err(ScopeError(text.chars().take(200).collect())),
        }
    }

    pub fn as_str(&self) -> &str {
        if self.0.is_empty() { "/" } else { &self.0 }
    }

    /// `/subscriptions/{id}`, if the scope is in one.
    pub(super) fn subscription(&self) -> Option<&str> {
        let mut segments = self.0.match_indices('/').map(|(at, _)| at);
        let (id_at, end) = (segments.nth(1)?, segments.next().unwrap_or(self.0.len()));
        self.0[..id_at].eq_ignore_ascii_case("/subscriptions").then(|| &self.0[..end])
    }

    fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

/// The start of a request path. The tenant's own scope is empty there.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq for Scope {
    fn eq(&self, other: &Scope) -> bool {
        self.folded() == other.folded()
    }
}

impl Eq for Scope {}

impl Ord for Scope {
    fn cmp(&self, other: &Scope) -> Ordering {
        self.folded().cmp(&other.folded())
    }
}

impl PartialOrd for Scope {
    fn partial_cmp(&self, other: &Scope) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Scope {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-sentinel";

    #[test]
    fn a_scope_cannot_leave_its_path() {
        for bad in [
            "",
            "subscriptions/1",
            "//",
            "/a//b",
            "/a/../b",
            "/a/./b",
            "/a?b",
            "/a#b",
            "/a%2f",
            "/a b",
            "/a\\b",
            "/a\n",
        ] {
            assert!(Scope::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Scope::parse(&format!("/{}", "x".repeat(LENGTH_LIMIT))).is_err());
        assert_eq!(Scope::parse(&format!("{GROUP}/")).unwrap().as_str(), GROUP);
        assert_eq!(Scope::parse("/").unwrap().as_str(), "/");
        assert!(Scope::parse("/providers/Microsoft.Management/managementGroups/mg(1)").is_ok());
    }

    #[test]
    fn capitals_do_not_part_scopes() {
        assert_eq!(Scope::parse(GROUP).unwrap(), Scope::parse(&GROUP.to_uppercase()).unwrap());
    }

    #[test]
    fn the_subscription_is_found_in_a_scope_that_has_one() {
        let of = |text: &str| Scope::parse(text).unwrap().subscription().map(str::to_owned);
        assert_eq!(of(GROUP).as_deref(), Some("/subscriptions/11111111-1111-4111-8111-111111111111"));
        assert_eq!(of("/subscriptions/1").as_deref(), Some("/subscriptions/1"));
        assert_eq!(of("/"), None);
        assert_eq!(of("/providers/Microsoft.Management/managementGroups/mg"), None);
    }
}
