//! Runs this binary as a program under the shim, and takes what a power cut leaves.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// Which unsynced writes survive; see the shim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    None,
    Writes,
    Pieces,
    All,
}

/// What goes wrong in a run. By default, nothing.
#[derive(Debug, Clone, Copy)]
pub struct Trouble {
    /// The system call to crash before; 0 for none.
    pub crash_at: u64,
    pub keep: Keep,
    pub seed: u64,
    pub ignore_fdatasync: bool,
    /// The `fdatasync` that fails; 0 for none.
    pub fail: u64,
    /// The `fdatasync` that hangs; 0 for none.
    pub hang: u64,
    /// Whether another program takes the reserved room while the disk is full.
    pub taken: bool,
    /// Whether overwriting needs room as well.
    pub copies: bool,
    /// Whether the sync finds no room, instead of the write.
    pub late: bool,
}

pub const NO_TROUBLE: Trouble = Trouble {
    crash_at: 0,
    keep: Keep::None,
    seed: 0,
    ignore_fdatasync: false,
    fail: 0,
    hang: 0,
    taken: false,
    copies: false,
    late: false,
};

/// The result of a run.
#[derive(Debug)]
pub struct Ended {
    /// The lines that the program printed, each only after it was true.
    pub said: Vec<String>,
    pub killed: bool,
    /// The shim's counts.
    counts: BTreeMap<String, u64>,
}

impl Ended {
    pub fn count(&self, name: &str) -> u64 {
        self.counts[name]
    }
}

/// A watched directory. Each run replaces it by what the power cut left of it.
#[derive(Debug)]
pub struct Disk {
    scratch: TempDir,
}

impl Disk {
    pub fn new() -> Self {
        let scratch = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::create_dir(scratch.path().join("disk")).unwrap();
        Self { scratch }
    }

    pub fn path(&self) -> PathBuf {
        self.scratch.path().join("disk")
    }

    /// While this file exists, the disk is full.
    pub fn full(&self) -> PathBuf {
        self.scratch.path().join("full")
    }

    /// A copy, to look at without changing the original.
    pub fn copy(&self) -> TempDir {
        let copy = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        copy_all(&self.path(), copy.path());
        copy
    }

    /// Runs `mode` with `args`. Afterwards the directory has what survived.
    pub fn run(&self, mode: &str, args: &[&str], trouble: Trouble) -> Ended {
        let image = self.scratch.path().join("image");
        let report = self.scratch.path().join("report");
        fs::create_dir(&image).unwrap();
        let run = Command::new(std::env::current_exe().unwrap())
            .arg(mode)
            .args(args)
            .stderr(Stdio::inherit())
            .env("LD_PRELOAD", shim())
            .env("CRASH_DIR", self.path())
            .env("CRASH_IMAGE", &image)
            .env("CRASH_REPORT", &report)
            .env("CRASH_AT", trouble.crash_at.to_string())
            .env("CRASH_KEEP", format!("{:?}", trouble.keep).to_lowercase())
            .env("CRASH_SEED", trouble.seed.to_string())
            .env("CRASH_IGNORE", u8::from(trouble.ignore_fdatasync).to_string())
            .env("CRASH_FAIL", trouble.fail.to_string())
            .env("CRASH_HANG", trouble.hang.to_string())
            .env("CRASH_FULL", self.full())
            .env("CRASH_COW", u8::from(trouble.copies).to_string())
            .env("CRASH_LATE", u8::from(trouble.late).to_string())
            .env("CRASH_TAKEN", u8::from(trouble.taken).to_string())
            .output()
            .unwrap();
        let killed = std::os::unix::process::ExitStatusExt::signal(&run.status) == Some(9);
        assert!(killed || run.status.success(), "{mode} {args:?} {trouble:?}: {}", run.status);
        fs::remove_dir_all(self.path()).unwrap();
        fs::rename(image.join("tree"), self.path()).unwrap();
        fs::remove_dir_all(&image).unwrap();
        let said = String::from_utf8(run.stdout).unwrap().lines().map(str::to_owned).collect();
        Ended { said, killed, counts: read_report(&report) }
    }
}

/// The shim must have seen every call, or its image means nothing.
fn read_report(path: &Path) -> BTreeMap<String, u64> {
    let text = fs::read_to_string(path).expect("the shim reports");
    let pairs = text.lines().map(|line| line.split_once('=').unwrap());
    let counts: BTreeMap<String, u64> = pairs.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect();
    assert_eq!(counts["blind"], 0, "a file is not what the shim saw written");
    counts
}

/// The shim, compiled once.
fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(|| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/crash/shim.c");
        let shim = Path::new(env!("CARGO_TARGET_TMPDIR")).join("crash-shim.so");
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let options = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"];
        let compiled =
            Command::new(compiler).args(options).args([&shim, Path::new(source)]).args(["-ldl", "-lpthread"]).status();
        assert!(compiled.expect("a C compiler").success(), "the shim does not compile");
        shim
    })
}

fn copy_all(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&to).unwrap();
            copy_all(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
