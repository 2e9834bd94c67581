//! Words of lists that a later version may extend.
//!
//! An agent may be newer than the control plane that it reports to. An unknown word is stored and shown as it came, and
//! never counts as a known one: not as removed, not as applied.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest word in bytes. Our longest has 26.
const MAX_BYTES: usize = 64;

/// Most words that are stored. A release adds some tens at most. A sender of more gets [`Word::OTHER`] for the rest.
const MAX_WORDS: usize = 1_024;

/// Kept as long as the process runs, so a word is as small and easy to copy as a known one.
static WORDS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// An unknown word, as it came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(&'static str);

impl Word {
    /// For a text that is not a word, or one too many.
    pub const OTHER: Self = Self("OTHER");

    pub fn of(text: &str) -> Self {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if text.is_empty() || text.len() > MAX_BYTES || !text.chars().all(is_plain) {
            return Self::OTHER;
        }
        let mut words = WORDS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = words.get(text) {
            return Self(known);
        }
        if words.len() >= MAX_WORDS {
            return Self::OTHER;
        }
        let kept: &'static str = Box::leak(text.into());
        words.insert(kept);
        Self(kept)
    }

    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A list of words, as this version knows it.
pub trait Words: Copy + 'static {
    const KNOWN: &'static [Self];

    fn word(self) -> &'static str;
}

/// A word of such a list, or an unknown one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Open<T> {
    Known(T),
    Later(Word),
}

impl<T: Words> Open<T> {
    pub fn of(text: &str) -> Self {
        find(text).map_or_else(|| Self::Later(Word::of(text)), Self::Known)
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Known(known) => known.word(),
            Self::Later(word) => word.as_str(),
        }
    }
}

/// A known word.
pub(crate) fn find<T: Words>(text: &str) -> Option<T> {
    T::KNOWN.iter().copied().find(|known| known.word() == text)
}

impl<T> From<T> for Open<T> {
    fn from(known: T) -> Self {
        Self::Known(known)
    }
}

impl<T: PartialEq> PartialEq<T> for Open<T> {
    fn eq(&self, other: &T) -> bool {
        matches!(self, Self::Known(known) if known == other)
    }
}

impl<T: Words> fmt::Display for Open<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl<T: Words> Serialize for Open<T> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.word())
    }
}

impl<'de, T: Words> Deserialize<'de> for Open<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self::of(&<std::borrow::Cow<'_, str>>::deserialize(d)?))
    }
}

/// Implements serde for a closed list.
macro_rules! words {
    ($type:ty: $known:expr) => {
        impl crate::word::Words for $type {
            const KNOWN: &'static [Self] = $known;

            fn word(self) -> &'static str {
                <$type>::word(self)
            }
        }
    };
}

pub(crate) use words;

/// Implements serde for a list with its own variant `Later(Word)`: reads any word, and writes it as it came.
macro_rules! open_words {
    ($($type:ty),*) => {$(
        impl crate::word::Words for $type {
            const KNOWN: &'static [Self] = &Self::ALL;

            fn word(self) -> &'static str {
                <$type>::word(self)
            }
        }

        impl $type {
            /// From any text. An unknown word is kept as it came.
            pub fn of(text: &str) -> Self {
                crate::word::find(text).unwrap_or_else(|| Self::Later(crate::word::Word::of(text)))
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.word())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                Ok(Self::of(&<std::borrow::Cow<'_, str> as serde::Deserialize>::deserialize(d)?))
            }
        }
    )*};
}
pub(crate) use open_words;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plane::Plane;
    use crate::report::{AccountState, ItemState, Reason};

    #[test]
    fn a_word_of_a_later_version_rests_and_reads_back_as_it_came() {
        let text = r#"["SHINING","APPLIED"]"#;
        let states: Vec<ItemState> = serde_json::from_str(text).unwrap();
        assert_eq!(states, [ItemState::Later(Word::of("SHINING")), ItemState::Applied]);
        assert!(!states[0].is_settled());
        assert_eq!(serde_json::to_string(&states).unwrap(), text);
        assert_eq!(Reason::of("MOON_FULL").word(), "MOON_FULL");
        assert!(!AccountState::of("SLEEPING").is_shut());
        assert_eq!(Open::<Plane>::of("tides").word(), "tides");
        assert_eq!(Open::<Plane>::of("users"), Plane::Users);
    }

    #[test]
    fn known_words_rest_as_before() {
        for state in ItemState::ALL {
            assert_eq!(ItemState::of(state.word()), state);
        }
        for reason in Reason::ALL {
            assert_eq!(Reason::of(reason.word()), *reason);
        }
    }

    #[test]
    fn what_is_no_word_is_another() {
        for text in ["", "two words", "line\nbreak", &"X".repeat(MAX_BYTES + 1)] {
            assert_eq!(Word::of(text), Word::OTHER);
        }
    }
}
