//! A group, and who is in it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::planes::members::membership::Membership;
use crate::replicated::Replicated;
use crate::tenant::props::Props;

#[derive(Debug, Clone)]
pub struct Group {
    pub id: String,
    pub props: Props,
    pub created_by: Option<String>,
    /// Created with only Group.Create and no owner: it can never be changed (Graph: group-post-groups).
    pub anonymous: bool,
}

impl Group {
    pub fn text(&self, name: &str) -> &str {
        self.props.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn role_assignable(&self) -> bool {
        self.props.get("isAssignableToRole").and_then(Value::as_bool).unwrap_or(false)
    }

    pub fn dynamic(&self) -> bool {
        let types = self.props.get("groupTypes").and_then(Value::as_array);
        types.is_some_and(|types| types.iter().any(|one| one == "DynamicMembership"))
    }
}

/// A group and who is in it.
#[derive(Debug, Clone)]
pub struct GroupEntry {
    pub object: Replicated<Group>,
    pub members: BTreeMap<String, Replicated<Membership>>,
    pub owners: BTreeSet<String>,
}

impl GroupEntry {
    pub fn has_member(&self, id: &str) -> bool {
        self.members.get(id).is_some_and(|member| member.truth().is_some())
    }
}
