//! Operators: the people of the SOC.

use serde::{Deserialize, Serialize};

use super::check::Faults;
use crate::mail;
use crate::name::{Guid, HomeName, OperatorName};
use crate::violation::Fault;

/// One person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Operator {
    pub name: OperatorName,
    pub display_name: String,
    #[serde(default)]
    pub state: OperatorState,
    #[serde(default)]
    pub identities: Vec<Identity>,
}

/// Whether the person works with us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OperatorState {
    #[default]
    Active,
    /// No access anywhere until ACTIVE again.
    Suspended,
    /// No access anywhere. Only `operators rejoin` ends it.
    Left,
}

impl OperatorState {
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
            Self::Left => "LEFT",
        }
    }
}

/// One account of the person, in a home tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Identity {
    pub home: HomeName,
    #[serde(default)]
    pub class: IdentityClass,
    /// The account's object id in the home tenant.
    pub object_id: Guid,
    pub upn: String,
    /// The address for the invitation.
    pub mail: String,
}

/// Which of a person's accounts a role is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum IdentityClass {
    #[default]
    Standard,
    Privileged,
}

impl IdentityClass {
    pub fn word(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Privileged => "privileged",
        }
    }
}

impl Operator {
    /// The account of a class in a home tenant.
    pub fn identity(&self, home: &HomeName, class: IdentityClass) -> Option<&Identity> {
        self.identities.iter().find(|identity| identity.home == *home && identity.class == class)
    }

    pub(super) fn check(&self, faults: &mut Faults) {
        faults.text("displayName", &self.display_name);
        faults.unless(!self.display_name.trim().is_empty(), "displayName", Fault::Missing, "is empty; write a name");
        faults.list("identities", &self.identities);
        for (at, identity) in self.identities.iter().enumerate() {
            faults.text(&format!("identities[{at}].upn"), &identity.upn);
            if let Err(error) = mail::check(&identity.mail) {
                let text = format!("{:?} is not an address that Entra ID invites: {error}", identity.mail);
                faults.add(&format!("identities[{at}].mail"), Fault::Malformed, text);
            }
            let earlier = &self.identities[..at];
            faults.unless(
                !earlier.iter().any(|other| other.home == identity.home && other.class == identity.class),
                &format!("identities[{at}]"),
                Fault::Conflict,
                format!("a second {} identity in {}; keep one", identity.class.word(), identity.home),
            );
        }
    }
}
