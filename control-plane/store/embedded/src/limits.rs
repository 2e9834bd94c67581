//! Every bound of the engine, with its reason. `entente-store` has those of every store.

/// Requests that may wait for the writer. If there are more, callers wait to be queued.
pub(crate) const MAX_QUEUE: usize = 1024;

/// A group accepts no further commits beyond this many, so the first one does not wait too long.
pub(crate) const MAX_GROUP_COMMITS: usize = 512;

/// A group accepts no further commits once it writes this many bytes. Only a single large commit exceeds it. See
/// `SEGMENT_BYTES`: what is written between two syncs must not fill it.
pub(crate) const MAX_GROUP_BYTES: usize = 1024 * 1024;

/// Largest value that sled gets, in bytes. sled writes pages beyond a quarter of a segment into separate files that are
/// never synced. A page has up to some 17 rows.
pub(crate) const MAX_ROW_BYTES: usize = 4096;

/// sled's unit of allocation. sled reuses a segment once its content was rewritten elsewhere and is synced, as sled
/// believes; but only after it has written a whole further segment. If less than one segment is written between two of
/// our syncs, nothing is overwritten whose replacement a power cut could still remove. Hence eight times a group's
/// bytes, which leaves room for sled's rewriting of pages.
pub(crate) const SEGMENT_BYTES: usize = 8 * 1024 * 1024;
