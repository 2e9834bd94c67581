//! The planes of rights: one folder each.

pub(crate) mod azure;
pub(crate) mod defender;
