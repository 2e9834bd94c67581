//! Whose move it is, what that party does about open items and about findings, and whether the agent has work left.
//!
//! An agent reports findings beside the items. A finding says that something is not as it should be, also one with a reason of a
//! later version: a tenant with a finding is not converged.

use std::collections::BTreeMap;

use entente_model::desired::ItemKey;
use entente_model::report::advice::Move;
use entente_model::report::{Finding, ItemReport, ItemState, Reason, Standing};
use entente_model::{Plane, PlaneMode, TenantName, Timestamp};

use crate::channel::{ChannelState, Reported};

/// Whose move it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    Customer,
    /// A person at the service provider.
    Provider,
    /// Or the network on the way there.
    Microsoft,
    /// The agent goes on by itself.
    Agent,
    /// There is nothing to do.
    Nobody,
}

impl Party {
    /// For a reader at the service provider.
    pub fn whose_move(self) -> &'static str {
        match self {
            Self::Customer => "customer's move",
            Self::Provider => "your move",
            Self::Microsoft => "Microsoft's move",
            Self::Agent => "agent's move",
            Self::Nobody => "nobody's move",
        }
    }
}

/// What is to be done where the agent has the move.
pub(super) const GOES_ON: &str = "the agent goes on by itself";

/// Most states and reasons that a sentence names: the rest is in the list of items.
const MOST_NAMED: usize = 4;

/// `4 REFUSED (GUARDRAIL_CAPABILITY), 2 HELD (OVER_CAP)`.
pub(super) fn summary(open: &Open) -> String {
    let part = |((state, reason), count): (&(ItemState, Option<Reason>), &u32)| {
        let reason = reason.map_or_else(String::new, |reason| format!(" ({})", reason.word()));
        format!("{count} {}{reason}", state.word())
    };
    let mut parts: Vec<_> = open.iter().take(MOST_NAMED).map(part).collect();
    let more: u32 = open.values().skip(MOST_NAMED).sum();
    parts.extend((more > 0).then(|| format!("{more} more")));
    parts.join(", ")
}

/// Whose move it is by the first of these that a person can do something about; nothing of none.
pub(super) fn of_items(open: &Open, tenant: &TenantName) -> Option<(Party, String)> {
    let moves = open.keys().map(|(state, reason)| (of_item(*state, *reason), *state));
    let (party, state) = moves.min()?;
    let todo = match party {
        Party::Agent | Party::Microsoft | Party::Nobody => GOES_ON.into(),
        Party::Customer | Party::Provider => {
            let (tenant, state) = (tenant.id(), state.word());
            format!(
                "`entente items {tenant} --state {state}` lists them, `entente explain {tenant} ITEM` says what to do"
            )
        }
    };
    Some((party, todo))
}

/// Whose move one item is, by the table that `entente explain` shows.
pub(super) fn move_of(state: ItemState, reason: Option<Reason>) -> Move {
    reason.map_or_else(|| state.advice(), Reason::advice).0
}

fn of_item(state: ItemState, reason: Option<Reason>) -> Party {
    if state.is_settled() {
        return Party::Nobody;
    }
    match move_of(state, reason) {
        Move::Nobody | Move::Clock => Party::Agent,
        // An operator is reached through the service provider.
        Move::Provider | Move::Operator => Party::Provider,
        Move::Customer | Move::Both => Party::Customer,
    }
}

pub(super) fn since(at: Option<Timestamp>) -> String {
    at.map_or_else(String::new, |at| format!(" since {at}"))
}

pub(super) fn count_of(number: u64, one: &str, more: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {more}") }
}

/// How many of the tenant's items stand so, for one reason.
pub(crate) type Open = BTreeMap<(ItemState, Option<Reason>), u32>;

/// The finding that is the first to be acted on, and how many there are.
pub(super) struct Found<'a> {
    first: &'a Finding,
    pub(super) party: Party,
    more: usize,
}

impl<'a> Found<'a> {
    pub(super) fn of(standing: &'a Standing) -> Option<Self> {
        let parties = standing.findings.iter().map(|it| (whose_is(standing, it), it));
        let (party, first) = parties.min_by_key(|(party, _)| *party)?;
        Some(Self { first, party, more: standing.findings.len() - 1 })
    }

    /// `memberships DRIFT_EXTRA: user 7 is in group ent-l1 without an item`.
    pub(super) fn why(&self) -> String {
        let Finding { plane, reason, detail } = self.first;
        let more = if self.more == 0 { String::new() } else { format!("; and {} more", self.more) };
        format!("found on {}, {}: {detail}{more}", plane.word(), reason.word())
    }

    pub(super) fn todo(&self) -> String {
        match (self.party, self.first.reason) {
            (Party::Agent, _) => GOES_ON.into(),
            (_, Reason::Later(_)) => "update the control plane".into(),
            (_, Reason::DriftExtra) => {
                "take it away in the tenant: the agent takes out members alone, and those on a plane that it manages"
                    .into()
            }
            (_, reason) => reason.advice().1.into(),
        }
    }
}

/// Whether the agent is about to mend something that it found.
pub(super) fn is_mended(standing: &Standing) -> bool {
    // What is extra is no named removal: it stays while these hold.
    let stays = standing.paused || standing.guardrail_fault.is_some();
    !stays && standing.findings.iter().any(|it| whose_is(standing, it) == Party::Agent)
}

fn whose_is(standing: &Standing, finding: &Finding) -> Party {
    if finding.reason == Reason::DriftExtra {
        return if is_taken_out(standing, finding) { Party::Agent } else { Party::Customer };
    }
    match finding.reason.advice().0 {
        Move::Nobody | Move::Clock => Party::Agent,
        Move::Provider | Move::Operator => Party::Provider,
        Move::Customer | Move::Both => Party::Customer,
    }
}

/// The agent takes out who is in a group of ours without an item, and takes away no right that others gave.
fn is_taken_out(standing: &Standing, finding: &Finding) -> bool {
    // On these, what is extra is a member; of a right that others gave, the planes of rights speak.
    let is_of_members = finding.plane == Plane::Memberships || finding.plane == Plane::EntraRoles;
    let mut planes = standing.planes.iter().filter(|it| it.plane == finding.plane);
    is_of_members && planes.any(|it| it.mode == PlaneMode::Manage)
}

/// The agent is here, holds the newest state, has compared the tenant with it, and does nothing more by itself.
pub(super) fn is_settled(state: &ChannelState) -> bool {
    if !state.is_connected() || state.parked.is_some() || state.behind() > 0 {
        return false;
    }
    let reported = &state.reported;
    let compared = reported.standing.as_ref().is_some_and(|it| it.compared == state.wanted.digest.to_string());
    // What is desired and was never reported is not begun.
    let is_known = state.wanted.items.iter().all(|item| reported.items.contains_key(item.key()));
    let mends = reported.standing.as_deref().is_some_and(is_mended);
    compared && is_known && !mends && reported.items.values().all(|item| stays(reported, item, MAX_DEPTH))
}

/// How far a dependency is followed: an assignment depends on a role and a group, and these on nothing.
const MAX_DEPTH: u8 = 4;

/// Whether an item stays as it is until a person acts, or until a day that is written down.
fn stays(reported: &Reported, item: &ItemReport, depth: u8) -> bool {
    match (item.state, item.reason) {
        (ItemState::Applied | ItemState::Removed, _) => true,
        // What is not understood is not known to stay.
        (ItemState::Pending | ItemState::Later(_), _) | (_, Some(Reason::Later(_))) => false,
        (ItemState::Waiting, Some(Reason::Dependency)) => depth > 0 && lacks_what_stays(reported, &item.key, depth - 1),
        // The agent mends nothing on a plane that it only verifies.
        (ItemState::Drifted, _) if !is_managed(reported, &item.key) => true,
        (state, reason) => move_of(state, reason) != Move::Nobody,
    }
}

/// Whether something that it depends on is not there, and stays so.
fn lacks_what_stays(reported: &Reported, key: &ItemKey, depth: u8) -> bool {
    key.depends_on().iter().any(|key| {
        let item = reported.items.get(key.to_string().as_str());
        item.is_some_and(|item| item.state != ItemState::Applied && stays(reported, item, depth))
    })
}

fn is_managed(reported: &Reported, key: &ItemKey) -> bool {
    let planes = reported.standing.iter().flat_map(|standing| &standing.planes);
    // Of a plane that is not told of, nothing is known: the agent may mend it.
    let mode = planes.filter(|it| key.plane().is_some_and(|plane| it.plane == plane)).map(|it| it.mode).next();
    mode.is_none_or(|mode| mode == PlaneMode::Manage)
}
