//! A backup of a running store. It uses only the trait, so it works for every store.
//!
//! It reads page by page while commits continue, watches what changes meanwhile, and writes that at the end. Together
//! this is the whole store at the last page's revision. `archive.rs` has the format; `restore.rs` reads it.

use std::collections::BTreeMap;

use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::archive::Encoder;
use crate::limits::{MAX_EXPORT_CHANGES_BYTES, MAX_PAGE_ENTRIES};
use crate::{Entry, Event, ExportError, Key, Revision, Store, Watch};

/// What an export contains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The revision at which the export stands.
    pub revision: Revision,
    /// The number of records. Entries that changed meanwhile have several.
    pub records: u64,
}

/// Writes the whole store to `out`, at one revision.
///
/// # Errors
/// The store cannot be read or changes too fast, or `out` cannot be written. A [`restore`](crate::restore()) refuses
/// the part that was written.
pub async fn export<W: AsyncWrite + Unpin + Send>(store: &dyn Store, out: &mut W) -> Result<Exported, ExportError> {
    let mut changes = Changes::since(store)?;
    let mut encoder = Encoder::new(store.id());
    let (mut revision, mut next) = (changes.seen, None::<Key>);
    loop {
        let page = store.scan("", next.as_deref(), MAX_PAGE_ENTRIES).await?;
        page.entries.iter().for_each(|(key, entry)| encoder.record(key, Some(entry)));
        changes.write_meanwhile(out, &encoder.take()).await?;
        (revision, next) = (revision.max(page.revision), page.next);
        if next.is_none() {
            break;
        }
    }
    changes.catch_up(revision).await?;
    changes.latest.iter().for_each(|(key, entry)| encoder.record(key, entry.as_ref()));
    let exported = Exported { revision: changes.seen, records: encoder.records };
    out.write_all(&encoder.finish(changes.seen)).await?;
    out.flush().await?;
    Ok(exported)
}

/// What changed since the export began.
struct Changes {
    watch: Watch,
    seen: Revision,
    latest: BTreeMap<Key, Option<Entry>>,
    bytes: usize,
}

impl Changes {
    fn since(store: &dyn Store) -> Result<Self, ExportError> {
        let seen = store.revision();
        let watch = store.watch(seen).map_err(ExportError::Overtaken)?;
        Ok(Self { watch, seen, latest: BTreeMap::new(), bytes: 0 })
    }

    /// Writes `piece` without falling behind the store, however slow `out` is.
    async fn write_meanwhile<W: AsyncWrite + Unpin + Send>(
        &mut self,
        out: &mut W,
        piece: &[u8],
    ) -> Result<(), ExportError> {
        let mut written = std::pin::pin!(out.write_all(piece));
        loop {
            tokio::select! {
                biased;
                done = &mut written => return Ok(done?),
                event = self.watch.next() => {
                    self.add(event.map_err(ExportError::Overtaken)?.as_ref())?;
                }
            }
        }
    }

    /// A page may show a commit slightly before its event arrives.
    async fn catch_up(&mut self, revision: Revision) -> Result<(), ExportError> {
        while self.seen < revision {
            let event = self.watch.next().await.map_err(ExportError::Overtaken)?;
            self.add(event.as_ref())?;
        }
        Ok(())
    }

    fn add(&mut self, event: &Event) -> Result<(), ExportError> {
        self.seen = event.revision;
        for change in &event.changes {
            let value = change.value.clone();
            self.bytes += change.key.len() + value.as_ref().map_or(0, bytes::Bytes::len);
            let entry = value.map(|value| Entry { value, revision: event.revision });
            self.latest.insert(change.key.clone(), entry);
        }
        if self.bytes > MAX_EXPORT_CHANGES_BYTES {
            return Err(ExportError::TooManyChanges { bytes: MAX_EXPORT_CHANGES_BYTES });
        }
        Ok(())
    }
}
