//! Field masks of updates, for any message: the present one, with the masked top-level fields of the new one.
//!
//! Works on the wire form, where a message is a sequence of fields, so that no resource needs code of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use bytes::{Buf, Bytes, BytesMut};
use entente_model::Violation;
use entente_model::violation::Fault;
use prost::Message;
use prost::encoding::{DecodeContext, decode_key, skip_field};
use prost_types::{FieldMask, FileDescriptorSet};

/// Every resource has them, and no caller sets them: in a mask they mean nothing (AIP-203).
const OF_THE_SERVER: [&str; 6] = ["name", "uid", "etag", "revision", "create_time", "update_time"];

/// Message name to field name to number.
static FIELDS: LazyLock<BTreeMap<String, BTreeMap<String, u32>>> = LazyLock::new(|| {
    let set = FileDescriptorSet::decode(entente_proto::DESCRIPTORS).expect("the build wrote them");
    let number = |field: prost_types::FieldDescriptorProto| {
        let number = field.number().try_into().expect("field numbers are positive");
        (field.name.unwrap_or_default(), number)
    };
    let access = set.file.into_iter().filter(|file| file.package() == "entente.access.v1");
    access
        .flat_map(|file| file.message_type)
        .map(|message| (message.name.unwrap_or_default(), message.field.into_iter().map(number).collect()))
        .collect()
});

/// `present` with the fields of `update` that the mask names. Without a mask, or with `*`, it is `update`.
///
/// `message` is the name of `M` within `entente.access.v1`.
pub(crate) fn masked<M>(message: &str, present: &M, update: M, mask: Option<&FieldMask>) -> Result<M, Violation>
where
    M: Message + Default,
{
    let Some(mask) = mask.filter(|mask| !mask.paths.is_empty() && mask.paths != ["*"]) else { return Ok(update) };
    let replaced = numbers(message, &mask.paths)?;
    let mut merged = BytesMut::new();
    copy_fields(&present.encode_to_vec().into(), |number| !replaced.contains(&number), &mut merged);
    copy_fields(&update.encode_to_vec().into(), |number| replaced.contains(&number), &mut merged);
    Ok(M::decode(merged.freeze()).expect("fields of two messages of one kind make one of that kind"))
}

fn numbers(message: &str, paths: &[String]) -> Result<BTreeSet<u32>, Violation> {
    let fields = FIELDS.get(message).expect("only resources of the package are masked");
    let set_by_callers = paths.iter().filter(|path| !OF_THE_SERVER.contains(&path.as_str()));
    let number = |path: &String| {
        fields.get(path).copied().ok_or_else(|| {
            let known: Vec<_> = fields.keys().map(String::as_str).filter(|it| !OF_THE_SERVER.contains(it)).collect();
            let text = format!("{path:?} is not a top-level field; use some of {}", known.join(", "));
            Violation::new("update_mask", Fault::Malformed, text)
        })
    };
    set_by_callers.map(number).collect()
}

fn copy_fields(message: &Bytes, wanted: impl Fn(u32) -> bool, to: &mut BytesMut) {
    let mut rest = message.clone();
    while rest.has_remaining() {
        let start = message.len() - rest.remaining();
        let (number, wire) = decode_key(&mut rest).expect("prost wrote it");
        skip_field(wire, number, &mut rest, DecodeContext::default()).expect("prost wrote it");
        if wanted(number) {
            to.extend_from_slice(&message[start..message.len() - rest.remaining()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use entente_proto::access::v1::{Operator, Squad, SquadMember};

    use super::*;

    fn mask(paths: &[&str]) -> Option<FieldMask> {
        Some(FieldMask { paths: paths.iter().map(|path| (*path).into()).collect() })
    }

    fn squad(owner: &str, members: &[&str]) -> Squad {
        let member = |operator: &&str| SquadMember { operator: (*operator).into(), ..Default::default() };
        Squad { owner: owner.into(), members: members.iter().map(member).collect(), ..Default::default() }
    }

    #[test]
    fn only_masked_fields_change() {
        let (present, update) =
            (squad("operators/li", &["operators/maya", "operators/sam"]), squad("operators/jonas", &[]));
        let merged = masked("Squad", &present, update.clone(), mask(&["owner"]).as_ref()).unwrap();
        assert_eq!(merged, squad("operators/jonas", &["operators/maya", "operators/sam"]));
        let merged = masked("Squad", &present, update.clone(), mask(&["members"]).as_ref()).unwrap();
        assert_eq!(merged, squad("operators/li", &[]));
        let merged = masked("Squad", &present, update, mask(&["name", "uid"]).as_ref()).unwrap();
        assert_eq!(merged, present);
    }

    #[test]
    fn without_a_mask_everything_changes() {
        let (present, update) = (squad("operators/li", &["operators/maya"]), squad("operators/jonas", &[]));
        for mask in [None, mask(&[]), mask(&["*"])] {
            assert_eq!(masked("Squad", &present, update.clone(), mask.as_ref()).unwrap(), update);
        }
    }

    #[test]
    fn a_field_that_is_not_there_is_refused_with_those_that_are() {
        let operator = Operator::default();
        let fault = masked("Operator", &operator, operator.clone(), mask(&["identities.mail"]).as_ref()).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "update_mask: \"identities.mail\" is not a top-level field; use some of display_name, identities, state"
        );
    }
}
