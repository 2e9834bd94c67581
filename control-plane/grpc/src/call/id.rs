//! The id of one call, in the log and in the answer.

use std::fmt;

use tonic::Request;
use uuid::Uuid;

/// Under which one call stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallId(pub(super) Uuid);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl CallId {
    pub(crate) fn of<T>(request: &Request<T>) -> Self {
        *request.extensions().get().expect("every call goes through the layer below")
    }
}
