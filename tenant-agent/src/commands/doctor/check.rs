//! One thing that the doctor looked at, and how it prints all of them.

use serde::Serialize;
use serde_json::{Value, json};

use crate::commands::screen::{Done, plain};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum State {
    Ok,
    /// A person has to act.
    Fault,
    /// The doctor could not find out.
    Unknown,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Fault => "FAULT",
            Self::Unknown => "UNKNOWN",
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) state: State,
    pub(super) detail: String,
    /// What to do, unless the state is OK.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<String>,
}

impl Check {
    pub(super) fn ok(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), state: State::Ok, detail: detail.into(), remedy: None }
    }

    pub(super) fn fault(name: impl Into<String>, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), state: State::Fault, ..Self::ok(name, detail) }
    }

    pub(super) fn unknown(name: impl Into<String>, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: State::Unknown, ..Self::fault(name, detail, remedy) }
    }
}

fn count(checks: &[Check], state: State) -> usize {
    checks.iter().filter(|check| check.state == state).count()
}

pub(super) fn done(checks: &[Check]) -> Done {
    match (count(checks, State::Fault), count(checks, State::Unknown)) {
        (0, 0) => Done::Whole,
        (0, _) => Done::Incomplete,
        _ => Done::Faulty,
    }
}

pub(super) fn document(checks: &[Check]) -> Value {
    let of = |state| count(checks, state);
    json!({"ok": of(State::Ok), "faults": of(State::Fault), "unknown": of(State::Unknown), "checks": checks})
}

/// Prints one line per check, and a second line with what to do. What Microsoft said stays on its line.
pub(super) fn text(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or_default();
    let line = |check: &Check| {
        let told = format!("{:8} {:width$}  {}\n", check.state.word(), plain(&check.name), plain(&check.detail));
        let remedy = check.remedy.iter().map(|remedy| format!("{:8} {:width$}  to do: {}\n", "", "", plain(remedy)));
        told + &remedy.collect::<String>()
    };
    let of = |state| count(checks, state);
    let all = format!("{} OK, {} FAULT, {} UNKNOWN\n", of(State::Ok), of(State::Fault), of(State::Unknown));
    checks.iter().map(line).collect::<String>() + &all
}
