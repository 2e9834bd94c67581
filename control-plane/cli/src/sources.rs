//! Where each manifest came from, so that a fault is shown with its file and its line, also one that the server finds.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use entente_model::intent::ResourceName;

use crate::lines::Lines;

/// One file, as it was read.
#[derive(Debug)]
pub(crate) struct Source {
    path: PathBuf,
    text: String,
    lines: OnceCell<Lines>,
}

impl Source {
    pub(crate) fn new(path: PathBuf, text: String) -> Self {
        Self { path, text, lines: OnceCell::new() }
    }

    /// `intent/40-squads.yaml: line 7`, for a field such as `squads/a: members[0].operator`: a field is named after its resource.
    pub(crate) fn place(&self, document: usize, field: &str) -> String {
        let field = field.rsplit_once(": ").map_or("", |(_, path)| path);
        let line = self.lines.get_or_init(|| Lines::of(&self.text)).line(document, field);
        let line = line.map_or_else(|| format!("document {}", document + 1), |line| format!("line {line}"));
        format!("{}: {line}", self.path.display())
    }
}

/// The files that were read, and the document of each resource.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    files: Vec<Source>,
    documents: BTreeMap<String, (usize, usize)>,
}

impl Sources {
    pub(crate) fn add(&mut self, source: Source, documents: impl IntoIterator<Item = (ResourceName, usize)>) {
        let file = self.files.len();
        self.files.push(source);
        for (name, document) in documents {
            self.documents.entry(name.to_string()).or_insert((file, document));
        }
    }

    /// Where a field of a resource stands; none of what is in none of the files.
    pub(crate) fn place(&self, field: &str) -> Option<String> {
        let (name, _) = field.split_once(": ").unwrap_or((field, ""));
        let (file, document) = self.documents.get(name)?;
        Some(self.files.get(*file)?.place(*document, field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_a_fault_of_the_server_has_the_file_and_the_line_of_its_field() {
        let text =
            "kind: Squad\nname: squads/a\n---\nkind: Squad\nname: squads/b\nmembers:\n  - operator: operators/mya\n";
        let mut sources = Sources::default();
        let names = ["squads/a", "squads/b"].map(|it| it.parse().unwrap());
        sources.add(Source::new("40.yaml".into(), text.into()), names.into_iter().zip(0..));
        let place = |field: &str| sources.place(field);
        assert_eq!(place("squads/b: members[0].operator").as_deref(), Some("40.yaml: line 7"));
        assert_eq!(
            place("squads/b: owner").as_deref(),
            Some("40.yaml: line 4"),
            "what is missing, by what is around it"
        );
        assert_eq!(place("squads/c: owner"), None);
    }
}
