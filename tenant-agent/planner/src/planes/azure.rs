//! Azure role assignments of the groups of roles.

pub(crate) mod decide;
pub(crate) mod defined;
pub mod write;
