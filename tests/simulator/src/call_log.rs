//! The call log: every request in order of completion, in memory for `GET /_sim/log` and optionally in a JSONL file.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Mutex;

use crate::control::types::{CallEntry, CallPage};
use crate::lock::locked;

/// Entries kept in memory; the oldest go first. About 200 MB of typical requests.
pub const KEPT: usize = 200_000;
/// Largest page handed out.
pub const MAX_PAGE: usize = 10_000;

#[derive(Debug)]
pub struct CallLog {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    next: u64,
    entries: VecDeque<CallEntry>,
    file: Option<BufWriter<File>>,
}

impl CallLog {
    pub fn open(file: Option<&Path>) -> std::io::Result<Self> {
        let file = file.map(|path| File::options().create(true).append(true).open(path)).transpose()?;
        Ok(Self { inner: Mutex::new(Inner { next: 1, entries: VecDeque::new(), file: file.map(BufWriter::new) }) })
    }

    /// Numbers and keeps an entry.
    pub fn push(&self, mut entry: CallEntry) {
        let mut inner = locked(&self.inner);
        entry.seq = inner.next;
        inner.next += 1;
        if let Some(file) = &mut inner.file {
            // Flushed line by line: a test may read the file while, or after, the process is killed.
            let line = serde_json::to_string(&entry).unwrap_or_default();
            if let Err(error) = writeln!(file, "{line}").and_then(|()| file.flush()) {
                tracing::error!(%error, "the call log file cannot be written; it ends here");
                inner.file = None;
            }
        }
        inner.entries.push_back(entry);
        if inner.entries.len() > KEPT {
            inner.entries.pop_front();
        }
    }

    /// Entries after `since`, oldest first.
    pub fn page(&self, since: u64, limit: usize, tenant: Option<&str>) -> CallPage {
        let inner = locked(&self.inner);
        let first = inner.entries.front().map_or(inner.next, |entry| entry.seq);
        let lost = first.saturating_sub(since + 1);
        let start = usize::try_from((since + 1).saturating_sub(first)).unwrap_or(usize::MAX);
        let mut next = since.max(first.saturating_sub(1));
        let mut entries = Vec::new();
        for entry in inner.entries.iter().skip(start) {
            if entries.len() == limit.clamp(1, MAX_PAGE) {
                break;
            }
            next = entry.seq;
            if tenant.is_none_or(|tenant| entry.tenant.as_deref() == Some(tenant)) {
                entries.push(entry.clone());
            }
        }
        CallPage { entries, next, lost }
    }
}
