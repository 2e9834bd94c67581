//! The bytes of a group.

use entente_model::desired::GroupBody;
use prost::Message;

use super::codec::Codec;
use crate::decode::DecodeError;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Group {
    #[prost(string, tag = "1")]
    pub display_name: String,
    #[prost(string, tag = "2")]
    pub description: String,
}

impl Codec for GroupBody {
    type Wire = Group;

    fn encode(&self) -> Group {
        let Self { display_name, description } = self.clone();
        Group { display_name, description }
    }

    fn decode(_: &str, wire: Group) -> Result<Option<Self>, DecodeError> {
        let Group { display_name, description } = wire;
        Ok(Some(Self { display_name, description }))
    }

    fn texts(&self) -> Vec<&str> {
        vec![&self.display_name, &self.description]
    }
}
