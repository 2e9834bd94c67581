//! What waits in the recycle bin, and until when.

use crate::planes::groups::group::Group;
use crate::planes::users::account::User;
use crate::tenant::props::Props;

#[derive(Debug, Clone)]
pub enum Deleted {
    User(User),
    Group(Group),
}

impl Deleted {
    pub fn props(&self) -> &Props {
        match self {
            Deleted::User(user) => &user.props,
            Deleted::Group(group) => &group.props,
        }
    }

    pub fn props_mut(&mut self) -> &mut Props {
        match self {
            Deleted::User(user) => &mut user.props,
            Deleted::Group(group) => &mut group.props,
        }
    }
}

/// What waits, and until when in simulator seconds.
#[derive(Debug, Clone)]
pub struct Entry {
    pub what: Deleted,
    pub until: f64,
}
