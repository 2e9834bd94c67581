//! Writes many things in few commits. How many fit into one commit is known only when it is tried.

use crate::error::{AppError, Result};

/// Removals that change in one commit, at first: what the audit record names of them makes some 30 KiB.
pub(super) const MAX_AT_ONCE: usize = 150;

/// The actor in the audit log of what the control plane does by itself.
pub(super) const ACTOR: &str = "control-plane";

/// What is left to be written. Where a commit is refused its halves are tried, so that one thing that is too large or
/// wrong holds up no other. A fault that is not of the content (no disk, no time) ends it.
pub(super) struct Parts<'a, T> {
    left: Vec<&'a [T]>,
    /// The first fault.
    failed: Result<()>,
}

impl<'a, T> Parts<'a, T> {
    pub(super) fn of(all: &'a [T], at_once: usize) -> Self {
        Self { left: all.chunks(at_once).rev().collect(), failed: Ok(()) }
    }

    pub(super) fn next(&mut self) -> Option<&'a [T]> {
        self.left.pop()
    }

    pub(super) fn tried(&mut self, part: &'a [T], done: Result<()>) {
        let Err(error) = done else { return };
        if !is_of_content(&error) {
            self.left.clear();
        } else if part.len() > 1 {
            let (first, second) = part.split_at(part.len() / 2);
            return self.left.extend([second, first]);
        }
        if self.failed.is_ok() {
            self.failed = Err(error);
        }
    }

    pub(super) fn end(self) -> Result<()> {
        self.failed
    }
}

fn is_of_content(error: &AppError) -> bool {
    matches!(
        error,
        AppError::TooLarge { .. }
            | AppError::Invalid(_)
            | AppError::Contradicts(_)
            | AppError::Unimplemented(_)
            | AppError::NotFound { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written of twenty things, sixteen at first, and how it ends.
    fn written(mut write: impl FnMut(&[u32]) -> Result<()>) -> (Vec<u32>, Result<()>) {
        let (all, mut written): (Vec<_>, _) = ((0..20).collect(), Vec::new());
        let mut parts = Parts::of(&all, 16);
        while let Some(part) = parts.next() {
            let done = write(part);
            if done.is_ok() {
                written.extend_from_slice(part);
            }
            parts.tried(part, done);
        }
        (written, parts.end())
    }

    fn refused_if(refused: bool) -> Result<()> {
        if refused { Err(AppError::TooLarge { what: "rows", limit: 3 }) } else { Ok(()) }
    }

    #[test]
    fn what_is_too_much_for_one_commit_goes_in_several_and_in_order() {
        let (written, done) = written(|part| refused_if(part.len() > 3));
        done.unwrap();
        assert_eq!(written, (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn one_that_never_goes_is_said_and_holds_up_no_other() {
        let (written, done) = written(|part| refused_if(part.contains(&7)));
        assert!(matches!(done, Err(AppError::TooLarge { .. })));
        assert_eq!(written, (0..20).filter(|it| *it != 7).collect::<Vec<_>>());
    }

    #[test]
    fn after_a_fault_that_is_not_of_the_content_nothing_more_is_tried() {
        let mut asked = 0;
        let (written, done) = written(|_| {
            asked += 1;
            Err(AppError::internal("no disk"))
        });
        assert!(matches!(done, Err(AppError::Internal(_))));
        assert_eq!((asked, written.len()), (1, 0));
    }
}
