//! Graph's JSON for one object.

use serde_json::{Map, Value};

pub type Props = Map<String, Value>;
