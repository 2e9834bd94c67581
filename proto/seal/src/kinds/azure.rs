//! The bytes of an Azure role assignment.

use entente_model::desired::AzureRoleBody;
use prost::Message;

use super::codec::Codec;
use crate::decode::{DecodeError, guid};

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AzureRole {
    #[prost(string, tag = "1")]
    pub scope: String,
    #[prost(bytes = "vec", tag = "2")]
    pub definition: Vec<u8>,
    #[prost(string, tag = "3")]
    pub role_name: String,
}

impl Codec for AzureRoleBody {
    type Wire = AzureRole;

    fn encode(&self) -> AzureRole {
        let Self { scope, definition, role_name } = self.clone();
        AzureRole { scope, definition: definition.as_bytes().to_vec(), role_name }
    }

    fn decode(key: &str, wire: AzureRole) -> Result<Option<Self>, DecodeError> {
        let definition = guid(key, "azure_role.definition", &wire.definition)?;
        Ok(Some(Self { scope: wire.scope, definition, role_name: wire.role_name }))
    }

    fn texts(&self) -> Vec<&str> {
        vec![&self.scope, &self.role_name]
    }
}
