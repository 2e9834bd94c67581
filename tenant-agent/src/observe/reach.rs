//! Which of Microsoft's services gave no answer in a look, and which planes were asked for and not read whole.
//!
//! A service that answered anything, were it a refusal, is reached.

use std::collections::{BTreeMap, BTreeSet};

use entente_model::Plane;
use entente_model::report::Reason;
use entente_planner::observed::{Looked, Observed, Part, Unread};
use entente_planner::plan::looked;

type Parts<'a> = Box<dyn Iterator<Item = Option<&'a Unread>> + 'a>;

/// Of each service that was asked and did not answer once, its name and what the first attempt came to.
pub fn silent(observed: &Observed) -> Option<String> {
    let services = [("Microsoft Graph", graph(observed)), ("Azure Resource Manager", arm(observed))];
    let silent = services.into_iter().filter_map(|(name, parts)| Some(format!("{name}: {}", first_silence(parts)?)));
    let silent: Vec<_> = silent.collect();
    (!silent.is_empty()).then(|| silent.join("; "))
}

fn first_silence<'a>(parts: Parts<'a>) -> Option<&'a str> {
    let mut first = None;
    for part in parts {
        match part {
            Some(why) if why.reason == Reason::CloudUnavailable => first = first.or(Some(why.detail.as_str())),
            // What was not asked says nothing.
            Some(why) if why.reason == Reason::Unread => {}
            _ => return None,
        }
    }
    first
}

fn graph(observed: &Observed) -> Parts<'_> {
    let rights = observed.rights.values().map(|rights| unread(&rights.memberships));
    Box::new(
        of(&observed.users)
            .chain(of(&observed.users_by_mail))
            .chain(of(&observed.bin))
            .chain(of(&observed.groups))
            .chain(of(&observed.groups_by_name))
            .chain(of(&observed.members))
            .chain(observed.defender.iter().map(unread))
            .chain(of(&observed.entra))
            .chain(of(&observed.entra_definitions))
            .chain(observed.rights.values().filter_map(|rights| rights.entra.as_ref()).map(unread))
            .chain(rights),
    )
}

fn arm(observed: &Observed) -> Parts<'_> {
    let rights = observed.rights.values().flat_map(|rights| rights.azure.values()).map(unread);
    let groups = observed.group_azure.values().flat_map(BTreeMap::values).map(unread);
    Box::new(of(&observed.azure).chain(of(&observed.azure_definitions)).chain(rights).chain(groups))
}

fn of<K, T>(parts: &BTreeMap<K, Part<T>>) -> impl Iterator<Item = Option<&Unread>> {
    parts.values().map(unread)
}

fn unread<T>(part: &Part<T>) -> Option<&Unread> {
    match part {
        Part::Read(_) => None,
        Part::Unread(why) => Some(why),
    }
}

/// Planes of which something was asked, and whether all of it was read.
pub fn planes(observed: &Observed) -> BTreeMap<Plane, bool> {
    let whole = |plane| match looked(plane, observed) {
        Looked::Whole => Some((plane, true)),
        Looked::Part => Some((plane, false)),
        Looked::NotAsked => None,
    };
    Plane::ALL.iter().copied().filter_map(whole).collect()
}

/// Those that were read whole. Where nothing was asked, nothing was read.
pub fn planes_read(observed: &Observed) -> BTreeSet<Plane> {
    planes(observed).into_iter().filter(|(_, whole)| *whole).map(|(plane, _)| plane).collect()
}

#[cfg(test)]
mod tests {
    use entente_model::Guid;

    use super::*;

    fn late<T>() -> Part<T> {
        Part::unread(Reason::CloudUnavailable, "late")
    }

    #[test]
    fn architecture_7_3_a_plane_of_which_nothing_was_asked_is_not_read() {
        assert_eq!(planes_read(&Observed::default()), BTreeSet::new());
        let id = Guid::from_u128(1);
        let observed =
            Observed { groups: [(id, Part::Read(None))].into(), users: [(id, late())].into(), ..Observed::default() };
        assert_eq!(planes_read(&observed), [Plane::Groups].into());
        assert_eq!(planes(&observed), [(Plane::Users, false), (Plane::Groups, true)].into());
    }

    #[test]
    fn a_service_that_answers_anything_is_reached() {
        let id = Guid::from_u128(1);
        let mut observed = Observed::default();
        assert_eq!(silent(&observed), None, "nothing was asked");
        observed.users = [(id, late())].into();
        observed.azure = [("/s".into(), late())].into();
        assert_eq!(silent(&observed).unwrap(), "Microsoft Graph: late; Azure Resource Manager: late");
        observed.groups = [(id, Part::unread(Reason::PermissionMissing, "no"))].into();
        assert_eq!(silent(&observed).unwrap(), "Azure Resource Manager: late");
        observed.azure = [("/s".into(), Part::Read(Vec::new()))].into();
        assert_eq!(silent(&observed), None);
    }
}
