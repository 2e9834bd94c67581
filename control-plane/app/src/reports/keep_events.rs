//! What is about a tenant is kept with what happened, unless the tenant is gone.

use std::sync::Arc;

use entente_store::{Commit, CommitWithError, ReadError, StoreExt};

use super::Reports;
use super::keep::ReportError;
use crate::channel::Channel;
use crate::history::{Happening, write};

/// Why something is not kept.
#[derive(Debug, thiserror::Error)]
enum NotKept {
    #[error("the tenant is gone")]
    Gone,
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Reports {
    /// Commits what is about a tenant, with what happened; unless the tenant is gone: one that was made anew under its name has
    /// nothing to do with what was on its way. Looked at where commits are made one after the other, so that the cleanup
    /// comes either before and is seen, or after.
    pub(crate) async fn keep_of(
        &self,
        channel: &Arc<Channel>,
        commit: Commit,
        happened: Vec<Happening>,
    ) -> Result<(), ReportError> {
        let (here, of, now) = (self.channels.clone(), channel.clone(), self.history.time());
        let is_here = move || here.get(&of.tenant).is_some_and(|channel| Arc::ptr_eq(&channel, &of));
        let tenant = channel.tenant.clone();
        let happened: Vec<_> = happened.into_iter().map(|it| (tenant.clone(), it)).collect();
        let kept = self.history.store.commit_with(move |view, _| {
            if !is_here() {
                return Err(NotKept::Gone);
            }
            write(view, commit.clone(), &happened, now).map_err(NotKept::Read)
        });
        match kept.await {
            Ok((_, newest)) => {
                self.history.tell_events(newest);
                Ok(())
            }
            Err(CommitWithError::Refused(NotKept::Gone)) => Err(ReportError::Gone),
            Err(CommitWithError::Refused(NotKept::Read(error))) => Err(ReportError::NotKept(error.into())),
            Err(CommitWithError::Commit(error)) => Err(ReportError::NotKept(error.into())),
        }
    }

    /// Something that happened beside any report.
    pub(crate) async fn note(&self, channel: &Arc<Channel>, happened: Happening) {
        if let Err(error) = self.keep_of(channel, Commit::new(), vec![happened]).await {
            tracing::error!(tenant = %channel.tenant, ?error, "an event could not be kept");
        }
    }
}
