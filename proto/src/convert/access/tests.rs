//! Every manifest survives the wire.

use super::*;
use crate::convert::manifest;

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
