//! One customer tenant: its directory, Azure assignments, Defender and directory roles, and the records about its
//! callers.
//!
//! A tenant lives behind one lock, and nothing here waits. What requests mean is in `planes`;
//! this file holds the state and the questions that all of them ask of it.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::clock::Now;
use crate::control::seed::SettingsPatch;
use crate::control::types::Counters;
use crate::planes::azure::state::Azure;
use crate::planes::defender::state::Defender;
use crate::planes::entra::state::{Entra, EntraAssignment};
use crate::planes::groups::group::{Group, GroupEntry};
use crate::planes::members::membership::Membership;
use crate::planes::users::account::{Invitation, Pending, Session, User};
use crate::replicated::{Arrival, Lag, Replicated, View};
use crate::switches::Switches;

pub mod bin;
pub mod lookup;
pub mod props;
pub mod recycling;
pub mod rounds;
pub mod seeding;
pub mod settings;
pub mod throttle;

pub use bin::Deleted;
pub use props::Props;
pub use settings::Settings;

/// How many unowned writes are kept by name; the count goes on.
const UNOWNED_KEPT: usize = 100;

/// An application and its service principal here.
#[derive(Debug, Clone)]
pub struct App {
    pub app_id: String,
    pub sp_id: String,
    pub display_name: String,
    pub secret: Option<String>,
    pub certificates: Vec<crate::assertion::Certificate>,
    pub permissions: Vec<String>,
    pub enabled: bool,
}

/// Who is calling, as the token says.
#[derive(Debug, Clone)]
pub struct Caller {
    pub app_id: String,
    pub sp_id: String,
    /// Graph application permissions in the token.
    pub roles: Vec<String>,
}

impl Caller {
    /// Whether the token carries any of these permissions.
    pub fn holds(&self, any: &[&str]) -> bool {
        self.roles.iter().any(|role| any.contains(&role.as_str()))
    }

    /// A membership of this application's doing.
    pub fn adds(&self) -> Option<Membership> {
        Some(Membership { added_by: Some(self.app_id.clone()) })
    }
}

#[derive(Debug)]
pub struct Tenant {
    pub id: String,
    pub domain: String,
    pub display_name: String,
    pub seed: u64,
    pub licences: Vec<String>,
    pub security_defaults: bool,
    pub settings: Settings,
    pub switches: Switches,
    pub apps: Vec<App>,
    pub users: BTreeMap<String, Replicated<User>>,
    pub groups: BTreeMap<String, GroupEntry>,
    pub deleted: BTreeMap<String, bin::Entry>,
    pub azure: Azure,
    pub defender: Defender,
    pub entra: Entra,
    pub throttle: throttle::Throttle,
    pub invitations: Vec<Invitation>,
    pub counters: Counters,
    /// Per application: how many changes to what it did not create, and the newest.
    pub unowned: BTreeMap<String, (u64, Vec<String>)>,
    pub redemptions: Vec<Pending>,
    /// Of delta queries.
    pub rounds: rounds::Rounds,
    /// Of people, by object id.
    pub sessions: BTreeMap<String, Session>,
    /// Whether the current request's handler has named the creator of the object that it wrote.
    pub accounted: bool,
    ids_made: u64,
}

impl Tenant {
    /// The next object id; the same in every run with the same seed.
    pub fn new_id(&mut self) -> String {
        self.ids_made += 1;
        let name = format!("{}/{}/{}", self.seed, self.id, self.ids_made);
        Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
    }

    /// When a write to `key` shows.
    pub fn arrival(&self, key: &str, now: Now) -> Arrival {
        let lag = Lag {
            seconds: self.settings.lag_seconds,
            index_factor: self.settings.index_lag_factor,
            arm_factor: self.settings.arm_lag_factor,
            seed: self.seed,
        };
        lag.arrival(key, now.seconds)
    }

    /// Catches up with what happens by itself: redemptions, and the end of what was deleted.
    pub fn settle(&mut self, now: Now) {
        self.empty_bin(now);
        self.go_on_redeeming(now);
    }

    pub fn apply_settings(&mut self, patch: &SettingsPatch) {
        self.settings.apply(patch);
        if let Some(active) = patch.defender_active {
            self.defender.active = active;
        }
    }

    pub fn app(&self, app_id: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.app_id.eq_ignore_ascii_case(app_id))
    }

    pub fn user(&self, id: &str) -> Option<&User> {
        self.users.get(id).and_then(Replicated::truth)
    }

    pub fn user_seen(&self, id: &str, view: View, now: Now) -> Option<&User> {
        self.users.get(id).and_then(|user| user.seen(view, now.seconds))
    }

    pub fn users_seen(&self, view: View, now: Now) -> impl Iterator<Item = &User> {
        self.users.values().filter_map(move |user| user.seen(view, now.seconds))
    }

    pub fn group(&self, id: &str) -> Option<&Group> {
        self.groups.get(id).and_then(|group| group.object.truth())
    }

    pub fn group_seen(&self, id: &str, view: View, now: Now) -> Option<&Group> {
        self.groups.get(id).and_then(|group| group.object.seen(view, now.seconds))
    }

    /// Writes a new state of a user; readers learn of it after the lag.
    pub fn write_user(&mut self, id: &str, value: Option<User>, now: Now) {
        let arrival = self.arrival(id, now);
        match (self.users.get_mut(id), value) {
            (Some(user), value) => user.write(value, now.seconds, arrival),
            (None, Some(value)) => {
                self.users.insert(id.to_owned(), Replicated::created(value, arrival));
            }
            (None, None) => {}
        }
        self.note_session(id, now);
    }

    pub fn write_group(&mut self, id: &str, value: Option<Group>, now: Now) {
        let arrival = self.arrival(id, now);
        match (self.groups.get_mut(id), value) {
            (Some(group), value) => group.object.write(value, now.seconds, arrival),
            (None, Some(value)) => {
                let object = Replicated::created(value, arrival);
                self.groups
                    .insert(id.to_owned(), GroupEntry { object, members: BTreeMap::new(), owners: BTreeSet::new() });
            }
            (None, None) => {}
        }
    }

    /// Adds a membership, or removes it (`None`).
    pub fn write_member(&mut self, group: &str, member: &str, membership: Option<Membership>, now: Now) {
        let arrival = self.arrival(&format!("{group}/{member}"), now);
        let Some(entry) = self.groups.get_mut(group) else { return };
        entry.members.retain(|_, one| !one.forgotten(now.seconds));
        match (entry.members.get_mut(member), membership) {
            (Some(one), membership) => one.write(membership, now.seconds, arrival),
            (None, Some(membership)) => {
                entry.members.insert(member.to_owned(), Replicated::created(membership, arrival));
            }
            (None, None) => {}
        }
    }

    /// Gives a directory role, or takes it (`None`).
    pub fn write_directory_role(&mut self, id: &str, value: Option<EntraAssignment>, now: Now) {
        let arrival = self.arrival(id, now);
        match (self.entra.assignments.get_mut(id), value) {
            (Some(one), value) => one.write(value, now.seconds, arrival),
            (None, Some(value)) => {
                self.entra.assignments.insert(id.to_owned(), Replicated::created(value, arrival));
            }
            (None, None) => {}
        }
    }

    /// Ids of the members that such a reader sees; deleted principals are not members.
    pub fn members_seen(&self, group: &str, view: View, now: Now) -> Vec<&str> {
        let Some(entry) = self.groups.get(group) else { return Vec::new() };
        let seen = entry.members.iter().filter(|(_, member)| member.seen(view, now.seconds).is_some());
        seen.map(|(id, _)| id.as_str()).filter(|id| self.kind(id).is_some()).collect()
    }

    /// The truth about whose member a principal is, through nested groups too.
    pub fn groups_of(&self, principal: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut pending = vec![principal.to_owned()];
        while let Some(id) = pending.pop() {
            for (group, entry) in &self.groups {
                if entry.object.truth().is_some() && entry.has_member(&id) && found.insert(group.clone()) {
                    pending.push(group.clone());
                }
            }
        }
        found
    }

    /// What kind of principal an id names: `User`, `Group` or `ServicePrincipal`.
    pub fn kind(&self, id: &str) -> Option<&'static str> {
        if self.user(id).is_some() {
            Some("User")
        } else if self.group(id).is_some() {
            Some("Group")
        } else {
            self.apps.iter().any(|app| app.sp_id == id).then_some("ServicePrincipal")
        }
    }

    /// Whether a reader of this kind knows the principal already.
    pub fn principal_seen(&self, id: &str, view: View, now: Now) -> bool {
        self.user_seen(id, view, now).is_some()
            || self.group_seen(id, view, now).is_some()
            || self.apps.iter().any(|app| app.sp_id == id)
    }

    /// Whether a licence here includes `P1` or `P2`.
    pub fn is_licensed(&self, plan: &str) -> bool {
        let implies: &[&str] = match plan {
            "P1" => &["P1", "P2", "E3", "E5"],
            _ => &["P2", "E5"],
        };
        self.licences.iter().any(|licence| implies.contains(&licence.as_str()))
    }

    /// Notes a write that changed no existing object: it made something new, or had nothing to do.
    pub fn record_harmless(&mut self) {
        self.accounted = true;
    }

    /// Notes a successful change; counted if the application did not create the object.
    pub fn record_write(&mut self, caller: &Caller, creator: Option<&str>, what: String) {
        self.accounted = true;
        if creator == Some(caller.app_id.as_str()) {
            return;
        }
        let (count, newest) = self.unowned.entry(caller.app_id.clone()).or_default();
        *count += 1;
        newest.push(what);
        if newest.len() > UNOWNED_KEPT {
            newest.remove(0);
        }
    }
}
