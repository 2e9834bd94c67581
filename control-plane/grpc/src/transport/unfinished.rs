//! Connections that have not shown yet who they are, by where they come from.
//!
//! Any stranger can open one, so it has a place only until another connection needs it. Then the source with most of them
//! loses one: the oldest that has not even said hello, or else the oldest. So one address that opens thousands loses its
//! own, and a fleet that comes back at once through one address loses none while there is room.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::crowd::Crowd;
use super::source::Source;

/// All unfinished connections of one port.
#[derive(Debug)]
pub(super) struct Unfinished {
    most_of_one_source: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    next: u64,
    crowd: Crowd<Stage, CancellationToken>,
}

/// Whether it has said hello, and its number. Those that have not are first to go.
type Stage = (bool, u64);

impl Unfinished {
    pub(super) fn new(most_of_one_source: usize) -> Arc<Self> {
        let state = State { next: 0, crowd: Crowd::new() };
        Arc::new(Self { most_of_one_source, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whole between any two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a new connection. If its source has too many, the oldest of them that is silent makes room.
    pub(super) fn enter(self: &Arc<Self>, source: Source) -> Seat {
        let displaced = CancellationToken::new();
        let mut state = self.state();
        state.next += 1;
        let stage = (false, state.next);
        state.crowd.enter(source, stage, displaced.clone());
        if state.crowd.of(source) > self.most_of_one_source
            && let Some(oldest) = state.crowd.take_first_of(source, |(spoken, _)| !spoken)
        {
            oldest.cancel();
        }
        Seat { all: self.clone(), source, stage, displaced }
    }

    /// Ends one, to make room. Says whether there was one.
    pub(super) fn displace(&self) -> bool {
        let displaced = self.state().crowd.take_first_of_greediest();
        displaced.inspect(CancellationToken::cancel).is_some()
    }
}

/// One unfinished connection's; it is counted until this is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    all: Arc<Unfinished>,
    source: Source,
    stage: Stage,
    displaced: CancellationToken,
}

impl Seat {
    pub(super) fn source(&self) -> Source {
        self.source
    }

    /// Cancelled when the connection must end.
    pub(super) fn displaced(&self) -> CancellationToken {
        self.displaced.clone()
    }

    pub(super) fn has_said_hello(&mut self) {
        let mut state = self.all.state();
        // What was displaced is not counted again.
        if let Some(displaced) = state.crowd.leave(self.source, self.stage) {
            self.stage.0 = true;
            state.crowd.enter(self.source, self.stage, displaced);
        }
    }

    /// Whether it may stay, now that it has shown who it is; from here on no other connection displaces it.
    pub(super) fn finish(self) -> bool {
        self.all.state().crowd.leave(self.source, self.stage).is_some()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.all.state().crowd.leave(self.source, self.stage);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(last: u8) -> Source {
        Source::of([192, 0, 2, last].into())
    }

    fn stays(seat: &Seat) -> bool {
        !seat.displaced().is_cancelled()
    }

    #[test]
    fn of_the_greediest_the_oldest_that_is_silent_goes_first() {
        let all = Unfinished::new(10);
        let modest = all.enter(source(1));
        let mut greedy: Vec<_> = (0..3).map(|_| all.enter(source(2))).collect();
        greedy[0].has_said_hello();
        assert!(all.displace());
        assert_eq!(greedy.iter().map(stays).collect::<Vec<_>>(), [true, false, true]);
        assert!(all.displace());
        assert_eq!(greedy.iter().map(stays).collect::<Vec<_>>(), [true, false, false]);
        assert!(stays(&modest));
    }

    #[test]
    fn a_source_over_its_bound_loses_the_silent_and_never_those_that_spoke() {
        let all = Unfinished::new(2);
        let mut seats: Vec<_> = (0..3).map(|_| all.enter(source(1))).collect();
        assert_eq!(seats.iter().map(stays).collect::<Vec<_>>(), [false, true, true]);
        seats.iter_mut().for_each(Seat::has_said_hello);
        for _ in 0..3 {
            seats.push(all.enter(source(1)));
            seats.last_mut().unwrap().has_said_hello();
        }
        assert_eq!(seats.iter().filter(|seat| stays(seat)).count(), 2);
        assert!(stays(&seats[1]) && stays(&seats[2]), "they spoke");
    }

    #[test]
    fn who_is_finished_is_displaced_no_more_and_who_was_displaced_does_not_finish() {
        let all = Unfinished::new(10);
        let (first, second, third) = (all.enter(source(1)), all.enter(source(1)), all.enter(source(1)));
        assert!(first.finish());
        assert!(all.displace());
        assert!(!second.finish());
        drop(third);
        assert!(!all.displace(), "nobody is left");
    }
}
