//! The bytes of a directory role of Entra.

use entente_model::desired::EntraRoleBody;
use prost::Message;

use super::codec::Codec;
use crate::decode::DecodeError;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct EntraRole {
    #[prost(string, tag = "1")]
    pub role_name: String,
}

impl Codec for EntraRoleBody {
    type Wire = EntraRole;

    fn encode(&self) -> EntraRole {
        let Self { role_name } = self.clone();
        EntraRole { role_name }
    }

    fn decode(_: &str, wire: EntraRole) -> Result<Option<Self>, DecodeError> {
        let EntraRole { role_name } = wire;
        Ok(Some(Self { role_name }))
    }

    fn texts(&self) -> Vec<&str> {
        vec![&self.role_name]
    }
}
