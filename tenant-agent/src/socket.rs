//! A socket in the state directory, by which `plan` asks the running agent. Only the directory's owner can reach it.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use entente_model::plan::PlannedChange;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::stream::PlanRequest;

/// Time for a look at a large tenant over a slow link.
const PATIENCE: Duration = Duration::from_secs(120);

/// Room for a plan of 25,000 lines.
const MAX_ANSWER: u64 = 32 << 20;

/// Longest path of a socket on Linux, without the final zero (unix(7): sun_path).
const MAX_PATH: usize = 107;

type Answer = Result<Vec<PlannedChange>, String>;

/// Answers until it is cancelled. The agent also runs without the socket; `plan` then works only while it is stopped.
pub async fn serve(state_dir: PathBuf, plans: mpsc::Sender<PlanRequest>, cancel: CancellationToken) {
    let listener = match SocketPath::of(&state_dir).and_then(|socket| socket.bind()) {
        Ok(listener) => listener,
        Err(error) => {
            warn!(%error, "no socket: `plan` works only while the agent is stopped");
            return cancel.cancelled().await;
        }
    };
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        // One at a time, as each plan looks at the whole tenant.
        if let Ok((stream, _)) = accepted
            && let Err(error) = tokio::time::timeout(PATIENCE, answer(stream, &plans)).await.unwrap_or(Ok(()))
        {
            warn!(%error, "a client asked for a plan and went away");
        }
    }
}

async fn answer(mut stream: UnixStream, plans: &mpsc::Sender<PlanRequest>) -> io::Result<()> {
    let (ask, answer) = oneshot::channel();
    let stopping = || Err("the agent is stopping".to_owned());
    let plan: Answer = match plans.send(ask).await {
        Ok(()) => answer.await.unwrap_or_else(|_| stopping()),
        Err(_) => stopping(),
    };
    stream.write_all(&serde_json::to_vec(&plan).expect("a plan is texts")).await
}

/// Asks the agent that runs in this state directory, if one does.
pub async fn ask(state_dir: &Path) -> io::Result<Option<Answer>> {
    let Some(stream) = connect(state_dir).await? else { return Ok(None) };
    let mut text = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut text).await?;
    serde_json::from_slice(&text).map(Some).map_err(io::Error::other)
}

/// A running agent that listens.
#[derive(Debug)]
pub struct Listener {
    /// Its process id, if the system tells it.
    pub pid: Option<u32>,
}

/// Returns the agent that listens in this state directory, if one does, without asking it anything.
pub async fn listener(state_dir: &Path) -> io::Result<Option<Listener>> {
    let Some(stream) = connect(state_dir).await? else { return Ok(None) };
    Ok(Some(Listener { pid: stream.peer_cred()?.pid().and_then(|pid| pid.try_into().ok()) }))
}

async fn connect(state_dir: &Path) -> io::Result<Option<UnixStream>> {
    let socket = SocketPath::of(state_dir)?;
    match UnixStream::connect(socket.path()).await {
        Ok(stream) => Ok(Some(stream)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The socket's path, through the directory's descriptor if the path itself is too long.
struct SocketPath {
    dir: File,
    path: PathBuf,
}

impl SocketPath {
    fn of(state_dir: &Path) -> io::Result<Self> {
        Ok(Self { dir: File::open(state_dir)?, path: state_dir.join("agent.sock") })
    }

    fn path(&self) -> PathBuf {
        if self.path.as_os_str().len() <= MAX_PATH {
            return self.path.clone();
        }
        PathBuf::from(format!("/proc/self/fd/{}/agent.sock", self.dir.as_raw_fd()))
    }

    /// Binds the socket. Only the agent that holds the lock does, so a socket that exists is left over from an earlier
    /// agent.
    fn bind(&self) -> io::Result<UnixListener> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => UnixListener::bind(self.path()),
        }
    }
}
