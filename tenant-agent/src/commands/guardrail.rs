//! `check-guardrail` and `permissions`: what the customer's file says, without an agent or a network.

use std::path::Path;

use entente_model::Date;
use entente_model::violation::{Fault, Violation};
use entente_planner::difference::{self, Difference};
use entente_planner::guardrail::{Guardrail, Unreadable};
use entente_planner::permission::{self, System};
use entente_planner::{condition, consent};

use super::screen::{Done, Outcome};
use crate::clock;
use crate::guardrail_file::{self, Others, read_text};

pub(super) fn check(file: &Path, old: Option<&Path>) -> Outcome {
    let Judged { digest, guardrail, faults } = judge(file, Others::Group)?;
    let guardrail = match guardrail {
        Some(guardrail) if faults.is_empty() => guardrail,
        _ => return refuse(file, &faults),
    };
    if let Some(target) = guardrail_file::link(file) {
        println!(
            "{} is a link to {}: anyone who may write that file decides what the agent may do.",
            file.display(),
            target.display()
        );
    }
    match old {
        Some(old) => print!("{}", told(&difference::between(&older(old)?, &guardrail))),
        None => print!("{}", consent::text(&guardrail, &digest)),
    }
    Ok(Done::Whole)
}

/// A file judged by itself, no matter which agent reads it.
pub(super) struct Judged {
    digest: String,
    /// The content, if the file parses.
    pub(super) guardrail: Option<Guardrail>,
    pub(super) faults: Vec<Violation>,
}

pub(super) fn judge(file: &Path, others: Others) -> Result<Judged, Unreadable> {
    let (digest, text) = read_text(file)?;
    let mut faults = guardrail_file::open_to_others(file, others);
    let parsed = Guardrail::parse(&text);
    match &parsed {
        Err(unreadable) => faults.extend(unreadable.faults.iter().cloned()),
        Ok(guardrail) => faults.extend(guardrail.check()),
    }
    faults.extend(Guardrail::review_by(&text).and_then(past));
    Ok(Judged { digest, guardrail: parsed.ok(), faults })
}

/// Reads the older file to compare with. It has to parse, and may be past its day.
fn older(file: &Path) -> Result<Guardrail, String> {
    let read = read_text(file).and_then(|(_, text)| Guardrail::parse(&text));
    read.map_err(|unreadable| format!("{}, which --diff names: {unreadable}", file.display()))
}

fn refuse(file: &Path, faults: &[Violation]) -> Outcome {
    for fault in faults {
        println!("{fault}");
    }
    let count = if faults.len() == 1 { "1 fault".to_owned() } else { format!("{} faults", faults.len()) };
    Err(format!("{} has {count}; with this file the agent gives nothing", file.display()).into())
}

/// Judges the day of review by the host's clock, as no service tells the time here.
fn past(review_by: Date) -> Option<Violation> {
    let text = format!("{review_by} is past, and the file gives no new access; review it, and write a later day");
    (review_by.ends() <= clock::wall()).then(|| Violation::new("reviewBy", Fault::Conflict, text))
}

/// Describes what a change of the file means.
fn told(difference: &Difference) -> String {
    let Difference { wider, narrower, needed, spare } = difference;
    let section = |title: &str, mark: &str, all: &[String]| match all {
        [] => String::new(),
        all => format!("{title}\n{}", all.iter().map(|it| format!("  {mark} {it}\n")).collect::<String>()),
    };
    let names = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    if difference == &Difference::default() {
        return "It allows what it allowed before, and no more.\n".into();
    }
    let stays = match narrower.as_slice() {
        [] => "",
        _ => {
            "  What was given by it stays, is REFUSED in entente-agent status, and is not given again.\n  \
             entente-agent revoke --not-allowed lists it then, and takes it away if you say so;\n  \
             entente-agent revoke-all takes everything back.\n"
        }
    };
    section("Allowed now, and not before:", "+", wider)
        + &section("Allowed before, and not now:", "-", narrower)
        + stays
        + &section("Grant the agent:", "+", &names(needed))
        + &section("Take from the agent what it no longer needs:", "-", &names(spare))
}

pub(super) fn permissions(file: &Path) -> Outcome {
    let (_, text) = read_text(file)?;
    let guardrail = Guardrail::parse(&text)?;
    for row in permission::needed(&guardrail) {
        let kind = match row.system {
            System::Graph => "Microsoft Graph, application",
            System::Arm => "Azure role at each of azure.scopes",
        };
        println!("{:42} {kind:36} to {}; lets its holder: {}", row.name, row.why, row.reach);
    }
    if let Some(script) = condition::script(&guardrail) {
        println!("\nThe Azure role, limited to what the file names ($AGENT is the object id of the agent):\n{script}");
    }
    Ok(Done::Whole)
}
