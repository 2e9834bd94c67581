//! Turns for what costs us work. Who waits is served source by source, so that one that asks a thousand times waits
//! for itself, and not everyone for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::crowd::Crowd;
use super::source::Source;

#[derive(Debug)]
pub(super) struct Turns {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    free: usize,
    next: u64,
    waiting: Crowd<u64, oneshot::Sender<Turn>>,
    /// Whose turn it was last.
    last: Option<Source>,
}

impl Turns {
    pub(super) fn new(most: usize) -> Arc<Self> {
        let state = State { free: most, next: 0, waiting: Crowd::new(), last: None };
        Arc::new(Self { state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whole between any two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn. A caller that stops waiting leaves nothing behind.
    pub(super) async fn take(self: &Arc<Self>, source: Source) -> Turn {
        let (call, called) = oneshot::channel();
        let key = {
            let mut state = self.state();
            if state.free > 0 {
                state.free -= 1;
                return Turn(Some(self.clone()));
            }
            state.next += 1;
            let key = state.next;
            state.waiting.enter(source, key, call);
            key
        };
        let _waiter = Waiter { turns: self, source, key };
        called.await.expect("who waits is called, or stops waiting")
    }

    fn next_waiting(&self) -> Option<oneshot::Sender<Turn>> {
        let mut state = self.state();
        let last = state.last;
        let Some((source, call)) = state.waiting.take_first_after(last) else {
            state.free += 1;
            return None;
        };
        state.last = Some(source);
        Some(call)
    }
}

struct Waiter<'a> {
    turns: &'a Turns,
    source: Source,
    key: u64,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.turns.state().waiting.leave(self.source, self.key);
    }
}

/// Passes to the next one when it is dropped.
#[derive(Debug)]
pub(super) struct Turn(Option<Arc<Turns>>);

impl Drop for Turn {
    fn drop(&mut self) {
        // Empty: this turn is one that was passed on below.
        let Some(turns) = self.0.take() else { return };
        while let Some(call) = turns.next_waiting() {
            match call.send(Turn(Some(turns.clone()))) {
                Ok(()) => return,
                // It has stopped waiting this moment. Emptied, so that dropping it does not come back here.
                Err(mut turn) => drop(turn.0.take()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn source(last: u8) -> Source {
        Source::of([192, 0, 2, last].into())
    }

    #[tokio::test]
    async fn a_source_that_asks_often_waits_for_itself() {
        let turns = Turns::new(1);
        let held = turns.take(source(1)).await;
        let mut greedy: Vec<_> = (0..100).map(|_| Box::pin(turns.take(source(1)))).collect();
        greedy.iter_mut().for_each(|waits| assert!(waits.now_or_never().is_none()));
        let mut modest = Box::pin(turns.take(source(2)));
        assert!((&mut modest).now_or_never().is_none());
        drop(held);
        let first: Vec<_> = greedy.iter_mut().filter_map(|waits| waits.now_or_never()).collect();
        // Either is first; the other source is second.
        drop(first);
        assert!(modest.now_or_never().is_some());
    }

    #[tokio::test]
    async fn who_stops_waiting_leaves_nothing_and_takes_no_turn() {
        let turns = Turns::new(1);
        let held = turns.take(source(1)).await;
        let mut called = Box::pin(turns.take(source(1)));
        let mut gone = Box::pin(turns.take(source(2)));
        assert!((&mut called).now_or_never().is_none() && (&mut gone).now_or_never().is_none());
        drop(gone);
        assert_eq!(turns.state().waiting.len(), 1);
        drop(held);
        // It was called, and goes away before it looks.
        drop(called);
        assert_eq!(turns.state().free, 1);
        turns.take(source(3)).now_or_never().expect("the turn is free");
    }
}
