//! Backups: an export of the store, from a running server through a socket in its data folder, or from the store
//! itself when no server has it open.
//!
//! A backup is written beside its place, read back as a restore would, and then moved there. It holds what people
//! decided and no private key: the key files and the statements are files to copy, and the root key is elsewhere.

use std::fs::{self, File};
use std::io::{BufReader, ErrorKind};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use entente_store::{Exported, Store, export};
use entente_store_embedded::{Restored, restore};
use tokio::io::AsyncWriteExt;
use tokio::net::{UnixListener, UnixStream};
use tracing::{info, warn};

use crate::config::Config;
use crate::failure::Failure;
use crate::init::open_store;

/// In the data folder, which only its owner enters.
const SOCKET: &str = "backup.sock";

/// Backs up to `out`, which must not be there. Says what is in it, and whether a server was running.
pub(crate) async fn backup(config: &Config, out: &Path) -> Result<(Restored, bool), Failure> {
    if out.exists() {
        return Err(Failure::Usage(format!("{} is there already; name a new file", out.display())));
    }
    let part = beside(out, ".part");
    let online = write_export(config, &part).await;
    let checked = online.and_then(|online| Ok((verify(&part)?, online)));
    match checked {
        Ok(checked) => {
            fs::rename(&part, out).map_err(Failure::writing(out))?;
            Ok(checked)
        }
        Err(failure) => {
            let _ = fs::remove_file(&part);
            Err(failure)
        }
    }
}

async fn write_export(config: &Config, part: &Path) -> Result<bool, Failure> {
    let mut file = tokio::fs::File::create(part).await.map_err(Failure::writing(part))?;
    let no_store = |_| Failure::failed(format!("there is no store in {}", config.data.display()));
    let folder = File::open(&config.data).map_err(no_store)?;
    let online = match UnixStream::connect(address(&folder)).await {
        Ok(mut server) => {
            tokio::io::copy(&mut server, &mut file).await.map_err(Failure::writing(part))?;
            true
        }
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            let store = open_store(&config.data)?;
            export(&store, &mut file).await.map_err(|error| Failure::because("cannot export the store", error))?;
            false
        }
        Err(error) => return Err(Failure::because("cannot reach the running server's backup socket", error)),
    };
    file.sync_all().await.map_err(Failure::writing(part))?;
    Ok(online)
}

/// Reads a backup as a restore would, into a folder beside it that is removed again.
pub(crate) fn verify(backup: &Path) -> Result<Restored, Failure> {
    let folder = beside(backup, ".verifying");
    let verified = read_into(backup, &folder);
    let removed = fs::remove_dir_all(&folder);
    let verified = verified?;
    removed.map_err(Failure::writing(&folder))?;
    Ok(verified)
}

/// Restores a backup into the data folder of a configuration, which must be empty or not there.
pub(crate) fn restore_into(config: &Config, backup: &Path) -> Result<Restored, Failure> {
    read_into(backup, &config.data)
}

fn read_into(backup: &Path, folder: &Path) -> Result<Restored, Failure> {
    let file = File::open(backup).map_err(Failure::reading(backup))?;
    restore(folder, BufReader::new(file))
        .map_err(|error| Failure::because(format!("{} cannot be restored", backup.display()), error))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The running server's side: whoever connects is sent an export.
pub(crate) struct BackupSocket {
    listener: UnixListener,
    path: PathBuf,
    /// Held open, because the address leads through it.
    _folder: File,
}

/// The socket's address by way of its open folder: an address has at most 108 bytes (Linux: unix(7)), and where people
/// keep their data is not for us to shorten.
fn address(folder: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd()))
}

impl BackupSocket {
    /// The store is locked by now, so a socket that is there was left by a server that is gone.
    pub(crate) fn bind(data: &Path) -> Result<Self, Failure> {
        let path = data.join(SOCKET);
        let _ = fs::remove_file(&path);
        let folder = File::open(data).map_err(Failure::reading(data))?;
        let listener = UnixListener::bind(address(&folder)).map_err(Failure::writing(&path))?;
        Ok(Self { listener, path, _folder: folder })
    }

    /// One at a time: a backup is bound by the disk.
    pub(crate) async fn serve(&self, store: &dyn Store) -> Result<(), Failure> {
        loop {
            let (mut stream, _) = self.listener.accept().await.map_err(Failure::reading(&self.path))?;
            match send(store, &mut stream).await {
                Ok(exported) => info!(revision = exported.revision.0, records = exported.records, "backup sent"),
                Err(error) => warn!(error = error.chain(), "a backup was not finished; its reader refuses it"),
            }
        }
    }
}

async fn send(store: &dyn Store, stream: &mut UnixStream) -> Result<Exported, Failure> {
    let failed = |error| Failure::because("cannot export the store", error);
    let exported = export(store, stream).await.map_err(failed)?;
    stream.shutdown().await.map_err(|error| Failure::because("cannot end the export", error))?;
    Ok(exported)
}

impl Drop for BackupSocket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}
