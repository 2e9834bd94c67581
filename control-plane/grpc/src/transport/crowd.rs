//! Things counted by where they come from, with the greediest source at hand.
//!
//! Each source's own stand in the order of their keys, the first being the first to go. It knows nothing of
//! connections or bounds: its owner has those.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::source::Source;

#[derive(Debug)]
pub(super) struct Crowd<K, T> {
    /// No source is here without anything.
    by_source: BTreeMap<Source, BTreeMap<K, T>>,
    /// How many a source has, its first key, and which it is. The greediest is last; of equals, the one with the
    /// lowest key.
    ranks: BTreeSet<(usize, Reverse<K>, Source)>,
    len: usize,
}

impl<K: Ord + Copy, T> Crowd<K, T> {
    pub(super) fn new() -> Self {
        Self { by_source: BTreeMap::new(), ranks: BTreeSet::new(), len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// How many a source has.
    pub(super) fn of(&self, source: Source) -> usize {
        self.by_source.get(&source).map_or(0, BTreeMap::len)
    }

    pub(super) fn enter(&mut self, source: Source, key: K, thing: T) {
        self.change(source, |same| same.insert(key, thing));
    }

    pub(super) fn leave(&mut self, source: Source, key: K) -> Option<T> {
        self.change(source, |same| same.remove(&key))
    }

    /// Takes out a source's first, if its key is one that may go.
    pub(super) fn take_first_of(&mut self, source: Source, may_go: impl Fn(&K) -> bool) -> Option<T> {
        self.change(source, |same| same.first_entry().filter(|first| may_go(first.key())).map(|first| first.remove()))
    }

    /// Takes out the first of the source that has most.
    pub(super) fn take_first_of_greediest(&mut self) -> Option<T> {
        let (_, _, source) = *self.ranks.last()?;
        self.take_first_of(source, |_| true)
    }

    /// Takes out the first of the source that follows `last`, so that all sources have their turn.
    pub(super) fn take_first_after(&mut self, last: Option<Source>) -> Option<(Source, T)> {
        let following = last.and_then(|last| self.by_source.range((Bound::Excluded(last), Bound::Unbounded)).next());
        let source = *following.or_else(|| self.by_source.first_key_value())?.0;
        Some((source, self.take_first_of(source, |_| true)?))
    }

    fn change<R>(&mut self, source: Source, change: impl FnOnce(&mut BTreeMap<K, T>) -> R) -> R {
        let same = self.by_source.entry(source).or_default();
        let rank =
            |same: &BTreeMap<K, T>| same.first_key_value().map(|(first, _)| (same.len(), Reverse(*first), source));
        let (before, ranked) = (same.len(), rank(same));
        let result = change(same);
        let (after, ranks) = (same.len(), rank(same));
        self.len = self.len + after - before;
        if let Some(ranked) = ranked {
            self.ranks.remove(&ranked);
        }
        match ranks {
            Some(rank) => drop(self.ranks.insert(rank)),
            None => drop(self.by_source.remove(&source)),
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(last: u8) -> Source {
        Source::of([192, 0, 2, last].into())
    }

    #[test]
    fn the_greediest_goes_first_and_of_equals_the_oldest() {
        let mut crowd = Crowd::new();
        for (at, from) in [1, 2, 2, 3, 2, 3].into_iter().enumerate() {
            crowd.enter(source(from), at, at);
        }
        assert_eq!((crowd.len(), crowd.of(source(2)), crowd.of(source(9))), (6, 3, 0));
        let order: Vec<_> = std::iter::from_fn(|| crowd.take_first_of_greediest()).collect();
        assert_eq!(order, [1, 2, 3, 0, 4, 5]);
        assert_eq!((crowd.len(), crowd.ranks.len(), crowd.by_source.len()), (0, 0, 0));
    }

    #[test]
    fn sources_have_their_turn_one_after_another_however_many_they_are() {
        let mut crowd = Crowd::new();
        for (at, from) in [1, 1, 1, 2, 3, 3].into_iter().enumerate() {
            crowd.enter(source(from), at, at);
        }
        let mut last = None;
        let order: Vec<_> = std::iter::from_fn(|| {
            let (source, at) = crowd.take_first_after(last)?;
            last = Some(source);
            Some(at)
        })
        .collect();
        assert_eq!(order, [0, 3, 4, 1, 5, 2]);
    }

    #[test]
    fn who_left_is_not_taken_again_and_who_may_stay_is_not_taken_at_all() {
        let mut crowd = Crowd::new();
        crowd.enter(source(1), 1, "older");
        crowd.enter(source(1), 2, "newer");
        assert_eq!(crowd.take_first_of(source(1), |key| *key > 1), None);
        assert_eq!(crowd.leave(source(1), 1), Some("older"));
        assert_eq!(crowd.leave(source(1), 1), None);
        assert_eq!(crowd.take_first_of_greediest(), Some("newer"));
        assert_eq!(crowd.take_first_of(source(1), |_| true), None);
        assert_eq!((crowd.len(), crowd.by_source.len()), (0, 0));
    }
}
