//! The bytes of a Defender role, and of its assignment.

use entente_model::Timestamp;
use entente_model::desired::{DefenderAssignmentBody, DefenderRoleBody, PermissionGrant};
use entente_model::intent::DataSource;
use prost::Message;

use super::codec::Codec;
use crate::decode::{DecodeError, timestamp};

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DefenderRole {
    #[prost(string, tag = "1")]
    pub display_name: String,
    #[prost(string, tag = "2")]
    pub description: String,
    #[prost(message, repeated, tag = "3")]
    pub permissions: Vec<Permission>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Permission {
    #[prost(string, tag = "1")]
    pub permission: String,
    #[prost(int64, optional, tag = "2")]
    pub withheld_until: Option<i64>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct DefenderAssignment {
    #[prost(string, tag = "1")]
    pub display_name: String,
    #[prost(string, repeated, tag = "2")]
    pub data_sources: Vec<String>,
}

impl Codec for DefenderRoleBody {
    type Wire = DefenderRole;

    fn encode(&self) -> DefenderRole {
        let Self { display_name, description, permissions } = self.clone();
        let permissions = permissions.into_iter().map(|grant| Permission {
            permission: grant.permission,
            withheld_until: grant.withheld_until.map(Timestamp::as_unix),
        });
        DefenderRole { display_name, description, permissions: permissions.collect() }
    }

    fn decode(key: &str, wire: DefenderRole) -> Result<Option<Self>, DecodeError> {
        let DefenderRole { display_name, description, permissions } = wire;
        let permissions = permissions.into_iter().map(|it| grant(key, it)).collect::<Result<_, _>>()?;
        Ok(Some(Self { display_name, description, permissions }))
    }

    fn texts(&self) -> Vec<&str> {
        let named = self.permissions.iter().map(|grant| grant.permission.as_str());
        [self.display_name.as_str(), &self.description].into_iter().chain(named).collect()
    }
}

fn grant(key: &str, wire: Permission) -> Result<PermissionGrant, DecodeError> {
    let until = wire.withheld_until.map(|seconds| timestamp(key, "permissions.withheld_until", seconds)).transpose()?;
    Ok(PermissionGrant { permission: wire.permission, withheld_until: until })
}

impl Codec for DefenderAssignmentBody {
    type Wire = DefenderAssignment;

    fn encode(&self) -> DefenderAssignment {
        let data_sources = self.data_sources.iter().map(|source| source.word().into()).collect();
        DefenderAssignment { display_name: self.display_name.clone(), data_sources }
    }

    fn decode(_: &str, wire: DefenderAssignment) -> Result<Option<Self>, DecodeError> {
        let source = |word: &String| DataSource::EVERY.into_iter().find(|known| known.word() == word);
        let Some(data_sources) = wire.data_sources.iter().map(source).collect() else { return Ok(None) };
        Ok(Some(Self { display_name: wire.display_name, data_sources }))
    }

    fn texts(&self) -> Vec<&str> {
        vec![&self.display_name]
    }
}
