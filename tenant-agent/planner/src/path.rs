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
pub(crate) mod marks;
pub(crate) mod members;
pub(crate) mod not_allowed;
pub(crate) mod offboarding;
pub(crate) mod person;
pub(crate) mod presence;
pub(crate) mod proof;
pub(crate) mod residue;
pub(crate) mod unsupported;
pub(crate) mod users;

use entente_model::desired::{ItemKey, UserKey};

use crate::builder::PlanBuilder;
use groups::Groups;
use person::{People, Person};

/// People and groups, as the planes of rights need them.
pub(crate) struct Path<'a> {
    pub people: People<'a>,
    pub groups: Groups<'a>,
}

impl<'a> Path<'a> {
    /// Decides about people and groups.
    pub fn decide(builder: &mut PlanBuilder<'a>) -> Self {
        let people = users::decide(builder);
        let groups = groups::decide(builder, &people);
        marker::decide(builder, &people);
        Self { people, groups }
    }

    /// The person whom an item is about.
    pub fn person_of(&self, key: &ItemKey) -> Option<&Person<'a>> {
        let (home, object_id) = key.person()?;
        self.people.get(&ItemKey::User(UserKey { home: home.clone(), object_id }))
    }
}
