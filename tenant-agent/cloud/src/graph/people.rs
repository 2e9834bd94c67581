//! A person's accounts in the tenant, found by every address that may be theirs, including in the recycle bin.
//!
//! A person may have several accounts, and an account several addresses. This file does not decide whose an account is.
//! `users.rs` has the accounts.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use uuid::Uuid;

use super::users::{USER_FIELDS, User, known};
use super::{Graph, read};
use crate::call::Call;
use crate::failure::{Answer, Failure};
use crate::listing::Listing;
use crate::uri::{quoted, with_query};

/// What the recycle bin still shows of a user.
const DELETED_FIELDS: &str = "id,displayName,userPrincipalName,mail,otherMails,deletedDateTime";

/// A user in the tenant's recycle bin. It stays there for 30 days, and a restore brings back its memberships (Graph:
/// directory-deleteditems-restore). As in [`User`], `None` means unknown.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeletedUser {
    pub id: Uuid,
    #[serde(default, deserialize_with = "known")]
    pub display_name: Option<String>,
    /// The deletion changes it: the service puts the object id in front.
    #[serde(rename = "userPrincipalName", default, deserialize_with = "known")]
    pub upn: Option<String>,
    #[serde(default, deserialize_with = "known")]
    pub mail: Option<String>,
    #[serde(default, deserialize_with = "known")]
    pub other_mails: Option<Vec<String>>,
    #[serde(rename = "deletedDateTime", default, deserialize_with = "super::moment")]
    pub deleted: Option<OffsetDateTime>,
}

/// Something found by an address and identified by its id.
trait Found: DeserializeOwned {
    fn id(&self) -> Uuid;
}

impl Found for User {
    fn id(&self) -> Uuid {
        self.id
    }
}

impl Found for DeletedUser {
    fn id(&self) -> Uuid {
        self.id
    }
}

impl Graph {
    /// Every user who has one of the addresses as mail, among the other mails, or among the proxy addresses, in the
    /// given order.
    pub async fn find_users_by_mails(&self, mails: &[&str]) -> Vec<Answer<Listing<User>>> {
        self.by_mails(mails, find_users).await
    }

    /// Every user in the recycle bin who had the address, in the given order. A recently deleted one may be missing as
    /// long as a filtered list lags.
    pub async fn find_deleted_users_by_mails(&self, mails: &[&str]) -> Vec<Answer<Listing<DeletedUser>>> {
        self.by_mails(mails, find_deleted_users).await
    }

    /// Three plain queries each: Graph documents the filters alone, not joined by `or`.
    async fn by_mails<T: Found>(&self, mails: &[&str], find: fn(&str) -> Call) -> Vec<Answer<Listing<T>>> {
        let filters = mails.iter().flat_map(|mail| {
            let (bare, smtp) = (quoted(mail), quoted(&format!("smtp:{mail}")));
            [
                format!("mail eq {bare}"),
                format!("otherMails/any(m:m eq {bare})"),
                format!("proxyAddresses/any(p:p eq {smtp})"),
            ]
        });
        let mut found = self.list_all::<T>(filters.map(|filter| find(&filter)).collect()).await.into_iter();
        let mut next = || found.next().expect("three listings were asked for each address");
        mails.iter().map(|_| merge(next(), next(), next())).collect()
    }
}

fn find_users(filter: &str) -> Call {
    let path = with_query("/v1.0/users", &[("$filter", filter), ("$select", USER_FIELDS)]);
    read("GET /users", path)
}

fn find_deleted_users(filter: &str) -> Call {
    let query = [("$filter", filter), ("$select", DELETED_FIELDS)];
    read(
        "GET /directory/deletedItems/microsoft.graph.user",
        with_query("/v1.0/directory/deletedItems/microsoft.graph.user", &query),
    )
}

/// One part without another is not an answer: the person may be in the part that failed. But a tenant that refuses the
/// filter by proxy addresses always refuses it. That is noted in addition to what the others returned.
fn merge<T: Found>(
    mail: Answer<Listing<T>>,
    other_mails: Answer<Listing<T>>,
    proxy_addresses: Answer<Listing<T>>,
) -> Answer<Listing<T>> {
    let mut all = mail?;
    all.join(other_mails?);
    match proxy_addresses {
        Err(Failure::Refused(no)) => all.note(format!("not looked for among the proxy addresses: {no}")),
        listing => all.join(listing?),
    }
    let by_id: BTreeMap<Uuid, T> = all.entries.into_iter().map(|one| (one.id(), one)).collect();
    Ok(Listing { entries: by_id.into_values().collect(), ..all })
}
