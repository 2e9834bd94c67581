//! By which words a service says that the object asked for is not there: one closed list per kind of call.
//!
//! Any other 404 says nothing of the object: a proxy, a gateway, a version that went, a scope that we no longer see.
//! It is a refusal like any other, and whoever reads it takes it for *unread*. It knows nothing of what is done then.
//!
//! | asked for | code | source |
//! |---|---|---|
//! | a user, a group, a membership, what is in or around them, a deleted item, a directory role or its assignment | `Request_ResourceNotFound` | Graph: error responses, resource types of the directory |
//! | a Defender role or assignment | `Request_ResourceNotFound` | not documented for Defender; Graph's own, and no other until one is seen |
//! | an Azure role assignment | `RoleAssignmentNotFound` | ARM: role assignments, get |
//! | an Azure role definition | `RoleDefinitionDoesNotExist` | ARM: troubleshooting Azure RBAC |
//! | a filtered collection, a creation, the tenant itself | none | nothing is asked for that could be absent |
//!
//! `SubscriptionNotFound` and `ResourceGroupNotFound` are not among them: ARM says the same of a subscription that was
//! moved to another directory, where the assignments go on.

/// What kind of object a call asks for, hence which codes speak of its absence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absence {
    /// Whatever the service says, it does not say that something is not there.
    Never,
    Directory,
    Defender,
    RoleAssignment,
    RoleDefinition,
}

impl Absence {
    /// Whether the outermost code of a 404 says that the object is not there. Services disagree about capitals.
    pub(crate) fn is_said_by(self, code: &str) -> bool {
        self.codes().iter().any(|own| own.eq_ignore_ascii_case(code))
    }

    fn codes(self) -> &'static [&'static str] {
        match self {
            Absence::Never => &[],
            Absence::Directory | Absence::Defender => &["Request_ResourceNotFound"],
            Absence::RoleAssignment => &["RoleAssignmentNotFound"],
            Absence::RoleDefinition => &["RoleDefinitionDoesNotExist"],
        }
    }
}
