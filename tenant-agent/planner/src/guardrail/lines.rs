//! At which lines of the file a key stands, for people who read or change it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::{Guardrail, Unreadable};

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// From 1.
    pub number: u64,
    /// As it stands, without the spaces at its ends.
    pub text: String,
}

/// Every key of a file, and every entry of its lists, with its line.
#[derive(Debug)]
pub struct Lines<'a> {
    yaml: &'a str,
    /// By paths as [`crate::reference::Key::path`] has them: an entry of `azure.scopes` is `azure.scopes[]`.
    keys: Vec<Found>,
}

/// A path, the line of its key, and where its value begins.
#[derive(Debug)]
struct Found {
    path: String,
    line: u64,
    value: (u64, u64),
}

impl<'a> Lines<'a> {
    /// Of a text that is YAML; whether it is a guardrail is not asked.
    ///
    /// # Errors
    ///
    /// The text is not YAML, or not YAML that a guardrail may have.
    pub fn of(yaml: &'a str) -> Result<Self, Unreadable> {
        let Node(keys) = Guardrail::read(yaml).map_err(|fault| Unreadable { faults: vec![fault] })?;
        Ok(Self { yaml, keys })
    }

    /// The lines at which a key stands, and what is below it; none where the file does not have it.
    pub fn at(&self, key: &str) -> Vec<Line> {
        let is_below =
            |path: &str| path.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
        let mut numbers: Vec<u64> = self.keys.iter().filter(|it| is_below(&it.path)).map(|it| it.line).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let text = |number: u64| {
            let at = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
            at.and_then(|at| self.yaml.lines().nth(at)).unwrap_or_default().trim().to_owned()
        };
        numbers.into_iter().map(|number| Line { number, text: text(number) }).collect()
    }

    /// Line and column at which the value of a key begins.
    pub(super) fn value_at(&self, key: &str) -> Option<(u64, u64)> {
        self.keys.iter().find(|it| it.path == key).map(|it| it.value)
    }
}

/// What stands below a value.
#[derive(Debug)]
struct Node(Vec<Found>);

/// An entry of a list or a map, and all below it.
fn entry(path: &str, line: Option<u64>, value: Spanned<Node>) -> impl Iterator<Item = Found> {
    let (begins, Node(below)) = ((value.referenced.line(), value.referenced.column()), value.value);
    let first = Found { path: path.to_owned(), line: line.unwrap_or(begins.0), value: begins };
    let join = |it: Found| {
        let point = if it.path.starts_with('[') { "" } else { "." };
        Found { path: format!("{path}{point}{}", it.path), ..it }
    };
    std::iter::once(first).chain(below.into_iter().map(join)).collect::<Vec<_>>().into_iter()
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

macro_rules! nothing_below {
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

    nothing_below! {
        visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_i128(i128), visit_u128(u128), visit_f64(f64), visit_str(&str),
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node(Vec::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut all = Vec::new();
        while let Some(value) = list.next_element()? {
            all.extend(entry("[]", None, value));
        }
        Ok(Node(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut all = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            all.extend(entry(&key.value, Some(key.referenced.line()), map.next_value()?));
        }
        Ok(Node(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
guardrail: 1 # the form
planes: {users: manage,
  azureRoles: verify}
azure:
  scopes:
    - /subscriptions/1
    - /subscriptions/2
  roles: {Microsoft Sentinel Reader: 8d289c81-5878-46d4-8554-54e1e3d8b5cb}
freeze:
  - from: 2026-12-23
    to: 2026-12-27
capabilities: {}
";

    fn at(key: &str) -> Vec<(u64, String)> {
        Lines::of(FILE).unwrap().at(key).into_iter().map(|line| (line.number, line.text)).collect()
    }

    #[test]
    fn a_key_is_found_with_what_is_below_it_however_the_file_is_written() {
        assert_eq!(at("guardrail"), [(1, "guardrail: 1 # the form".to_owned())]);
        assert_eq!(at("planes.users"), [(2, "planes: {users: manage,".to_owned())]);
        assert_eq!(at("planes.azureRoles"), [(3, "azureRoles: verify}".to_owned())]);
        let numbers = |key| at(key).into_iter().map(|(number, _)| number).collect::<Vec<_>>();
        assert_eq!(numbers("azure.scopes"), [5, 6, 7]);
        assert_eq!(numbers("azure"), [4, 5, 6, 7, 8]);
        assert_eq!(numbers("freeze[].to"), [11]);
        assert_eq!(numbers("freeze"), [9, 10, 11]);
        assert_eq!((numbers("capabilities.allow"), numbers("azure.role")), (vec![], vec![]));
    }

    #[test]
    fn what_is_no_yaml_has_no_lines_and_says_where_it_breaks() {
        let fault = Lines::of("planes: {users: manage\nowner: x\n").unwrap_err().words();
        assert!(fault.starts_with("guardrail, line "), "{fault}");
    }
}
