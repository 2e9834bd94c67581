//! The signal that ends one connection.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::task::AtomicWaker;

/// A signal that ends one connection.
#[derive(Debug, Default)]
pub(super) struct Cut {
    done: AtomicBool,
    pub(super) reader: AtomicWaker,
}

impl Cut {
    pub(super) fn now(&self) {
        self.done.store(true, Ordering::Release);
        self.reader.wake();
    }

    pub(super) fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    pub(super) fn check(&self) -> io::Result<()> {
        if self.is_done() { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }
}
