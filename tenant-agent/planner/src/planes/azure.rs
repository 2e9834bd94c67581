//! Azure role assignments of the groups of roles.

pub(crate) mod decide;
pub(crate) mod defined;
pub(crate) mod judge;
pub mod write;
