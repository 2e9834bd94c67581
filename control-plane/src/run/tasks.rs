//! The server's tasks, by name. None of them should end before the server stops; the first that does says why.

use std::collections::HashMap;
use std::future::{Future, pending};

use tokio::task::{Id, JoinError, JoinSet};
use tracing::error;

use crate::failure::Failure;

/// See the module.
pub(super) struct Tasks {
    running: JoinSet<Result<(), Failure>>,
    names: HashMap<Id, &'static str>,
}

impl Tasks {
    pub(super) fn new() -> Self {
        Self { running: JoinSet::new(), names: HashMap::new() }
    }

    pub(super) fn spawn(
        &mut self,
        name: &'static str,
        task: impl Future<Output = Result<(), Failure>> + Send + 'static,
    ) {
        let id = self.running.spawn(task).id();
        self.names.insert(id, name);
    }

    /// Waits for the first task to end, which none should.
    pub(super) async fn first_end(&mut self) -> Failure {
        match self.running.join_next_with_id().await {
            Some(ended) => self.failure(ended).unwrap_or_else(|name| Failure::failed(format!("task {name} ended"))),
            None => pending().await,
        }
    }

    /// Waits for all of them, once they are told to stop.
    pub(super) async fn all_end(&mut self) {
        while let Some(ended) = self.running.join_next_with_id().await {
            if let Ok(failure) = self.failure(ended) {
                error!(error = failure.chain(), "a task failed while stopping");
            }
        }
    }

    /// What is wrong with how a task ended, or its name if nothing is.
    fn failure(&self, ended: Result<(Id, Result<(), Failure>), JoinError>) -> Result<Failure, &'static str> {
        let name = |id| self.names.get(&id).copied().unwrap_or("unnamed");
        match ended {
            Ok((id, Ok(()))) => Err(name(id)),
            Ok((id, Err(failure))) => Ok(Failure::because(format!("task {} failed", name(id)), failure)),
            Err(error) => Ok(Failure::because(format!("task {} panicked", name(error.id())), error)),
        }
    }
}
