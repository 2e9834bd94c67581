//! Every bound of the engine, with its reason; those of every store are in `entente-store`.

/// Requests that may wait for the writer. Beyond, callers wait before they are queued.
pub(crate) const MAX_QUEUE: usize = 1024;

/// A group takes no further commits beyond this many, so that the first one does not wait for ever.
pub(crate) const MAX_GROUP_COMMITS: usize = 512;

/// A group takes no further commits once it writes this many bytes. Only a single large commit exceeds it. See
/// `SEGMENT_BYTES`, which must not be filled by what is written between two syncs.
pub(crate) const MAX_GROUP_BYTES: usize = 1024 * 1024;

/// Largest value that sled is given, in bytes. It writes pages beyond a quarter of a segment into files of their
/// own, which nobody ever syncs; a page holds up to some 17 rows.
pub(crate) const MAX_ROW_BYTES: usize = 4096;

/// sled's unit of allocation. sled reuses a segment once its content was rewritten elsewhere and, as it believes,
/// synced; but only once a whole further segment has been written. So long as less than one segment is written
/// between two of our syncs, nothing is overwritten whose replacement a power cut could still take away: hence
/// eight times a group's bytes, which leaves room for sled's rewriting of pages.
pub(crate) const SEGMENT_BYTES: usize = 8 * 1024 * 1024;
