//! The shim (`tests/crash/shim.c`) under the fleet's processes: a disk that is full while a file exists, and a wall
//! clock that is ahead.

use std::ffi::OsString;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

pub type Environment = Vec<(&'static str, OsString)>;

/// How the disk under `watched` behaves while the file `full` exists. Each folder beside it belongs to the shim.
pub fn small_disk(dir: &Path, watched: &Path, full: &Path) -> Result<Environment> {
    let image = tempfile::tempdir_in(dir)?.keep();
    Ok(vec![
        ("LD_PRELOAD", shim(dir)?.into()),
        ("CRASH_DIR", watched.into()),
        ("CRASH_REPORT", image.with_extension("report").into()),
        ("CRASH_IMAGE", image.into()),
        ("CRASH_FULL", full.into()),
        // Otherwise the store would still find some room in its own file.
        ("CRASH_COW", "1".into()),
    ])
}

/// A wall clock that can be set ahead while processes run.
#[derive(Debug)]
pub struct Clock {
    ahead: std::fs::File,
    pub environment: Environment,
}

impl Clock {
    pub fn new(dir: &Path) -> Result<Self> {
        let path = dir.join("clock");
        let ahead = std::fs::File::create(&path)?;
        ahead.write_all_at(&0_i64.to_ne_bytes(), 0)?;
        let environment = vec![("LD_PRELOAD", shim(dir)?.into()), ("CRASH_CLOCK", path.into())];
        Ok(Self { ahead, environment })
    }

    pub fn put_ahead(&self, days: i64) -> Result<()> {
        Ok(self.ahead.write_all_at(&(days * 86_400).to_ne_bytes(), 0)?)
    }
}

fn shim(dir: &Path) -> Result<PathBuf> {
    let shim = dir.join("shim.so");
    if shim.exists() {
        return Ok(shim);
    }
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/crash/shim.c");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let options = ["-shared", "-fPIC", "-O1", "-o"];
    let libraries = ["-ldl", "-lpthread"];
    let compiled = Command::new(compiler).args(options).args([&shim, Path::new(source)]).args(libraries).status();
    ensure!(compiled.context("a C compiler")?.success(), "the shim does not compile");
    Ok(shim)
}
