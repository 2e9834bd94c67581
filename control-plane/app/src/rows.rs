//! What is stored: keys, and one codec for all rows.
//!
//! A row is the serde form of its noun as JSON, in an envelope with a format number. JSON because the manifest that
//! people write, the row and what `get -o yaml` prints are then one shape, kept by one set of types; and because an
//! export can be read without this program. What is derived (items, states, leases) has no row: it is compiled anew.
//! Knows nothing about which store keeps the rows.

use bytes::Bytes;
use entente_model::desired::{Digest, ItemKey};
use entente_model::intent::ResourceName;
use entente_model::{AgentName, OperatorName, PrincipalName, TenantName, TokenName};
use entente_seal::KeyId;
use entente_store::{Entry, ReadError, Store, StoreExt};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Of the rows that this program writes. One that it does not know is refused, not guessed at.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Written<'a, T> {
    format: u32,
    row: &'a T,
}

#[derive(Deserialize)]
struct Read<T> {
    row: T,
}

#[derive(Deserialize)]
struct ReadFormat {
    format: u32,
}

/// Why a row cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    #[error("row {key} has format {found}, and this program knows {FORMAT}: run the version that wrote it")]
    Format { key: String, found: u32 },
    #[error("row {key} cannot be read: restore the store from an export")]
    Malformed {
        key: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("the store cannot be read")]
    Read(#[from] ReadError),
}

pub(crate) fn encode<T: Serialize>(row: &T) -> Bytes {
    serde_json::to_vec(&Written { format: FORMAT, row })
        .expect("rows have string keys and no failing serializer")
        .into()
}

pub(crate) fn decode<T: DeserializeOwned>(key: &str, value: &[u8]) -> Result<T, RowError> {
    let malformed = |source| RowError::Malformed { key: key.into(), source };
    match serde_json::from_slice::<Read<T>>(value) {
        // The format is looked at first only when something is wrong: rows of another format rarely parse by chance,
        // and reading ten thousand rows twice at start-up would be felt.
        Ok(read) if value.starts_with(b"{\"format\":1,") => Ok(read.row),
        outcome => {
            let found = serde_json::from_slice::<ReadFormat>(value).map_err(malformed)?.format;
            if found != FORMAT {
                return Err(RowError::Format { key: key.into(), found });
            }
            outcome.map(|read| read.row).map_err(malformed)
        }
    }
}

/// The row under a key, if there is one.
pub(crate) async fn get<T: DeserializeOwned>(store: &dyn Store, key: &str) -> Result<Option<T>, RowError> {
    let Some(entry) = store.get(key).await? else { return Ok(None) };
    decode(key, &entry.value).map(Some)
}

/// All rows below a prefix: what follows the prefix, and the row, or why it cannot be used.
pub(crate) async fn all<T>(store: &dyn Store, prefix: &str) -> Result<Vec<(String, Result<T, RowError>)>, RowError>
where
    T: DeserializeOwned + Send,
{
    let mut found = Vec::new();
    let each = |key: &str, entry: &Entry| {
        found.push((key[prefix.len()..].to_owned(), decode(key, &entry.value)));
        Ok::<_, RowError>(())
    };
    store.scan_all(prefix, each).await?;
    Ok(found)
}

pub(crate) const INTENT: &str = "intent/";
pub(crate) const REVOCATION: &str = "revocation/";
pub(crate) const AUDIT: &str = "audit/";
pub(crate) const TOKEN: &str = "token/";
pub(crate) const AGENT: &str = "agent/";
pub(crate) const PRINCIPAL: &str = "principal/";
pub(crate) const REQUEST: &str = "request/";
pub(crate) const STATUS: &str = "status/";
pub(crate) const STANDING: &str = "standing/";
pub(crate) const REMOVAL: &str = "removal/";
pub(crate) const KNOWN: &str = "known/";
pub(crate) const STATEMENT: &str = "statement/";
pub(crate) const ROOT: &str = "root/";
pub(crate) const EVENT: &str = "event/";
/// Where each event is, by its number in the fleet.
pub(crate) const EVENT_AT: &str = "event-at/";
/// Where intent stands: the newest audit record and root.
pub(crate) const HEAD: &str = "meta/head";
/// The root key that every statement is checked against.
pub(crate) const ROOT_KEY: &str = "meta/root-key";
/// Which history is the one now, and since when.
pub(crate) const EPOCH: &str = "meta/epoch";

pub(crate) fn intent(name: &ResourceName) -> String {
    format!("{INTENT}{name}")
}

pub(crate) fn revocation(id: &str) -> String {
    format!("{REVOCATION}{id}")
}

/// Counted down, so that a scan, which only goes forwards, meets the newest first.
pub(crate) fn audit(revision: u64) -> String {
    format!("{AUDIT}{:020}", u64::MAX - revision)
}

pub(crate) fn root(digest: Digest) -> String {
    format!("{ROOT}{digest}")
}

/// How the log of a key in an epoch stands.
pub(crate) fn log(signer: KeyId, epoch: u64) -> String {
    format!("log/{}/{epoch}", signer.0)
}

pub(crate) fn events_of(tenant: &TenantName) -> String {
    format!("{EVENT}{}/", tenant.id())
}

/// Counted down, as the audit's are.
pub(crate) fn event(tenant: &TenantName, place: u64) -> String {
    format!("{}{:020}", events_of(tenant), u64::MAX - place)
}

pub(crate) fn event_at(number: u64) -> String {
    format!("{EVENT_AT}{:020}", u64::MAX - number)
}

pub(crate) fn token(name: &TokenName) -> String {
    format!("{TOKEN}{}", name.id())
}

pub(crate) fn agent(name: &AgentName) -> String {
    format!("{AGENT}{}/{}", name.tenant.id(), name.agent_id())
}

pub(crate) fn principal(name: &PrincipalName) -> String {
    format!("{PRINCIPAL}{}", name.id())
}

pub(crate) fn request(principal: &PrincipalName, id: Uuid) -> String {
    format!("{REQUEST}{}/{id}", principal.id())
}

/// Item keys may be longer than a store's keys, so their hash stands for them; the row holds the key.
pub(crate) fn status(tenant: &TenantName, item: &str) -> String {
    format!("{STATUS}{}/{}", tenant.id(), short(item))
}

pub(crate) fn standing(tenant: &TenantName) -> String {
    format!("{STANDING}{}", tenant.id())
}

pub(crate) fn removals_of(operator: &OperatorName) -> String {
    format!("{REMOVAL}{}/", operator.id())
}

/// The number tells the receipts of one removal apart: who came back is proven gone again.
pub(crate) fn removal(operator: &OperatorName, tenant: &TenantName, revocation: &str, number: u64) -> String {
    format!("{}{}/{}-{number}", removals_of(operator), tenant.id(), short(revocation))
}

pub(crate) fn known_in(tenant: &TenantName) -> String {
    format!("{KNOWN}{}/", tenant.id())
}

pub(crate) fn known(tenant: &TenantName, user: &ItemKey) -> String {
    format!("{}{}", known_in(tenant), short(&user.to_string()))
}

pub(crate) fn statement(bytes: &[u8]) -> String {
    format!("{STATEMENT}{}", sha256(bytes))
}

pub(crate) fn short(text: &str) -> String {
    hex::encode(&sha256(text.as_bytes()).0[..16])
}

pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    Digest(digest.as_ref().try_into().expect("SHA-256 has 32 bytes"))
}

/// Bytes and digests as hexadecimal text, in rows.
pub(crate) mod as_hex {
    use entente_model::desired::Digest;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer, B: AsRef<[u8]>>(bytes: B, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&hex::encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(d)?;
        hex::decode(text.as_bytes()).map_err(serde::de::Error::custom)
    }

    pub(crate) mod digest {
        use super::*;

        pub(crate) fn serialize<S: Serializer>(digest: &Digest, s: S) -> Result<S::Ok, S::Error> {
            s.collect_str(digest)
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Digest, D::Error> {
            let bytes = super::deserialize(d)?;
            let bytes = bytes.try_into().map_err(|_| serde::de::Error::custom("a digest has 32 bytes"))?;
            Ok(Digest(bytes))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_reads_back_and_another_format_is_refused_by_name() {
        let bytes = encode(&vec![1, 2]);
        assert_eq!(decode::<Vec<u32>>("k", &bytes).unwrap(), [1, 2]);
        let error = decode::<Vec<u32>>("k", br#"{"format":2,"row":[1,2]}"#).unwrap_err();
        assert!(error.to_string().starts_with("row k has format 2"), "{error}");
        assert!(matches!(decode::<Vec<u32>>("k", b"{}"), Err(RowError::Malformed { .. })));
        assert!(matches!(decode::<String>("k", &bytes), Err(RowError::Malformed { .. })));
    }
}
