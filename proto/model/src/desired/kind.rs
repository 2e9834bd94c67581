//! What every kind of item key has to provide.

use std::fmt;

use crate::intent::IdentityClass;
use crate::name::{Guid, HomeName, RoleName};
use crate::plane::Plane;

/// One kind of key. No method has a default, so that each kind answers every question.
pub trait Kind: Sized {
    /// The first part of the key's text.
    const WORD: &'static str;

    /// Reads the parts that follow the word. `None` if they have another shape.
    fn parse(parts: &[&str]) -> Option<Self>;

    /// Writes what follows the word, without the slash before it.
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;

    /// The plane that the item is on.
    fn plane(&self) -> Plane;

    /// The role that the item belongs to, if any.
    fn role(&self) -> Option<&RoleName>;

    /// The person that the item is about, if any.
    fn person(&self) -> Option<(&HomeName, Guid)>;
}

pub(super) fn role(id: &str) -> Option<RoleName> {
    RoleName::from_id(id).ok()
}

pub(super) fn home(id: &str) -> Option<HomeName> {
    HomeName::from_id(id).ok()
}

pub(super) fn class(word: &str) -> Option<IdentityClass> {
    [IdentityClass::Standard, IdentityClass::Privileged].into_iter().find(|class| class.word() == word)
}
