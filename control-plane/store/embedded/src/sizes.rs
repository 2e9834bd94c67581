//! How much memory a store uses. Its user decides.

/// Memory of one store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// For sled's cache of pages, in bytes.
    pub cache_bytes: u64,
    /// Most commits kept for watchers.
    pub history_events: usize,
    /// Most bytes of keys and values kept for watchers.
    pub history_bytes: usize,
}

impl Sizes {
    /// For a control plane. At a hundred commits a second, a watcher may be busy for 80 seconds.
    pub const FLEET: Self =
        Self { cache_bytes: 256 * 1024 * 1024, history_events: 8192, history_bytes: 32 * 1024 * 1024 };

    /// For some thousand rows that one program writes and that have no watchers.
    pub const SMALL: Self = Self { cache_bytes: 16 * 1024 * 1024, history_events: 1, history_bytes: 64 * 1024 };
}
