//! One membership.

/// That somebody is a member, and by whose doing.
#[derive(Debug, Clone, Default)]
pub struct Membership {
    /// Client id of the application that added the member; absent: seeded or a person.
    pub added_by: Option<String>,
}
