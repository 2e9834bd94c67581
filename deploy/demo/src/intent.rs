//! The sample intent as files in a folder, and edits of the files as a person would make them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

macro_rules! files {
    ($($name:literal),+ $(,)?) => { [$(($name, include_str!(concat!("../intent/", $name)))),+] };
}

/// The sample in the repository, as a part of the program, so the program needs no other files.
const SAMPLE: [(&str, &str); 6] = files![
    "10-home.yaml",
    "20-tenants.yaml",
    "30-operators.yaml",
    "40-squads.yaml",
    "50-roles.yaml",
    "60-assignments.yaml",
];

/// What is applied before an agent can enrol: the home tenant and the customers.
pub const CUSTOMERS: [&str; 2] = ["10-home.yaml", "20-tenants.yaml"];

/// The folder of manifests, below the fleet's folder.
pub const FOLDER: &str = "intent";

pub const SQUADS: &str = "40-squads.yaml";

/// The folder of manifests.
#[derive(Debug)]
pub struct Intent {
    pub dir: PathBuf,
}

impl Intent {
    pub fn write(dir: &Path) -> Result<Self> {
        std::fs::create_dir_all(dir)?;
        for (name, text) in SAMPLE {
            std::fs::write(dir.join(name), text)?;
        }
        Ok(Self { dir: dir.to_owned() })
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Removes `line` from a file, below the line `heading`.
    pub fn remove(&self, name: &str, heading: &str, line: &str) -> Result<()> {
        self.edit(name, heading, line, |lines, at| {
            let found = lines.iter().skip(at).position(|it| it == line)?;
            lines.remove(at + found);
            Some(())
        })
    }

    /// Inserts `line` into a file after the line `after`, below the line `heading`.
    pub fn insert(&self, name: &str, heading: &str, after: &str, line: &str) -> Result<()> {
        self.edit(name, heading, after, |lines, at| {
            let found = lines.iter().skip(at).position(|it| it == after)?;
            lines.insert(at + found + 1, line.to_owned());
            Some(())
        })
    }

    fn edit(
        &self,
        name: &str,
        heading: &str,
        line: &str,
        change: impl FnOnce(&mut Vec<String>, usize) -> Option<()>,
    ) -> Result<()> {
        let path = self.file(name);
        let mut lines: Vec<String> = std::fs::read_to_string(&path)?.lines().map(str::to_owned).collect();
        let at =
            lines.iter().position(|it| it == heading).with_context(|| format!("{name} has no line {heading:?}"))?;
        ensure!(change(&mut lines, at).is_some(), "{name} has no line {line:?} below {heading:?}");
        Ok(std::fs::write(&path, lines.join("\n") + "\n")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squads(intent: &Intent) -> String {
        std::fs::read_to_string(intent.file(SQUADS)).unwrap()
    }

    #[test]
    fn a_member_joins_one_squad_and_leaves_another() {
        let dir = tempfile::tempdir().unwrap();
        let intent = Intent::write(dir.path()).unwrap();
        let li = "  - {operator: operators/li}";
        intent.remove(SQUADS, "name: squads/triage", li).unwrap();
        assert!(!squads(&intent).contains(li));
        intent.insert(SQUADS, "name: squads/investigation", "members:", li).unwrap();
        let (triage, investigation) =
            squads(&intent).split_once("---").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        assert!(!triage.contains(li) && investigation.contains(li));
    }

    #[test]
    fn an_edit_that_does_not_fit_the_file_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let intent = Intent::write(dir.path()).unwrap();
        let before = squads(&intent);
        assert!(intent.remove(SQUADS, "name: squads/triage", "  - {operator: operators/nobody}").is_err());
        assert!(intent.remove(SQUADS, "name: squads/nowhere", "members:").is_err());
        assert_eq!(squads(&intent), before);
    }

    #[test]
    fn the_customers_are_those_of_the_simulated_cloud() {
        let (_, tenants) = SAMPLE[1];
        for part in crate::customers::cast() {
            for id in [format!("tenants/{}", part.customer.name), part.customer.entra_tenant(), part.customer.scope()] {
                assert!(tenants.contains(&id), "{id}");
            }
        }
    }
}
