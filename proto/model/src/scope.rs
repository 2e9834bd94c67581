//! Scopes of Azure Resource Manager in manifests and guardrails: one parser for both sides.

use crate::name::Guid;

/// Longest scope in bytes. A row's key (512 bytes) has room for one and the names around it. The deepest scope in
/// practice, a workspace in a resource group with the longest name, has some 250.
pub const MAX_SCOPE_BYTES: usize = 360;

/// Longest name of a resource group (Azure: resource naming rules, Microsoft.Resources).
const MAX_NAME_CHARS: usize = 90;

/// Why a text is not a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    #[error("has {0} bytes; at most {MAX_SCOPE_BYTES} are taken")]
    TooLong(usize),
    #[error("does not begin with a subscription; write /subscriptions/GUID or /subscriptions/GUID/resourceGroups/NAME")]
    Subscription,
    #[error("has {0:?} where ARM has resourceGroups; write /subscriptions/GUID/resourceGroups/NAME")]
    Word(String),
    #[error("has the name {0:?}, which ARM does not allow; use letters, digits and -_.(), and no period at the end")]
    Name(String),
    #[error("ends in the middle: each type needs a name, as in /subscriptions/GUID/resourceGroups/NAME")]
    Odd,
}

/// Checks a scope: `/subscriptions/GUID`, a resource group in it, or a resource in either. Ignores case, as ARM does.
pub fn check(scope: &str) -> Result<(), ScopeError> {
    if scope.len() > MAX_SCOPE_BYTES {
        return Err(ScopeError::TooLong(scope.len()));
    }
    let mut words = scope.strip_prefix('/').ok_or(ScopeError::Subscription)?.split('/');
    let is = |word: Option<&str>, name: &str| word.is_some_and(|word| word.eq_ignore_ascii_case(name));
    if !is(words.next(), "subscriptions") || words.next().is_none_or(|id| id.parse::<Guid>().is_err()) {
        return Err(ScopeError::Subscription);
    }
    let mut rest: Vec<&str> = words.collect();
    if is(rest.first().copied(), "resourceGroups") {
        name(rest.get(1).copied())?;
        rest.drain(..2);
    }
    in_provider(&rest)
}

/// `providers/NAMESPACE/TYPE/NAME`, then more types with names; or nothing.
fn in_provider(rest: &[&str]) -> Result<(), ScopeError> {
    let Some(first) = rest.first() else { return Ok(()) };
    if !first.eq_ignore_ascii_case("providers") {
        return Err(ScopeError::Word((*first).to_owned()));
    }
    if rest.len() < 4 || !rest.len().is_multiple_of(2) {
        return Err(ScopeError::Odd);
    }
    rest.iter().try_for_each(|word| name(Some(word)))
}

/// A name of a group or a resource: letters and digits of any script (Azure: resource naming rules).
fn name(word: Option<&str>) -> Result<(), ScopeError> {
    let word = word.ok_or(ScopeError::Odd)?;
    let plain = |c: char| c.is_alphanumeric() || "-_.()".contains(c);
    let is_name =
        (1..=MAX_NAME_CHARS).contains(&word.chars().count()) && word.chars().all(plain) && !word.ends_with('.');
    if is_name { Ok(()) } else { Err(ScopeError::Name(word.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBSCRIPTION: &str = "/subscriptions/11111111-1111-4111-8111-111111111111";

    #[test]
    fn field_kind_15_a_scope_is_what_arm_takes_and_nothing_like_it() {
        for rest in [
            "",
            "/resourceGroups/rg-sentinel",
            "/RESOURCEGROUPS/rg-sentinel",
            "/resourceGroups/rg_Überwachung.(1)",
            "/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/law",
            "/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/a/blobServices/default",
            "/providers/Microsoft.Security/pricings/x",
        ] {
            assert_eq!(check(&format!("{SUBSCRIPTION}{rest}")), Ok(()), "{rest}");
        }
        let wrong = |rest: &str| check(&format!("{SUBSCRIPTION}{rest}")).unwrap_err();
        assert_eq!(wrong("/resource_groups/rg"), ScopeError::Word("resource_groups".into()));
        assert_eq!(wrong("/resourceGroups/rg/workspaces/law"), ScopeError::Word("workspaces".into()));
        for rest in
            ["/resourceGroups", "/resourceGroups/rg/providers", "/providers/Microsoft.X/workspaces", "/providers/x"]
        {
            assert_eq!(wrong(rest), ScopeError::Odd, "{rest}");
        }
        for name in ["", "..", "a.", "a b", "$web", "a?b", "a%2fb", "rg\u{202e}", &"x".repeat(91)] {
            assert_eq!(wrong(&format!("/resourceGroups/{name}")), ScopeError::Name(name.into()));
        }
        for scope in
            ["", "/", "subscriptions/x", "/subscriptions/x", "/providers/Microsoft.Management/managementGroups/x"]
        {
            assert_eq!(check(scope), Err(ScopeError::Subscription), "{scope}");
        }
        assert_eq!(wrong(&"/a".repeat(200)), ScopeError::TooLong(451));
    }
}
