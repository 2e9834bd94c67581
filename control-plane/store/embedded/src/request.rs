//! A request to the writer, and where its response goes.

use entente_store::{Commit, CommitError, Decide, Revision};
use tokio::sync::oneshot;

pub(crate) type Answer = Result<Revision, CommitError>;

pub(crate) struct Request {
    pub(crate) work: Work,
    pub(crate) reply: oneshot::Sender<Answer>,
}

pub(crate) enum Work {
    /// A commit with checked bounds.
    Commit(Commit),
    Decide(Decide),
}
