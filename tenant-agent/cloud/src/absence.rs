//! The codes by which a service says that the requested object does not exist: one closed list per kind of call.
//!
//! Any other 404 says nothing about the object. It may come from a proxy, a gateway, a retired API version, or a scope
//! that we no longer see. It counts as a refusal, and callers treat the object as *unread*.
//!
//! | asked for | code | source |
//! |---|---|---|
//! | a user, a group, a membership, what is in or around them, a deleted item, a directory role or its assignment | `Request_ResourceNotFound` | Graph: error responses, resource types of the directory |
//! | a Defender role or assignment | `Request_ResourceNotFound` | not documented for Defender; Graph's own, and no other until one is seen |
//! | an Azure role assignment | `RoleAssignmentNotFound` | ARM: role assignments, get |
//! | an Azure role definition | `RoleDefinitionDoesNotExist` | ARM: troubleshooting Azure RBAC |
//! | a filtered collection, a creation, the tenant itself | none | nothing is asked for that could be absent |
//!
//! `SubscriptionNotFound` and `ResourceGroupNotFound` are not in the list: ARM also returns them for a subscription
//! that was moved to another directory, where the assignments continue to exist.

/// The kind of object that a call asks for, and so the codes that mean its absence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absence {
    /// No code of the service means that something is absent.
    Never,
    Directory,
    Defender,
    RoleAssignment,
    RoleDefinition,
}

impl Absence {
    /// Whether the outermost code of a 404 means that the object does not exist. Services differ in capitals.
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
