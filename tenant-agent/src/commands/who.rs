//! `who`: the service provider's people in this tenant, from the agent's status file; it may run or not.

use std::error::Error;

use super::Outcome;
use crate::Done;
use crate::args::Output;
use crate::config::Config;
use crate::here::{Here, Membership};
use crate::status_file::StatusFile;

pub(super) fn show(config: &Config, output: Output) -> Outcome {
    let status = StatusFile::read(&config.state_dir)?.ok_or_else(|| {
        Box::<dyn Error>::from("the agent has not looked at the tenant yet: who is in it is not known")
    })?;
    let seen = status.standing.planes.iter().filter_map(|plane| plane.verified).min();
    let seen = seen.map_or_else(|| "not read whole yet".to_owned(), |at| format!("as read back {at}"));
    match output {
        Output::Json => println!("{}", serde_json::to_string_pretty(&status.here)?),
        Output::Text => print!("{}", text(&status.here, &seen)),
    }
    Ok(Done::Whole)
}

fn text(here: &Here, seen: &str) -> String {
    if here.people.is_empty() && here.rights.is_empty() {
        return format!("nobody of the service provider has access here, {seen}\n");
    }
    let people: std::collections::BTreeSet<&str> = here.people.iter().map(|it| it.operator.as_str()).collect();
    let mut out = format!("{} of the service provider's people, {seen}\n", people.len());
    let rows: Vec<[String; 5]> = here.people.iter().map(|it| row(here, it)).collect();
    let header = ["PERSON", "ROLE", "RIGHTS", "STATE", "UNTIL"].map(str::to_owned);
    out.push_str(&columns(&header, &rows));
    if here.more > 0 {
        out.push_str(&format!("and {} more memberships\n", here.more));
    }
    for (role, rights) in &here.rights {
        out.push_str(&format!("\n{role}:\n"));
        for right in rights {
            let reason = right.reason.map(|it| format!(" {}", it.word())).unwrap_or_default();
            let detail = if right.detail.is_empty() { String::new() } else { format!(": {}", right.detail) };
            out.push_str(&format!("  {}  {}{reason}{detail}\n", right.what, right.state.word()));
        }
    }
    out
}

fn row(here: &Here, it: &Membership) -> [String; 5] {
    let person = if it.mail.is_empty() { it.operator.clone() } else { format!("{} <{}>", it.display_name, it.mail) };
    let (there, all) = here.count(&it.role);
    let state = match (it.leaving, it.reason) {
        (true, _) => format!("{}, leaving", it.state.word()),
        (false, Some(reason)) => format!("{} {}", it.state.word(), reason.word()),
        (false, None) => it.state.word().to_owned(),
    };
    let until = it.until.map_or_else(|| "-".to_owned(), |at| at.to_string());
    [person, it.role.clone(), format!("{there} of {all}"), state, until]
}

fn columns(header: &[String; 5], rows: &[[String; 5]]) -> String {
    let width = |at: usize| rows.iter().chain([header]).map(|row| row[at].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |row: &[String; 5]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    [header].into_iter().chain(rows).map(line).collect()
}
