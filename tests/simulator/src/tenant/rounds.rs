//! Rounds of delta queries: what a client was told the last time, to tell it what is new the next time.
//!
//! What is in a round is worked out in `graph::delta::telling`.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use super::props::Props;
use crate::clock::Now;

/// Rounds kept in a tenant. A client needs one, and its tests some more. A client with an older one has to start again.
const KEPT: usize = 200;
/// Life of a delta token of directory objects (Graph: delta-query-overview).
pub const TOKEN_SECONDS: f64 = 7.0 * 24.0 * 3600.0;

/// What a client follows. Its first request says so; later ones carry a token instead.
#[derive(Debug, Clone)]
pub struct Asked {
    pub groups: bool,
    /// Properties; a change of another one makes no entry.
    pub select: Vec<String>,
    pub members: bool,
    /// Only these objects; empty: all.
    pub ids: Vec<String>,
}

/// One answer in full, over as many pages as it takes.
#[derive(Debug, Clone)]
pub struct Round {
    pub asked: Asked,
    pub entries: Vec<Value>,
    pub made_at: f64,
    pub told: BTreeMap<String, State>,
}

/// What a client knows of an object.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Its properties, and its members with their types.
    Here(Props, BTreeMap<String, &'static str>),
    /// In the recycle bin.
    Binned,
}

#[derive(Debug, Default)]
pub struct Rounds {
    made: u64,
    kept: VecDeque<(u64, Round)>,
}

impl Rounds {
    /// A round that is still good.
    pub fn get(&self, number: u64, now: Now) -> Option<&Round> {
        let found = self.kept.iter().find(|(one, _)| *one == number).map(|(_, round)| round);
        found.filter(|round| now.seconds - round.made_at < TOKEN_SECONDS)
    }

    pub fn keep(&mut self, round: Round) -> u64 {
        self.made += 1;
        self.kept.push_back((self.made, round));
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
        self.made
    }
}
