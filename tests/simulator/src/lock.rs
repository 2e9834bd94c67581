//! Locks that no panic poisons.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks; a panic elsewhere has been reported there and must not silence every later request.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
