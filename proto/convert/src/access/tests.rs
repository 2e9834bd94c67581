//! Every manifest survives the conversion to messages and back.

use super::*;
use crate::manifest;

const SAMPLES: &str = include_str!("samples.json");

#[test]
fn every_kind_survives_the_wire() {
    let samples: Vec<serde_json::Value> = serde_json::from_str(SAMPLES).unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for sample in samples {
        let first = manifest::from_value(sample).unwrap();
        kinds.insert(first.kind());
        assert_eq!(manifest_from_proto(&manifest_to_proto(&first)).unwrap(), first);
    }
    assert_eq!(kinds.len(), entente_model::intent::Kind::ALL.len());
}

#[test]
fn a_number_that_is_no_value_is_named() {
    let operator = wire::Operator { name: "operators/maya".into(), state: 9, ..Default::default() };
    let fault = resource_from_proto(&Resource::Operator(operator)).unwrap_err();
    assert_eq!(fault.field, "operators/maya: state");
}

#[test]
fn an_empty_message_is_faulted_not_taken() {
    assert!(manifest_from_proto(&wire::Manifest::default()).is_err());
    for resource in [
        Resource::HomeTenant(Default::default()),
        Resource::Tenant(Default::default()),
        Resource::Operator(Default::default()),
        Resource::Squad(Default::default()),
        Resource::SocRole(Default::default()),
        Resource::Assignment(Default::default()),
    ] {
        assert!(resource_from_proto(&resource).is_err());
    }
}

#[test]
fn every_field_that_callers_set_has_a_field_in_the_manifest() {
    let samples: Vec<serde_json::Value> = serde_json::from_str(SAMPLES).unwrap();
    let set = <prost_types::FileDescriptorSet as prost::Message>::decode(entente_proto::DESCRIPTORS).unwrap();
    for message in ["HomeTenant", "Tenant", "Operator", "Squad", "Assignment"] {
        let of_kind = samples.iter().filter(|sample| sample["kind"] == message);
        let known = of_kind.flat_map(|sample| sample.as_object().unwrap().keys().cloned());
        let known: std::collections::BTreeSet<_> = known.filter(|key| key != "kind").collect();
        let descriptor = set.file.iter().flat_map(|file| &file.message_type).find(|it| it.name() == message).unwrap();
        let of_the_server = ["uid", "etag", "revision", "create_time", "update_time"];
        let set_by_callers = descriptor.field.iter().filter(|field| !of_the_server.contains(&field.name()));
        assert_eq!(
            set_by_callers.map(|field| manifest_field(field.name())).collect::<std::collections::BTreeSet<_>>(),
            known
        );
    }
}
