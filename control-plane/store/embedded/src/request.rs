//! What the writer is asked, and where the answer goes.

use entente_store::{Commit, CommitError, Decide, Revision};
use tokio::sync::oneshot;

pub(crate) type Answer = Result<Revision, CommitError>;

pub(crate) struct Request {
    pub(crate) work: Work,
    pub(crate) reply: oneshot::Sender<Answer>,
}

pub(crate) enum Work {
    /// A commit whose bounds were checked.
    Commit(Commit),
    Decide(Decide),
}
