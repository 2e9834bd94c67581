//! One item and its bytes.
//!
//! Items travel and rest as a key and bytes, verbatim: whoever keeps them keeps what was signed. What a reader cannot
//! read in full, it does not carry out: such an item decodes to [`ItemBody::Unknown`], with the windows and the want that
//! it has, so that a removal is never taken for a grant. Of an unknown cause, too, it is a removal. So does one with a text
//! that is not plain.
//! Knows nothing about tenants or digests of many: see [`crate::buckets`].

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use entente_model::desired::{
    AzureRoleBody, DefenderAssignmentBody, DefenderRoleBody, Digest, Ground, GroupBody, Item, ItemBody, ItemKey,
    KeyError, MAX_GROUNDS, MAX_KNOWN, MemberBody, PermissionGrant, UserBody, Want,
};
use entente_model::intent::{DataSource, UserType};
use entente_model::revocation::Cause;
use entente_model::{AssignmentName, Guid, Timestamp, Window, Windows, text};
use prost::Message;

use crate::{hash, wire};

/// Most bytes of one item: a person with a thousand separate windows takes some 20 KiB.
pub const MAX_ITEM_BYTES: usize = 32 * 1024;

/// Up to which level of [`wire::Item::needs`] this version understands items. Raised with a field that changes what a
/// known kind means; items that do not use the field go on needing less, as all do now.
const LEVEL: u32 = 1;

/// Why bytes are not what they should be.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("item key {0:?} is not in its one spelling")]
    KeySpelling(String),
    #[error("{what} has {len} bytes; at most {max} are taken")]
    TooLarge { what: String, len: usize, max: usize },
    #[error("{0} is not encoded as it should be")]
    Bytes(String, #[source] prost::DecodeError),
    #[error("{what}: {field} holds no such value")]
    Field { what: String, field: &'static str },
}

impl DecodeError {
    pub(crate) fn field(what: impl ToString, field: &'static str) -> Self {
        Self::Field { what: what.to_string(), field }
    }
}

/// The item's bytes, without its key. The same item always has the same bytes.
pub fn encode_item(item: &Item) -> Vec<u8> {
    let absent = match &item.want {
        Want::Present => None,
        Want::Absent { cause, actor, since, known, addresses } => Some(wire::Absent {
            cause: cause.word().into(),
            actor: actor.clone(),
            since: since.as_unix(),
            known: known.iter().map(|id| id.as_bytes().to_vec()).collect(),
            addresses: addresses.iter().cloned().collect(),
        }),
    };
    let windows = item.windows.as_slice().iter().map(|window| wire::Window {
        start: window.start.map(Timestamp::as_unix),
        end: window.end.map(Timestamp::as_unix),
    });
    wire::Item { absent, windows: windows.collect(), needs: 0, body: encode_body(&item.body) }.encode_to_vec()
}

fn encode_body(body: &ItemBody) -> Option<wire::Body> {
    Some(match body.clone() {
        ItemBody::User(UserBody { operator, display_name, upn, mail, user_type, home_tenant }) => {
            wire::Body::User(wire::User {
                operator: operator.id().into(),
                display_name,
                upn,
                mail,
                user_type: user_type.word().into(),
                home_tenant: home_tenant.as_bytes().to_vec(),
            })
        }
        ItemBody::Group(GroupBody { display_name, description }) => {
            wire::Body::Group(wire::Group { display_name, description })
        }
        ItemBody::Member(MemberBody { grounds }) => {
            let ground = |it: Ground| wire::Ground {
                assignment: it.assignment.id().into(),
                justification: it.justification,
                ticket: it.ticket.unwrap_or_default(),
            };
            wire::Body::Member(wire::Member { grounds: grounds.into_iter().take(MAX_GROUNDS).map(ground).collect() })
        }
        ItemBody::AzureRole(AzureRoleBody { scope, definition, role_name }) => {
            wire::Body::AzureRole(wire::AzureRole { scope, definition: definition.as_bytes().to_vec(), role_name })
        }
        ItemBody::DefenderRole(DefenderRoleBody { display_name, description, permissions }) => {
            let permissions = permissions.into_iter().map(|grant| wire::Permission {
                permission: grant.permission,
                withheld_until: grant.withheld_until.map(Timestamp::as_unix),
            });
            wire::Body::DefenderRole(wire::DefenderRole {
                display_name,
                description,
                permissions: permissions.collect(),
            })
        }
        ItemBody::DefenderAssignment(DefenderAssignmentBody { display_name, data_sources }) => {
            let data_sources = data_sources.into_iter().map(|source| source.word().into()).collect();
            wire::Body::DefenderAssignment(wire::DefenderAssignment { display_name, data_sources })
        }
        ItemBody::Unknown => return None,
    })
}

/// Reads an item back. A kind, a level, or a word of a closed list, that this version does not know makes the body
/// [`ItemBody::Unknown`]; anything else that is wrong is an error.
pub fn decode_item(key: &str, bytes: &[u8]) -> Result<Item, DecodeError> {
    check_size(key, bytes)?;
    let parsed = parse_key(key)?;
    let item = wire::Item::decode(bytes).map_err(|error| DecodeError::Bytes(key.into(), error))?;
    let windows = decode_windows(key, &item.windows)?;
    let want = decode_want(key, item.absent)?;
    let is_readable = item.needs <= LEVEL && !matches!(parsed, ItemKey::Other(_));
    let body = match item.body.filter(|_| is_readable) {
        Some(body) => decode_body(key, body)?,
        None => None,
    };
    if body.as_ref().is_some_and(|body| !is_of_kind(&parsed, body)) {
        return Err(DecodeError::field(key, "body"));
    }
    // A text that breaks a line or looks like another one is never shown or written to a tenant, whoever signed it.
    let body = body.filter(is_plain).unwrap_or(ItemBody::Unknown);
    Ok(Item { key: parsed, want, windows, body })
}

fn is_plain(body: &ItemBody) -> bool {
    let texts: Vec<&str> = match body {
        ItemBody::User(UserBody { display_name, upn, mail, .. }) => vec![display_name, upn, mail],
        ItemBody::Group(GroupBody { display_name, description }) => vec![display_name, description],
        ItemBody::AzureRole(AzureRoleBody { scope, role_name, .. }) => vec![scope, role_name],
        ItemBody::DefenderRole(DefenderRoleBody { display_name, description, permissions }) => {
            let named = permissions.iter().map(|grant| grant.permission.as_str());
            [display_name.as_str(), description].into_iter().chain(named).collect()
        }
        ItemBody::DefenderAssignment(DefenderAssignmentBody { display_name, .. }) => vec![display_name],
        ItemBody::Member(_) | ItemBody::Unknown => Vec::new(),
    };
    texts.into_iter().all(|it| text::plain(it).is_ok())
}

fn check_size(key: &str, bytes: &[u8]) -> Result<(), DecodeError> {
    if bytes.len() <= MAX_ITEM_BYTES {
        return Ok(());
    }
    // The key is bounded before it is repeated in a text.
    let what = key.chars().take(64).collect();
    Err(DecodeError::TooLarge { what, len: bytes.len(), max: MAX_ITEM_BYTES })
}

fn parse_key(key: &str) -> Result<ItemKey, DecodeError> {
    let parsed: ItemKey = key.parse()?;
    // Two spellings of one key would be two leaves for one thing.
    if parsed.to_string() == key { Ok(parsed) } else { Err(DecodeError::KeySpelling(key.into())) }
}

fn decode_want(key: &str, absent: Option<wire::Absent>) -> Result<Want, DecodeError> {
    let Some(absent) = absent else { return Ok(Want::Present) };
    let since = timestamp(key, "absent.since", absent.since)?;
    let known: BTreeSet<Guid> =
        absent.known.iter().map(|id| guid(key, "absent.known", id)).collect::<Result<_, DecodeError>>()?;
    let addresses: BTreeSet<String> = absent.addresses.into_iter().collect();
    if known.len() > MAX_KNOWN || addresses.len() > MAX_KNOWN {
        return Err(DecodeError::field(key, "absent.known"));
    }
    let cause = Cause::ALL.into_iter().find(|cause| cause.word() == absent.cause).unwrap_or(Cause::Unknown);
    // Named in logs and receipts: the removal itself hangs on no text.
    let actor = if text::plain(&absent.actor).is_ok() { absent.actor } else { String::new() };
    let addresses = addresses.into_iter().filter(|it| text::plain(it).is_ok()).collect();
    Ok(Want::Absent { cause, actor, since, known, addresses })
}

fn decode_windows(key: &str, windows: &[wire::Window]) -> Result<Windows, DecodeError> {
    let bound = |bound: Option<i64>| bound.map(|seconds| timestamp(key, "windows", seconds)).transpose();
    let window = |window: &wire::Window| Ok(Window { start: bound(window.start)?, end: bound(window.end)? });
    let plain: Vec<Window> = windows.iter().map(window).collect::<Result<_, DecodeError>>()?;
    let merged = Windows::from(plain.clone());
    if merged.as_slice() == plain { Ok(merged) } else { Err(DecodeError::field(key, "windows")) }
}

/// `None` for a word of a closed list that this version does not know.
fn decode_body(key: &str, body: wire::Body) -> Result<Option<ItemBody>, DecodeError> {
    Ok(Some(match body {
        wire::Body::User(user) => {
            let types = [UserType::Guest, UserType::Member];
            let Some(user_type) = types.into_iter().find(|known| known.word() == user.user_type) else {
                return Ok(None);
            };
            ItemBody::User(UserBody {
                operator: entente_model::OperatorName::from_id(&user.operator)
                    .map_err(|_| DecodeError::field(key, "user.operator"))?,
                display_name: user.display_name,
                upn: user.upn,
                mail: user.mail,
                user_type,
                home_tenant: guid(key, "user.home_tenant", &user.home_tenant)?,
            })
        }
        wire::Body::Group(wire::Group { display_name, description }) => {
            ItemBody::Group(GroupBody { display_name, description })
        }
        wire::Body::Member(member) => ItemBody::Member(MemberBody {
            grounds: member.grounds.into_iter().take(MAX_GROUNDS).filter_map(ground).collect(),
        }),
        wire::Body::AzureRole(role) => ItemBody::AzureRole(AzureRoleBody {
            definition: guid(key, "azure_role.definition", &role.definition)?,
            scope: role.scope,
            role_name: role.role_name,
        }),
        wire::Body::DefenderRole(role) => ItemBody::DefenderRole(DefenderRoleBody {
            display_name: role.display_name,
            description: role.description,
            permissions: role.permissions.into_iter().map(|it| permission(key, it)).collect::<Result<_, _>>()?,
        }),
        wire::Body::DefenderAssignment(assignment) => {
            let source = |word: &String| DataSource::EVERY.into_iter().find(|known| known.word() == word);
            let Some(data_sources) = assignment.data_sources.iter().map(source).collect() else { return Ok(None) };
            ItemBody::DefenderAssignment(DefenderAssignmentBody { display_name: assignment.display_name, data_sources })
        }
    }))
}

/// Nothing hangs on it, so that one which cannot be shown is left out, and the membership holds.
fn ground(wire: wire::Ground) -> Option<Ground> {
    let assignment = AssignmentName::from_id(&wire.assignment).ok()?;
    let is_plain = [&wire.justification, &wire.ticket].into_iter().all(|it| text::plain(it).is_ok());
    let ticket = Some(wire.ticket).filter(|it| !it.is_empty());
    is_plain.then_some(Ground { assignment, justification: wire.justification, ticket })
}

fn permission(key: &str, wire: wire::Permission) -> Result<PermissionGrant, DecodeError> {
    let until = wire.withheld_until.map(|seconds| timestamp(key, "permissions.withheld_until", seconds)).transpose()?;
    Ok(PermissionGrant { permission: wire.permission, withheld_until: until })
}

fn is_of_kind(key: &ItemKey, body: &ItemBody) -> bool {
    matches!(
        (key, body),
        (ItemKey::User(_), ItemBody::User(_))
            | (ItemKey::Group(_), ItemBody::Group(_))
            | (ItemKey::Member(_), ItemBody::Member(_))
            | (ItemKey::AzureRole(_), ItemBody::AzureRole(_))
            | (ItemKey::DefenderRole(_), ItemBody::DefenderRole(_))
            | (ItemKey::DefenderAssignment(_), ItemBody::DefenderAssignment(_))
    )
}

pub(crate) fn guid(what: impl ToString, field: &'static str, bytes: &[u8]) -> Result<Guid, DecodeError> {
    let bytes: [u8; 16] = bytes.try_into().map_err(|_| DecodeError::field(what, field))?;
    Ok(Guid::from_u128(u128::from_be_bytes(bytes)))
}

pub(crate) fn digest(what: impl ToString, field: &'static str, bytes: &[u8]) -> Result<Digest, DecodeError> {
    bytes.try_into().map(Digest).map_err(|_| DecodeError::field(what, field))
}

pub(crate) fn timestamp(what: impl ToString, field: &'static str, seconds: i64) -> Result<Timestamp, DecodeError> {
    let timestamp = Timestamp::from_unix(seconds);
    if timestamp.as_unix() == seconds { Ok(timestamp) } else { Err(DecodeError::field(what, field)) }
}

/// An item as it travels and rests: encoded and hashed once, then shared by all who send or keep it.
#[derive(Clone)]
pub struct SealedItem(Arc<Sealed>);

struct Sealed {
    key: Box<str>,
    bytes: Bytes,
    leaf: Digest,
    /// The first byte of the key's hash.
    bucket: u8,
}

impl SealedItem {
    /// Encodes and hashes.
    pub fn seal(item: &Item) -> Self {
        Self::of(item.key.to_string(), encode_item(item).into())
    }

    /// Takes an item from the wire or the disk. Bounds and the key's spelling are checked; [`Self::open`] reads the
    /// rest.
    pub fn received(key: &str, bytes: Bytes) -> Result<Self, DecodeError> {
        check_size(key, &bytes)?;
        parse_key(key)?;
        Ok(Self::of(key.into(), bytes))
    }

    fn of(key: String, bytes: Bytes) -> Self {
        let (leaf, bucket) = (hash::of_item(&key, &bytes), bucket_of(&key));
        Self(Arc::new(Sealed { key: key.into(), bytes, leaf, bucket }))
    }

    pub fn key(&self) -> &str {
        &self.0.key
    }

    pub fn bytes(&self) -> &Bytes {
        &self.0.bytes
    }

    pub fn leaf(&self) -> Digest {
        self.0.leaf
    }

    pub(crate) fn leaf_ref(&self) -> &Digest {
        &self.0.leaf
    }

    pub(crate) fn bucket(&self) -> u8 {
        self.0.bucket
    }

    /// Reads what was sealed.
    pub fn open(&self) -> Result<Item, DecodeError> {
        decode_item(self.key(), self.bytes())
    }
}

/// Which of the 256 buckets a key falls into.
pub(crate) fn bucket_of(key: &str) -> u8 {
    hash::of_bytes(key.as_bytes()).0[0]
}

impl PartialEq for SealedItem {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.leaf == other.0.leaf
    }
}

impl Eq for SealedItem {}

impl std::fmt::Debug for SealedItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} bytes)", self.key(), self.bytes().len())
    }
}

#[cfg(test)]
mod tests;
