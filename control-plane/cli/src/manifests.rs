//! Manifests from YAML files and folders, each fault with its file, its document and its field.

use std::path::{Path, PathBuf};

use entente_convert::manifest;
use entente_model::intent::{Manifest, ResourceName};
use entente_model::{Violation, text};
use serde_json::Value;

use crate::failure::Failure;
use crate::sources::{Source, Sources};

/// Largest file: what one call takes (`ApplyIntent`: 4 MiB together).
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Most files of a folder: one manifest each fills a call.
const MAX_FILES: usize = 1_000;

/// Most files and folders that are looked at for them: a repository has some thousands, a folder of builds a hundred thousand.
const MAX_LOOKED_AT: usize = 10_000;

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) manifests: Vec<Manifest>,
    pub(crate) sources: Sources,
    pub(crate) passed_over: Vec<PassedOver>,
}

impl Read {
    /// A sentence that names folders that were not read: manifests in them are not applied.
    pub(crate) fn note(&self) -> Option<String> {
        let mut all = self.passed_over.iter().filter(|it| !it.is_git());
        let first = all.next()?;
        let more = all.count();
        let more = if more > 0 { format!("; {more} more folders are passed over, too") } else { String::new() };
        Some(format!("note: {} is {}{more}", first.folder.display(), first.why))
    }
}

/// A folder that was not looked into, and why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PassedOver {
    pub(crate) folder: PathBuf,
    pub(crate) why: &'static str,
}

impl PassedOver {
    fn of(folder: &Path) -> Option<Self> {
        let is_hidden = folder.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        // It may lead back here.
        let why =
            if folder.is_symlink() { "a link to a folder, which is not followed" } else { "hidden, and is not read" };
        (folder.is_symlink() || is_hidden).then(|| Self { folder: folder.to_owned(), why })
    }

    /// Git's own: there are no manifests in it.
    pub(crate) fn is_git(&self) -> bool {
        self.folder.file_name().is_some_and(|name| name == ".git")
    }
}

/// Reads every manifest under the paths: files, folders (their `.yaml` and `.yml` files, in order, and those of the
/// folders within that are not hidden), or `-` for standard input. Nothing is taken if anything is at fault.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Read, Failure> {
    let (mut walk, mut faults) = (Walk::default(), Vec::new());
    for path in paths {
        walk.gather(path)?;
    }
    let mut read = Read { passed_over: walk.passed_over, ..Read::default() };
    for file in walk.files {
        read_file(file, &mut read, &mut faults)?;
    }
    find_twins(&read, &mut faults);
    match (faults.is_empty(), read.manifests.is_empty()) {
        (false, _) => Err(Failure::Faults(faults)),
        (true, true) => Err(Failure::Usage("no manifest was found; name files or folders with .yaml files".into())),
        (true, false) => Ok(read),
    }
}

/// What is found below the paths.
#[derive(Debug, Default)]
struct Walk {
    files: Vec<PathBuf>,
    passed_over: Vec<PassedOver>,
    /// Files and folders that were looked at, of whatever kind.
    looked_at: usize,
}

impl Walk {
    fn gather(&mut self, path: &Path) -> Result<(), Failure> {
        if !path.is_dir() {
            self.files.push(path.to_owned());
            return Ok(());
        }
        for entry in self.inside(path)? {
            let is_yaml = entry
                .extension()
                .and_then(|it| it.to_str())
                .is_some_and(|ending| ["yaml", "yml"].iter().any(|known| ending.eq_ignore_ascii_case(known)));
            match entry.is_dir().then(|| PassedOver::of(&entry)) {
                Some(Some(folder)) => self.passed_over.push(folder),
                Some(None) => self.gather(&entry)?,
                None if is_yaml => self.files.push(entry),
                None => {}
            }
            if self.files.len() > MAX_FILES {
                return Err(Failure::Usage(format!("more than {MAX_FILES} files; apply them in parts")));
            }
        }
        Ok(())
    }

    /// What is in a folder, in order.
    fn inside(&mut self, path: &Path) -> Result<Vec<PathBuf>, Failure> {
        let failed = |error: std::io::Error| Failure::Failed(format!("cannot read {}: {error}", path.display()));
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(path).map_err(failed)? {
            inside.push(entry.map_err(failed)?.path());
            self.looked_at += 1;
            if self.looked_at > MAX_LOOKED_AT {
                let text = "files and folders, at the latest in";
                let remedy = "name the folders that hold manifests";
                return Err(Failure::Usage(format!("more than {MAX_LOOKED_AT} {text} {}; {remedy}", path.display())));
            }
        }
        inside.sort();
        Ok(inside)
    }
}

fn read_file(path: PathBuf, read: &mut Read, faults: &mut Vec<String>) -> Result<(), Failure> {
    let text = text_of(&path)?;
    let documents: Vec<Value> = match serde_saphyr::from_multiple(&text) {
        Ok(documents) => documents,
        Err(error) => {
            faults.push(format!("{}: {}", path.display(), not_yaml(&error)));
            return Ok(());
        }
    };
    let (source, mut names) = (Source::new(path, text), Vec::new());
    for (at, document) in documents.into_iter().enumerate() {
        let said = |fault: &Violation| format!("{}: {fault}", source.place(at, &fault.field));
        match manifest::from_value(document) {
            Ok(manifest) => {
                faults.extend(manifest.check().iter().map(said));
                names.push((manifest.name(), at));
                read.manifests.push(manifest);
            }
            Err(fault) => faults.push(said(&fault)),
        }
    }
    read.sources.add(source, names);
    Ok(())
}

/// In words for the author of the file: the library's own words are for programmers.
fn not_yaml(error: &serde_saphyr::Error) -> String {
    let text = match error.without_snippet() {
        serde_saphyr::Error::DuplicateMappingKey { key, .. } => {
            format!("the key {} stands twice in one mapping; keep one", key.as_deref().unwrap_or("(no text)"))
        }
        plain => first_line(&plain.render_with_formatter(&serde_saphyr::UserMessageFormatter)).to_owned(),
    };
    let line = error.location().map(|at| format!("line {}: ", at.line())).unwrap_or_default();
    format!("{line}is not YAML that is taken here: {text}")
}

fn text_of(path: &Path) -> Result<String, Failure> {
    use std::io::Read;
    let failed = |error: std::io::Error| Failure::Failed(format!("cannot read {}: {error}", path.display()));
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(path).map_err(failed)?)
    };
    let mut bytes = Vec::new();
    source.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Failure::Usage(format!("{} has more than 4 MiB; apply it in parts", path.display())));
    }
    let wrong = |error: &dyn std::fmt::Display| Failure::Failed(format!("cannot read {}: {error}", path.display()));
    let bytes = text::unmarked(&bytes).map_err(|error| wrong(&error))?;
    String::from_utf8(bytes.to_vec()).map_err(|_| wrong(&"it is not UTF-8"))
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn find_twins(read: &Read, faults: &mut Vec<String>) {
    let mut seen = std::collections::BTreeSet::<ResourceName>::new();
    for manifest in &read.manifests {
        if !seen.insert(manifest.name()) {
            faults.push(format!("{}: stands twice; keep one", manifest.name()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.yaml");
        std::fs::write(&path, text).unwrap();
        let place = format!("{}: ", path.display());
        match read(&[path]) {
            Err(Failure::Faults(lines)) => lines.iter().map(|line| line.replace(&place, "")).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_fault_of_every_document_is_named() {
        let text =
            "kind: Squad\nname: squads/a\nowner: operators/j\ncolour: blue\n---\nkind: Operator\nname: operators/x\n";
        let lines = faults(text);
        assert!(lines[0].starts_with("line 4: squads/a") && lines[0].contains("colour"), "{lines:?}");
        assert_eq!(lines[1], "line 6: operators/x: displayName: is missing; write it");
    }

    #[test]
    fn a_bomb_is_refused() {
        let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for n in 1..12 {
            let last = n - 1;
            text.push_str(&format!(
                "a{n}: &a{n} [*a{last},*a{last},*a{last},*a{last},*a{last},*a{last},*a{last},*a{last}]\n"
            ));
        }
        assert!(faults(&text)[0].contains("is not YAML that is taken here"));
    }

    #[test]
    fn users_a_slip_is_told_with_its_line_and_what_was_meant_and_in_no_words_of_a_library() {
        let assignment = "kind: Assignment\nname: assignments/a\nowner: operators/li\n";
        let squad = "kind: Squad\nname: squads/a\nowner: operators/li\n";
        for (text, said) in [
            (
                format!("{assignment}justifcation: x\n"),
                "line 4: assignments/a: justifcation: \"justifcation\" is no field here; did you mean justification?",
            ),
            (
                format!("{squad}members:\n- maya\n"),
                "line 5: squads/a: members[0]: is the text \"maya\", and a mapping such as {operator: operators/maya} belongs here",
            ),
            (
                "kind: Sqad\nname: squads/a\n".into(),
                "line 1: squads/a: kind: \"Sqad\" is not a kind; did you mean Squad? Else",
            ),
            (
                "kind: squad\nname: squads/a\n".into(),
                "line 1: squads/a: kind: \"squad\" is not a kind; did you mean Squad? Else",
            ),
            (
                "kind: Operator\nname: operators/x\ndisplayName: X\nstate: LEFTT\n".into(),
                "line 4: operators/x: state: \"LEFTT\" is none of the words of this field; did you mean LEFT?",
            ),
            (
                format!("{assignment}tenants: {{names: [tenants/a], expect: six}}\n"),
                "line 4: assignments/a: tenants.expect: is the text \"six\", and a whole number such as 6, or {atLeast: 6}, belongs here",
            ),
            (
                format!("{assignment}tenants: {{names: [tenants/a], expect: -1}}\n"),
                "line 4: assignments/a: tenants.expect: is the number -1, and a whole number such as 6, or {atLeast: 6}, belongs here",
            ),
            (
                format!("{assignment}tenants: {{names: [tenants/a], expect: {{atleast: 1}}}}\n"),
                "line 4: assignments/a: tenants.expect.atleast: \"atleast\" is no field here; did you mean atLeast?",
            ),
            (
                "kind: SocRole\nname: socRoles/a\nversion: -1\n".into(),
                "line 3: socRoles/a: version: is the number -1, and a whole number from 0 on belongs here",
            ),
        ] {
            let found = faults(&text).join("\n");
            assert!(found.starts_with(said), "{text}\n  {found}\n  {said}");
        }
    }

    #[test]
    fn users_prune_a_folder_behind_a_link_is_named_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.yaml"), "kind: Squad\nname: squads/a\nowner: operators/j\n").unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
        let found = read(&[folder.path().to_owned()]).unwrap();
        let (link, why) = (folder.path().join("again"), "a link to a folder, which is not followed");
        assert_eq!((found.manifests.len(), found.passed_over), (1, vec![PassedOver { folder: link, why }]));
    }

    #[test]
    fn a_hidden_folder_is_passed_over_unless_it_is_named_and_the_walk_ends() {
        let folder = tempfile::tempdir().unwrap();
        let hidden = folder.path().join(".github");
        std::fs::create_dir(&hidden).unwrap();
        let squad = |id: &str| format!("kind: Squad\nname: squads/{id}\nowner: operators/j\n");
        std::fs::write(folder.path().join("a.yaml"), squad("a")).unwrap();
        std::fs::write(hidden.join("b.yaml"), squad("b")).unwrap();
        let names = |path: &Path| {
            let read = read(&[path.to_owned()]).unwrap();
            (read.manifests.iter().map(|it| it.name().to_string()).collect::<Vec<_>>(), read.passed_over.len())
        };
        assert_eq!(names(folder.path()), (vec!["squads/a".to_owned()], 1));
        assert_eq!(names(&hidden), (vec!["squads/b".to_owned()], 0));
        std::fs::create_dir(folder.path().join(".git")).unwrap();
        let note = read(&[folder.path().to_owned()]).unwrap().note().unwrap();
        assert!(note.ends_with("/.github is hidden, and is not read"), "{note}");
        let builds = folder.path().join("target");
        std::fs::create_dir(&builds).unwrap();
        (0..=MAX_LOOKED_AT).for_each(|at| drop(std::fs::File::create(builds.join(at.to_string())).unwrap()));
        let said = read(&[folder.path().to_owned()]).unwrap_err().to_string();
        assert!(said.contains("/target; name the folders that hold manifests"), "{said}");
    }

    #[test]
    fn twins_are_refused() {
        let one = "kind: Squad\nname: squads/a\nowner: operators/j\n";
        assert_eq!(faults(&format!("{one}---\n{one}")), ["squads/a: stands twice; keep one"]);
    }

    #[test]
    fn field_kind_17_what_yaml_reads_otherwise_is_to_be_quoted_and_its_line_is_told() {
        let squad = |owner: &str| format!("kind: Squad\nname: squads/a\nmembers: []\nowner: {owner}\n");
        for (owner, read) in
            [("false", "the yes-or-no value false"), ("007", "the number 7.0"), ("1.10", "the number 1.1")]
        {
            assert_eq!(
                faults(&squad(owner)),
                [format!("line 4: squads/a: owner: reads as {read}, and a text belongs here; put it in quotes")]
            );
        }
        assert_eq!(faults(&squad("[a]")), ["line 4: squads/a: owner: is a list, and a text belongs here"]);
        assert_eq!(faults(&squad("")), ["line 4: squads/a: owner: is empty, and a text belongs here"]);
        let role = "---\nkind: SocRole\nname: socRoles/l1\nversion: \"1\"\nitems: []\n";
        assert_eq!(
            faults(&format!("{}{role}", squad("operators/li"))),
            ["line 8: socRoles/l1: version: is the text \"1\", and a whole number belongs here"]
        );
        // What is wrong by itself, and no matter of types, too.
        let text = "kind: Squad\nname: squads/a\nowner: operators/li\nmembers:\n- operator: operators/x\n  from: 2026-02-01\n  until: 2026-01-01\n";
        assert_eq!(faults(text), ["line 7: squads/a: members[0].until: is before from; write a later day"]);
    }

    #[test]
    fn field_kind_17_no_text_names_a_library_or_its_options() {
        let twice = "kind: Squad\nname: squads/a\nname: squads/b\nowner: operators/li\n";
        assert_eq!(
            faults(twice),
            ["line 3: is not YAML that is taken here: the key name stands twice in one mapping; keep one"]
        );
        for text in ["a: [", "a:\n\t- b\n", "a: *b\n", "a: !!binary x\n", "a: 'x\n", "{[", "a: !x y\n"] {
            let said = faults(text).join("\n");
            assert!(said.contains("line 1: ") || said.contains("line 2: "), "{said}");
            for word in ["Options", "Policy", "serde", "saphyr", "String", "Rust", "deserial"] {
                assert!(!said.contains(word), "{text:?}: {said}");
            }
        }
    }

    #[test]
    fn field_kind_17_files_from_windows_are_taken_or_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("A.YAML"), "\u{feff}kind: Squad\r\nname: squads/a\r\nowner: operators/j\r\n").unwrap();
        std::fs::write(path("b.Yml"), "kind: Squad\nname: squads/b\nowner: operators/j\n").unwrap();
        std::fs::write(path("notes.txt"), "no manifest").unwrap();
        let names: Vec<_> =
            read(&[folder.path().to_owned()]).unwrap().manifests.iter().map(|it| it.name().to_string()).collect();
        assert_eq!(names, ["squads/a", "squads/b"]);
        std::fs::write(path("c.yaml"), [0xff, 0xfe, b'k', 0]).unwrap();
        let error = read(&[path("c.yaml")]).unwrap_err().to_string();
        assert!(error.ends_with("it is UTF-16, as PowerShell writes it; save it as UTF-8"), "{error}");
        std::fs::write(path("c.yaml"), [b'k', 0xe4]).unwrap();
        assert!(read(&[path("c.yaml")]).unwrap_err().to_string().ends_with("it is not UTF-8"));
    }
}
