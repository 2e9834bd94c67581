//! The condition under which an item of a role applies.

use std::fmt;
use std::str::FromStr;

use crate::name::text_serde;

/// `attribute == value`, over a closed list of attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub attribute: Attribute,
    pub value: String,
}

/// What a condition may ask about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    /// The tenant's default user type: `guest` or `member`.
    UserType,
    /// The tenant's cloud.
    Cloud,
    /// Every workspace within the item's scope: `azure_rbac` or `urbac`.
    WorkspacePermissionSource,
}

impl Attribute {
    const ALL: [Self; 3] = [Self::UserType, Self::Cloud, Self::WorkspacePermissionSource];

    pub fn word(self) -> &'static str {
        match self {
            Self::UserType => "userType",
            Self::Cloud => "cloud",
            Self::WorkspacePermissionSource => "workspace.permissionSource",
        }
    }

    fn values(self) -> &'static [&'static str] {
        match self {
            Self::UserType => &["guest", "member"],
            Self::Cloud => &["global", "us_gov_l4", "us_gov_l5", "china"],
            Self::WorkspacePermissionSource => &["azure_rbac", "urbac"],
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} == {}", self.attribute.word(), self.value)
    }
}

/// Why a text is not a condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    #[error("{0:?} is not a condition: write ATTRIBUTE == VALUE")]
    Shape(String),
    #[error("{0:?} is not an attribute: use userType, cloud or workspace.permissionSource")]
    Attribute(String),
    #[error("{value:?} is not a value of {attribute}: use {}", .allowed.join(" or "))]
    Value { attribute: &'static str, value: String, allowed: &'static [&'static str] },
}

impl FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        let (word, value) = text.split_once("==").ok_or_else(|| ConditionError::Shape(text.into()))?;
        let (word, value) = (word.trim(), value.trim());
        let attribute = Attribute::ALL
            .into_iter()
            .find(|attribute| attribute.word() == word)
            .ok_or_else(|| ConditionError::Attribute(word.into()))?;
        if !attribute.values().contains(&value) {
            let (attribute, allowed) = (attribute.word(), attribute.values());
            return Err(ConditionError::Value { attribute, value: value.into(), allowed });
        }
        Ok(Self { attribute, value: value.into() })
    }
}

text_serde!(Condition);
