//! People, and the groups of their roles: the path on which every right reaches a person.

pub(crate) mod accounts;
pub(crate) mod adopt;
pub(crate) mod deleted;
pub(crate) mod first;
pub(crate) mod groups;
pub(crate) mod implied;
pub(crate) mod inherited;
pub(crate) mod lookup;
pub(crate) mod marker;
pub(crate) mod members;
pub(crate) mod not_allowed;
pub(crate) mod offboarding;
pub(crate) mod person;
pub(crate) mod presence;
pub(crate) mod proof;
pub(crate) mod residue;
pub(crate) mod unsupported;
pub(crate) mod users;
