//! Instants.

use entente_model::Timestamp;

pub fn to_proto(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.as_unix(), nanos: 0 }
}

/// Whole seconds; out of range is clamped to the years 1970 to 9999.
pub fn from_proto(at: &prost_types::Timestamp) -> Timestamp {
    Timestamp::from_unix(at.seconds)
}

pub fn to_proto_opt(at: Option<Timestamp>) -> Option<prost_types::Timestamp> {
    at.map(to_proto)
}

pub fn from_proto_opt(at: Option<&prost_types::Timestamp>) -> Option<Timestamp> {
    at.map(from_proto)
}
