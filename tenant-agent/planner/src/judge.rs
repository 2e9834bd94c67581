//! A second opinion on a plan. It shares no decision with [`crate::plan`]: it reads the plan, the guardrail, the ledger
//! and what was observed, and says which rule a change that would be carried out breaks. It must find no fault in
//! any plan; the agent asks it before it acts.
//!
//! It denies what it does not know. The rules here are about what a write says of itself: its effect, what it gives, whom
//! it touches. What is peculiar to a plane is in that plane's `judge.rs`, which may not look into the file that
//! decides there. The tables of capabilities are shared with the plan; which write is of which plane, what somebody gets
//! by joining a group, and what is ours are each worked out anew.

pub(crate) mod bench;
pub(crate) mod facts;
mod people;

use std::collections::BTreeSet;

use entente_model::desired::{GroupKind, Item, ItemBody, ItemKey, Want};
use entente_model::plan::{ChangeClass, Verdict};
use entente_model::time::Phase;
use entente_model::{Guid, Plane, PlaneMode, Timestamp};

use crate::change::{Change, Plan};
use crate::guardrail::{Adopt, FreezeExcept, Guardrail};
use crate::input::Input;
use crate::ledger::{Charge, Claim, DAY, Ledger, LedgerKey, Thing, Update};
use crate::observed::{Listing, Part};
use crate::path::groups;
use crate::planes::{azure, defender, entra};
use crate::write::{Action, DefenderWrite, Describe, Effect, Gives, MemberWrite, Receiver, UserWrite, What};
pub use bench::Fault;
use bench::{Judge, Opinion, kind_of, was_ours};
use facts::{adopts, is_thing};

/// Everything that is wrong with a plan made from this input.
pub fn check(plan: &Plan, input: &Input<'_>) -> Vec<Fault> {
    let mut judge = checked(plan, input);
    judge.reports(plan);
    judge.faults
}

/// The same of [`crate::plan::first`], which says nothing of how things stand.
pub fn check_first(plan: &Plan, input: &Input<'_>) -> Vec<Fault> {
    checked(plan, input).faults
}

fn checked<'a>(plan: &Plan, input: &'a Input<'a>) -> Judge<'a> {
    // The plan's own bookkeeping is done before its changes: what it found to be ours counts.
    let mut ledger = input.ledger.clone();
    ledger.apply_all(&plan.updates);
    let mut judge = Judge { input, ledger, faults: Vec::new() };
    for change in plan.todo() {
        judge.change(change);
    }
    judge.order(plan);
    judge.caps(plan);
    judge.twice(plan);
    judge.claims(plan);
    judge
}

impl Judge<'_> {
    fn change(&mut self, change: &Change) {
        let effect = change.action.effect();
        let takes_away = effect.is_removal() || self.narrows(change);
        self.unless(
            (change.class == ChangeClass::Grant) != takes_away,
            "a grant adds and a removal takes away",
            change,
        );
        self.times(change);
        let is_understood = self.wanted(change).is_none_or(|item| item.body != ItemBody::Unknown);
        self.unless(is_understood || change.class != ChangeClass::Grant, "grants only what is understood", change);
        let plane = plane(&change.key, &self.ledger);
        self.unless(is_of_kind(&change.key, &change.action), "a write is of its item's kind", change);
        match self.input.guardrail {
            Ok(guardrail) => self.guardrail(change, plane, guardrail),
            Err(_) => self.unless(
                matches!(change.class, ChangeClass::Expiry | ChangeClass::Leaver),
                "without a readable guardrail only end dates and leavers",
                change,
            ),
        }
        if let Effect::Creates { .. } = effect {
            let is_new = self.ledger.get(&change.key).is_none_or(|it| it.intent.is_none() && it.thing.is_none());
            self.unless(is_new, "creates nothing twice: an unknown outcome is looked up", change);
        }
        opinion(&change.action).write(self, change);
        self.people(change);
    }

    /// A change of what is there may take away from it: its plane's judge sees to it that it adds nothing.
    fn narrows(&self, change: &Change) -> bool {
        match change.action.effect() {
            Effect::Changes { .. } => change.class == ChangeClass::OtherRemoval,
            Effect::Creates { .. } | Effect::Puts(_) | Effect::Removes(_) | Effect::Account(_) => false,
        }
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

    fn guardrail(&mut self, change: &Change, plane: Option<Plane>, guardrail: &Guardrail) {
        let class = change.class;
        let managed = plane.is_some_and(|plane| guardrail.mode(plane) == PlaneMode::Manage);
        self.unless(managed, "writes only on managed planes", change);
        let marks = match change.key {
            LedgerKey::Marker | LedgerKey::Marked(_) => guardrail.mode(Plane::Memberships) == PlaneMode::Manage,
            LedgerKey::Item(_) | LedgerKey::Account(_) | LedgerKey::Extra { .. } => true,
        };
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
        let touches = change.action.touches();
        let listed = |ids: &BTreeSet<String>, id: Guid| ids.iter().any(|it| it.to_lowercase() == id.to_string());
        let free = !touches.users.into_iter().any(|id| listed(&guardrail.protected.users, id))
            && !touches.groups.into_iter().any(|id| listed(&guardrail.protected.groups, id));
        self.unless(free, "protected objects are not touched", change);
    }

    /// Whether the file lets it be called so, and lets people have what it gives.
    fn within(&mut self, change: &Change, guardrail: &Guardrail) {
        let name = match change.action.effect() {
            // What is found by an address is called by the person's name.
            Effect::Creates { found_in: Listing::UsersByMail(_), .. } => None,
            Effect::Creates { name, .. } | Effect::Changes { name, .. } => Some(name),
            Effect::Puts(_) | Effect::Removes(_) | Effect::Account(_) => None,
        };
        let is_named = name.is_none_or(|name| name.starts_with(guardrail.limits.name_prefix.as_str()));
        self.unless(is_named, "names begin with the prefix", change);
        match change.action.gives() {
            Gives::Nothing => {}
            Gives::Unknown => self.unless(false, "gives only allowed capabilities", change),
            Gives::Access { to, what } => {
                match to {
                    Receiver::Account(id) => self.account(change, guardrail, id),
                    Receiver::Group(id) => self.unless(self.knows(id), "gives rights only to groups of ours", change),
                    Receiver::Invited | Receiver::Holders => {}
                }
                match what {
                    What::SignIn => {}
                    What::Role => opinion(&change.action).role(self, change, guardrail),
                    What::AllOfGroup(group) => {
                        self.unless(self.knows(group), "adds members only to groups of ours", change);
                        Plane::ALL.iter().copied().for_each(|plane| self.joins(plane, change, guardrail, group));
                    }
                }
            }
        }
    }

    /// A member gets what the group has on each plane, whoever gave it.
    fn joins(&mut self, plane: Plane, change: &Change, guardrail: &Guardrail, group: Guid) {
        match plane {
            // That somebody has an account, and is in one group, gives nothing by another.
            Plane::Users | Plane::Memberships => {}
            Plane::Groups => groups::judge::joins(self, change, group),
            Plane::AzureRoles => azure::judge::joins(self, change, guardrail, group),
            Plane::DefenderRoles => defender::judge::joins(self, change, guardrail, group),
            Plane::EntraRoles => entra::judge::joins(self, change, guardrail, group),
        }
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
        // Microsoft refuses the block of somebody in such a group (Graph: user-update, sensitive actions).
        let mut blocked = BTreeSet::new();
        for change in plan.todo() {
            if let Action::User(UserWrite::Block { user, .. }) = change.action {
                blocked.insert(user);
            }
            let Action::Member(MemberWrite::Remove { group, user }) = change.action else { continue };
            if self.kind_of(group) == Some(GroupKind::RoleAssignable) && blocked.contains(&user) {
                self.whole("out of a role-assignable group before the block", change.key.to_string());
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
            if let Update::Put(key, entry) = update
                && !matches!(key, LedgerKey::Item(ItemKey::User(_)))
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
        let mut before = self.input.ledger.entries.values();
        let was_once = before.any(|it| (is_thing(it, id) && it.is_owned()) || was_ours(it, id));
        let is_named = self.input.items.values().any(|item| match &item.want {
            Want::Absent { known, .. } => known.contains(&id),
            Want::Present => false,
        });
        let is_marked =
            self.input.observed.members.values().filter_map(Part::read).any(|members| members.contains(&id));
        was_once || (is_named && is_marked)
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

fn opinion(action: &Action) -> &dyn Opinion {
    match action {
        Action::User(write) => write,
        Action::Group(write) => write,
        Action::Member(write) => write,
        Action::Azure(write) => write,
        Action::Defender(write) => write,
        Action::Entra(write) => write,
    }
}

/// To change a role-assignable group, or who is in it, is to give directory roles.
fn by_kind(kind: GroupKind, plain: Plane) -> Plane {
    match kind {
        GroupKind::Plain => plain,
        GroupKind::RoleAssignable => Plane::EntraRoles,
    }
}

/// The plane that must be managed for a write of this key; none for a kind that is not known.
fn plane(key: &LedgerKey, ledger: &Ledger) -> Option<Plane> {
    match key {
        LedgerKey::Item(ItemKey::User(_)) => Some(Plane::Users),
        LedgerKey::Item(ItemKey::Group(key)) => Some(by_kind(key.kind, Plane::Groups)),
        LedgerKey::Item(ItemKey::Member(key)) => Some(by_kind(key.kind, Plane::Memberships)),
        LedgerKey::Item(ItemKey::AzureRole(_)) => Some(Plane::AzureRoles),
        LedgerKey::Item(ItemKey::DefenderRole(_) | ItemKey::DefenderAssignment(_)) => Some(Plane::DefenderRoles),
        LedgerKey::Item(ItemKey::EntraRole(_)) => Some(Plane::EntraRoles),
        LedgerKey::Item(ItemKey::Other(_)) => None,
        LedgerKey::Marker | LedgerKey::Marked(_) | LedgerKey::Account(_) => Some(Plane::Users),
        LedgerKey::Extra { group, .. } => Some(by_kind(kind_of(ledger, *group)?, Plane::Memberships)),
    }
}

/// Kinds of writes, as far as keys ask for different ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Account,
    Group,
    Join,
    Leave,
    AzureRole,
    DefenderRole,
    DefenderAssignment,
    EntraRole,
}

/// Whether it is a write that this key can ask for.
fn is_of_kind(key: &LedgerKey, action: &Action) -> bool {
    let asks: &[Kind] = match key {
        LedgerKey::Item(ItemKey::User(_)) | LedgerKey::Account(_) => &[Kind::Account],
        LedgerKey::Item(ItemKey::Group(_)) | LedgerKey::Marker => &[Kind::Group],
        LedgerKey::Item(ItemKey::Member(_)) => &[Kind::Join, Kind::Leave],
        LedgerKey::Marked(_) => &[Kind::Join],
        LedgerKey::Extra { .. } => &[Kind::Leave],
        LedgerKey::Item(ItemKey::AzureRole(_)) => &[Kind::AzureRole],
        LedgerKey::Item(ItemKey::DefenderRole(_)) => &[Kind::DefenderRole],
        LedgerKey::Item(ItemKey::DefenderAssignment(_)) => &[Kind::DefenderAssignment],
        LedgerKey::Item(ItemKey::EntraRole(_)) => &[Kind::EntraRole],
        LedgerKey::Item(ItemKey::Other(_)) => &[],
    };
    let kind = match action {
        Action::User(_) => Kind::Account,
        Action::Group(_) => Kind::Group,
        Action::Member(MemberWrite::Add { .. }) => Kind::Join,
        Action::Member(MemberWrite::Remove { .. }) => Kind::Leave,
        Action::Azure(_) => Kind::AzureRole,
        Action::Entra(_) => Kind::EntraRole,
        Action::Defender(write) => match write {
            DefenderWrite::CreateRole { .. } | DefenderWrite::UpdateRole { .. } | DefenderWrite::DeleteRole { .. } => {
                Kind::DefenderRole
            }
            DefenderWrite::CreateAssignment { .. } | DefenderWrite::DeleteAssignment { .. } => Kind::DefenderAssignment,
        },
    };
    asks.contains(&kind)
}
