//! A tiny customer tenant: what the actions do to it, and what a look at it shows, as of some time ago.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use entente_model::desired::GroupKind;
use entente_model::report::Reason;
use entente_model::{Guid, Timestamp};

use super::world::{DIRECTORY_READERS, READER, SCOPE};
use crate::capability::Definition;
use crate::observed::{
    AzureAssignment, Defender, DefenderAssignment, DefenderRole, EntraAssignment, EntraDefinition, Group, Holding,
    Listing, Observed, Part, Rights, User,
};
use crate::reads::ReadSet;
use crate::record::Outcome;
use crate::write::{Action, AzureWrite, DefenderWrite, EntraWrite, GroupWrite, MemberWrite, UserWrite};

/// What happens to the next call instead of the plain thing.
#[derive(Debug, Clone, PartialEq)]
pub enum Mishap {
    /// Done, and the answer is lost.
    AnswerLost,
    /// Not done, and the answer is lost.
    CallLost,
    /// Answered with an id, and nothing ever comes of it.
    Phantom,
    Refused(Reason),
}

/// A field that an answer does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    Enabled,
    Redeemed,
    Issuers,
    Created,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    pub users: BTreeMap<Guid, User>,
    /// Deleted, and not for good yet.
    pub bin: BTreeMap<Guid, User>,
    pub groups: BTreeMap<Guid, Group>,
    pub members: BTreeMap<Guid, BTreeSet<Guid>>,
    pub azure: Vec<AzureAssignment>,
    /// What Microsoft has changed of role definitions.
    pub definitions: BTreeMap<Guid, Option<Definition>>,
    pub defender: Defender,
    /// Who holds which directory role.
    pub entra: Vec<(Guid, EntraAssignment)>,
    /// Directory roles that are shown otherwise than they were.
    pub directory_roles: BTreeMap<Guid, Option<EntraDefinition>>,
    /// What Microsoft has added to directory roles.
    pub grown: BTreeMap<Guid, BTreeSet<String>>,
    /// Directory roles and the like that the customer gave.
    pub holdings: BTreeMap<Guid, Vec<Holding>>,
}

#[derive(Debug, Default)]
pub struct Tenant {
    pub state: State,
    /// As it was from each time on; looks see the past.
    history: Vec<(Timestamp, State)>,
    pub mishaps: VecDeque<Mishap>,
    pub unread: BTreeMap<&'static str, Reason>,
    /// Guests by an address that no look-up shows, and that an invitation finds all the same.
    pub known_as: BTreeMap<String, Guid>,
    /// How far Microsoft's clock is behind ours.
    pub behind: Duration,
    /// Lists whose entries are not understood: they are there, and the look does not show them.
    pub odd: BTreeSet<Listing>,
    /// Groups whose id answers nothing, though they are there.
    pub unfound: BTreeSet<Guid>,
    /// Groups whose list of members is not answered, and users who are not answered by id.
    pub unanswered: BTreeSet<Guid>,
    /// The tenant's own list of whom our invitations made, by the address that they were sent to.
    pub made: BTreeMap<Guid, String>,
    /// What answers leave out of these users.
    pub bent: BTreeMap<Guid, Missing>,
    /// An invitation of somebody who is there is answered with who is there, and a second group of a name is made: for
    /// agents that have lost what they knew.
    pub invites_again: bool,
    next_id: u128,
}

impl Tenant {
    pub fn id(&mut self) -> Guid {
        self.next_id += 1;
        Guid::from_u128(0x00e0_0000_0000_4000_8000_0000_0000_0000 + self.next_id)
    }

    /// Keeps the state for looks that lag.
    pub fn keep(&mut self, now: Timestamp) {
        self.history.push((now, self.state.clone()));
    }

    fn seen(&self, at: Timestamp) -> State {
        self.history.iter().rev().find(|(time, _)| *time <= at).map(|(_, state)| state.clone()).unwrap_or_default()
    }

    /// `at`: as of when it shows the tenant; `read`: when it is read, by our clock.
    pub fn observe(&self, reads: &ReadSet, at: Timestamp, read: Timestamp) -> Observed {
        let mut state = self.seen(at);
        for (id, missing) in &self.bent {
            let Some(user) = state.users.get_mut(id) else { continue };
            match missing {
                Missing::Enabled => user.enabled = None,
                Missing::Redeemed => user.redeemed = None,
                Missing::Issuers => user.issuers = None,
                Missing::Created => user.created = None,
            }
        }
        let read_at = Timestamp::from_unix(read.as_unix() - self.behind.as_secs() as i64);
        let text = || vec!["an entry of a later kind".to_owned()];
        let odd = self.odd.iter().map(|listing| (listing.clone(), text())).collect();
        let mut observed = Observed { odd, ..Observed::default() };
        for id in &reads.user_ids {
            let part = if self.unread.contains_key("ids") { "ids" } else { "users" };
            observed.users.insert(*id, self.one(part, *id, state.users.get(id).cloned()));
        }
        let mut principals = reads.principals.clone();
        for mail in &reads.mails {
            let has = |it: &&User| it.mail == *mail || it.addresses.contains(mail);
            let found: Vec<User> = state.users.values().filter(has).cloned().collect();
            observed.dates.insert(Listing::UsersByMail(mail.clone()), read_at);
            if reads.principals_by_mail.contains(mail) {
                principals.extend(found.iter().filter_map(|user| user.id));
            }
            observed.users_by_mail.insert(mail.clone(), self.part("users", found));
        }
        for id in &reads.group_ids {
            let found = state.groups.get(id).filter(|it| !self.unfound.contains(&it.id)).cloned();
            let found = found.map(|it| self.with_parents(&state, it));
            observed.groups.insert(*id, self.part("groups", found));
        }
        let mut listed = reads.members.clone();
        let mut named = BTreeSet::new();
        for name in &reads.group_names {
            let found: Vec<Group> = state.groups.values().filter(|it| it.display_name == *name).cloned().collect();
            if reads.members_by_name.contains(name) {
                listed.extend(found.iter().map(|group| group.id));
                named.extend(found.iter().map(|group| group.id));
            }
            observed.dates.insert(Listing::GroupsByName(name.clone()), read_at);
            observed.groups_by_name.insert(name.clone(), self.part("groups", found));
        }
        for mail in &reads.bin {
            let has = |it: &&User| it.mail == *mail || it.addresses.contains(mail);
            let found: Vec<User> = state.bin.values().filter(has).cloned().collect();
            observed.bin.insert(mail.clone(), self.part("bin", found));
        }
        observed.dates.insert(Listing::Defender, read_at);
        let marked_names = reads.marked_in_name.iter();
        let mut marked: BTreeSet<Guid> = reads.marked_in.clone();
        marked.extend(
            state.groups.values().filter(|it| marked_names.clone().any(|n| *n == it.display_name)).map(|it| it.id),
        );
        for id in marked.iter().filter_map(|group| state.members.get(group)).flatten() {
            observed.users.insert(*id, self.one("users", *id, state.users.get(id).cloned()));
        }
        let is_found = |id: &&Guid| state.groups.contains_key(id) && !self.unfound.contains(id);
        for id in listed.iter().filter(is_found) {
            let members = state.members.get(id).cloned().unwrap_or_default();
            observed.members.insert(*id, self.one("members", *id, members));
        }
        for scope in &reads.azure_scopes {
            let at_scope = |it: &&AzureAssignment| scope.starts_with(&it.scope.to_lowercase());
            let found = state.azure.iter().filter(at_scope).cloned().collect();
            observed.azure.insert(scope.clone(), self.part("azure", found));
        }
        for id in reads.azure_definitions.keys() {
            let shown = state.definitions.get(id).cloned().unwrap_or_else(|| Some(definition(*id)));
            observed.azure_definitions.insert(*id, self.part("definitions", shown));
        }
        observed.defender = reads.defender.then(|| self.part("defender", state.defender.clone()));
        for id in reads.groups_to_join(&observed.members) {
            observed.group_azure.insert(id, self.azure_of(&state, id, reads));
        }
        for id in &reads.entra_definitions {
            let usual = || directory_role(*id, state.grown.get(id));
            let shown = state.directory_roles.get(id).cloned().unwrap_or_else(usual);
            observed.entra_definitions.insert(*id, self.part("entra", shown));
        }
        let by_name = named.iter().filter(|id| state.groups.get(id).is_some_and(is_carrier) && reads.entra);
        for id in reads.entra_principals.iter().chain(by_name) {
            observed.entra.insert(*id, self.entra_of(&state, *id));
        }
        for id in principals {
            observed.rights.insert(id, self.rights(&state, id, reads));
        }
        observed
    }

    /// The customer's own group of that name, with a right of its own.
    pub fn team(&mut self, name: &str, now: Timestamp) -> Guid {
        if let Some(group) = self.state.groups.values().find(|group| group.display_name == name) {
            return group.id;
        }
        let (team, name) = (self.add_group(name, "", now), self.id());
        let right = AzureAssignment { scope: SCOPE.into(), name, principal: team, definition: READER };
        self.state.azure.push(right);
        team
    }

    /// The groups that somebody is in, by the tenant's own books: directly, and through other groups.
    pub fn groups_of(&self, id: Guid) -> BTreeSet<Guid> {
        let (mut found, mut open) = (BTreeSet::new(), vec![id]);
        while let Some(member) = open.pop() {
            let groups = self.state.members.iter().filter(|(_, members)| members.contains(&member));
            open.extend(groups.map(|(group, _)| *group).filter(|group| found.insert(*group)));
        }
        found
    }

    /// What a user or a group is in.
    fn memberships(&self, state: &State, id: Guid) -> Vec<Holding> {
        let groups = state.members.iter().filter(|(_, members)| members.contains(&id));
        let holding = |group: &Guid| Holding {
            id: *group,
            kind: "group".into(),
            name: state.groups.get(group).map(|it| it.display_name.clone()).unwrap_or_default(),
        };
        let given = state.holdings.get(&id).cloned().unwrap_or_default();
        // As Graph has it: a role over the whole tenant is among what somebody is in, under an id of its own.
        let roles = state.entra.iter().filter(|(holder, it)| *holder == id && it.part.is_none());
        let roles = roles.map(|(_, it)| Holding {
            id: Guid::from_u128(it.definition.as_uuid().as_u128() ^ 1),
            kind: "directory role".into(),
            name: it.definition.to_string(),
        });
        groups.map(|(group, _)| holding(group)).chain(roles).chain(given).collect()
    }

    fn with_parents(&self, state: &State, group: Group) -> Group {
        let is_unread = self.unread.contains_key("parents");
        Group { within: (!is_unread).then(|| self.memberships(state, group.id)), ..group }
    }

    fn azure_of(&self, state: &State, id: Guid, reads: &ReadSet) -> BTreeMap<String, Part<Vec<AzureAssignment>>> {
        let held: Vec<_> = state.azure.iter().filter(|it| it.principal == id).cloned().collect();
        let at = reads.principal_scopes.iter().map(|scope| {
            let is_odd = self.odd.contains(&Listing::AzureOf(id, scope.clone()));
            (scope.clone(), self.part("azure", if is_odd { Vec::new() } else { held.clone() }))
        });
        at.collect()
    }

    fn rights(&self, state: &State, id: Guid, reads: &ReadSet) -> Rights {
        let mut memberships = self.memberships(state, id);
        memberships.retain(|_| !self.odd.contains(&Listing::MembershipsOf(id)));
        let entra = reads.entra.then(|| self.entra_of(state, id));
        Rights { memberships: self.part("members", memberships), azure: self.azure_of(state, id, reads), entra }
    }

    fn entra_of(&self, state: &State, id: Guid) -> Part<Vec<EntraAssignment>> {
        let held = state.entra.iter().filter(|(principal, _)| *principal == id).map(|(_, it)| it.clone()).collect();
        self.part("entra", if self.odd.contains(&Listing::EntraOf(id)) { Vec::new() } else { held })
    }

    /// Whom no permission alone lets anybody block: holders of directory roles, and who is in a group that may have some.
    pub fn is_out_of_reach(&self, user: Guid) -> bool {
        let holds = |id: Guid| self.state.entra.iter().any(|(principal, it)| *principal == id && it.part.is_none());
        let is_in = |(group, members): (&Guid, &BTreeSet<Guid>)| {
            self.state.groups.get(group).is_some_and(is_carrier) && members.contains(&user)
        };
        holds(user) || self.state.members.iter().any(is_in)
    }

    fn one<T>(&self, name: &str, id: Guid, value: T) -> Part<T> {
        match self.unanswered.contains(&id) {
            true => Part::unread(Reason::CloudUnavailable, "closed for the test"),
            false => self.part(name, value),
        }
    }

    fn part<T>(&self, name: &str, value: T) -> Part<T> {
        match self.unread.get(name) {
            Some(reason) => Part::unread(*reason, "closed for the test"),
            None => Part::Read(value),
        }
    }

    pub fn perform(&mut self, action: &Action, now: Timestamp) -> Outcome {
        let unknown = Outcome::Unknown { detail: "no answer".into() };
        match self.mishaps.pop_front() {
            Some(Mishap::Refused(reason)) => Outcome::Failed { reason, detail: "refused".into(), retry_after: None },
            Some(Mishap::CallLost) => unknown,
            Some(Mishap::Phantom) => Outcome::Done { id: Some(self.id().to_string()), redeem_url: None },
            Some(Mishap::AnswerLost) => {
                self.done(action, now);
                unknown
            }
            None => match action {
                Action::User(UserWrite::Block { user, .. }) if self.is_out_of_reach(*user) => {
                    let (reason, detail) = (Reason::PermissionMissing, "out of reach".into());
                    Outcome::Failed { reason, detail, retry_after: None }
                }
                Action::Entra(EntraWrite::Assign { definition, principal }) if self.holds(*principal, *definition) => {
                    let (reason, detail) = (Reason::Propagation, "a conflicting object".into());
                    Outcome::Failed { reason, detail, retry_after: None }
                }
                _ => Outcome::Done { id: self.done(action, now), redeem_url: redeem_url(action) },
            },
        }
    }

    fn done(&mut self, action: &Action, now: Timestamp) -> Option<String> {
        match action.clone() {
            Action::User(UserWrite::Block { user, .. }) => self.enable(user, false),
            Action::User(UserWrite::Unblock { user }) => self.enable(user, true),
            Action::User(UserWrite::RevokeSessions { .. }) => {}
            Action::User(UserWrite::Delete { user }) => self.delete_user(user),
            Action::User(UserWrite::Invite { mail, display_name }) => {
                // Measured on nothing: an invitation of a present guest is taken to answer with the same user.
                if let Some(known) = self.known_as.get(&mail) {
                    return Some(known.to_string());
                }
                let there = self.state.users.values().find(|it| it.mail == mail);
                if let Some(there) = there.filter(|_| self.invites_again) {
                    return there.id.map(|id| id.to_string());
                }
                assert!(there.is_none(), "a duplicate invitation of {mail}");
                let id = self.add_guest(&mail, &display_name, now);
                self.made.insert(id, mail);
                return Some(id.to_string());
            }
            Action::Group(GroupWrite::Create { display_name, description, kind, .. }) => {
                assert!(
                    self.invites_again || !self.state.groups.values().any(|it| it.display_name == display_name),
                    "a second {display_name}"
                );
                let id = self.add_group(&display_name, &description, now);
                self.state.groups.get_mut(&id).expect("made a line above").kind = Some(kind);
                return Some(id.to_string());
            }
            // Who is deleted cannot be put into a group.
            Action::Member(MemberWrite::Add { user, .. }) if !self.state.users.contains_key(&user) => {}
            Action::Member(MemberWrite::Add { group, user }) => {
                _ = self.state.members.entry(group).or_default().insert(user)
            }
            Action::Member(MemberWrite::Remove { group, user }) => {
                _ = self.state.members.entry(group).or_default().remove(&user)
            }
            Action::Entra(EntraWrite::Assign { definition, principal }) => {
                self.give_role(principal, definition);
            }
            Action::Entra(EntraWrite::Remove { id }) => self.state.entra.retain(|(_, it)| it.id != id),
            Action::Azure(AzureWrite::Put { name, scope, definition, principal, .. }) => {
                let same = |it: &AzureAssignment| it.principal == principal && it.definition == definition;
                if !self.state.azure.iter().any(|it| same(it) && it.scope == scope) {
                    self.state.azure.push(AzureAssignment { scope, name, principal, definition });
                }
            }
            Action::Azure(AzureWrite::Delete { name, .. }) => self.state.azure.retain(|it| it.name != name),
            Action::Defender(DefenderWrite::CreateRole { display_name, description, actions }) => {
                let id = self.id().to_string();
                let actions = crate::planes::defender::actions::canonical(&actions);
                self.state.defender.roles.push(DefenderRole { id: id.clone(), display_name, description, actions });
                return Some(id);
            }
            Action::Defender(DefenderWrite::UpdateRole { id, actions, .. }) => {
                let role = self.state.defender.roles.iter_mut().find(|it| it.id == id);
                role.unwrap().actions = crate::planes::defender::actions::canonical(&actions);
            }
            Action::Defender(DefenderWrite::CreateAssignment { display_name, role, principal, app_scopes, .. }) => {
                let id = self.id().to_string();
                let principals = [principal].into();
                let assignment = DefenderAssignment { id: id.clone(), display_name, role, principals, app_scopes };
                self.state.defender.assignments.push(assignment);
                return Some(id);
            }
            Action::Defender(DefenderWrite::DeleteAssignment { id }) => {
                self.state.defender.assignments.retain(|it| it.id != id)
            }
            Action::Defender(DefenderWrite::DeleteRole { id }) => self.state.defender.roles.retain(|it| it.id != id),
        }
        None
    }

    fn holds(&self, principal: Guid, definition: Guid) -> bool {
        self.state.entra.iter().any(|(holder, it)| *holder == principal && it.definition == definition)
    }

    /// A directory role over the whole tenant, whoever gives it.
    pub fn give_role(&mut self, principal: Guid, definition: Guid) {
        let id = format!("role-{}-1", self.id());
        self.state.entra.push((principal, EntraAssignment { id, definition, part: None }));
    }

    pub fn enable(&mut self, user: Guid, enabled: bool) {
        if let Some(user) = self.state.users.get_mut(&user) {
            user.enabled = Some(enabled);
        }
    }

    pub fn delete_user(&mut self, user: Guid) {
        if let Some(gone) = self.state.users.remove(&user) {
            self.state.bin.insert(user, gone);
        }
        self.state.members.values_mut().for_each(|members| _ = members.remove(&user));
    }

    pub fn add_guest(&mut self, mail: &str, name: &str, now: Timestamp) -> Guid {
        let id = self.id();
        let user = User {
            id: Some(id),
            display_name: name.into(),
            upn: format!("{}#EXT#@contoso.example", mail.replace('@', "_")),
            mail: mail.into(),
            enabled: Some(true),
            user_type: "Guest".into(),
            creation_type: Some("Invitation".into()),
            created: Some(Timestamp::from_unix(now.as_unix() - self.behind.as_secs() as i64)),
            redeemed: Some(false),
            issuers: Some(vec!["contoso.example".into()]),
            addresses: [mail.to_ascii_lowercase()].into(),
        };
        self.state.users.insert(id, user);
        id
    }

    /// A person of the customer's brings back what was deleted.
    pub fn restore(&mut self, user: Guid) {
        if let Some(back) = self.state.bin.remove(&user) {
            self.state.users.insert(user, User { enabled: Some(true), ..back });
        }
    }

    /// An account that the customer made, and that has an address of ours among its own.
    pub fn add_other(&mut self, mail: &str, now: Timestamp) -> Guid {
        let id = self.add_guest(mail, "other", now);
        let user = self.state.users.get_mut(&id).expect("made a line above");
        user.mail = format!("contractor-{id}@contoso.example");
        user.created = Some(Timestamp::from_unix(now.as_unix() - 86_400));
        (user.creation_type, user.user_type) = (None, "Member".into());
        id
    }

    pub fn add_group(&mut self, name: &str, description: &str, now: Timestamp) -> Guid {
        let id = self.id();
        let (display_name, description) = (name.to_string(), description.to_string());
        self.state.groups.insert(
            id,
            Group { id, display_name, description, created: Some(now), kind: Some(GroupKind::Plain), within: None },
        );
        id
    }
}

fn is_carrier(group: &Group) -> bool {
    group.kind == Some(GroupKind::RoleAssignable)
}

/// An action that the directory roles of the tests have, and what was added (Entra: built-in roles).
pub fn directory_role(id: Guid, grown: Option<&BTreeSet<String>>) -> Option<EntraDefinition> {
    let own = "microsoft.directory/applicationPolicies/standard/read";
    let own = if id == DIRECTORY_READERS { own } else { "microsoft.directory/auditLogs/allProperties/read" };
    let actions = grown.into_iter().flatten().cloned().chain([own.to_owned()]).collect();
    let inherits_from = if id == DIRECTORY_READERS { BTreeSet::new() } else { [DIRECTORY_READERS].into() };
    Some(EntraDefinition { is_built_in: true, actions, inherits_from: Some(inherits_from) })
}

/// Some of the actions that the roles of the tests have (Azure: built-in roles).
pub fn definition(id: Guid) -> Definition {
    let name = entente_model::catalog::AZURE_ROLES.iter().find(|role| role.id == id).map_or("", |role| role.name);
    let actions: &[&str] = match name {
        "Microsoft Sentinel Responder" => &[
            "Microsoft.Authorization/*/read",
            "Microsoft.OperationalInsights/workspaces/query/*/read",
            "Microsoft.SecurityInsights/*/read",
            "Microsoft.SecurityInsights/automationRules/*",
            "Microsoft.SecurityInsights/incidents/*",
            "Microsoft.Support/*",
        ],
        "Microsoft Sentinel Playbook Operator" => &["Microsoft.Logic/workflows/triggers/listCallbackUrl/action"],
        _ => &["*/read"],
    };
    let actions = actions.iter().map(ToString::to_string).collect();
    Definition { role_name: name.into(), actions, data_actions: BTreeSet::new() }
}

fn redeem_url(action: &Action) -> Option<String> {
    matches!(action, Action::User(UserWrite::Invite { .. }))
        .then(|| "https://login.microsoftonline.com/redeem?rd=x".into())
}
