//! What a handler of Graph may look at besides the tenant.

use crate::clock::Now;
use crate::http::Call;
use crate::tenant::Caller;

#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub call: &'a Call,
    pub caller: &'a Caller,
    pub now: Now,
    /// A fault asks for an invitation that is answered but never carried out.
    pub phantom: bool,
}

/// The key in `groups(uniqueName='ent-l1')`.
pub fn key_in(segment: &str) -> &str {
    segment.split_once("='").and_then(|(_, rest)| rest.strip_suffix("')")).unwrap_or_default()
}
