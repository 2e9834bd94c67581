//! One item: what it is, how it stands and why, who asks for it, what it needs of the file, and which line decides.

use entente_model::Timestamp;
use entente_model::report::advice::Move;
use entente_model::report::{ItemState, Reason};
use entente_planner::need::{Need, written};
use serde::Serialize;

use super::file::{File, Stands};
use crate::commands::screen::{plain, rows};
use crate::here::Ground;
use crate::status_file::ToldItem;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Explained {
    item: String,
    what: String,
    state: ItemState,
    reason: Option<Reason>,
    since: Timestamp,
    leaving: bool,
    /// The agent's own words.
    detail: String,
    means: &'static str,
    asked_for: Vec<Ground>,
    needs: Vec<Judged>,
    /// The keys of the file that deny it now; empty if the file does not.
    decides: Vec<Stands>,
    /// A remark on the file if no line decides.
    remark: Option<&'static str>,
    #[serde(rename = "move")]
    whose: &'static str,
    to_do: &'static str,
    /// YAML to replace the deciding lines, if the customer wants the item.
    write: String,
    script: Option<String>,
}

/// A need, and whether the file meets it now.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Judged {
    #[serde(flatten)]
    need: Need,
    /// Unset if the file alone cannot tell, or cannot be read.
    allowed: Option<bool>,
    lines: Vec<u64>,
}

/// Whose move it is, and what to do.
pub(super) fn advice(it: &ToldItem) -> (Move, &'static str) {
    it.reason.map_or_else(|| it.state.advice(), Reason::advice)
}

pub(super) fn explained(it: &ToldItem, file: &File) -> Explained {
    let judged = |need: &Need| Judged {
        need: need.clone(),
        allowed: file.content.as_ref().and_then(|content| need.holds(content)),
        lines: file.stands(&need.key).lines.iter().map(|line| line.line).collect(),
    };
    let needs: Vec<Judged> = it.asked.needs.iter().map(judged).collect();
    let keys = deciding(it, &needs, file);
    let lacking: Vec<Need> = needs.iter().filter(|it| it.allowed == Some(false)).map(|it| it.need.clone()).collect();
    let (whose, to_do) = advice(it);
    let is_files = it.reason.is_some_and(|reason| !reason.guardrail_keys(it.key.plane()).is_empty());
    let remark = match (keys.is_empty(), it.state.is_settled(), is_files) {
        (false, ..) | (_, true, _) => None,
        _ if file.content.is_none() => None,
        (_, _, true) => Some(
            "no line by what is known here: the detail says what stands against it; if the file has changed since, the \
             agent looks again by itself",
        ),
        (_, _, false) => Some("no line of the file: it does not wait for the guardrail"),
    };
    Explained {
        item: it.key.to_string(),
        what: if it.asked.what.is_empty() { it.key.to_string() } else { it.asked.what.clone() },
        state: it.state,
        reason: it.reason,
        since: it.since,
        leaving: it.asked.leaving,
        detail: it.detail.clone(),
        means: it.reason.map_or_else(|| it.state.meaning(), Reason::meaning),
        asked_for: it.asked.grounds.clone(),
        decides: keys.iter().map(|key| file.stands(key)).collect(),
        remark,
        needs,
        whose: whose.text(),
        to_do,
        write: file.content.as_ref().map(|content| written(content, &lacking, &keys)).unwrap_or_default(),
        script: it.script.clone(),
    }
}

/// The keys that deny the item: what the present file lacks, and what else the agent's reason names.
fn deciding(it: &ToldItem, needs: &[Judged], file: &File) -> Vec<String> {
    if it.state.is_settled() {
        return Vec::new();
    }
    let mut keys: Vec<String> =
        needs.iter().filter(|it| it.allowed == Some(false)).map(|it| it.need.key.clone()).collect();
    let named = it.reason.map(|reason| reason.guardrail_keys(it.key.plane())).unwrap_or_default();
    let is_met = |key: &String| {
        let mut of = needs.iter().filter(|it| it.need.key == *key).peekable();
        of.peek().is_some() && of.all(|it| it.allowed == Some(true))
    };
    keys.extend(named.into_iter().filter(|key| !is_met(key) && file.can_deny(key)));
    let mut seen = std::collections::BTreeSet::new();
    keys.retain(|key| seen.insert(key.clone()));
    keys
}

impl Explained {
    /// The item as lines of text, each with a name.
    pub(super) fn text(&self) -> String {
        let reason = self.reason.map(|it| format!(" {}", it.word())).unwrap_or_default();
        let leaving = if self.leaving { ", leaving" } else { "" };
        let asked_for = self.asked_for.iter().map(|it| {
            let ticket = it.ticket.as_ref().map(|ticket| format!(" ({ticket})")).unwrap_or_default();
            format!("{}{ticket}: {}", it.assignment, it.justification)
        });
        let decides = self.decides.iter().flat_map(Stands::texts).chain(self.remark.map(str::to_owned));
        let all = [
            vec![plain(&self.item)],
            rows("what", [&self.what]),
            rows("state", [format!("{}{reason}{leaving}, since {}", self.state.word(), self.since)]),
            rows("why", [&self.detail]),
            rows("means", [self.means]),
            rows("asked for", asked_for),
            rows("needs", self.need_lines()),
            rows("decides", decides),
            rows("whose move", [self.whose]),
            rows("to do", [self.to_do]),
        ];
        all.concat().join("\n")
    }

    /// One line per key and answer of the file.
    fn need_lines(&self) -> Vec<String> {
        let is_one = |one: &Judged, other: &Judged| (&one.need.key, one.allowed) == (&other.need.key, other.allowed);
        let mut first: Vec<&Judged> = Vec::new();
        for it in &self.needs {
            if !first.iter().any(|told| is_one(told, it)) {
                first.push(it);
            }
        }
        let line = |of: &Judged| {
            let values = self.needs.iter().filter(|it| is_one(of, it)).map(|it| it.need.value.as_str());
            let values = values.collect::<Vec<_>>().join(", ");
            let numbers = of.lines.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
            let place = match of.lines.len() {
                0 => "no line".to_owned(),
                1 => format!("line {numbers}"),
                _ => format!("lines {numbers}"),
            };
            let answer = match of.allowed {
                Some(true) => "allowed",
                Some(false) => "NOT ALLOWED",
                None => "not known from the file alone",
            };
            format!("{}: {values}: {answer} ({place})", of.need.key)
        };
        first.into_iter().map(line).collect()
    }

    /// The blocks to copy. Text that others wrote cannot start a line of its own.
    pub(super) fn blocks(&self, guardrail: &str) -> String {
        let block = |name: &str, text: &str| {
            let lines: String = text.lines().map(|line| format!("    {}\n", plain(line))).collect();
            if text.is_empty() { String::new() } else { format!("{name}\n{lines}") }
        };
        let then = format!(
            "if you want it, write in the place of what stands there; then entente-agent check-guardrail {guardrail}"
        );
        block(&plain(&then), &self.write) + &block("a person runs:", self.script.as_deref().unwrap_or_default())
    }
}
