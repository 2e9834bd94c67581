//! Receipts as files, checked by a short Python script that has nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use entente_tests::{Fleet, args};
use serde::Deserialize;
use tokio::process::Command;

use super::cast::SAM;

const SCRIPT: &str = include_str!("../../check_receipts.py");

#[derive(Deserialize)]
struct File {
    statement: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    entra_tenant: String,
    accounts: Vec<Account>,
}

#[derive(Deserialize)]
struct Account {
    id: String,
}

/// The receipts of Sam's leave, each as a file.
pub struct Receipts {
    dir: PathBuf,
}

impl Receipts {
    pub async fn export(fleet: &Fleet) -> Result<Self> {
        let dir = fleet.dir.join("receipts");
        // Some tenants have none, so the exit code is not 0.
        let answer = fleet.cli(&args!["removals", SAM, "--receipts", &dir]).await?;
        ensure!(dir.is_dir(), "no receipts were written: {answer:?}");
        Ok(Self { dir })
    }

    /// The accounts in each receipt, by Entra tenant id.
    pub fn accounts(&self) -> Result<BTreeMap<String, BTreeSet<String>>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for entry in std::fs::read_dir(&self.dir)? {
            let path = entry?.path();
            if path.extension().is_some_and(|it| it == "json") {
                let read = || -> Result<Statement> {
                    let file: File = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
                    Ok(serde_json::from_str(&file.statement)?)
                };
                let said = read().with_context(|| format!("{} is not a receipt", path.display()))?;
                found.entry(said.entra_tenant).or_default().extend(said.accounts.into_iter().map(|it| it.id));
            }
        }
        Ok(found)
    }

    /// The script's output. `None` if there is no Python.
    pub async fn check(&self, fleet: &Fleet) -> Result<Option<String>> {
        let Some(python) = python().await else { return Ok(None) };
        let script = fleet.dir.join("check_receipts.py");
        std::fs::write(&script, SCRIPT)?;
        let output = Command::new(python).arg(&script).arg(&self.dir).arg("--flip").output().await?;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).trim().to_owned();
        ensure!(output.status.success(), "the receipts do not hold: {said}");
        Ok(Some(said))
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

/// A Python with the package `cryptography`: the one in `ENTENTE_PYTHON`, or `python3`.
async fn python() -> Option<OsString> {
    let python = std::env::var_os("ENTENTE_PYTHON").unwrap_or_else(|| "python3".into());
    let tried = Command::new(&python).args(["-c", "import cryptography"]).output().await;
    tried.is_ok_and(|it| it.status.success()).then_some(python)
}
