//! Every bound of the store, with its reason. An error names the bound that was exceeded.

use std::time::Duration;

/// Longest key, in bytes. Keys are names; the longest hold an Azure Resource Manager scope, of some 300 bytes.
pub const MAX_KEY_BYTES: usize = 512;

/// Largest value, in bytes. A manifest, an audit record or a root is a few KiB; the largest is a tenant's report.
pub const MAX_VALUE_BYTES: usize = 1024 * 1024;

/// Most keys that one commit may name, expectations and writes together: an intent of 1,000 manifests, with its
/// audit records, revocations and roots, several times over.
pub const MAX_COMMIT_KEYS: usize = 8192;

/// Most bytes that one commit may write, keys and values together: twice the largest intent (4 MiB).
pub const MAX_COMMIT_BYTES: usize = 8 * 1024 * 1024;

/// Most entries in one page. A writer waits while a page is read, so reading a page must take only milliseconds.
pub const MAX_PAGE_ENTRIES: usize = 1000;

/// A page ends early once it has this many bytes of values, so pages of large values stay small too.
pub const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;

/// A disk that has not answered for this long counts as stuck: new commits are refused until it answers. Slow cloud
/// disks take up to a second under throttling.
pub const STALLED_AFTER: Duration = Duration::from_secs(5);

/// Most bytes of changes that an export keeps while it reads the rest.
pub(crate) const MAX_EXPORT_CHANGES_BYTES: usize = 64 * 1024 * 1024;
