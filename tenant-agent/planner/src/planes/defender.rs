//! Defender unified RBAC: custom roles, and their assignments to the groups of roles.

pub(crate) mod decide;
pub(crate) mod judge;
pub mod write;
