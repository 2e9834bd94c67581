//! `explain`: what an item, a word or a key of the guardrail means here, and which line of the customer's file decides
//! it.
//!
//! It reads the status file and the guardrail file, so the agent need not run.

mod file;
mod item;
mod word;

use std::path::Path;
use std::time::Duration;

use entente_model::Timestamp;
use entente_model::nearest::nearest;
use entente_model::report::advice::Move;
use entente_model::report::{ItemState, Reason};
use serde::Serialize;

use self::file::File;
use self::item::Explained;
use super::screen::{self, Done, Outcome};
use crate::args::Output;
use crate::clock;
use crate::config::Config;
use crate::identity::Identity;
use crate::lock::{Lock, LockError};
use crate::status_file::{AgentStatus, StatusFile, ToldItem};

/// Most items explained in one answer: `status` shows longer lists.
const MAX_ITEMS: usize = 20;

/// The answer for items, as a program reads it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    /// When the agent last looked, which is how old the items are. The guardrail file is read now.
    time: Timestamp,
    running: bool,
    guardrail: String,
    /// Why the file cannot be used, if so. It then allows nothing.
    guardrail_fault: Option<String>,
    items: Vec<Explained>,
    /// How many more items match.
    more: usize,
}

pub(super) fn show(path: &Path, about: Option<&str>, output: Output) -> Outcome {
    let config = Config::load(path, |name| std::env::var(name).ok());
    let root = |config: &Config| Identity::load(&config.state_dir, config.entra_tenant).ok().map(|it| it.root_key.id());
    let file = config.as_ref().map_or_else(|error| File::not_known(error.to_string()), |it| File::read(it, root(it)));
    let words = about.map(|about| word::known(about, &file)).unwrap_or_default();
    if !words.is_empty() {
        return print_words(output, &words);
    }
    let config = config?;
    let status = StatusFile::read(&config.state_dir).map_err(|error| crate::guardrail_file::chain(&error));
    let status = status.and_then(|status| status.ok_or_else(|| "the agent has not looked at the tenant yet".into()));
    let status = status.map_err(|why| unknown(about, &why))?;
    let chosen = chosen(about, &status);
    if let (Some(about), []) = (about, chosen.as_slice()) {
        return match word::by_last_name(about, &file).as_slice() {
            [] => Err(missed(about, &status).into()),
            words => print_words(output, words),
        };
    }
    let shown = Shown {
        time: status.time,
        running: matches!(Lock::try_take(&config.state_dir), Err(LockError::Held(_))),
        guardrail: file.name(),
        guardrail_fault: file.fault.clone(),
        items: chosen.iter().take(MAX_ITEMS).map(|it| item::explained(it, &file)).collect(),
        more: chosen.len().saturating_sub(MAX_ITEMS),
    };
    screen::print(output, &shown, || text(&shown, clock::wall()))?;
    Ok(Done::Whole)
}

fn print_words(output: Output, words: &[word::Word]) -> Outcome {
    screen::print(output, &words, || words.iter().map(word::Word::text).collect::<Vec<_>>().join("\n"))?;
    Ok(Done::Whole)
}

fn unknown(about: Option<&str>, why: &str) -> String {
    match about {
        Some(about) => format!(
            "{about:?} is no state, reason or key of the guardrail, and which items there are is not known: {why}"
        ),
        None => format!("what is open is not known: {why}"),
    }
}

/// Finds items by the whole key, else by a part of the key or of its words, ignoring case. Without a name, finds what
/// waits for the customer.
fn chosen<'a>(about: Option<&str>, status: &'a AgentStatus) -> Vec<&'a ToldItem> {
    let all = || status.open.iter().chain(&status.settled);
    let Some(about) = about else {
        return status.open.iter().filter(|it| matches!(item::advice(it).0, Move::Customer | Move::Both)).collect();
    };
    if let Some(whole) = all().find(|it| it.key.to_string() == about) {
        return vec![whole];
    }
    let part = about.to_lowercase();
    let fits = |it: &&ToldItem| {
        it.key.to_string().to_lowercase().contains(&part) || it.asked.what.to_lowercase().contains(&part)
    };
    all().filter(fits).collect()
}

fn missed(about: &str, status: &AgentStatus) -> String {
    let words = ItemState::ALL.into_iter().map(ItemState::word).chain(Reason::ALL.iter().map(|it| it.word()));
    let keys = entente_planner::reference::TABLE.iter().map(|key| key.path);
    let mut names: Vec<String> = words.chain(keys).map(str::to_owned).collect();
    for item in status.open.iter().chain(&status.settled) {
        names.push(item.key.to_string());
        names.extend(item.key.to_string().split('/').map(str::to_owned));
        names.extend(item.asked.what.split_whitespace().map(|it| it.trim_matches(['<', '>', ',']).to_owned()));
    }
    let lower = nearest(&about.to_lowercase(), names.iter().map(|name| name.to_lowercase()));
    let near = lower.and_then(|lower| names.into_iter().find(|name| name.to_lowercase() == lower));
    let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
    format!(
        "{about:?} is no item, state, reason or key of the guardrail{near} (`entente-agent status` shows what is open)"
    )
}

fn text(shown: &Shown, now: Timestamp) -> String {
    if shown.items.is_empty() {
        return format!("nothing waits for you; {}\n", age(shown, now));
    }
    let mut out = String::new();
    for item in &shown.items {
        out.push_str(&screen::lines(&item.text(), screen::width()));
        // Not wrapped, so that it can be copied.
        out.push_str(&item.blocks(&shown.guardrail));
        out.push('\n');
    }
    if shown.more > 0 {
        out.push_str(&format!("and {} more; name more of one\n", shown.more));
    }
    if let Some(fault) = &shown.guardrail_fault {
        let line = format!("GUARDRAIL  cannot be used, and allows nothing: {fault}");
        out.push_str(&screen::lines(&line, screen::width()));
    }
    out + &screen::lines(&age(shown, now), screen::width())
}

fn age(shown: &Shown, now: Timestamp) -> String {
    let running = if shown.running { "runs" } else { "does not run" };
    format!("as of      {}, {} ago; the agent {running}", shown.time, ago(now.since(shown.time)))
}

fn ago(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests;
