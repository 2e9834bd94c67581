//! Under what the ledger remembers something: an item's own key, or one of the agent's own notes.
//!
//! A note has no item, and no text of the control plane's becomes one: what an item is called there is always
//! [`LedgerKey::Item`]. On disk both are one text.

use std::fmt;
use std::str::FromStr;

use entente_model::desired::{ItemKey, KeyError};
use entente_model::{Guid, HomeName};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The key of an entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LedgerKey {
    Item(ItemKey),
    /// The group whose members are the users that we made. Gives no access. `anchor/users` on disk.
    Marker,
    /// A user's membership in the marker group. `anchor/GUID` on disk.
    Marked(Guid),
    /// Another account of a person, beside the one of the person's own item.
    Account(Guid),
    /// A member without an item, who is taken out of a group of ours.
    Extra {
        group: Guid,
        user: Guid,
    },
}

impl LedgerKey {
    pub fn item(&self) -> Option<&ItemKey> {
        match self {
            Self::Item(key) => Some(key),
            Self::Marker | Self::Marked(_) | Self::Account(_) | Self::Extra { .. } => None,
        }
    }

    /// The person whom an item is about, if it is about one.
    pub fn person(&self) -> Option<(&HomeName, Guid)> {
        self.item().and_then(ItemKey::person)
    }

    /// Whether it is of an item that this version knows, or a note. What is remembered under any other was written by a
    /// later version: this one could neither look after it nor end it.
    pub fn is_known(&self) -> bool {
        match self {
            Self::Item(ItemKey::Other(_)) => false,
            Self::Item(
                ItemKey::User(_)
                | ItemKey::Group(_)
                | ItemKey::Member(_)
                | ItemKey::AzureRole(_)
                | ItemKey::DefenderRole(_)
                | ItemKey::DefenderAssignment(_)
                | ItemKey::EntraRole(_),
            )
            | Self::Marker
            | Self::Marked(_)
            | Self::Account(_)
            | Self::Extra { .. } => true,
        }
    }

    /// As the lines of a plan show it to people, who know keys by their texts.
    pub fn shown(&self) -> ItemKey {
        match self {
            Self::Item(key) => key.clone(),
            Self::Marker | Self::Marked(_) | Self::Account(_) | Self::Extra { .. } => ItemKey::Other(self.to_string()),
        }
    }

    /// What must be there before this can be.
    pub fn depends_on(&self) -> Vec<Self> {
        match self {
            Self::Item(key) => key.depends_on().into_iter().map(Self::Item).collect(),
            Self::Marked(_) => vec![Self::Marker],
            Self::Marker | Self::Account(_) | Self::Extra { .. } => Vec::new(),
        }
    }
}

impl From<ItemKey> for LedgerKey {
    fn from(key: ItemKey) -> Self {
        Self::Item(key)
    }
}

impl From<&ItemKey> for LedgerKey {
    fn from(key: &ItemKey) -> Self {
        Self::Item(key.clone())
    }
}

impl From<&Self> for LedgerKey {
    fn from(key: &Self) -> Self {
        key.clone()
    }
}

impl fmt::Display for LedgerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Item(key) => key.fmt(f),
            Self::Marker => f.write_str("anchor/users"),
            Self::Marked(user) => write!(f, "anchor/{user}"),
            Self::Account(user) => write!(f, "account/{user}"),
            Self::Extra { group, user } => write!(f, "extra/{group}/{user}"),
        }
    }
}

/// As it is on disk. A text that is neither a note nor the key of an item that is known here is
/// [`ItemKey::Other`], as which nothing is remembered.
impl FromStr for LedgerKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        match note(text) {
            Some(note) => Ok(note),
            None => text.parse().map(Self::Item),
        }
    }
}

fn note(text: &str) -> Option<LedgerKey> {
    let (kind, rest) = text.split_once('/')?;
    Some(match (kind, rest.split_once('/')) {
        ("anchor", None) if rest == "users" => LedgerKey::Marker,
        ("anchor", None) => LedgerKey::Marked(rest.parse().ok()?),
        ("account", None) => LedgerKey::Account(rest.parse().ok()?),
        ("extra", Some((group, user))) => LedgerKey::Extra { group: group.parse().ok()?, user: user.parse().ok()? },
        _ => return None,
    })
}

impl Serialize for LedgerKey {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LedgerKey {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_read_back_as_written_by_earlier_releases() {
        let id = "0b0de000-0000-4000-8000-000000000003";
        for text in ["anchor/users", &format!("anchor/{id}"), &format!("account/{id}"), &format!("extra/{id}/{id}")] {
            let key: LedgerKey = text.parse().unwrap();
            assert!(key.item().is_none() && key.is_known(), "{key:?}");
            assert_eq!(key.to_string(), text);
        }
        let item: LedgerKey = "group/l1-analyst/standard".parse().unwrap();
        assert!(item.item().is_some() && item.is_known());
        for text in ["entraRole/l1/standard", "group/l1/gold", "anchor/x", "account/1", "extra/users"] {
            assert!(!text.parse::<LedgerKey>().unwrap().is_known(), "{text}");
        }
    }

    #[test]
    fn no_key_of_the_control_planes_is_taken_for_a_note_of_the_agents() {
        let sent: ItemKey = "anchor/users".parse().unwrap();
        assert_ne!(LedgerKey::from(&sent), LedgerKey::Marker);
        assert!(!LedgerKey::from(sent).is_known());
    }
}
