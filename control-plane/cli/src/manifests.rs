//! Manifests from YAML files and folders, each fault with its file, its document and its field.

use std::path::{Path, PathBuf};

use entente_model::intent::{Manifest, ResourceName};
use entente_proto::convert::manifest;
use serde_json::Value;

use crate::failure::Failure;

/// Largest file: what one call takes (`ApplyIntent`: 4 MiB together).
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Most files of a folder: one manifest each fills a call.
const MAX_FILES: usize = 1_000;

/// Reads every manifest under the paths: files, folders (their `.yaml` and `.yml` files, in order, and those of the
/// folders within), or `-` for standard input. Nothing is taken if anything is at fault.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<Manifest>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        gather(path, &mut files)?;
    }
    let (mut manifests, mut faults) = (Vec::new(), Vec::new());
    for file in &files {
        read_file(file, &mut manifests, &mut faults)?;
    }
    find_twins(&manifests, &mut faults);
    match (faults.is_empty(), manifests.is_empty()) {
        (false, _) => Err(Failure::Faults(faults)),
        (true, true) => Err(Failure::Usage("no manifest was found; name files or folders with .yaml files".into())),
        (true, false) => Ok(manifests),
    }
}

fn gather(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::Failed(format!("cannot read {}: {error}", path.display()));
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut inside: Vec<PathBuf> = std::fs::read_dir(path)
        .map_err(failed)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    inside.sort();
    for entry in inside {
        let is_yaml = entry.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
        if entry.is_dir() && !entry.is_symlink() || is_yaml {
            gather(&entry, files)?;
        }
        if files.len() > MAX_FILES {
            return Err(Failure::Usage(format!("more than {MAX_FILES} files; apply them in parts")));
        }
    }
    Ok(())
}

fn read_file(path: &Path, manifests: &mut Vec<Manifest>, faults: &mut Vec<String>) -> Result<(), Failure> {
    let text = text_of(path)?;
    let documents: Vec<Value> = match serde_saphyr::from_multiple(&text) {
        Ok(documents) => documents,
        Err(error) => {
            faults.push(format!(
                "{}: is not YAML that is taken here: {}",
                path.display(),
                first_line(&error.to_string())
            ));
            return Ok(());
        }
    };
    for (at, document) in documents.into_iter().enumerate() {
        match manifest::from_value(document) {
            Ok(manifest) => {
                faults.extend(manifest.check().iter().map(|fault| format!("{}: {fault}", path.display())));
                manifests.push(manifest);
            }
            Err(fault) => faults.push(format!("{}: document {}: {fault}", path.display(), at + 1)),
        }
    }
    Ok(())
}

fn text_of(path: &Path) -> Result<String, Failure> {
    use std::io::Read;
    let failed = |error: std::io::Error| Failure::Failed(format!("cannot read {}: {error}", path.display()));
    let mut text = String::new();
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(path).map_err(failed)?)
    };
    source.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(Failure::Usage(format!("{} has more than 4 MiB; apply it in parts", path.display())));
    }
    Ok(text)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn find_twins(manifests: &[Manifest], faults: &mut Vec<String>) {
    let mut seen = std::collections::BTreeSet::<ResourceName>::new();
    for manifest in manifests {
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
        assert!(lines[0].starts_with("document 1: squads/a") && lines[0].contains("colour"), "{lines:?}");
        assert_eq!(lines[1], "document 2: operators/x: missing field `displayName`");
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
        assert!(faults(&text)[0].starts_with("is not YAML that is taken here"));
    }

    #[test]
    fn twins_are_refused() {
        let one = "kind: Squad\nname: squads/a\nowner: operators/j\n";
        assert_eq!(faults(&format!("{one}---\n{one}")), ["squads/a: stands twice; keep one"]);
    }
}
