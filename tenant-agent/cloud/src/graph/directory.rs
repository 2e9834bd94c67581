//! The tenant itself: its name, its rules for invitations, and the service principals in it.

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::{Graph, or_default, read};
use crate::failure::Answer;
use crate::uri::with_query;

/// An application's presence in the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServicePrincipal {
    pub id: Uuid,
    pub app_id: Uuid,
    pub display_name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    #[serde(rename = "id")]
    pub tenant_id: Uuid,
    pub display_name: Option<String>,
    #[serde(default, deserialize_with = "domain_names")]
    pub verified_domains: Vec<String>,
}

/// Graph: authorizationPolicy, `allowInvitesFrom`. An application can invite only under [`Self::Everyone`] and
/// [`Self::AdminsGuestInvitersAndAllMembers`]; according to the documentation, not if only administrators may invite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhoMayInvite {
    Nobody,
    AdminsAndGuestInviters,
    AdminsGuestInvitersAndAllMembers,
    Everyone,
    Other(String),
}

fn domain_names<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let domains: Vec<Value> = or_default(from)?;
    let name = |d: &Value| d.get("name").and_then(Value::as_str).map(str::to_owned);
    Ok(domains.iter().filter_map(name).collect())
}

impl Graph {
    pub async fn find_service_principal(&self, app_id: Uuid) -> Answer<Option<ServicePrincipal>> {
        let filter = format!("appId eq '{app_id}'");
        let query = [("$filter", filter.as_str()), ("$select", "id,appId,displayName")];
        let call = read("GET /servicePrincipals", with_query("/v1.0/servicePrincipals", &query));
        let found = self.list::<ServicePrincipal>(call.clone()).await?;
        match (found.entries.into_iter().next(), found.odd.into_iter().next()) {
            // The service principal may be the entry that was not understood.
            (None, Some(odd)) => Err(call.unusable(odd)),
            (found, _) => Ok(found),
        }
    }

    pub async fn organization(&self) -> Answer<Organization> {
        let query = [("$select", "id,displayName,verifiedDomains")];
        let call = read("GET /organization", with_query("/v1.0/organization", &query));
        let mut found = self.list::<Organization>(call.clone()).await?;
        found.entries.pop().ok_or_else(|| call.unusable("no organization"))
    }

    pub async fn who_may_invite(&self) -> Answer<WhoMayInvite> {
        let path = "/v1.0/policies/authorizationPolicy".to_owned();
        let call = read("GET /policies/authorizationPolicy", path);
        let mut body = self.client.send(&call).await?.body;
        // Some versions of the service answer with a list of one.
        if let Some(first) = body.get_mut("value").and_then(|list| list.get_mut(0)) {
            body = first.take();
        }
        let word = body.get("allowInvitesFrom").and_then(Value::as_str);
        Ok(match word.ok_or_else(|| call.unusable("no allowInvitesFrom"))? {
            "none" => WhoMayInvite::Nobody,
            "adminsAndGuestInviters" => WhoMayInvite::AdminsAndGuestInviters,
            "adminsGuestInvitersAndAllMembers" => WhoMayInvite::AdminsGuestInvitersAndAllMembers,
            "everyone" => WhoMayInvite::Everyone,
            other => WhoMayInvite::Other(other.to_owned()),
        })
    }
}
