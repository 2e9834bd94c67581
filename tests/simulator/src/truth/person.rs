//! A person's accounts, and what each of them still has: the list to compare a client's own with.
//!
//! It is computed from the whole state, without the API that clients use.

use std::collections::BTreeMap;

use crate::control::types::{Right, Rights, UserRights};
use crate::planes::azure::state::Assignment;
use crate::planes::entra::state::role;
use crate::planes::users::account::User;
use crate::replicated::Replicated;
use crate::tenant::Tenant;

/// Every kind of right that there is: a list of the truth's own, so that a right is seen whether or not its plane tells
/// of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RightKind {
    Membership,
    Ownership,
    Azure,
    Defender,
    /// A directory role.
    Entra,
}

impl RightKind {
    const ALL: [RightKind; 5] =
        [RightKind::Membership, RightKind::Ownership, RightKind::Azure, RightKind::Defender, RightKind::Entra];

    fn word(self) -> &'static str {
        match self {
            RightKind::Membership => "membership",
            RightKind::Ownership => "ownership",
            RightKind::Azure => "azure",
            RightKind::Defender => "defender",
            RightKind::Entra => "entra",
        }
    }
}

/// A group that a principal is in, directly or not.
#[derive(Debug, Clone, Default)]
struct Reached {
    /// The group in between; `None`: a direct member.
    through: Option<String>,
    added_by: Option<String>,
}

impl Tenant {
    /// Everything that the person with this address has; `app` is whose gifts are listed apart (`None`: any's).
    pub fn rights(&self, address: &str, app: Option<&str>) -> Rights {
        let living = self.users.values().filter_map(Replicated::truth).map(|user| (user, false));
        let binned = self.deleted_users().map(|user| (user, true));
        let of_person = living.chain(binned).map(|(user, in_bin)| (user, in_bin, ties(user, address)));
        let accounts: Vec<UserRights> = of_person
            .filter(|(_, _, ties)| !ties.is_empty())
            .map(|(user, in_bin, ties)| self.rights_of(user, in_bin, ties))
            .collect();
        let users: Vec<UserRights> = accounts.iter().filter(|one| !one.in_bin).cloned().collect();
        let by_app =
            |who: &Option<String>| who.as_ref().is_some_and(|who| app.is_none_or(|app| app.eq_ignore_ascii_case(who)));
        let owned = users.iter().filter(|one| one.enabled && by_app(&one.created_by));
        let owned_enabled = owned.map(|one| one.user.clone()).collect();
        let given = users.iter().flat_map(|one| &one.rights).filter(|right| by_app(&right.given_by)).cloned().collect();
        Rights { users, accounts, owned_enabled, given }
    }

    fn rights_of(&self, user: &User, in_bin: bool, ties: Vec<&'static str>) -> UserRights {
        let reached = self.reached(&user.id);
        let kinds = RightKind::ALL.into_iter();
        let rights: Vec<Right> = kinds.flat_map(|kind| self.rights_of_kind(kind, user, &reached)).collect();
        let of = |kind: RightKind| {
            let mut all: Vec<String> =
                rights.iter().filter(|right| right.kind == kind.word()).map(|right| right.what.clone()).collect();
            all.sort();
            all
        };
        UserRights {
            user: user.id.clone(),
            created_by: user.created_by.clone(),
            enabled: user.enabled(),
            memberships: of(RightKind::Membership),
            azure_roles: of(RightKind::Azure),
            defender_roles: of(RightKind::Defender),
            entra_roles: of(RightKind::Entra),
            ownerships: of(RightKind::Ownership),
            in_bin,
            known_by: ties.into_iter().map(str::to_owned).collect(),
            user_principal_name: user.text("userPrincipalName").to_owned(),
            rights,
        }
    }

    /// The groups that exist and that this principal is in, through others too.
    fn reached(&self, principal: &str) -> BTreeMap<String, Reached> {
        let mut found: BTreeMap<String, Reached> = BTreeMap::new();
        let mut pending = vec![(principal.to_owned(), None)];
        while let Some((member, through)) = pending.pop() {
            let living = self.groups.iter().filter(|(_, entry)| entry.object.truth().is_some());
            for (group, entry) in living {
                let Some(membership) = entry.members.get(&member).and_then(Replicated::truth) else { continue };
                if !found.contains_key(group) {
                    let added_by = membership.added_by.clone();
                    found.insert(group.clone(), Reached { through: through.clone(), added_by });
                    pending.push((group.clone(), Some(group.clone())));
                }
            }
        }
        found
    }

    /// The list of the truth: every kind of right, wherever it comes from.
    fn rights_of_kind(&self, kind: RightKind, user: &User, reached: &BTreeMap<String, Reached>) -> Vec<Right> {
        let right = |what: String, through: Option<String>, given_by: Option<String>| Right {
            user: user.id.clone(),
            kind: kind.word().to_owned(),
            what,
            through,
            given_by,
        };
        // Whether a principal is the account itself or a group that it is in, and then which.
        let ways = |principal: &String| match principal {
            direct if *direct == user.id => Some(None),
            group => reached.contains_key(group).then(|| Some(group.clone())),
        };
        match kind {
            RightKind::Membership => {
                let of =
                    |(group, by): (&String, &Reached)| right(group.clone(), by.through.clone(), by.added_by.clone());
                reached.iter().map(of).collect()
            }
            RightKind::Ownership => {
                let living = self.groups.iter().filter(|(_, entry)| entry.object.truth().is_some());
                let owned = living.filter(|(_, entry)| entry.owners.contains(&user.id));
                owned.map(|(group, _)| right(group.clone(), None, None)).collect()
            }
            RightKind::Azure => {
                let held = self.azure.assignments.values().filter_map(|one| Some((one, ways(&one.principal)?)));
                let what = |one: &Assignment| format!("{} {}", one.scope, one.role);
                held.map(|(one, through)| right(what(one), through, one.created_by.clone())).collect()
            }
            RightKind::Defender => {
                let all = self.defender.assignments.values().filter_map(Replicated::truth);
                let held = all.filter_map(|one| Some((one, one.principals.iter().find_map(ways)?)));
                held.map(|(one, through)| right(one.role.clone(), through, one.created_by.clone())).collect()
            }
            RightKind::Entra => {
                let held = self.entra.held().filter_map(|one| Some((one, ways(&one.principal)?)));
                let name = |id: &str| role(id).map_or(id.to_owned(), |role| role.display_name.clone());
                held.map(|(one, through)| right(name(&one.role), through, one.created_by.clone())).collect()
            }
        }
    }
}

/// By what an account belongs to the address; `None` if it is another person's.
fn ties(user: &User, address: &str) -> Vec<&'static str> {
    let same = |text: &str| text.eq_ignore_ascii_case(address);
    let proxy =
        |text: &str| text.split_once(':').is_some_and(|(kind, rest)| kind.eq_ignore_ascii_case("smtp") && same(rest));
    let invited = user.invited_as.contains(&address.to_lowercase()) || user.invited_mail.as_deref().is_some_and(same);
    let all = [
        ("mail", same(user.text("mail"))),
        ("otherMails", user.texts("otherMails").any(same)),
        ("proxyAddresses", user.texts("proxyAddresses").any(proxy)),
        ("userPrincipalName", is_name_for(user.text("userPrincipalName"), address)),
        ("invited", invited),
    ];
    all.into_iter().filter(|(_, tied)| *tied).map(|(by, _)| by).collect()
}

/// The address itself, or the form that a guest's takes: `maya_nordwall.example#EXT#@contoso.onmicrosoft.com`.
fn is_name_for(name: &str, address: &str) -> bool {
    // In the bin the object id, without dashes, may stand before the name.
    let name = match name.split_at_checked(32) {
        Some((id, rest)) if id.bytes().all(|one| one.is_ascii_hexdigit()) => rest,
        _ => name,
    };
    let guest = name.to_lowercase().split_once("#ext#@").map(|(guest, _)| guest.to_owned());
    name.eq_ignore_ascii_case(address) || guest.is_some_and(|guest| guest == address.to_lowercase().replace('@', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guests_name_holds_the_address() {
        assert!(is_name_for("Maya_nordwall.example#EXT#@contoso.onmicrosoft.com", "maya@nordwall.example"));
        assert!(is_name_for("maya@nordwall.example", "Maya@nordwall.example"));
        let binned = "5e1f0000000040008000000000000001maya_nordwall.example#EXT#@contoso.onmicrosoft.com";
        assert!(is_name_for(binned, "maya@nordwall.example"));
        assert!(!is_name_for("amaya_nordwall.example#EXT#@contoso.onmicrosoft.com", "maya@nordwall.example"));
    }
}
