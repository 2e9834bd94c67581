//! `who`: the service provider's people in this tenant, from the agent's status file, whether or not it runs.

use std::error::Error;

use entente_model::report::{ItemState, PlaneStanding};
use entente_model::{Plane, PlaneMode, Timestamp};
use serde::Serialize;

use super::screen::{self, Done, Outcome, plain};
use crate::args::Output;
use crate::config::Config;
use crate::here::{Count, Ground, Here, Membership};
use crate::status_file::StatusFile;

/// Planes that decide who has a role: accounts, the groups that carry the roles, and their members.
const HOLDERS: [Plane; 3] = [Plane::Users, Plane::Groups, Plane::Memberships];

/// The answer as a program reads it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    /// When the agent last looked.
    time: Timestamp,
    /// Whether every managed or verified plane was read whole, and the planes that decide who has a role are among
    /// them.
    whole: bool,
    #[serde(flatten)]
    here: &'a Here,
    /// Why the list may be incomplete.
    alarms: &'a [String],
}

pub(super) fn show(config: &Config, output: Output) -> Outcome {
    let unknown = |why: &str| Box::<dyn Error>::from(format!("who is in this tenant is not known: {why}"));
    let status =
        StatusFile::read(&config.state_dir)?.ok_or_else(|| unknown("the agent has not looked at the tenant yet"))?;
    let here =
        status.here.as_ref().ok_or_else(|| unknown("the agent has no desired state, or has not looked since"))?;
    let whole = is_whole(&status.standing.planes);
    let shown = Shown { time: status.time, whole, here, alarms: &status.alarms };
    screen::print(output, &shown, || {
        let looked = status.standing.planes.iter().filter(|it| it.mode != PlaneMode::None);
        let oldest = looked.filter_map(|it| it.verified).min().filter(|_| whole);
        let seen =
            oldest.map_or_else(|| "NOT READ WHOLE: more may be here".to_owned(), |at| format!("as read back {at}"));
        let alarms = status.alarms.iter().map(|alarm| format!("ALARM  {}\n", plain(alarm)));
        text(here, &seen, screen::width()) + &alarms.collect::<String>()
    })?;
    Ok(Done::Whole)
}

/// See [`Shown::whole`].
fn is_whole(planes: &[PlaneStanding]) -> bool {
    let is_looked_at = |plane: &Plane| planes.iter().any(|it| it.plane == *plane && it.mode != PlaneMode::None);
    let is_read = |it: &PlaneStanding| it.verified.is_some() && it.unread_since.is_none();
    HOLDERS.iter().all(is_looked_at) && planes.iter().all(|it| it.mode == PlaneMode::None || is_read(it))
}

pub(in crate::commands) fn text(here: &Here, seen: &str, width: Option<u16>) -> String {
    if here.people.is_empty() && here.rights.is_empty() {
        return format!("none of the service provider's people are desired here or were found still here, {seen}\n");
    }
    let mut out = screen::lines(&format!("{}, {seen}", head(here.holders())), width);
    let rows: Vec<[String; 6]> = here.people.iter().map(|it| row(here, it, screen::between(width))).collect();
    let header = ["PERSON", "ROLE", "RIGHTS", "STATE", "UNTIL", "WHY"];
    out.push_str(&screen::table(header, &rows, width));
    if here.more > 0 {
        out.push_str(&format!("and {} more memberships\n", here.more));
    }
    for (role, rights) in &here.rights {
        out.push_str(&format!("\n{}:\n", plain(role)));
        for right in rights {
            let reason = right.reason.map(|it| format!(" {}", it.word())).unwrap_or_default();
            let leaving = if right.leaving { ", leaving" } else { "" };
            let detail = if right.detail.is_empty() { String::new() } else { format!(": {}", right.detail) };
            let presence = presence(right.state, right.is_there()).map(|it| format!(", {it}")).unwrap_or_default();
            let line = format!("  {}  {}{leaving}{reason}{presence}{detail}", right.what, right.state.word());
            out.push_str(&screen::lines(&plain(&line), width));
        }
    }
    out
}

fn head(Count { there, unknown, all }: Count) -> String {
    let head = format!("{there} of {all} people of the service provider have a role here");
    if unknown == 0 { head } else { format!("{head}; of {unknown} it is not known") }
}

/// Whether something is present, unless its state already says so.
fn presence(state: ItemState, there: Option<bool>) -> Option<&'static str> {
    match there {
        Some(true) if state == ItemState::Applied => None,
        Some(true) => Some("there"),
        Some(false) => Some("not there"),
        None => Some("not known"),
    }
}

fn row(here: &Here, it: &Membership, between: char) -> [String; 6] {
    let name = plain(&it.display_name);
    let person = if it.mail.is_empty() { plain(&it.operator) } else { format!("{name}{between}<{}>", plain(&it.mail)) };
    let rights = match (it.role.is_empty(), here.count(&it.role).of_person(it.is_there())) {
        (true, _) => "-".to_owned(),
        (false, Count { there, unknown: 0, all }) => format!("{there} of {all}"),
        (false, Count { there, unknown, all }) => format!("{there} of {all},{between}{unknown} not known"),
    };
    let role = if it.role.is_empty() { "-".to_owned() } else { plain(&it.role) };
    let mut state = match (it.leaving, it.reason) {
        (true, _) => format!("{},{between}leaving", it.state.word()),
        (false, Some(reason)) => format!("{}{between}{}", it.state.word(), reason.word()),
        (false, None) => it.state.word().to_owned(),
    };
    if let Some(presence) = presence(it.state, it.is_there()) {
        state.push_str(&format!(",{between}{presence}"));
    }
    let until = it.until.map_or_else(|| "-".to_owned(), Timestamp::as_end);
    let why = it.grounds.iter().map(ground).collect::<Vec<_>>().join("; ");
    [person, role, rights, state, until, if why.is_empty() { "-".to_owned() } else { plain(&why) }]
}

/// `T-12 Nordic L1`, or the assignment's name if there is no ticket.
fn ground(it: &Ground) -> String {
    let Ground { assignment, justification, ticket } = it;
    format!("{} {justification}", ticket.as_ref().unwrap_or(assignment))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planes(modes: &[(Plane, PlaneMode)]) -> Vec<PlaneStanding> {
        let standing = |(plane, mode): &(Plane, PlaneMode)| PlaneStanding {
            plane: (*plane).into(),
            mode: (*mode).into(),
            verified: (*mode != PlaneMode::None).then(|| Timestamp::from_unix(0)),
            unread_since: None,
        };
        modes.iter().map(standing).collect()
    }

    #[test]
    fn a_tenant_is_not_read_whole_while_a_plane_that_holds_members_is_not_looked_at() {
        let mode = |plane, closed| if plane == closed { PlaneMode::None } else { PlaneMode::Manage };
        let all = |closed: Plane| -> Vec<_> { Plane::ALL.iter().map(|it| (*it, mode(*it, closed))).collect() };
        assert!(is_whole(&planes(&all(Plane::DefenderRoles))));
        for closed in HOLDERS {
            assert!(!is_whole(&planes(&all(closed))), "{closed}");
        }
        assert!(!is_whole(&planes(&[(Plane::AzureRoles, PlaneMode::Verify)])));
        assert!(!is_whole(&[]));
        let mut unread = planes(&all(Plane::DefenderRoles));
        unread[0].unread_since = Some(Timestamp::from_unix(0));
        assert!(!is_whole(&unread));
    }
}
