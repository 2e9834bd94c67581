//! Directory roles of Entra, and the role-assignable groups that carry them.

pub(crate) mod actions;
pub(crate) mod decide;
pub(crate) mod gate;
pub(crate) mod inherited;
pub(crate) mod judge;
pub(crate) mod permissions;
pub(crate) mod presence;
pub(crate) mod reads;
pub(crate) mod residue;
pub(crate) mod rules;
pub(crate) mod section;
pub mod write;
