//! Faults: which of them strike a request.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{Matcher, Subject, bend};
use crate::control::types::{Fault, FaultAction, FaultState};
use crate::lock::locked;

/// Longest drip; no client should wait longer for one answer.
pub const MAX_DRIP_SECONDS: u64 = 600;

/// A fault that makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum BadFault {
    #[error(transparent)]
    Path(#[from] regex::Error),
    #[error("fault: {0} is no HTTP status")]
    Status(u16),
    #[error("fault: {0:?} is no place in JSON: a pointer starts with a slash")]
    Place(String),
    #[error("fault: a drip of {0} s is longer than {MAX_DRIP_SECONDS} s")]
    Drip(u64),
}

#[derive(Debug)]
pub struct Faults {
    /// How many stand, so that a quiet simulator takes no lock.
    standing: AtomicUsize,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    next_id: u64,
    random: StdRng,
    faults: Vec<(Matcher, FaultState, u64)>,
}

impl Faults {
    pub fn new(seed: u64) -> Self {
        let random = StdRng::seed_from_u64(seed);
        Self { standing: AtomicUsize::new(0), inner: Mutex::new(Inner { next_id: 1, random, faults: Vec::new() }) }
    }

    pub fn add(&self, fault: Fault) -> Result<FaultState, BadFault> {
        check(&fault.action)?;
        let matcher = Matcher::new(&fault.on)?;
        let mut inner = locked(&self.inner);
        let state = FaultState { id: inner.next_id, fault, struck: 0 };
        inner.next_id += 1;
        let skip = state.fault.skip;
        inner.faults.push((matcher, state.clone(), skip));
        self.standing.store(inner.faults.len(), Ordering::Release);
        Ok(state)
    }

    pub fn list(&self) -> Vec<FaultState> {
        locked(&self.inner).faults.iter().map(|(_, state, _)| state.clone()).collect()
    }

    /// Removes one fault, or all of them; says how many went.
    pub fn clear(&self, id: Option<u64>) -> usize {
        let mut inner = locked(&self.inner);
        let before = inner.faults.len();
        inner.faults.retain(|(_, state, _)| id.is_some_and(|id| state.id != id));
        self.standing.store(inner.faults.len(), Ordering::Release);
        before - inner.faults.len()
    }

    /// The actions that strike this request, in the order in which the faults were added.
    pub fn strike(&self, subject: Subject<'_>) -> Vec<FaultAction> {
        if self.standing.load(Ordering::Acquire) == 0 {
            return Vec::new();
        }
        let mut inner = locked(&self.inner);
        let Inner { random, faults, .. } = &mut *inner;
        let mut actions = Vec::new();
        for (matcher, state, skip) in faults.iter_mut() {
            let spent = state.fault.count.is_some_and(|count| state.struck >= count);
            if spent || !matcher.matches(subject) {
                continue;
            }
            if *skip > 0 {
                *skip -= 1;
                continue;
            }
            if state.fault.probability.is_some_and(|probability| random.random::<f64>() >= probability) {
                continue;
            }
            state.struck += 1;
            actions.push(state.fault.action.clone());
        }
        actions
    }
}

/// Refuses what could not be carried out when the fault strikes.
fn check(action: &FaultAction) -> Result<(), BadFault> {
    let is_status = |status: u16| (200..600).contains(&status);
    match action {
        FaultAction::Answer { status, .. } if !is_status(*status) => Err(BadFault::Status(*status)),
        FaultAction::Bend(bend) => {
            if let Some(status) = bend.status.filter(|status| !is_status(*status)) {
                return Err(BadFault::Status(status));
            }
            let wrong = bend::places(bend).find(|place| !place.is_empty() && !place.starts_with('/'));
            wrong.map_or(Ok(()), |place| Err(BadFault::Place(place.to_owned())))
        }
        FaultAction::Drip { seconds } if *seconds > MAX_DRIP_SECONDS => Err(BadFault::Drip(*seconds)),
        _ => Ok(()),
    }
}
