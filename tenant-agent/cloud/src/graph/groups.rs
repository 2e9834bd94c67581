//! Security groups: made, found, deleted. `members.rs` has their members.

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{DirectoryObject, Graph, Removed, or_default, read, removed, write};
use crate::absence::Absence;
use crate::failure::Answer;
use crate::listing::Listing;
use crate::uri::{quoted, with_query};

const GROUP_FIELDS: &str =
    "id,displayName,mailNickname,description,createdDateTime,securityEnabled,groupTypes,isAssignableToRole";

/// The most parent groups that an answer includes (Graph: query-parameters, $expand).
pub const MOST_PARENTS: usize = 20;

/// Included in a group's answer without a further call (Graph: query-parameters, $expand).
const GROUP_PARENTS: &str = "memberOf($select=id,displayName)";

/// An assigned security group to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGroup {
    /// At most 256 characters; not unique in a tenant.
    pub display_name: String,
    /// At most 64 ASCII characters, without a dot (the documentation contradicts itself about it).
    pub mail_nickname: String,
    pub description: String,
    /// The service principal that makes it. Without an owner, a group made with `Group.Create` alone can never be
    /// changed again (Graph: group-post-groups).
    pub owner: Uuid,
    /// Whether it may hold directory roles. This can only be set at creation; changing its members then takes
    /// `RoleManagement.ReadWrite.Directory` (Entra: groups-concept).
    pub role_assignable: bool,
}

/// A group as the tenant shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    pub id: Uuid,
    #[serde(default, deserialize_with = "or_default")]
    pub display_name: String,
    pub mail_nickname: Option<String>,
    pub description: Option<String>,
    #[serde(rename = "createdDateTime", default, deserialize_with = "super::moment")]
    pub created: Option<OffsetDateTime>,
    #[serde(default, deserialize_with = "or_default")]
    pub security_enabled: bool,
    /// Its members follow a rule. They cannot be added or removed.
    #[serde(rename = "groupTypes", default, deserialize_with = "is_dynamic")]
    pub dynamic: bool,
    #[serde(rename = "isAssignableToRole", default, deserialize_with = "or_default")]
    pub role_assignable: bool,
    /// The groups that contain the group, at most 20. `None` if the answer lacks the field, or has what is not
    /// understood.
    #[serde(rename = "memberOf", default, deserialize_with = "understood")]
    pub member_of: Option<Vec<DirectoryObject>>,
}

/// A part that is not understood is unknown. The other parts are still used.
fn understood<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Vec<DirectoryObject>>, D::Error> {
    Ok(serde_json::from_value(serde_json::Value::deserialize(from)?).ok())
}

fn is_dynamic<'de, D: serde::Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    let types: Vec<String> = or_default(from)?;
    Ok(types.iter().any(|t| t == "DynamicMembership"))
}

impl Graph {
    /// Not repeatable: names are not unique, so look up a lost answer by name. Graph: group-post-groups.
    pub async fn create_group(&self, group: &NewGroup) -> Answer<Group> {
        let mut body = json!({
            "displayName": group.display_name,
            "mailNickname": group.mail_nickname,
            "description": group.description,
            "mailEnabled": false,
            "securityEnabled": true,
            "groupTypes": [],
            "owners@odata.bind": [self.reference("servicePrincipals", group.owner)],
        });
        if group.role_assignable {
            // Without a visibility, because the documentation contradicts itself about it.
            body["isAssignableToRole"] = json!(true);
        }
        let call = write(Method::POST, "POST /groups", "/v1.0/groups".to_owned()).body(body);
        let reply = self.client.send(&call).await?;
        call.decode(reply.body)
    }

    /// `None` means that it does not exist or is not visible yet.
    pub async fn get_group(&self, id: Uuid) -> Answer<Option<Group>> {
        let path = with_query(&format!("/v1.0/groups/{id}"), &[("$select", GROUP_FIELDS), ("$expand", GROUP_PARENTS)]);
        self.find(read("GET /groups/{id}", path).of(Absence::Directory)).await
    }

    /// All groups of exactly this name; there may be several.
    pub async fn find_groups_by_name(&self, display_name: &str) -> Answer<Listing<Group>> {
        let filter = format!("displayName eq {}", quoted(display_name));
        let path = with_query("/v1.0/groups", &[("$filter", &filter), ("$select", GROUP_FIELDS)]);
        self.list(read("GET /groups", path)).await
    }

    pub async fn delete_group(&self, id: Uuid) -> Answer<Removed> {
        let call = write(Method::DELETE, "DELETE /groups/{id}", format!("/v1.0/groups/{id}"));
        removed(self.client.send(&call.of(Absence::Directory).revocation()).await)
    }

    /// A reference contains the cloud's own address, even if we use another one to reach it.
    pub(super) fn reference(&self, collection: &str, id: Uuid) -> String {
        let graph = self.client.endpoints.cloud.graph();
        format!("{graph}/v1.0/{collection}/{id}")
    }
}
