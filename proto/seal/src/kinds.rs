//! The bytes of every kind of item: one file for each plane. This file is the register.

mod azure;
mod codec;
mod defender;
mod entra;
mod groups;
mod members;
mod users;

use entente_model::desired::{
    AzureRoleBody, DefenderAssignmentBody, DefenderRoleBody, EntraRoleBody, GroupBody, ItemBody, MemberBody, UserBody,
};
use prost::Oneof;

use crate::decode::DecodeError;
use codec::Codec;

/// Use the tags of [`crate::wire::Item`], and list them there too: a tag that is missing there is never read.
#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Body {
    #[prost(message, tag = "10")]
    User(users::User),
    #[prost(message, tag = "11")]
    Group(groups::Group),
    #[prost(message, tag = "12")]
    Member(members::Member),
    #[prost(message, tag = "13")]
    AzureRole(azure::AzureRole),
    #[prost(message, tag = "14")]
    DefenderRole(defender::DefenderRole),
    #[prost(message, tag = "15")]
    DefenderAssignment(defender::DefenderAssignment),
    #[prost(message, tag = "16")]
    EntraRole(entra::EntraRole),
}

pub(crate) fn encode(body: &ItemBody) -> Option<Body> {
    Some(match body {
        ItemBody::User(it) => Body::User(it.encode()),
        ItemBody::Group(it) => Body::Group(it.encode()),
        ItemBody::Member(it) => Body::Member(it.encode()),
        ItemBody::AzureRole(it) => Body::AzureRole(it.encode()),
        ItemBody::DefenderRole(it) => Body::DefenderRole(it.encode()),
        ItemBody::DefenderAssignment(it) => Body::DefenderAssignment(it.encode()),
        ItemBody::EntraRole(it) => Body::EntraRole(it.encode()),
        ItemBody::Unknown => return None,
    })
}

/// `None` if this version does not understand the body in full.
pub(crate) fn decode(key: &str, body: Body) -> Result<Option<ItemBody>, DecodeError> {
    Ok(match body {
        Body::User(wire) => UserBody::decode(key, wire)?.map(ItemBody::User),
        Body::Group(wire) => GroupBody::decode(key, wire)?.map(ItemBody::Group),
        Body::Member(wire) => MemberBody::decode(key, wire)?.map(ItemBody::Member),
        Body::AzureRole(wire) => AzureRoleBody::decode(key, wire)?.map(ItemBody::AzureRole),
        Body::DefenderRole(wire) => DefenderRoleBody::decode(key, wire)?.map(ItemBody::DefenderRole),
        Body::DefenderAssignment(wire) => DefenderAssignmentBody::decode(key, wire)?.map(ItemBody::DefenderAssignment),
        Body::EntraRole(wire) => EntraRoleBody::decode(key, wire)?.map(ItemBody::EntraRole),
    })
}

pub(crate) fn texts(body: &ItemBody) -> Vec<&str> {
    match body {
        ItemBody::User(it) => it.texts(),
        ItemBody::Group(it) => it.texts(),
        ItemBody::Member(it) => it.texts(),
        ItemBody::AzureRole(it) => it.texts(),
        ItemBody::DefenderRole(it) => it.texts(),
        ItemBody::DefenderAssignment(it) => it.texts(),
        ItemBody::EntraRole(it) => it.texts(),
        ItemBody::Unknown => Vec::new(),
    }
}
