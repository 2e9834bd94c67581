//! Which accounts are one person's, and what each of them still has: the list that a client's own is judged by.
//!
//! It is worked out from the whole state, without any of the questions that a client can ask.

use std::collections::BTreeMap;

use super::{Tenant, User};
use crate::control::types::{Right, Rights, UserRights};
use crate::replicated::Replicated;

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
        let mut rights = self.directory_rights(user, &reached);
        rights.extend(self.role_rights(&user.id, &reached));
        rights.iter_mut().for_each(|right| right.user = user.id.clone());
        let of = |kind: &str| {
            let mut all: Vec<String> =
                rights.iter().filter(|right| right.kind == kind).map(|right| right.what.clone()).collect();
            all.sort();
            all
        };
        UserRights {
            user: user.id.clone(),
            created_by: user.created_by.clone(),
            enabled: user.enabled(),
            memberships: of("membership"),
            azure_roles: of("azure"),
            defender_roles: of("defender"),
            entra_roles: of("entra"),
            ownerships: of("ownership"),
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

    fn directory_rights(&self, user: &User, reached: &BTreeMap<String, Reached>) -> Vec<Right> {
        let memberships = reached.iter().map(|(group, reached)| Right {
            through: reached.through.clone(),
            given_by: reached.added_by.clone(),
            ..right("membership", group)
        });
        let owned = self.groups.iter().filter(|(_, entry)| entry.object.truth().is_some());
        let owned = owned.filter(|(_, entry)| entry.owners.contains(&user.id));
        let ownerships = owned.map(|(group, _)| right("ownership", group));
        memberships.chain(ownerships).chain(user.entra_roles.iter().map(|role| right("entra", role))).collect()
    }

    /// Assignments at any scope that name the account or a group that it is in.
    fn role_rights(&self, user: &str, reached: &BTreeMap<String, Reached>) -> Vec<Right> {
        let ways = |principal: &String| match principal {
            direct if direct == user => Some(None),
            group => reached.contains_key(group).then(|| Some(group.clone())),
        };
        let azure = self.azure.assignments.values().filter_map(|one| {
            let through = ways(&one.principal)?;
            let what = format!("{} {}", one.scope, one.role);
            Some(Right { through, given_by: one.created_by.clone(), ..right("azure", &what) })
        });
        let defender = self.defender.assignments.values().filter_map(Replicated::truth);
        let defender = defender.filter_map(|one| {
            let through = one.principals.iter().find_map(ways)?;
            Some(Right { through, given_by: one.created_by.clone(), ..right("defender", &one.role) })
        });
        azure.chain(defender).collect()
    }
}

fn right(kind: &str, what: &str) -> Right {
    Right { kind: kind.to_owned(), what: what.to_owned(), ..Right::default() }
}

/// By what an account belongs to the address; nothing: it is somebody else's.
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
