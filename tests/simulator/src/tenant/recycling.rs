//! The recycle bin: what was deleted waits 30 days, is restored with what it had, or is purged.
//!
//! Memberships, ownerships and role assignments of what waits here stay on record and count for nothing; they work
//! again when it is restored (Graph: directory-deleteditems-restore).

use serde_json::{Value, json};

use super::Tenant;
use super::bin::{Deleted, Entry};
use crate::clock::Now;
use crate::planes::groups::group::Group;
use crate::planes::users::account::User;

/// How long what was deleted can come back (Graph: directory-deleteditems-restore).
pub const KEPT_SECONDS: f64 = 30.0 * 24.0 * 3600.0;

impl Tenant {
    /// Deletes a user as Entra does: for 30 days it can be restored.
    pub fn soft_delete_user(&mut self, id: &str, now: Now) {
        if let Some(user) = self.user(id).cloned() {
            self.write_user(id, None, now);
            self.throw_in_bin(id, Deleted::User(user), now);
        }
    }

    pub fn delete_group(&mut self, id: &str, now: Now) {
        if let Some(group) = self.group(id).cloned() {
            self.write_group(id, None, now);
            if self.switches.is("group_delete", "soft") {
                self.throw_in_bin(id, Deleted::Group(group), now);
            }
        }
    }

    fn throw_in_bin(&mut self, id: &str, mut what: Deleted, now: Now) {
        what.props_mut().insert("deletedDateTime".into(), json!(now.date()));
        if let (Deleted::User(user), true) = (&mut what, self.switches.is("deleted_user_name", "prefixed")) {
            let name = format!("{}{}", id.replace('-', ""), user.text("userPrincipalName"));
            user.props.insert("userPrincipalName".into(), json!(name));
        }
        self.deleted.insert(id.to_owned(), Entry { what, until: now.seconds + KEPT_SECONDS });
    }

    /// Takes an object out of the bin and back into the directory; it is as it was. `None`: it is not there.
    pub fn restore(&mut self, id: &str, now: Now) -> Option<Deleted> {
        let mut what = self.deleted.remove(id)?.what;
        what.props_mut().insert("deletedDateTime".into(), Value::Null);
        match &mut what {
            Deleted::User(user) => {
                let prefix = id.replace('-', "");
                let name = user.text("userPrincipalName");
                let name = name.strip_prefix(&prefix).unwrap_or(name).to_owned();
                user.props.insert("userPrincipalName".into(), json!(name));
                self.write_user(id, Some(user.clone()), now);
            }
            Deleted::Group(group) => self.write_group(id, Some(group.clone()), now),
        }
        Some(what)
    }

    /// Purges an object with its memberships, ownerships and directory roles. Azure assignments stay, without a
    /// principal.
    pub fn purge(&mut self, id: &str, now: Now) -> bool {
        if self.deleted.remove(id).is_none() {
            return false;
        }
        let of: Vec<String> =
            self.groups.iter().filter(|(_, entry)| entry.has_member(id)).map(|(group, _)| group.clone()).collect();
        for group in of {
            self.write_member(&group, id, None, now);
        }
        for entry in self.groups.values_mut() {
            entry.owners.remove(id);
        }
        self.entra.assignments.retain(|_, one| one.truth().is_none_or(|one| one.principal != id));
        if self.groups.get(id).is_some_and(|entry| entry.object.truth().is_none()) {
            self.groups.remove(id);
        }
        true
    }

    /// Purges what has waited long enough.
    pub fn empty_bin(&mut self, now: Now) {
        let due = self.deleted.iter().filter(|(_, entry)| entry.until <= now.seconds).map(|(id, _)| id.clone());
        for id in due.collect::<Vec<_>>() {
            self.purge(&id, now);
        }
    }

    pub fn deleted_users(&self) -> impl Iterator<Item = &User> {
        self.deleted.values().filter_map(|entry| match &entry.what {
            Deleted::User(user) => Some(user),
            Deleted::Group(_) => None,
        })
    }

    pub fn deleted_groups(&self) -> impl Iterator<Item = &Group> {
        self.deleted.values().filter_map(|entry| match &entry.what {
            Deleted::Group(group) => Some(group),
            Deleted::User(_) => None,
        })
    }

    /// What in the bin an id, one of a user's addresses or a group's name stands for.
    pub fn resolve_deleted(&self, reference: &str) -> Option<String> {
        let by_id = self.deleted.contains_key(reference).then(|| reference.to_owned());
        let user = || self.deleted_users().find(|user| user.answers_to(reference)).map(|user| user.id.clone());
        let group =
            || self.deleted_groups().find(|group| group.text("displayName") == reference).map(|one| one.id.clone());
        by_id.or_else(user).or_else(group)
    }
}
