//! `revoke-all`: the agent removes everything that it gave, without the control plane, and proves it by two reads
//! further apart than the replication lag. It continues after an interruption or a kill.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use entente_model::desired::{ItemKey, Version};
use entente_model::report::{ItemReport, ItemState};
use entente_model::{Plane, PlaneMode};
use entente_planner::guardrail::{Guardrail, Planes};
use entente_planner::judge;
use entente_planner::ledger::{Claim, Ledger, LedgerKey};
use entente_planner::moment;
use entente_planner::observed::{Listing, Observed, Part, Rights, Unread};
use entente_planner::plan::{self, Input, Plan, gives_access};
use entente_planner::reads;
use entente_planner::record::Outcome;
use entente_planner::salvage::{self, Salvage};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::Steward;
use super::given::{Given, off_the_workers};
use super::standing::by_key;
use crate::guardrail_file::GuardrailFile;
use crate::memory::{MemoryError, unless_full};
use crate::receipt::{About, ByHand, Receipt};

impl Steward {
    /// Does one round of the removal and nothing else.
    pub(crate) async fn farewell(&mut self, cancel: &CancellationToken) -> Result<Duration, MemoryError> {
        let (wait, reports) = self.end_everything(cancel).await?;
        reports.into_iter().for_each(|reports| self.say(reports));
        Ok(wait)
    }

    /// Does one round within the loop. What still gives access goes first. Then the provider's removals go on, also
    /// after everything is gone: leavers are proven gone as usual, and every other item reports that nothing is given,
    /// as the planner then holds everything except leavers and end dates.
    pub(super) async fn ending(&mut self, is_full: bool, cancel: &CancellationToken) -> Result<Duration, MemoryError> {
        let (wait, reports) = self.end_everything(cancel).await?;
        let Some(reports) = reports else { return Ok(wait) };
        let desired = self.parts.view.borrow().desired.clone();
        let Some(desired) = desired.filter(|_| !is_full && !wait.is_zero() && !cancel.is_cancelled()) else {
            self.say(reports);
            return Ok(wait);
        };
        // The control plane learns the progress before the look.
        self.say(self.reports.clone());
        self.note_leavers(&desired).await?;
        Ok(self.compare(&desired, cancel).await?.min(wait))
    }

    /// Removes what still gives access. Returns how long to wait, and the items' reports if the plan was carried out
    /// whole.
    pub(super) async fn end_everything(
        &mut self,
        cancel: &CancellationToken,
    ) -> Result<(Duration, Option<BTreeMap<ItemKey, ItemReport>>), MemoryError> {
        let mut receipt = match self.unkept_receipt.take() {
            Some(receipt) => receipt,
            None => Receipt::begun(&self.parts.state_dir, About::All, self.parts.clock.time())?,
        };
        let begins = self.facts.revoke_all.is_none();
        self.facts.note_revoke_all(&receipt);
        if receipt.is_complete() {
            self.keep(&receipt)?;
            return Ok((self.until_kept(self.parts.settings.resync), Some(BTreeMap::new())));
        }
        receipt.people.extend(people(&self.ledger));
        if begins {
            // The control plane learns that it has begun before anything slow is read.
            self.say(self.reports.clone());
        }
        let (plan, wait) = self.end(&mut receipt, None, cancel).await?;
        self.there.clone_from(&plan.there);
        self.facts.note_revoke_all(&receipt);
        Ok(match wait {
            Some(wait) => (self.until_kept(wait), Some(by_key(plan.reports))),
            None => (Duration::ZERO, None),
        })
    }

    /// Looks, removes and judges the outcome, for everything or for the first set of keys only. Of the second set,
    /// nothing is known. Returns how long to wait, if the plan was carried out whole.
    pub(super) async fn end(
        &mut self,
        receipt: &mut Receipt,
        only: Option<(&BTreeSet<ItemKey>, &BTreeSet<ItemKey>)>,
        cancel: &CancellationToken,
    ) -> Result<(Plan, Option<Duration>), MemoryError> {
        let guardrail = self.guardrail();
        self.keep(receipt)?;
        let (plan, observed, faults) = self.look_for_the_end(&guardrail, receipt, only.map(|(keys, _)| keys)).await;
        if !faults.is_empty() {
            error!(?faults, "the plan breaks a rule; the rest of it is carried out: please report this");
        }
        let Salvage { updates, changes: todo } = salvage::salvage(&plan, &faults, &BTreeMap::new());
        self.remember_or_owe(&updates).await?;
        let mut acted = false;
        for change in &todo {
            if cancel.is_cancelled() || !self.is_asked(receipt.about) {
                return Ok((plan, None));
            }
            // One at a time, so that the refusal of one change delays no other.
            // On a full disk, those that need a written intent are left out.
            let carried_out = self.carry_out(&[change], plan.version.epoch).await;
            let Some(outcomes) = unless_full(carried_out)? else { continue };
            acted = true;
            // Each action is listed once, however often it is tried, so that the receipt stays bounded.
            let is_new = |action: &str| !receipt.done.iter().any(|line| line.ends_with(action));
            let action = change.action.to_string();
            if matches!(outcomes.as_slice(), [Outcome::Done { .. }]) && is_new(&action) {
                receipt.done.push(format!("{} {action}", self.parts.clock.time()));
            }
        }
        let untold = only.into_iter().flat_map(|(_, unread)| unread);
        receipt.unread = untold.map(|key| format!("whether the guardrail refuses {key}")).collect();
        self.judge(receipt, &plan, &observed, &faults, acted);
        self.keep(receipt)?;
        let lag = self.parts.settings.replication_lag;
        let wait = match (receipt.is_complete(), receipt.first_empty_read) {
            (true, _) => self.parts.settings.resync,
            (false, Some(first)) => self.until(moment::passes_at(first, lag)).max(Duration::from_secs(1)),
            (false, None) if !faults.is_empty() => self.parts.settings.recheck,
            (false, None) if acted => Duration::ZERO,
            (false, None) => self.until(plan.next_wake),
        };
        Ok((plan, Some(wait)))
    }

    /// Writes the receipt. On a full disk the removal goes on, and the receipt of everything stays in memory until
    /// there is room.
    pub(super) fn keep(&mut self, receipt: &Receipt) -> Result<(), MemoryError> {
        match receipt.save(&self.parts.state_dir) {
            Err(error) if error.is_full() => {
                warn!(about = ?receipt.about, "the disk is full: the receipt is written once there is room");
                if receipt.about == About::All {
                    self.unkept_receipt = Some(receipt.clone());
                }
                Ok(())
            }
            saved => Ok(saved?),
        }
    }

    /// Tries soon again while a receipt waits for room.
    fn until_kept(&self, wait: Duration) -> Duration {
        if self.unkept_receipt.is_some() { wait.min(super::FULL_PAUSE) } else { wait }
    }

    /// The receipt of everything, while the disk has no room for it.
    pub(crate) fn unkept_receipt(&self) -> Option<&Receipt> {
        self.unkept_receipt.as_ref()
    }

    /// Removes everything even though the disk had no room for the switch.
    pub(crate) fn insist(&mut self) {
        self.insists = true;
    }

    fn is_asked(&self, about: About) -> bool {
        let positions = self.switches.positions();
        match about {
            About::All => positions.revoke_all || self.insists,
            About::NotAllowed => positions.revokes && !positions.revoke_all,
        }
    }

    async fn look_for_the_end(
        &mut self,
        guardrail: &GuardrailFile,
        receipt: &Receipt,
        only: Option<&BTreeSet<ItemKey>>,
    ) -> (Plan, Observed, Vec<judge::Fault>) {
        // Looks at everything that the agent gave, also on planes that the file has closed since.
        let content = guardrail.content.as_ref().map(with_every_plane).map_err(Clone::clone);
        let mut set = reads::reads(&BTreeMap::new(), &self.ledger, None);
        // It takes a permission of its own, which the agent has where the file opens the plane.
        let opens = |it: &Guardrail| it.mode(Plane::EntraRoles) != PlaneMode::None;
        set.entra |= guardrail.content.as_ref().is_ok_and(opens);
        set.principals.extend(receipt.people.keys());
        set.user_ids.extend(receipt.people.keys());
        let observed = self.observe(&set).await;
        let given = Given {
            version: Version::default(),
            items: BTreeMap::new(),
            observed,
            ledger: self.ledger.clone(),
            guardrail: Arc::new(GuardrailFile { digest: guardrail.digest.clone(), content }),
            paused: false,
            revoke_all: false,
            lease_fresh: false,
            permissions: None,
            settings: self.parts.settings.clone(),
            now: self.parts.clock.moment(),
        };
        let only = only.cloned();
        off_the_workers(move || {
            let input = given.input();
            let Input { ledger, observed, settings, now, .. } = input;
            let plan = match only {
                None => plan::revoke_all(ledger, observed, input.guardrail.ok(), settings, now),
                Some(keys) => plan::revoke(&keys, ledger, observed, input.guardrail.ok(), settings, now),
            };
            let faults = judge::check(&plan, &input);
            (plan, given.observed, faults)
        })
        .await
    }

    /// Fills the receipt from a look.
    fn judge(&self, receipt: &mut Receipt, plan: &Plan, observed: &Observed, faults: &[judge::Fault], acted: bool) {
        let still_gives = |report: &&ItemReport| gives_access(&report.key) && report.state != ItemState::Removed;
        let is_final = |report: &ItemReport| matches!(report.state, ItemState::Residual | ItemState::Refused);
        let mut giving = plan.reports.iter().filter(still_gives).peekable();
        receipt.stuck = !acted && faults.is_empty() && giving.peek().is_some() && giving.all(is_final);
        receipt.open = plan.reports.iter().filter(still_gives).map(line).collect();
        // A faulty plan proves nothing.
        receipt.open.extend(faults.iter().map(|fault| format!("{}: {}", fault.rule, fault.detail)));
        let stays = |report: &&ItemReport| !still_gives(report) && report.state != ItemState::Removed;
        receipt.left = plan.reports.iter().filter(stays).map(line).collect();
        let is_empty_group = |report: &&ItemReport| matches!(report.key, ItemKey::Group(_));
        let groups = plan.reports.iter().filter(stays).filter(is_empty_group).count();
        receipt.by_hand = ByHand { groups, ..ByHand::default() };
        self.by_principal(receipt, observed);
        if receipt.about == About::All {
            self.mark_that_stays(receipt, observed);
        }
        receipt.unread.extend(not_understood(observed));
        if acted || !receipt.open.is_empty() {
            (receipt.first, receipt.first_empty_read) = (None, None);
            return;
        }
        // An unanswered read proves nothing, however often it is repeated.
        if !receipt.unread.is_empty() {
            return;
        }
        let first = moment::since(receipt.first, self.parts.clock.moment());
        (receipt.first, receipt.first_empty_read) = (Some(first), Some(first.at));
        if moment::is_second_look(first, observed.begun, self.parts.settings.replication_lag) {
            receipt.second_empty_read = Some(observed.begun.at);
            match receipt.about {
                About::All => info!("everything that was given is gone, read back twice"),
                About::NotAllowed => info!("what the guardrail does not allow is gone, read back twice"),
            }
        }
    }

    /// Lists the group that marked our guests. It gives no access and stays, like the other groups.
    fn mark_that_stays(&self, receipt: &mut Receipt, observed: &Observed) {
        let Some(id) = self.ledger.get(LedgerKey::Marker).and_then(|entry| entry.guid()) else { return };
        match observed.group(id) {
            Part::Read(Some(group)) => {
                receipt
                    .left
                    .insert(format!("group {}, which marked the guests: a person deletes it", group.display_name));
                receipt.by_hand.mark = Some(group.display_name.clone());
            }
            Part::Read(None) => {}
            Part::Unread(_) => {
                receipt.left.insert(format!("group {id}, which marked the guests, if it is there: it was not read"));
                receipt.by_hand.mark = Some(format!("group {id}, if it is there"));
            }
        }
    }

    /// Lists what the people hold whom the agent let in, no matter who gave it.
    fn by_principal(&self, receipt: &mut Receipt, observed: &Observed) {
        let anchor = self.ledger.get(LedgerKey::Marker).and_then(|entry| entry.guid());
        for (id, name) in receipt.people.clone() {
            match observed.user(id) {
                Part::Read(Some(user)) if user.is_enabled() => receipt.open.push(format!("{name} is enabled")),
                Part::Read(Some(user)) if !user.is_blocked() => {
                    receipt.open.push(format!("{name}: whether it is enabled was not shown"));
                }
                Part::Read(Some(_)) => {
                    receipt.left.insert(format!("{name} is blocked; a person deletes accounts"));
                    receipt.by_hand.guests.insert(id);
                }
                Part::Read(None) => {}
                Part::Unread(why) => not_read(receipt, &name, &why),
            }
            let Some(rights) = observed.rights.get(&id) else {
                receipt.unread.insert(format!("what {name} holds"));
                continue;
            };
            // Without `..`: what a person may hold on a plane is looked at here.
            let Rights { memberships, azure, entra } = rights;
            match memberships {
                Part::Read(held) => {
                    let held = held.iter().filter(|it| Some(it.id) != anchor);
                    receipt.left.extend(held.map(|it| format!("{name} is in {} {}, not by us", it.kind, it.name)));
                }
                Part::Unread(why) => not_read(receipt, &format!("memberships of {name}"), why),
            }
            match entra {
                Some(Part::Read(held)) => {
                    for it in held {
                        let part = it.part.as_ref().map_or_else(|| "the whole tenant".to_owned(), Clone::clone);
                        receipt
                            .left
                            .insert(format!("{name} has directory role {} at {part}, not by us", it.definition));
                    }
                }
                Some(Part::Unread(why)) => not_read(receipt, &format!("directory roles of {name}"), why),
                None => {}
            }
            for (scope, part) in azure {
                match part {
                    Part::Read(held) => {
                        let held = held.iter().filter(|it| it.principal == id);
                        receipt
                            .left
                            .extend(held.map(|it| format!("{name} has role {} at {scope}, not by us", it.definition)));
                    }
                    Part::Unread(why) => not_read(receipt, &format!("{scope} of {name}"), why),
                }
            }
        }
    }
}

/// Lists an unread part: as open if a retry may read it, otherwise as unread.
fn not_read(receipt: &mut Receipt, what: &str, why: &Unread) {
    let line = format!("{what}: {}", why.detail);
    if why.is_passing() {
        receipt.open.push(line);
    } else {
        receipt.unread.insert(line);
    }
}

/// Entries that were not understood. Each may still give access.
fn not_understood(observed: &Observed) -> impl Iterator<Item = String> {
    let lines = |(listing, texts): (&Listing, &Vec<String>)| {
        let listing = list_name(listing);
        texts.iter().map(|text| format!("{listing}: not understood: {text}")).collect::<Vec<_>>()
    };
    observed.odd.iter().flat_map(lines)
}

fn list_name(listing: &Listing) -> String {
    match listing {
        Listing::UsersByMail(mail) => format!("users with the address {mail}"),
        Listing::Bin(mail) => format!("deleted users with the address {mail}"),
        Listing::GroupsByName(name) => format!("groups with the name {name}"),
        Listing::Members(group) => format!("members of the group {group}"),
        Listing::MembershipsOf(user) => format!("memberships of the user {user}"),
        Listing::AzureOf(user, scope) => format!("Azure roles of the user {user} at {scope}"),
        Listing::Azure(scope) => format!("Azure roles at {scope}"),
        Listing::EntraOf(principal) => format!("directory roles of {principal}"),
        Listing::Defender => "Defender roles and assignments".into(),
    }
}

/// The file with every manageable plane opened, so that the agent can take back what it gave on a plane that is closed
/// now.
fn with_every_plane(guardrail: &Guardrail) -> Guardrail {
    let mut lifted = guardrail.clone();
    // Without `..`, so that a new plane has to be listed here: is it managed?
    let Planes {
        users,
        groups,
        memberships,
        azure_roles,
        defender_roles,
        cross_tenant_trust: _,
        entra_roles,
        pim: _,
        lighthouse: _,
    } = &mut lifted.planes;
    for mode in [users, groups, memberships, azure_roles, defender_roles] {
        *mode = PlaneMode::Manage;
    }
    *entra_roles = Some(PlaneMode::Manage);
    lifted
}

pub(super) fn people(ledger: &Ledger) -> impl Iterator<Item = (entente_model::Guid, String)> {
    let ours = ledger.items().filter(|(key, entry)| matches!(key, ItemKey::User(_)) && entry.is_owned());
    ours.flat_map(|(key, entry)| {
        let earlier = entry.accounts.iter().filter(|(_, claim)| **claim == Claim::Ours).map(|(id, _)| *id);
        entry.guid().into_iter().chain(earlier).map(move |id| (id, key.to_string()))
    })
}

fn line(report: &ItemReport) -> String {
    let reason = report.reason.map_or_else(String::new, |reason| format!(" {}", reason.word()));
    format!("{} {}{reason} {}", report.key, report.state.word(), report.detail)
}
