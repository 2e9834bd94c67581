//! `who`: the service provider's people in this tenant, from the agent's status file; it may run or not.

use std::collections::BTreeSet;
use std::error::Error;

use entente_model::report::ItemState;
use entente_model::{PlaneMode, Timestamp};
use serde::Serialize;

use super::{Outcome, plain};
use crate::Done;
use crate::args::Output;
use crate::config::Config;
use crate::here::{Here, Membership};
use crate::status_file::StatusFile;

/// What a program reads.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    /// When the agent last looked.
    time: Timestamp,
    /// Whether every plane that it looks at was read whole by then.
    whole: bool,
    #[serde(flatten)]
    here: &'a Here,
    /// What keeps this from being all that is known.
    alarms: &'a [String],
}

pub(super) fn show(config: &Config, output: Output) -> Outcome {
    let unknown = |why: &str| Box::<dyn Error>::from(format!("who is in this tenant is not known: {why}"));
    let status =
        StatusFile::read(&config.state_dir)?.ok_or_else(|| unknown("the agent has not looked at the tenant yet"))?;
    let here =
        status.here.as_ref().ok_or_else(|| unknown("the agent has no desired state, or has not looked since"))?;
    let planes = status.standing.planes.iter().filter(|it| it.mode != PlaneMode::None);
    let whole =
        planes.clone().count() > 0 && planes.clone().all(|it| it.verified.is_some() && it.unread_since.is_none());
    let shown = Shown { time: status.time, whole, here, alarms: &status.alarms };
    match output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&shown)?),
        Output::Text => {
            let oldest = planes.filter_map(|it| it.verified).min().filter(|_| whole);
            let seen =
                oldest.map_or_else(|| "NOT READ WHOLE: more may be here".to_owned(), |at| format!("as read back {at}"));
            print!("{}", text(here, &seen));
            status.alarms.iter().for_each(|alarm| println!("ALARM  {}", plain(alarm)));
        }
    }
    Ok(Done::Whole)
}

fn text(here: &Here, seen: &str) -> String {
    if here.people.is_empty() && here.rights.is_empty() {
        return format!("nobody of the service provider is desired here, or was read as still here, {seen}\n");
    }
    let of = |is: fn(&&Membership) -> bool| {
        here.people.iter().filter(is).map(|it| it.operator.as_str()).collect::<BTreeSet<_>>().len()
    };
    let (there, all) = (of(|it| it.state == ItemState::Applied), of(|_| true));
    let mut out = format!("{there} of {all} people of the service provider have a role here, {seen}\n");
    let rows: Vec<[String; 5]> = here.people.iter().map(|it| row(here, it)).collect();
    let header = ["PERSON", "ROLE", "RIGHTS", "STATE", "UNTIL"].map(str::to_owned);
    out.push_str(&columns(&header, &rows));
    if here.more > 0 {
        out.push_str(&format!("and {} more memberships\n", here.more));
    }
    for (role, rights) in &here.rights {
        out.push_str(&format!("\n{}:\n", plain(role)));
        for right in rights {
            let reason = right.reason.map(|it| format!(" {}", it.word())).unwrap_or_default();
            let leaving = if right.leaving { ", leaving" } else { "" };
            let detail = if right.detail.is_empty() { String::new() } else { format!(": {}", right.detail) };
            let line = format!("  {}  {}{leaving}{reason}{detail}", right.what, right.state.word());
            out.push_str(&format!("{}\n", plain(&line)));
        }
    }
    out
}

fn row(here: &Here, it: &Membership) -> [String; 5] {
    let person = if it.mail.is_empty() { it.operator.clone() } else { format!("{} <{}>", it.display_name, it.mail) };
    let rights = match (it.role.is_empty(), here.count(&it.role)) {
        (true, _) => "-".to_owned(),
        (false, (there, all)) => format!("{there} of {all}"),
    };
    let role = if it.role.is_empty() { "-".to_owned() } else { it.role.clone() };
    let state = match (it.leaving, it.reason) {
        (true, _) => format!("{}, leaving", it.state.word()),
        (false, Some(reason)) => format!("{} {}", it.state.word(), reason.word()),
        (false, None) => it.state.word().to_owned(),
    };
    let until = it.until.map_or_else(|| "-".to_owned(), |at| at.to_string());
    [person, role, rights, state, until]
}

fn columns(header: &[String; 5], rows: &[[String; 5]]) -> String {
    let width = |at: usize| rows.iter().chain([header]).map(|row| row[at].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |row: &[String; 5]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{:width$}", plain(cell)));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    [header].into_iter().chain(rows).map(line).collect()
}
