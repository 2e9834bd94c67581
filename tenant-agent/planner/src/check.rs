//! A second opinion on a plan. Shares no decision with [`crate::plan`]: it reads the plan, the guardrail, the ledger
//! and what was observed, and says which rule a change that would be carried out breaks. It must find no fault in
//! any plan; the agent asks it before it acts.

mod facts;
mod people;

use std::collections::BTreeSet;

use entente_model::desired::{DefenderAssignmentKey, DefenderRoleBody, DefenderRoleKey, Item, ItemBody, ItemKey, Want};
use entente_model::plan::{ChangeClass, Verdict};
use entente_model::report::Reason;
use entente_model::time::Phase;
use entente_model::{Guid, Plane, PlaneMode, Timestamp, catalog};

use crate::capability;
use crate::defender::{covers, resolve};
use crate::guardrail::{Adopt, FreezeExcept, Guardrail, OnLeave};
use crate::ledger::{Charge, Claim, DAY, Ledger, LedgerEntry, LedgerKey, Thing, Update};
use crate::observed::{Group, Listing, Part, User};
use crate::plan::{Change, Input, Plan};
use crate::write::{Action, AzureWrite, DefenderWrite, GroupWrite, MemberWrite, UserWrite};
use facts::{adopts, allows, holds_only, is_removal, is_thing, narrows, object_id, touched};

/// A rule that a plan breaks. What may be done all the same is [`crate::salvage`]'s to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub rule: &'static str,
    pub detail: String,
    /// Whose item it is about; `None` for a fault that leaving out one item would not mend.
    pub key: Option<LedgerKey>,
    /// Which change of that item; `None` for all of them.
    pub action: Option<Action>,
}

/// Everything that is wrong with a plan made from this input.
pub fn check(plan: &Plan, input: &Input<'_>) -> Vec<Fault> {
    let mut checker = checked(plan, input);
    checker.reports(plan);
    checker.faults
}

/// The same of [`crate::plan::first`], which says nothing of how things stand.
pub fn check_first(plan: &Plan, input: &Input<'_>) -> Vec<Fault> {
    checked(plan, input).faults
}

fn checked<'a>(plan: &Plan, input: &'a Input<'a>) -> Checker<'a> {
    // The plan's own bookkeeping is done before its changes: what it found to be ours counts.
    let mut ledger = input.ledger.clone();
    ledger.apply_all(&plan.updates);
    let mut checker = Checker { input, ledger, faults: Vec::new() };
    for change in plan.todo() {
        checker.change(change);
    }
    checker.order(plan);
    checker.caps(plan);
    checker.twice(plan);
    checker.claims(plan);
    checker
}

struct Checker<'a> {
    input: &'a Input<'a>,
    ledger: Ledger,
    faults: Vec<Fault>,
}

impl Checker<'_> {
    fn unless(&mut self, holds: bool, rule: &'static str, change: &Change) {
        if !holds {
            let (key, action) = (Some(change.key.clone()), Some(change.action.clone()));
            self.faults.push(Fault { rule, detail: format!("{}: {}", change.key, change.action), key, action });
        }
    }

    fn whole(&mut self, rule: &'static str, detail: String) {
        self.faults.push(Fault { rule, detail, key: None, action: None });
    }

    fn item(&mut self, rule: &'static str, key: &LedgerKey) {
        self.faults.push(Fault { rule, detail: key.to_string(), key: Some(key.clone()), action: None });
    }

    /// The item that a change is for, if it is desired.
    fn wanted(&self, change: &Change) -> Option<&Item> {
        self.input.items.get(change.key.item()?)
    }

    fn change(&mut self, change: &Change) {
        self.unless(
            (change.class == ChangeClass::Grant) != is_removal(&change.action) || narrows(change),
            "a grant adds and a removal takes away",
            change,
        );
        self.times(change);
        let is_understood = self.wanted(change).is_none_or(|item| item.body != ItemBody::Unknown);
        self.unless(is_understood || change.class != ChangeClass::Grant, "grants only what is understood", change);
        match self.input.guardrail {
            Ok(guardrail) => self.guardrail(change, guardrail),
            Err(_) => self.unless(
                matches!(change.class, ChangeClass::Expiry | ChangeClass::Leaver),
                "without a readable guardrail only end dates and leavers",
                change,
            ),
        }
        self.ownership(change);
        self.people(change);
        self.observed(change);
    }

    fn times(&mut self, change: &Change) {
        let class = change.class;
        if self.input.paused {
            self.unless(class == ChangeClass::Expiry, "paused: only end dates", change);
        }
        if self.input.revoke_all {
            let passes = matches!(class, ChangeClass::Expiry | ChangeClass::Leaver);
            self.unless(passes, "after revoke-all only end dates and leavers", change);
        }
        if !self.input.lease_fresh {
            self.unless(class != ChangeClass::Grant, "without a lease no grant", change);
        }
        // Of a right too: an exemption is a window of its own.
        let is_closed = |item: &Item| !matches!(item.windows.phase(self.input.now.at), Phase::Open(_));
        let is_early_or_late = self.wanted(change).is_some_and(is_closed);
        self.unless(class != ChangeClass::Grant || !is_early_or_late, "no grant outside its window", change);
    }

    fn guardrail(&mut self, change: &Change, guardrail: &Guardrail) {
        let class = change.class;
        let is_marker = matches!(change.key, LedgerKey::Marker | LedgerKey::Marked(_));
        let managed = guardrail.mode(plane(&change.action, is_marker)) == PlaneMode::Manage;
        self.unless(managed, "writes only on managed planes", change);
        let marks = !is_marker || guardrail.mode(Plane::Memberships) == PlaneMode::Manage;
        self.unless(marks, "marks nobody where memberships are not managed", change);
        let past = guardrail.review_by.ends() <= self.input.now.at;
        self.unless(!past || class != ChangeClass::Grant, "past the review no grant", change);
        for freeze in &guardrail.freeze {
            if freeze.from.begins() <= self.input.now.at && self.input.now.at < freeze.to.ends() {
                let passes = match class {
                    ChangeClass::Expiry | ChangeClass::Leaver => true,
                    ChangeClass::OtherRemoval => freeze.except == Some(FreezeExcept::Removals),
                    ChangeClass::Grant => false,
                };
                self.unless(passes, "frozen", change);
            }
        }
        self.protected(change, guardrail);
        self.within(change, guardrail);
    }

    fn protected(&mut self, change: &Change, guardrail: &Guardrail) {
        let (users, groups) = touched(&change.action);
        let listed = |ids: &BTreeSet<String>, id: Guid| ids.iter().any(|it| it.to_lowercase() == id.to_string());
        let free = !users.into_iter().any(|id| listed(&guardrail.protected.users, id))
            && !groups.into_iter().any(|id| listed(&guardrail.protected.groups, id));
        self.unless(free, "protected objects are not touched", change);
    }

    /// What each action must fit.
    fn within(&mut self, change: &Change, guardrail: &Guardrail) {
        let prefix = &guardrail.limits.name_prefix;
        match &change.action {
            Action::User(UserWrite::Block { .. }) => {
                let may = guardrail.people.on_leave.contains(&OnLeave::Block);
                self.unless(may, "blocks only with onLeave block", change);
            }
            Action::User(UserWrite::RevokeSessions { .. }) => {
                let may = guardrail.people.on_leave.contains(&OnLeave::RevokeSessions);
                self.unless(may, "ends sessions only with onLeave revokeSessions", change);
            }
            Action::User(UserWrite::Delete { .. }) => {
                let may = guardrail.people.on_leave.contains(&OnLeave::Delete);
                self.unless(may, "deletes only with onLeave delete", change);
            }
            Action::User(UserWrite::Invite { mail, .. }) => {
                let domain = mail.split('@').next_back().unwrap_or_default().to_lowercase();
                let known = guardrail.provider.mail_domains.iter().any(|it| it.to_lowercase() == domain);
                self.unless(known, "invites only the provider's domains", change);
                let barred = guardrail.people.barred.iter().any(|it| it.eq_ignore_ascii_case(mail));
                self.unless(!barred, "invites nobody who is barred", change);
            }
            Action::Group(GroupWrite::Create { display_name, .. })
            | Action::Defender(DefenderWrite::CreateRole { display_name, .. })
            | Action::Defender(DefenderWrite::UpdateRole { display_name, .. })
            | Action::Defender(DefenderWrite::CreateAssignment { display_name, .. }) => {
                self.unless(display_name.starts_with(prefix.as_str()), "names begin with the prefix", change);
            }
            Action::Azure(AzureWrite::Put { scope, definition, .. }) => {
                self.azure(change, guardrail, scope, *definition)
            }
            Action::Member(MemberWrite::Add { group, user }) => {
                self.inherited(change, guardrail, *group);
                self.account(change, guardrail, *user);
            }
            Action::User(UserWrite::Unblock { user }) => self.account(change, guardrail, *user),
            _ => {}
        }
        // An assignment gives what its role holds.
        let giver = match &change.key {
            LedgerKey::Item(ItemKey::DefenderAssignment(DefenderAssignmentKey { role, .. })) => {
                Some(&ItemKey::DefenderRole(DefenderRoleKey { role: role.clone() }))
            }
            key => key.item(),
        };
        let item = giver.and_then(|key| self.input.items.get(key));
        if let (Some(ItemBody::DefenderRole(DefenderRoleBody { permissions, .. })), ChangeClass::Grant) =
            (item.map(|item| &item.body), change.class)
        {
            let given =
                permissions.iter().filter(|it| it.withheld_until.is_none_or(|until| until <= self.input.now.at));
            let fits = allows(guardrail, given.map(|it| it.permission.as_str()));
            self.unless(fits, "gives only allowed capabilities", change);
        }
    }

    fn azure(&mut self, change: &Change, guardrail: &Guardrail, scope: &str, definition: Guid) {
        let scope = format!("{}/", scope.to_lowercase());
        let below = |above: &String| scope.starts_with(&format!("{}/", above.to_lowercase().trim_end_matches('/')));
        self.unless(guardrail.azure.scopes.iter().any(below), "assigns only in the scopes", change);
        if let Some(home) = &guardrail.protected.agent_home {
            let above_home = format!("{}/", home.to_lowercase()).starts_with(&scope);
            self.unless(!below(home) && !above_home, "never at the agent's home", change);
        }
        let listed = guardrail.azure.roles.values().any(|id| *id == definition);
        self.unless(listed, "assigns only the listed roles", change);
        let capabilities = capability::of_azure_role(definition);
        let fits = capabilities.is_some_and(|all| all.iter().all(|it| guardrail.capabilities.allow.contains(it)));
        self.unless(fits, "gives only allowed capabilities", change);
        if guardrail.mode(Plane::AzureRoles) != PlaneMode::None {
            let shown = self.input.observed.azure_definitions.get(&definition).and_then(Part::read);
            let fits = shown.and_then(Option::as_ref).is_some_and(|shown| holds_only(guardrail, shown));
            self.unless(fits, "gives only roles whose definition, as Azure shows it, is allowed", change);
        }
    }

    /// A member gets what the group has, whoever gave it.
    fn inherited(&mut self, change: &Change, guardrail: &Guardrail, group: Guid) {
        let observed = self.input.observed;
        let of_group = observed.group_azure.get(&group);
        let lists = observed.azure.values().chain(of_group.into_iter().flat_map(|all| all.values()));
        for it in lists.filter_map(Part::read).flatten().filter(|it| it.principal == group) {
            self.azure(change, guardrail, &it.scope, it.definition);
        }
        let is_read = |scope: &String| {
            of_group.is_some_and(|all| all.iter().any(|(at, it)| at.eq_ignore_ascii_case(scope) && it.read().is_some()))
        };
        let looked = guardrail.mode(Plane::AzureRoles) == PlaneMode::None || guardrail.azure.scopes.iter().all(is_read);
        self.unless(looked, "adds nobody to a group whose Azure roles were not read", change);
        let by_id = observed.groups.get(&group).and_then(Part::read).and_then(Option::as_ref);
        let is_in_none = |it: &Group| {
            it.within.as_ref().is_some_and(|all| all.iter().all(|parent| parent.kind == "administrative unit"))
        };
        self.unless(by_id.is_some_and(is_in_none), "adds nobody to a group that is in another one", change);
        let understood =
            guardrail.mode(Plane::DefenderRoles) == PlaneMode::None || observed.odd(&Listing::Defender).is_empty();
        self.unless(understood, "adds nobody to a group while a Defender assignment is not understood", change);
        let Some(tenant) = observed.defender().read().copied() else {
            let is_closed = |it: &Part<_>| {
                let Part::Unread(why) = it else { return false };
                why.reason == Reason::UnifiedRbacInactive || why.reason == Reason::PermissionMissing
            };
            let closed = guardrail.mode(Plane::DefenderRoles) == PlaneMode::None;
            let gives_nothing = closed || observed.defender.as_ref().is_some_and(is_closed);
            return self.unless(gives_nothing, "adds nobody to a group whose Defender roles were not read", change);
        };
        for found in tenant.assignments.iter().filter(|it| it.principals.contains(&group)) {
            let role = tenant.roles.iter().find(|role| role.id == found.role);
            let all = catalog::DEFENDER_PERMISSIONS.iter().map(|it| it.id);
            let allowed = all.filter(|id| allows(guardrail, [*id].into_iter()));
            let allowed: Vec<String> = allowed.filter_map(|id| resolve(id, tenant)).collect();
            // Every action, also a wildcard or one that the catalogue does not know, must come of one.
            let fits = |action: &String| allowed.iter().any(|it| covers(it, action));
            let fits = role.is_some_and(|role| role.actions.iter().all(fits));
            self.unless(fits, "gives only allowed capabilities", change);
        }
    }

    /// Only what we made.
    fn ownership(&mut self, change: &Change) {
        let was_ours = |it: &LedgerEntry, id: Guid| it.accounts.get(&id) == Some(&Claim::Ours);
        let owns =
            |id: Guid| self.ledger.entries.values().any(|it| (is_thing(it, id) && it.is_owned()) || was_ours(it, id));
        let knows = |id: Guid| self.ledger.entries.values().any(|it| is_thing(it, id) || was_ours(it, id));
        let entry = self.ledger.get(&change.key);
        let (holds, rule) = match &change.action {
            Action::User(UserWrite::Block { user, .. })
            | Action::User(UserWrite::RevokeSessions { user })
            | Action::User(UserWrite::Delete { user }) => (owns(*user), "ends only accounts of ours"),
            Action::User(UserWrite::Unblock { user }) => {
                (owns(*user) && entry.is_some_and(|it| it.block.is_some()), "lifts only a block of ours")
            }
            Action::Member(MemberWrite::Remove { group, .. }) => {
                let ours = owns(*group) || entry.is_some_and(|it| it.is_owned() && it.thing.is_some());
                (ours && knows(*group), "removes members only from groups of ours")
            }
            Action::Member(MemberWrite::Add { group, .. }) => (knows(*group), "adds members only to groups of ours"),
            Action::Azure(AzureWrite::Delete { .. }) => (
                entry.is_some_and(|it| matches!(it.thing, Some(Thing::AzureRole { .. }))),
                "deletes only assignments of ours",
            ),
            Action::Defender(DefenderWrite::DeleteRole { id })
            | Action::Defender(DefenderWrite::DeleteAssignment { id }) => {
                let ours = entry.is_some_and(|it| it.is_owned() && object_id(it) == Some(id.clone()));
                (ours, "deletes only Defender objects of ours")
            }
            Action::Defender(DefenderWrite::UpdateRole { id, .. }) => {
                (entry.is_some_and(|it| object_id(it) == Some(id.clone())), "changes only Defender roles of ours")
            }
            Action::Azure(AzureWrite::Put { principal, .. })
            | Action::Defender(DefenderWrite::CreateAssignment { principal, .. }) => {
                (knows(*principal), "gives rights only to groups of ours")
            }
            Action::User(UserWrite::Invite { .. })
            | Action::Group(GroupWrite::Create { .. })
            | Action::Defender(DefenderWrite::CreateRole { .. }) => (
                entry.is_none_or(|it| it.intent.is_none() && it.thing.is_none()),
                "creates nothing twice: an unknown outcome is looked up",
            ),
        };
        self.unless(holds, rule, change);
    }

    /// What was seen must bear it.
    fn observed(&mut self, change: &Change) {
        let user = |id: Guid| -> Option<&User> { self.seen(id) };
        let enabled = |user: Option<&User>| user.is_some_and(|user| user.enabled == Some(true));
        let homed = |user: &User| {
            let issuers = user.issuers.iter().flatten().any(|issuer| issuer == "ExternalAzureAD");
            user.redeemed == Some(true) && issuers
        };
        let (holds, rule) = match &change.action {
            // A leaver's account may be blocked unseen, by the id that the ledger holds; never one that was seen blocked.
            Action::User(UserWrite::Block { user: id, blind }) => {
                let unshown = user(*id).is_none_or(|user| user.enabled.is_none());
                let may = if *blind { unshown && change.class == ChangeClass::Leaver } else { enabled(user(*id)) };
                (may, "blocks only who is enabled, or a leaver who cannot be looked at")
            }
            Action::Member(MemberWrite::Add { group, user: id }) if Some(*group) != self.marker() => (
                enabled(user(*id)) && user(*id).is_some_and(homed),
                "members only after redemption by an Entra account that is not blocked",
            ),
            Action::User(UserWrite::Invite { mail, .. }) => {
                let empty = matches!(self.input.observed.by_mail(mail), Part::Read(found) if found.is_empty());
                (empty, "invites only whom a look-up by mail did not find")
            }
            _ => return,
        };
        self.unless(holds, rule, change);
    }

    fn seen(&self, id: Guid) -> Option<&User> {
        let by_id = self.input.observed.users.get(&id).and_then(Part::read).and_then(Option::as_ref);
        by_id.or_else(|| {
            let found = self.input.observed.users_by_mail.values().filter_map(Part::read).flatten();
            found.into_iter().find(|user| user.id == Some(id))
        })
    }

    fn marker(&self) -> Option<Guid> {
        self.ledger.get(LedgerKey::Marker).and_then(|entry| entry.guid())
    }

    fn order(&mut self, plan: &Plan) {
        let mut seen_grant = false;
        for change in plan.todo() {
            seen_grant |= change.class == ChangeClass::Grant;
            let leaver = change.class == ChangeClass::Leaver && matches!(change.key, LedgerKey::Item(ItemKey::User(_)));
            if leaver && seen_grant {
                self.whole("leavers before grants", change.key.to_string());
            }
        }
    }

    fn caps(&mut self, plan: &Plan) {
        let Ok(guardrail) = self.input.guardrail else { return };
        let per_day = &guardrail.limits.per_day;
        let caps = [
            (Charge::Joiner, per_day.joiners),
            (Charge::Other, per_day.other_changes),
            (Charge::Implied, per_day.implied_removals),
        ];
        for (charge, cap) in caps {
            let now = self.input.now.at;
            // What is dated further ahead was counted at a time that was refuted.
            let is_recent = |at: Timestamp| now.since(at) < DAY && at.since(now) <= DAY;
            let recent = self.ledger.events.iter().filter(|it| it.charge == charge && is_recent(it.at));
            let before: BTreeSet<&LedgerKey> = recent.map(|it| &it.key).collect();
            let added: BTreeSet<&LedgerKey> = plan
                .todo()
                .filter(|it| it.charge == charge)
                .map(|it| &it.key)
                .filter(|it| !before.contains(it))
                .collect();
            // What was done under an older, wider cap is done; nothing may be added to it.
            if before.len() + added.len() > cap as usize {
                added.into_iter().for_each(|key| self.item("within the caps", key));
            }
        }
        for change in plan.todo() {
            let named = matches!(change.class, ChangeClass::Leaver | ChangeClass::Expiry);
            if named && change.charge != Charge::Free {
                self.whole("leavers and end dates are never capped", change.key.to_string());
            }
        }
    }

    fn twice(&mut self, plan: &Plan) {
        let mut seen: Vec<&Action> = Vec::new();
        for change in plan.todo() {
            if seen.contains(&&change.action) {
                self.whole("nothing twice in one plan", format!("{}: {}", change.key, change.action));
            }
            seen.push(&change.action);
        }
    }

    /// A user becomes ours only where our own invitation made it, whatever its answer said.
    fn claims(&mut self, plan: &Plan) {
        for update in &plan.updates {
            if let Update::Put(key @ LedgerKey::Account(_), entry) = update
                && let Some(Thing::User { id }) = entry.thing
                && !self.is_known_as_ours(id)
            {
                self.item("claims only accounts that were ours, or bear our mark and are known", key);
            }
            let Update::Put(key @ LedgerKey::Item(ItemKey::User(_)), entry) = update else { continue };
            let before = self.input.ledger.get(key);
            let was_ours = before.is_some_and(|old| old.is_owned() && old.thing == entry.thing);
            let Some(id) = entry.guid().filter(|_| entry.is_owned() && !was_ours) else { continue };
            let intent = before.and_then(|old| old.intent.as_ref());
            let made = self.seen(id).zip(intent).is_some_and(|(user, intent)| {
                let is_invited = user.creation_type.as_deref() == Some("Invitation");
                let is_later = user.created.zip(intent.looked).is_some_and(|(created, looked)| created >= looked);
                let is_invited = is_invited && is_later;
                let is_answered = before.is_some_and(|old| old.thing.is_none() || old.thing == entry.thing);
                is_invited && is_answered && intent.absent_before
            });
            let was_once = before.is_some_and(|old| old.accounts.get(&id) == Some(&Claim::Ours));
            if !made && !was_once {
                self.item("claims only users whom our invitation made", key);
            }
        }
    }

    /// An account beside a person's own: ours once by the ledger, or marked in the tenant and named by the control plane.
    fn is_known_as_ours(&self, id: Guid) -> bool {
        let ledger = self.input.ledger.entries.values();
        let was_ours = ledger
            .into_iter()
            .any(|it| is_thing(it, id) && it.is_owned() || it.accounts.get(&id) == Some(&Claim::Ours));
        let is_named = self.input.items.values().any(|item| match &item.want {
            Want::Absent { known, .. } => known.contains(&id),
            Want::Present => false,
        });
        let is_marked =
            self.input.observed.members.values().filter_map(Part::read).any(|members| members.contains(&id));
        was_ours || (is_named && is_marked)
    }

    fn reports(&mut self, plan: &Plan) {
        let reported: BTreeSet<&ItemKey> = plan.reports.iter().map(|report| &report.key).collect();
        for key in self.input.items.keys().filter(|key| !reported.contains(key)) {
            self.whole("every item is reported", key.to_string());
        }
        let Ok(guardrail) = self.input.guardrail else { return };
        if guardrail.people.adopt_existing != Adopt::Allow {
            let adopted = plan.updates.iter().filter_map(|update| adopts(update, self.input.ledger));
            adopted.for_each(|key| self.item("adopts only with leave", key));
        }
        if let Some(change) = plan.changes.iter().find(|it| it.verdict != Verdict::Allowed && it.reason.is_none()) {
            self.whole("what is not allowed says why", change.key.to_string());
        }
    }
}

/// The plane that must be managed for a write.
fn plane(action: &Action, is_marker: bool) -> Plane {
    match action {
        Action::User(_) => Plane::Users,
        Action::Group(_) | Action::Member(MemberWrite::Add { .. }) if is_marker => Plane::Users,
        Action::Group(_) => Plane::Groups,
        Action::Member(_) => Plane::Memberships,
        Action::Azure(_) => Plane::AzureRoles,
        Action::Defender(_) => Plane::DefenderRoles,
    }
}

/// The planes that this checker knows; a new one must be thought about here, too.
const _: () = assert!(Plane::ALL.len() == 9);
