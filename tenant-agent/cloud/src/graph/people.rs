//! The accounts that a person has in the tenant: by every address that may be theirs, the recycle bin included.
//!
//! A person may have several accounts, and an account several addresses. It decides nothing about whose an account is;
//! what an account looks like is `users.rs`.

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

/// What the bin still shows of a user.
const DELETED_FIELDS: &str = "id,displayName,userPrincipalName,mail,otherMails,deletedDateTime";

/// A user in the tenant's bin, where it stays for 30 days and from where it comes back with its memberships (Graph:
/// directory-deleteditems-restore). As in [`User`], `None` is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeletedUser {
    pub id: Uuid,
    #[serde(default, deserialize_with = "known")]
    pub display_name: Option<String>,
    /// Changed by the deletion: the service puts the object id before it.
    #[serde(rename = "userPrincipalName", default, deserialize_with = "known")]
    pub upn: Option<String>,
    #[serde(default, deserialize_with = "known")]
    pub mail: Option<String>,
    #[serde(default, deserialize_with = "known")]
    pub other_mails: Option<Vec<String>>,
    #[serde(rename = "deletedDateTime", default, deserialize_with = "super::moment")]
    pub deleted: Option<OffsetDateTime>,
}

/// What is found by an address, and told apart by its id.
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
    /// Everyone who has one of the addresses as mail, among the other mails or among the proxy addresses, in the order
    /// asked.
    pub async fn find_users_by_mails(&self, mails: &[&str]) -> Vec<Answer<Listing<User>>> {
        self.by_mails(mails, find_users).await
    }

    /// Everyone in the bin who had the address, in the order asked. Somebody who was just deleted may be missing for
    /// as long as a filtered list lags.
    pub async fn find_deleted_users_by_mails(&self, mails: &[&str]) -> Vec<Answer<Listing<DeletedUser>>> {
        self.by_mails(mails, find_deleted_users).await
    }

    /// Three plain queries each: Graph documents the filters alone, and not joined by `or`.
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

/// One without the other is no answer: the person may be in the part that failed. But a tenant that refuses to filter by
/// proxy addresses refuses it always; that is said beside what the others gave.
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
