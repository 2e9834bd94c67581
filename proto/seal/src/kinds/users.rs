//! The bytes of a user.

use entente_model::OperatorName;
use entente_model::desired::UserBody;
use entente_model::intent::UserType;
use prost::Message;

use super::codec::Codec;
use crate::decode::{DecodeError, guid};

#[derive(Clone, PartialEq, Message)]
pub(crate) struct User {
    #[prost(string, tag = "1")]
    pub operator: String,
    #[prost(string, tag = "2")]
    pub display_name: String,
    #[prost(string, tag = "3")]
    pub upn: String,
    #[prost(string, tag = "4")]
    pub mail: String,
    #[prost(string, tag = "5")]
    pub user_type: String,
    #[prost(bytes = "vec", tag = "6")]
    pub home_tenant: Vec<u8>,
}

impl Codec for UserBody {
    type Wire = User;

    fn encode(&self) -> User {
        let Self { operator, display_name, upn, mail, user_type, home_tenant } = self.clone();
        let (operator, user_type) = (operator.id().into(), user_type.word().into());
        User { operator, display_name, upn, mail, user_type, home_tenant: home_tenant.as_bytes().to_vec() }
    }

    fn decode(key: &str, wire: User) -> Result<Option<Self>, DecodeError> {
        let User { operator, display_name, upn, mail, user_type, home_tenant } = wire;
        let types = [UserType::Guest, UserType::Member];
        let Some(user_type) = types.into_iter().find(|known| known.word() == user_type) else { return Ok(None) };
        let operator = OperatorName::from_id(&operator).map_err(|_| DecodeError::field(key, "user.operator"))?;
        let home_tenant = guid(key, "user.home_tenant", &home_tenant)?;
        Ok(Some(Self { operator, display_name, upn, mail, user_type, home_tenant }))
    }

    fn texts(&self) -> Vec<&str> {
        vec![&self.display_name, &self.upn, &self.mail]
    }
}
