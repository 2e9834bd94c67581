//! The name under which an Azure role assignment is written: the same for the same three, always, so that twice is once,
//! and so that ours is told from another one of the same content.

use entente_model::Guid;
use uuid::{Uuid, uuid};

/// Never changes: it tells our assignments of earlier releases.
const NAMES: Uuid = uuid!("6c1f3f0e-6f0a-5c1e-9d55-0a4a7f2f9b11");

/// ARM compares scopes without regard to case. A name is unique in a tenant, and cannot be used for other content (ARM:
/// troubleshooting role assignments).
pub fn assignment_name(scope: &str, principal: Guid, definition: Guid) -> Guid {
    let scope = scope.trim_end_matches('/').to_ascii_lowercase();
    let text = format!("{scope}\n{principal}\n{definition}");
    Guid::from_u128(Uuid::new_v5(&NAMES, text.as_bytes()).as_u128())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-sentinel";

    #[test]
    fn a_name_never_changes_between_releases() {
        let (principal, definition) = (Guid::from_u128(1), Guid::from_u128(2));
        let name = assignment_name(GROUP, principal, definition);
        assert_eq!(name.to_string(), "58bf86f8-c1fc-5cb7-9b28-94149da1e00f");
        assert_eq!(assignment_name(&GROUP.to_uppercase(), principal, definition), name);
        assert_ne!(assignment_name(GROUP, definition, principal), name);
    }
}
