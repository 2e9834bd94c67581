//! The bytes of a membership.

use entente_model::desired::{Ground, MAX_GROUNDS, MemberBody};
use entente_model::{AssignmentName, text};
use prost::Message;

use super::codec::Codec;
use crate::decode::DecodeError;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Member {
    /// Older readers ignore them.
    #[prost(message, repeated, tag = "1")]
    pub grounds: Vec<WireGround>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct WireGround {
    #[prost(string, tag = "1")]
    pub assignment: String,
    #[prost(string, tag = "2")]
    pub justification: String,
    #[prost(string, tag = "3")]
    pub ticket: String,
}

impl Codec for MemberBody {
    type Wire = Member;

    fn encode(&self) -> Member {
        let ground = |it: &Ground| WireGround {
            assignment: it.assignment.id().into(),
            justification: it.justification.clone(),
            ticket: it.ticket.clone().unwrap_or_default(),
        };
        Member { grounds: self.grounds.iter().take(MAX_GROUNDS).map(ground).collect() }
    }

    fn decode(_: &str, wire: Member) -> Result<Option<Self>, DecodeError> {
        Ok(Some(Self { grounds: wire.grounds.into_iter().take(MAX_GROUNDS).filter_map(ground).collect() }))
    }

    fn texts(&self) -> Vec<&str> {
        // `ground` has checked each text, and left out what cannot be shown.
        Vec::new()
    }
}

/// No right depends on a ground. One that cannot be shown is left out, and the membership stays valid.
fn ground(wire: WireGround) -> Option<Ground> {
    let assignment = AssignmentName::from_id(&wire.assignment).ok()?;
    let is_plain = [&wire.justification, &wire.ticket].into_iter().all(|it| text::plain(it).is_ok());
    let ticket = Some(wire.ticket).filter(|it| !it.is_empty());
    is_plain.then_some(Ground { assignment, justification: wire.justification, ticket })
}
