//! What is asked for by a name that nothing has: an error that names the field and, where one is near, the name that may
//! have been meant. An empty answer to a misspelt question would be read as "nobody has access".

use entente_model::intent::ResourceName;
use entente_model::{OperatorName, TenantName};

use crate::error::AppError;
use crate::world::World;

/// Names that are compared: all of the largest fleet seen. Beyond, no other name is proposed.
const MAX_COMPARED: usize = 20_000;

impl World {
    pub(crate) fn missing(&self, field: &'static str, name: &ResourceName) -> AppError {
        let kind = name.kind();
        let begun = |other: &ResourceName| other.kind() < kind;
        let alike = self.metas.iter_from(begun).map(|(other, _)| other).take_while(|other| other.kind() == kind);
        let resource = name.to_string();
        let nearest = nearest(&resource, alike.take(MAX_COMPARED).map(ToString::to_string));
        AppError::NotFound { resource, field, nearest }
    }

    /// A tenant that a request names.
    pub(crate) fn needs_tenant(&self, field: &'static str, name: &TenantName) -> Result<(), AppError> {
        let name = ResourceName::Tenant(name.clone());
        if self.metas.contains_key(&name) { Ok(()) } else { Err(self.missing(field, &name)) }
    }

    /// A person whom a request names.
    pub(crate) fn needs_operator(&self, field: &'static str, name: &OperatorName) -> Result<(), AppError> {
        let name = ResourceName::Operator(name.clone());
        if self.metas.contains_key(&name) { Ok(()) } else { Err(self.missing(field, &name)) }
    }
}

/// The name that differs least, if it differs so little that it may have been meant.
fn nearest(name: &str, others: impl Iterator<Item = String>) -> Option<String> {
    let length = name.rsplit('/').next().unwrap_or_default().chars().count();
    let most = (length / 3).clamp(1, 3);
    let near = others.map(|other| (distance(name, &other, most), other)).filter(|(far, _)| *far <= most);
    near.min().map(|(_, other)| other)
}

/// How many letters are to be put, left out or changed; anything above `most` where it is more (Levenshtein).
fn distance(one: &str, other: &str, most: usize) -> usize {
    if one.len().abs_diff(other.len()) > most {
        return most + 1;
    }
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (column, also) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *also);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_proposed_only_if_it_is_near() {
        let others = || ["operators/maya", "operators/mara", "operators/li"].map(String::from).into_iter();
        assert_eq!(nearest("operators/mayaa", others()).as_deref(), Some("operators/maya"));
        assert_eq!(nearest("operators/mya", others()).as_deref(), Some("operators/maya"));
        assert_eq!(nearest("operators/sam", others()), None);
        assert_eq!(nearest("operators/l", others()).as_deref(), Some("operators/li"));
    }
}
