//! Where in a YAML file a field stands, for people who mend it. Read a second time, and only when something is at fault.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// One value, and what is in it, each with its line.
#[derive(Debug)]
struct Node(Vec<(Step, Spanned<Self>)>);

/// The way from a value to one in it.
#[derive(Debug)]
enum Step {
    Key(String),
    Index(usize),
}

impl Step {
    /// The rest of a path such as `members[0].operator`, if it begins with this step.
    fn strip<'p>(&self, path: &'p str) -> Option<&'p str> {
        match self {
            Self::Key(key) => {
                let rest = path.strip_prefix(key.as_str())?;
                (rest.is_empty() || rest.starts_with(['.', '['])).then(|| rest.trim_start_matches('.'))
            }
            Self::Index(at) => path.strip_prefix(&format!("[{at}]")).map(|rest| rest.trim_start_matches('.')),
        }
    }
}

/// The lines of each document of a file.
#[derive(Debug)]
pub(crate) struct Lines(Vec<Spanned<Node>>);

impl Lines {
    /// Of a text that has been read as YAML before.
    pub(crate) fn of(text: &str) -> Self {
        Self(serde_saphyr::from_multiple(text).unwrap_or_default())
    }

    /// The line of a field of a document, or of what is nearest around it.
    pub(crate) fn line(&self, document: usize, path: &str) -> Option<u64> {
        let (mut at, mut path) = (self.0.get(document)?, path);
        while let Some((rest, inner)) = at.value.0.iter().find_map(|(step, it)| Some((step.strip(path)?, it))) {
            (at, path) = (inner, rest);
        }
        Some(at.referenced.line())
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

macro_rules! nothing_within {
    ($($method:ident($type:ty),)*) => {
        $(fn $method<E>(self, _: $type) -> Result<Node, E> {
            Ok(Node(Vec::new()))
        })*
    };
}

impl<'de> Visitor<'de> for Anything {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    nothing_within! {
        visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_i128(i128), visit_u128(u128), visit_f64(f64), visit_str(&str),
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node(Vec::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element()? {
            all.push((Step::Index(all.len()), one));
        }
        Ok(Node(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut all = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, _>()? {
            all.push((Step::Key(key), value));
        }
        Ok(Node(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_path_and_what_is_missing_by_what_is_around_it() {
        let text = "kind: Squad\nname: squads/a\nmembers:\n  - operator: operators/x\n  - operator: no\n    from: 2026-01-01\n---\nkind: Tenant\nlabels: {a.b: 1}\nscopes:\n  x:\n  - /a\n  - /b\n";
        let lines = Lines::of(text);
        for (document, path, line) in [
            (0, "name", 2),
            (0, "members[0].operator", 4),
            (0, "members[1].operator", 5),
            (0, "members[1].from", 6),
            (0, "owner", 1),
            (0, "members[1].until", 5),
            (1, "labels.a.b", 9),
            (1, "scopes.x[1]", 13),
            (1, "", 8),
        ] {
            assert_eq!(lines.line(document, path), Some(line), "{path}");
        }
        assert_eq!(lines.line(2, "name"), None);
    }
}
