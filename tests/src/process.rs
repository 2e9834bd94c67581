//! Processes of the fleet: this program again, in a role, with its log in a file. We end them by their ids.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::process::{Child, Command};

use crate::role::Role;

/// How long a process may take to end after SIGTERM, on a machine that other programs keep busy.
const STOP_WITHIN: Duration = Duration::from_secs(120);

/// An agent would use them.
const PROXY_VARIABLES: [&str; 6] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"];

/// A running process. Killed when dropped, so that nothing outlives a test.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
    log: PathBuf,
}

impl Process {
    /// Starts `role` with `args`. Its standard output and error are appended to `log`.
    pub fn start(role: Role, name: &str, args: &[OsString], log: &Path) -> Result<Self> {
        Self::start_in(role, name, args, log, &[])
    }

    /// The same, with additional environment variables.
    pub fn start_in(
        role: Role,
        name: &str,
        args: &[OsString],
        log: &Path,
        environment: &[(&str, OsString)],
    ) -> Result<Self> {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(log);
        let file = file.with_context(|| format!("cannot open {}", log.display()))?;
        let child = command(role, args)?
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self { child, name: name.to_owned(), log: log.to_owned() })
    }

    /// SIGKILL, like a power cut: the process flushes nothing and tells no peer.
    pub async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.with_context(|| format!("cannot kill {}", self.name))
    }

    /// SIGTERM, and waits.
    pub async fn stop(&mut self) -> Result<ExitStatus> {
        // A frozen process does not react to SIGTERM.
        self.thaw().await?;
        self.signal("-TERM").await?;
        let ended = tokio::time::timeout(STOP_WITHIN, self.child.wait()).await;
        ended.with_context(|| format!("{} did not stop; see {}", self.name, self.log.display()))?.map_err(Into::into)
    }

    /// SIGSTOP: it keeps its connections and does nothing.
    pub async fn freeze(&self) -> Result<()> {
        self.signal("-STOP").await
    }

    /// SIGCONT: it continues.
    pub async fn thaw(&self) -> Result<()> {
        self.signal("-CONT").await
    }

    /// SIGHUP: it reads its reloadable files again.
    pub async fn hang_up(&self) -> Result<()> {
        self.signal("-HUP").await
    }

    async fn signal(&self, signal: &str) -> Result<()> {
        if let Some(id) = self.child.id() {
            // The standard library only has SIGKILL. Every machine with a shell has `kill`.
            let sent = Command::new("kill").args([signal, &id.to_string()]).status().await?;
            if !sent.success() {
                bail!("cannot send {signal} to {}", self.name);
            }
        }
        Ok(())
    }

    /// How it has ended. `None` while it runs.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Its whole log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// The output of a process that ran to its end.
#[derive(Debug)]
pub struct Output {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// Standard output, or an error with all output.
    pub fn ok(self) -> Result<String> {
        if self.code != 0 {
            bail!("exit code {}: {}{}", self.code, self.stderr, self.stdout);
        }
        Ok(self.stdout)
    }

    pub fn json(self) -> Result<serde_json::Value> {
        let text = self.ok()?;
        serde_json::from_str(&text).with_context(|| format!("not JSON: {text}"))
    }
}

/// Runs `role` with `args` to its end.
pub async fn run(role: Role, args: &[OsString]) -> Result<Output> {
    run_in(role, args, &[]).await
}

/// The same, with additional environment variables.
pub async fn run_in(role: Role, args: &[OsString], environment: &[(&str, OsString)]) -> Result<Output> {
    let mut command = command(role, args)?;
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await?;
    Ok(Output {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// The command for `role` with `args`, for the caller to start.
pub fn command(role: Role, args: &[OsString]) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("cannot find this program's file")?);
    command.arg(role.word()).args(args);
    // All connections are on loopback, so the machine's own proxy must not be used.
    for name in PROXY_VARIABLES {
        command.env_remove(name);
    }
    Ok(command)
}

/// Arguments from any type that can be one.
#[macro_export]
macro_rules! args {
    ($($arg:expr),* $(,)?) => { Vec::from([$(std::ffi::OsString::from($arg)),*]) };
}
