//! The canonical bytes, field by field. No maps, so that one value has one encoding.
//!
//! This module is private: the crate returns bytes and types of `entente-model`. A tag is never used twice. A new kind
//! of item gets a new tag of [`Body`]; older readers keep it and report UNSUPPORTED. The meaning of a kind never
//! changes: an item with a new field that older readers must not ignore raises [`Item::needs`].

use prost::{Message, Oneof};

use crate::kinds::Body;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Item {
    #[prost(message, optional, tag = "1")]
    pub absent: Option<Absent>,
    #[prost(message, repeated, tag = "2")]
    pub windows: Vec<Window>,
    /// The level that a reader needs to understand the body in full.
    #[prost(uint32, tag = "3")]
    pub needs: u32,
    #[prost(oneof = "Body", tags = "10, 11, 12, 13, 14, 15, 16")]
    pub body: Option<Body>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Absent {
    #[prost(string, tag = "1")]
    pub cause: String,
    #[prost(string, tag = "2")]
    pub actor: String,
    #[prost(int64, tag = "3")]
    pub since: i64,
    #[prost(bytes = "vec", repeated, tag = "4")]
    pub known: Vec<Vec<u8>>,
    #[prost(string, repeated, tag = "5")]
    pub addresses: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Window {
    #[prost(int64, optional, tag = "1")]
    pub start: Option<i64>,
    #[prost(int64, optional, tag = "2")]
    pub end: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Header {
    #[prost(bytes = "vec", tag = "1")]
    pub entra_tenant: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub epoch: u64,
    #[prost(uint64, tag = "3")]
    pub revision: u64,
    #[prost(uint32, tag = "4")]
    pub compiler: u32,
    #[prost(bytes = "vec", tag = "5")]
    pub digest: Vec<u8>,
    #[prost(uint32, tag = "6")]
    pub count: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Lease {
    #[prost(bytes = "vec", tag = "1")]
    pub entra_tenant: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub epoch: u64,
    #[prost(uint64, tag = "3")]
    pub revision: u64,
    #[prost(bytes = "vec", tag = "4")]
    pub digest: Vec<u8>,
    #[prost(int64, tag = "5")]
    pub fresh_until: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Root {
    /// 1 states, 2 leases.
    #[prost(uint32, tag = "1")]
    pub kind: u32,
    #[prost(uint64, tag = "2")]
    pub epoch: u64,
    #[prost(uint64, tag = "3")]
    pub revision: u64,
    #[prost(uint32, tag = "4")]
    pub compiler: u32,
    #[prost(bytes = "vec", tag = "5")]
    pub signer: Vec<u8>,
    #[prost(bytes = "vec", tag = "6")]
    pub previous: Vec<u8>,
    #[prost(bytes = "vec", tag = "7")]
    pub tree: Vec<u8>,
    #[prost(uint32, tag = "8")]
    pub size: u32,
    #[prost(bytes = "vec", tag = "9")]
    pub audit_head: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Statement {
    #[prost(oneof = "StatementKind", tags = "1, 2, 3")]
    pub kind: Option<StatementKind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum StatementKind {
    #[prost(message, tag = "1")]
    Delegation(Delegation),
    #[prost(message, tag = "2")]
    Revocation(Revocation),
    #[prost(message, tag = "3")]
    Epoch(Epoch),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Delegation {
    #[prost(bytes = "vec", tag = "1")]
    pub key: Vec<u8>,
    #[prost(int64, tag = "2")]
    pub not_before: i64,
    #[prost(int64, tag = "3")]
    pub not_after: i64,
    #[prost(uint64, tag = "4")]
    pub serial: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Revocation {
    #[prost(uint64, repeated, tag = "1")]
    pub serials: Vec<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Epoch {
    #[prost(uint64, tag = "1")]
    pub epoch: u64,
    #[prost(string, tag = "2")]
    pub reason: String,
}
