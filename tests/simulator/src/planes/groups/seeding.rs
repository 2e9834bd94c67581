//! Groups as the directory first stores them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::group::{Group, GroupEntry};
use crate::clock::Now;
use crate::control::seed::GroupSeed;
use crate::planes::entra;
use crate::planes::members::membership::Membership;
use crate::planes::surface::SeedError;
use crate::replicated::{AT_ONCE, Replicated};
use crate::tenant::{Props, Tenant};

pub fn add_group(tenant: &mut Tenant, seed: &GroupSeed, now: Now) -> Result<(), SeedError> {
    let id = seed.id.clone().unwrap_or_else(|| tenant.new_id());
    let mut members = BTreeMap::new();
    for member in &seed.members {
        let found = tenant
            .resolve(member)
            .ok_or_else(|| SeedError::Member { group: seed.display_name.clone(), member: member.clone() })?;
        members.insert(found, Replicated::created(Membership::default(), AT_ONCE));
    }
    let mut props = group_props(&id, &seed.display_name, now);
    props.insert("isAssignableToRole".into(), if seed.role_assignable { json!(true) } else { Value::Null });
    props.insert("uniqueName".into(), json!(seed.unique_name));
    if let Some(rule) = &seed.membership_rule {
        props.insert("groupTypes".into(), json!(["DynamicMembership"]));
        props.insert("membershipRule".into(), json!(rule));
        props.insert("membershipRuleProcessingState".into(), json!("On"));
    }
    let object = Replicated::created(Group { id: id.clone(), props, created_by: None, anonymous: false }, AT_ONCE);
    tenant.groups.insert(id.clone(), GroupEntry { object, members, owners: BTreeSet::new() });
    entra::seeding::set(tenant, &id, &seed.entra_roles)
}

/// A security group as the directory first stores it.
pub fn group_props(id: &str, display_name: &str, now: Now) -> Props {
    let Value::Object(props) = json!({
        "id": id, "displayName": display_name, "description": null, "mailEnabled": false, "securityEnabled": true,
        "mailNickname": id.split('-').next(), "mail": null, "groupTypes": [], "visibility": null, "uniqueName": null,
        "isAssignableToRole": null, "membershipRule": null, "membershipRuleProcessingState": null,
        "createdDateTime": now.date(), "renewedDateTime": now.date(), "deletedDateTime": null, "proxyAddresses": [],
        "securityIdentifier": format!("S-1-12-1-{}", &id.replace('-', "")[..8]),
    }) else {
        unreachable!("the literal is an object")
    };
    props
}
