//! Field masks of updates, for any message: what an update replaces, taken from the request alone.
//!
//! Works on the wire form, where a message is a sequence of fields, so that no resource needs code of its own. Knows
//! nothing of the present resource: `entente-app` puts the fields into it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use bytes::{Buf, Bytes, BytesMut};
use entente_convert::access::manifest_field;
use entente_model::Violation;
use entente_model::violation::Fault;
use prost::Message;
use prost::encoding::{DecodeContext, decode_key, skip_field};
use prost_types::{FieldMask, FileDescriptorSet};
use serde_json::{Map, Value};

/// Every resource has them, and no caller sets them: in a mask they mean nothing (AIP-203).
const OF_THE_SERVER: [&str; 6] = ["name", "uid", "etag", "revision", "create_time", "update_time"];

/// Every resource's name: faults begin with it.
const NAME: u32 = 1;

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

/// The fields that an update replaces, in the manifest's form: those that the mask names; without a mask, or with `*`,
/// all of them. One that the update leaves empty is `null`: its default.
///
/// `message` is the name of `M` within `entente.access.v1`; `tree` reads what is left of the update.
pub(crate) fn replaced<M>(
    message: &str,
    update: &M,
    mask: Option<&FieldMask>,
    tree: impl FnOnce(M) -> Result<Value, Violation>,
) -> Result<Map<String, Value>, Violation>
where
    M: Message + Default,
{
    let fields = named(message, mask)?;
    let numbers: BTreeSet<u32> = fields.values().copied().chain([NAME]).collect();
    let mut masked = BytesMut::new();
    // What the mask does not name may be anything: it is not even read.
    copy_fields(&update.encode_to_vec().into(), |number| numbers.contains(&number), &mut masked);
    let masked = M::decode(masked.freeze()).expect("some fields of a message make one of that kind");
    let tree = tree(masked)?;
    let field = |name: &str| {
        let field = manifest_field(name);
        let value = tree.get(&field).cloned().unwrap_or(Value::Null);
        (field, value)
    };
    Ok(fields.into_keys().map(field).collect())
}

/// Name and number of each.
fn named(message: &str, mask: Option<&FieldMask>) -> Result<BTreeMap<&'static str, u32>, Violation> {
    let fields = FIELDS.get(message).expect("only resources of the package are masked");
    let set_by_callers = fields.iter().filter(|(name, _)| !OF_THE_SERVER.contains(&name.as_str()));
    let known: BTreeMap<&str, u32> = set_by_callers.map(|(name, number)| (name.as_str(), *number)).collect();
    let Some(mask) = mask.filter(|mask| !mask.paths.is_empty() && mask.paths != ["*"]) else { return Ok(known) };
    let paths = mask.paths.iter().filter(|path| !OF_THE_SERVER.contains(&path.as_str()));
    let field = |path: &String| {
        known.get_key_value(path.as_str()).map(|(name, number)| (*name, *number)).ok_or_else(|| {
            let names: Vec<_> = known.keys().copied().collect();
            let text = format!("{path:?} is not a top-level field; use some of {}", names.join(", "));
            Violation::new("update_mask", Fault::Malformed, text)
        })
    };
    paths.map(field).collect()
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
    use entente_convert::access::{Resource, resource_to_value};
    use entente_proto::access::v1::{Operator, Squad, SquadMember};
    use serde_json::json;

    use super::*;

    fn mask(paths: &[&str]) -> Option<FieldMask> {
        Some(FieldMask { paths: paths.iter().map(|path| (*path).into()).collect() })
    }

    fn squad(mask: Option<FieldMask>) -> Value {
        let member = SquadMember { operator: "operators/maya".into(), ..Default::default() };
        let squad = Squad { owner: "operators/li".into(), members: vec![member], ..Default::default() };
        let tree = |squad| resource_to_value(&Resource::Squad(squad));
        Value::Object(replaced("Squad", &squad, mask.as_ref(), tree).unwrap())
    }

    #[test]
    fn only_what_the_mask_names_is_replaced_by_its_default_if_it_is_empty() {
        assert_eq!(squad(mask(&["owner"])), json!({"owner": "operators/li"}));
        assert_eq!(
            squad(mask(&["members", "home_group"])),
            json!({"members": [{"operator": "operators/maya"}], "homeGroup": null})
        );
        assert_eq!(squad(mask(&["name", "uid"])), json!({}));
    }

    #[test]
    fn without_a_mask_everything_is_replaced() {
        let whole = json!({
            "owner": "operators/li", "members": [{"operator": "operators/maya"}], "homeGroup": null, "labels": null
        });
        for mask in [None, mask(&[]), mask(&["*"])] {
            assert_eq!(squad(mask), whole);
        }
    }

    fn operator(paths: &[&str]) -> Result<Value, String> {
        let name = "operators/maya".into();
        let operator = Operator { name, state: 77, display_name: "Maya".into(), ..Default::default() };
        let tree = |operator| resource_to_value(&Resource::Operator(operator));
        let fields = replaced("Operator", &operator, mask(paths).as_ref(), tree);
        fields.map(Value::Object).map_err(|fault| fault.to_string())
    }

    #[test]
    fn what_the_mask_does_not_name_may_be_wrong() {
        assert_eq!(operator(&["display_name"]), Ok(json!({"displayName": "Maya"})));
        assert!(operator(&["display_name", "state"]).unwrap_err().starts_with("operators/maya: state: 77"));
    }

    #[test]
    fn a_field_that_is_not_there_is_refused_with_those_that_are() {
        assert_eq!(
            operator(&["identities.mail"]).unwrap_err(),
            "update_mask: \"identities.mail\" is not a top-level field; use some of display_name, identities, state"
        );
    }
}
