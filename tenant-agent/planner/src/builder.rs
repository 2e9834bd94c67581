//! A plan in the making: changes proposed and judged, reports said, entries touched.
//!
//! Knows the conditions that hold for every change (pause, lease, review, freeze, caps, a failure's wait); those of
//! one item come from `gate.rs` with the proposal.

pub(crate) mod findings;
pub(crate) mod finish;
pub(crate) mod order;
pub(crate) mod progress;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use entente_model::desired::{Item, ItemKey, Want};
use entente_model::plan::{ChangeClass, Verdict};
use entente_model::report::bounds::{MAX_TEXT_BYTES, bounded};
use entente_model::report::{Finding, ItemReport, ItemState, KnownAccount, Reason};
use entente_model::{Guid, Plane, PlaneMode, Timestamp};

use crate::builder::progress::Progress;
use crate::change::Change;
use crate::guardrail::{FreezeExcept, Guardrail};
use crate::input::Input;
use crate::ledger::{Charge, Failure, LedgerEntry, LedgerKey, Ownership, Thing, Update};
pub(crate) use crate::moment::passes_at;
use crate::observed::Unread;
use crate::permission;
use crate::verdict::{self, Condition, judge_all};
use crate::write::{Action, Describe, Effect};

/// What the plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Converge,
    /// The customer ends it: everything that we gave is removed as if by name.
    RevokeAll,
}

/// How far a time in the ledger may be ahead of now: what was told of the time may go back by as much as the services'
/// clocks lie apart. What is further ahead was written at a time that was refuted since.
pub(crate) const AHEAD: Duration = Duration::from_secs(300);

pub(crate) struct PlanBuilder<'a> {
    pub input: &'a Input<'a>,
    pub purpose: Purpose,
    pub(crate) touched: BTreeMap<LedgerKey, Option<LedgerEntry>>,
    pub(crate) changes: Vec<Change>,
    pub(crate) reports: BTreeMap<ItemKey, ItemReport>,
    accounts: BTreeMap<ItemKey, Vec<KnownAccount>>,
    pub(crate) findings: BTreeSet<Finding>,
    pub(crate) updates: Vec<Update>,
    spent: BTreeMap<Charge, BTreeSet<LedgerKey>>,
    pub(crate) wake: Timestamp,
    /// What of the reports is in the tenant, see `presence.rs`.
    pub(crate) there: BTreeMap<ItemKey, bool>,
    /// What others hold or gave, by name, and of what: for the customer's eyes alone.
    pub(crate) named: BTreeMap<String, BTreeSet<String>>,
    /// Accounts let in and groups made by this plan, for the limits.
    pub admitted: u32,
    pub grouped: u32,
}

/// A write that an item asks for.
pub(crate) struct Proposal {
    pub key: LedgerKey,
    pub class: ChangeClass,
    pub charge: Charge,
    pub action: Action,
    pub before: String,
    pub after: String,
    /// What stands against it, beside what holds for every change.
    pub against: Vec<Condition>,
}

/// What became of a proposal.
pub(crate) enum Said {
    /// It is in the plan.
    Goes,
    /// It was tried, failed, and is not due again.
    Later(Failure),
    Not(Verdict, Option<Reason>),
}

impl<'a> PlanBuilder<'a> {
    pub fn new(input: &'a Input<'a>, purpose: Purpose) -> Self {
        Self {
            input,
            purpose,
            touched: BTreeMap::new(),
            changes: Vec::new(),
            reports: BTreeMap::new(),
            accounts: BTreeMap::new(),
            findings: BTreeSet::new(),
            there: BTreeMap::new(),
            named: BTreeMap::new(),
            updates: Vec::new(),
            spent: BTreeMap::new(),
            wake: input.now.at.plus(input.settings.resync),
            admitted: 0,
            grouped: 0,
        }
    }

    pub fn now(&self) -> Timestamp {
        self.input.now.at
    }

    pub fn guardrail(&self) -> Option<&'a Guardrail> {
        self.input.guardrail.ok()
    }

    /// Of a plane. Without a readable file everything is taken for managed, as only removals on ledger objects pass
    /// then; so it is when the customer ends it.
    pub fn mode(&self, plane: Plane) -> PlaneMode {
        match (self.purpose, self.guardrail()) {
            (Purpose::Converge, Some(guardrail)) => guardrail.mode(plane),
            _ => PlaneMode::Manage,
        }
    }

    pub fn items(&self) -> impl Iterator<Item = &'a Item> + use<'a> {
        self.input.items.values()
    }

    /// The item of a key, if it is to be there.
    pub fn wanted(&self, key: &ItemKey) -> Option<&'a Item> {
        self.input.items.get(key).filter(|item| item.want == Want::Present)
    }

    /// The ledger's entry with what this plan has learned.
    pub fn entry(&self, key: impl Into<LedgerKey>) -> Option<&LedgerEntry> {
        let key = key.into();
        match self.touched.get(&key) {
            Some(touched) => touched.as_ref(),
            None => self.input.ledger.get(key),
        }
    }

    /// A copy to work on; an empty one where there is none.
    pub fn entry_or_new(&self, key: impl Into<LedgerKey>) -> LedgerEntry {
        self.entry(key).cloned().unwrap_or_default()
    }

    pub fn put(&mut self, key: impl Into<LedgerKey>, entry: LedgerEntry) {
        self.touched.insert(key.into(), Some(entry));
    }

    pub fn touch(&mut self, key: impl Into<LedgerKey>, change: impl FnOnce(&mut LedgerEntry)) {
        let key = key.into();
        let mut entry = self.entry_or_new(&key);
        change(&mut entry);
        self.put(key, entry);
    }

    pub fn forget(&mut self, key: impl Into<LedgerKey>) {
        self.touched.insert(key.into(), None);
    }

    pub fn remember(&mut self, update: Update) {
        self.updates.push(update);
    }

    pub fn find(&mut self, plane: Plane, reason: Reason, detail: impl Into<String>) {
        let detail = bounded(detail.into(), MAX_TEXT_BYTES);
        self.findings.insert(Finding { plane: plane.into(), reason, detail });
    }

    /// Names what others hold or gave, where only the customer sees it: the control plane is told how many, as names of
    /// groups and roles say much of a tenant.
    pub fn name_here(&mut self, of: String, what: impl IntoIterator<Item = String>) {
        let what: BTreeSet<String> = what.into_iter().map(|it| bounded(it, MAX_TEXT_BYTES)).collect();
        if !what.is_empty() {
            self.named.entry(of).or_default().extend(what);
        }
    }

    /// Looks again no later than then.
    pub fn wake_at(&mut self, at: Timestamp) {
        // Never at once: a plan that could not say more now cannot say more in the same second.
        self.wake = self.wake.min(at.max(self.now().plus(Duration::from_secs(1))));
    }

    pub fn recheck(&mut self) {
        self.wake_at(self.now().plus(self.input.settings.recheck));
    }

    /// Backs off: the next look comes after half as long as it has been so, and with the next comparison at the latest.
    pub fn recheck_since(&mut self, since: Timestamp) {
        let half = self.now().since(since) / 2;
        self.wake_at(self.now().plus(half.max(self.input.settings.recheck)));
    }

    /// Whether a write of then may still be invisible. One that is dated further ahead is of a time that was refuted since:
    /// it is not waited for, as all that rests on this may be written twice.
    pub fn may_lag(&self, written: Option<Timestamp>, lag: Duration) -> bool {
        let begun = self.input.observed.begun.at;
        written.is_some_and(|at| begun.since(at) < lag + Duration::from_secs(1) && at.since(begun) <= lag.max(AHEAD))
    }

    /// What the guardrail says of a change, all conditions considered.
    pub fn judge(
        &mut self,
        key: &LedgerKey,
        class: ChangeClass,
        charge: Charge,
        mut against: Vec<Condition>,
    ) -> (Verdict, Option<Reason>) {
        if self.purpose == Purpose::Converge {
            against.extend(self.conditions(class, charge, key));
        }
        judge_all(class, &against)
    }

    /// Microsoft's time when it was last looked for what an action creates, by its name.
    fn looked(&self, action: &Action) -> Option<Timestamp> {
        match action.effect() {
            Effect::Creates { found_in, .. } => self.input.observed.date(&found_in),
            Effect::Puts(_) | Effect::Changes { .. } | Effect::Removes(_) | Effect::Account(_) => None,
        }
    }

    /// Counts a change against its cap, for the rest of this plan.
    pub fn spend(&mut self, charge: Charge, key: &LedgerKey) {
        self.spent.entry(charge).or_default().insert(key.clone());
    }

    /// Judges a proposal, and takes it into the plan unless it waits after a failure.
    pub fn propose(&mut self, proposal: Proposal) -> Said {
        let Proposal { key, class, charge, action, before, after, against } = proposal;
        let (verdict, reason) = self.judge(&key, class, charge, against);
        if verdict == Verdict::Allowed {
            if let Some(failure) = self.due_later(&key) {
                return Said::Later(failure);
            }
            // Asked for by another item too, such as a membership that its own item ends and that no item stands for.
            if self.changes.iter().any(|it| it.verdict == Verdict::Allowed && it.action == action) {
                return Said::Goes;
            }
            self.spend(charge, &key);
        }
        let looked = self.looked(&action);
        self.changes.push(Change { key, class, charge, verdict, reason, action, looked, before, after });
        if verdict == Verdict::Allowed { Said::Goes } else { Said::Not(verdict, reason) }
    }

    fn due_later(&mut self, key: &LedgerKey) -> Option<Failure> {
        let failure = self.entry(key)?.failure.clone()?;
        // No wait is longer: one that is comes from a time that was refuted since.
        let is_due = failure.retry_at.since(self.now()) > self.input.settings.retry_longest.max(AHEAD);
        (self.now() < failure.retry_at && !is_due).then(|| {
            self.wake_at(failure.retry_at);
            failure
        })
    }

    /// What holds for every change.
    fn conditions(&mut self, class: ChangeClass, charge: Charge, key: &LedgerKey) -> Vec<Condition> {
        let mut found = Vec::new();
        if self.input.revoke_all {
            found.push(Condition::RevokeAll);
        }
        if self.input.paused {
            found.push(Condition::Paused);
        }
        if !self.input.lease_fresh {
            found.push(Condition::LeaseOver);
        }
        let Some(guardrail) = self.guardrail() else {
            found.push(Condition::Unreadable);
            return found;
        };
        if guardrail.is_past_review(self.now()) {
            found.push(Condition::ReviewPast);
        }
        if let Some(freeze) = guardrail.freeze_at(self.now()) {
            found.push(Condition::Frozen { removals_pass: freeze.except == Some(FreezeExcept::Removals) });
            self.wake_at(freeze.to.ends());
        }
        if matches!(class, ChangeClass::Grant | ChangeClass::OtherRemoval) && self.is_over_cap(guardrail, charge, key) {
            found.push(Condition::OverCap);
        }
        found
    }

    fn is_over_cap(&mut self, guardrail: &Guardrail, charge: Charge, key: &LedgerKey) -> bool {
        let per_day = &guardrail.limits.per_day;
        let cap = match charge {
            Charge::Free => return false,
            Charge::Joiner => per_day.joiners,
            Charge::Other => per_day.other_changes,
            Charge::Implied => per_day.implied_removals,
        };
        let charged = self.input.ledger.charged(charge, self.now());
        if charged.contains_key(key) {
            return false;
        }
        let fresh =
            self.spent.get(&charge).map_or(0, |keys| keys.iter().filter(|key| !charged.contains_key(key)).count());
        let over = charged.len() + fresh >= cap as usize;
        if let (true, Some(at)) = (over, charged.values().min()) {
            self.wake_at(*at);
        }
        over
    }

    /// Says how an item stands.
    pub fn say(&mut self, key: &ItemKey, state: ItemState, reason: Option<Reason>, detail: impl Into<String>) {
        let entry = self.entry(key);
        let report = ItemReport {
            key: key.clone(),
            state,
            reason,
            detail: bounded(detail.into(), MAX_TEXT_BYTES),
            object_id: entry.and_then(|entry| entry.thing.as_ref()).map(Thing::object_id),
            owned: entry.is_some_and(|entry| entry.thing.is_some() && entry.is_owned()),
            redeem_url: entry.and_then(|entry| entry.redeem_url.clone()).filter(|_| reason == Some(Reason::Redemption)),
            script: None,
            accounts: self.accounts.get(key).cloned().unwrap_or_default(),
            proof: entry.and_then(|entry| entry.proof.clone()).filter(|_| state == ItemState::Removed),
            revision: self.input.version.revision,
            since: self.now(),
        };
        self.reports.insert(key.clone(), report);
    }

    /// The accounts of a person who is named for removal: shown with whatever is said of the item.
    pub fn show_accounts(&mut self, key: &ItemKey, accounts: Vec<KnownAccount>) {
        self.accounts.insert(key.clone(), accounts);
    }

    /// Waiting for Microsoft: looked at again soon.
    pub fn wait(&mut self, key: &ItemKey, reason: Reason, detail: impl Into<String>) {
        self.recheck();
        self.say(key, ItemState::Waiting, Some(reason), detail);
    }

    pub fn unread(&mut self, key: &ItemKey, why: &Unread) {
        self.unread_on(key, key.plane(), why);
    }

    /// Likewise, of a thing on another plane than the item's own.
    pub fn unread_on(&mut self, key: &ItemKey, plane: Option<Plane>, why: &Unread) {
        // What is closed to us is not read every few seconds for that.
        if why.is_passing() {
            self.recheck();
        }
        // What is closed to us for good is said by its own name.
        let reason = if why.is_passing() { Reason::Unread } else { why.reason };
        let lacks = plane.filter(|_| reason == Reason::PermissionMissing).and_then(|plane| self.lacks(plane));
        self.say(key, ItemState::Waiting, Some(reason), lacks.unwrap_or_default() + &why.detail);
    }

    /// What the file needs on that plane and the token does not hold.
    fn lacks(&self, plane: Plane) -> Option<String> {
        let missing = permission::missing_on(plane, self.guardrail()?, self.input.permissions?);
        let names = missing.into_iter().collect::<Vec<_>>().join(", ");
        (!names.is_empty()).then(|| format!("the agent's token lacks {names}: "))
    }

    /// Proposes and says what became of it; `going` is the state if it goes.
    pub fn propose_and_say(&mut self, proposal: Proposal, going: (ItemState, Option<Reason>), detail: &str) -> bool {
        let key = proposal.key.item().cloned();
        let standing = self.propose_for(proposal, going, detail);
        let goes = standing.goes;
        if let Some(key) = key {
            standing.say(self, &key);
        }
        goes
    }

    /// Proposes, and tells what became of it without saying it: it is one of several that an item asks for.
    pub fn propose_for(&mut self, proposal: Proposal, going: (ItemState, Option<Reason>), detail: &str) -> Progress {
        let action = proposal.action.clone();
        match self.propose(proposal) {
            Said::Goes => {
                self.recheck();
                Progress { goes: true, ..Progress::new(going.0, going.1, detail.into()) }
            }
            Said::Later(failure) => Progress::of_failure(&failure),
            Said::Not(verdict, reason) => {
                let state = match verdict {
                    Verdict::ByPerson if action.effect().is_removal() => ItemState::Residual,
                    Verdict::ByPerson => ItemState::Waiting,
                    Verdict::NeedsApproval => ItemState::NeedsApproval,
                    Verdict::Held => ItemState::Held,
                    Verdict::Refused | Verdict::Allowed => ItemState::Refused,
                };
                let script = (verdict == Verdict::ByPerson).then_some(action);
                Progress { script, ..Progress::new(state, reason, detail.into()) }
            }
        }
    }

    pub fn set_script(&mut self, key: &ItemKey, text: String) {
        if let Some(report) = self.reports.get_mut(key) {
            report.script = Some(text);
        }
    }

    /// Read back as it should be: unless that may be from before we took it away.
    pub fn applied(&mut self, key: &ItemKey, thing: Thing) {
        let removed = self.entry(key).and_then(|entry| entry.removed);
        if self.may_lag(removed, self.input.settings.replication_lag) {
            return self.wait(key, Reason::Propagation, "removed a moment ago, and still visible");
        }
        let now = self.now();
        self.touch(key, |entry| {
            entry.thing = Some(thing);
            entry.applied.get_or_insert(now);
            (entry.written, entry.failure, entry.first_empty, entry.proof) = (None, None, None, None);
            (entry.empty_since, entry.removed) = (None, None);
        });
        self.say(key, ItemState::Applied, None, "");
    }

    /// As it should be, but made by others: nothing is remembered, and nothing will be removed.
    pub fn applied_by_others(&mut self, key: &ItemKey, object_id: String) {
        self.say(key, ItemState::Applied, None, "made by others");
        if let Some(report) = self.reports.get_mut(key) {
            report.object_id = Some(object_id);
        }
    }

    /// There, and the file says no to it now.
    pub fn say_if_refused(&mut self, key: &ItemKey, against: &[Condition], because: &str) {
        if let Some(reason) = verdict::refusal(against) {
            let because = if because.is_empty() { String::new() } else { format!(": {because}") };
            let detail = format!("it is there from before; the guardrail no longer allows it{because}");
            self.say(key, ItemState::Refused, Some(reason), detail);
        }
    }

    /// PENDING for what was never there or what we took away, DRIFTED for what was.
    pub fn missing_state(&self, key: impl Into<LedgerKey>) -> (ItemState, Option<Reason>) {
        match self.entry(key).filter(|entry| entry.removed.is_none()).and_then(|entry| entry.applied) {
            Some(_) => (ItemState::Drifted, Some(Reason::DriftMissing)),
            None => (ItemState::Pending, None),
        }
    }

    /// Whose a group is, by the ledger alone.
    pub fn owner_of(&self, group: Guid) -> Option<Ownership> {
        let of_group = |entry: &&LedgerEntry| entry.thing == Some(Thing::Group { id: group });
        self.input.ledger.entries.values().find(of_group).map(|entry| entry.ownership)
    }

    pub fn protects_user(&self, user: Guid) -> bool {
        self.guardrail().is_some_and(|guardrail| contains_id(&guardrail.protected.users, user))
    }

    pub fn protects_group(&self, group: Guid) -> bool {
        self.guardrail().is_some_and(|guardrail| contains_id(&guardrail.protected.groups, group))
    }
}

impl Progress {
    /// Says it of the item that it is of.
    pub fn say(self, builder: &mut PlanBuilder<'_>, key: &ItemKey) {
        builder.say(key, self.state, self.reason, self.detail);
        if let Some(action) = self.script {
            builder.set_script(key, action.script(&builder.input.settings.graph));
        }
    }
}

fn contains_id(ids: &BTreeSet<String>, id: Guid) -> bool {
    let id = id.to_string();
    ids.iter().any(|protected| protected.eq_ignore_ascii_case(&id))
}
