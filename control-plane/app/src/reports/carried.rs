//! What each role's group carries in a tenant, as desired now, and how much of it was read back: a member of a group of which
//! a part is refused has a part of the role.

use std::collections::BTreeMap;

use entente_model::Timestamp;
use entente_model::desired::{GroupKey, ItemKey, Want};
use entente_model::report::{ItemReport, ItemState, Reason};
use entente_model::time::Phase;

use crate::channel::ChannelState;

/// Rights by group.
pub(super) struct Carried(BTreeMap<GroupKey, Group>);

/// What one group carries.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    pub(super) rights: u32,
    pub(super) applied: u32,
    /// Rights that are not as wanted, and were there before: whether they are gone is not said.
    pub(super) unknown: u32,
    /// Of the first right that is not there, the gravest kind before the others.
    lacking: Option<RightStatus>,
}

/// A state, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RightStatus {
    pub(super) state: ItemState,
    pub(super) reason: Option<Reason>,
    pub(super) detail: String,
    /// Whether the thing was there before, and is neither read as wanted nor as gone.
    pub(super) may_be_there: bool,
}

impl RightStatus {
    /// PENDING where nothing was reported.
    pub(super) fn of(report: Option<&ItemReport>) -> Self {
        Self {
            state: report.map_or(ItemState::Pending, |report| report.state),
            reason: report.and_then(|report| report.reason),
            detail: report.map(|report| report.detail.clone()).unwrap_or_default(),
            may_be_there: report.is_some_and(may_be_there),
        }
    }
}

impl Carried {
    pub(super) fn of(channel: &ChannelState, now: Timestamp) -> Self {
        let mut all = Self(BTreeMap::new());
        let mut keys: Vec<&str> = channel.wanted.items.iter().map(|item| item.key()).collect();
        keys.sort_unstable();
        for key in keys {
            let Some((group, definition)) = key.parse().ok().and_then(|key| right(&key)) else { continue };
            let Some(item) = channel.wanted.items.get(key).and_then(|item| item.open().ok()) else { continue };
            let reported =
                |key: &ItemKey| RightStatus::of(channel.reported.items.get(key.to_string().as_str()).map(|it| &**it));
            let standing = reported(&item.key);
            if item.want != Want::Present || !matches!(item.windows.phase(now), Phase::Open(_)) {
                all.withheld(group, &standing);
                continue;
            }
            let definition = definition.map(|key| reported(&key)).filter(|it| it.state != ItemState::Applied);
            all.add(group, definition.unwrap_or(standing));
        }
        all
    }

    fn add(&mut self, group: GroupKey, standing: RightStatus) {
        let group = self.0.entry(group).or_default();
        group.rights += 1;
        group.unknown += u32::from(standing.may_be_there);
        if standing.state == ItemState::Applied {
            group.applied += 1;
        } else if group.lacking.as_ref().is_none_or(|first| gravity(first.state) < gravity(standing.state)) {
            group.lacking = Some(standing);
        }
    }

    /// What an exemption withholds is not meant to be there, and may be until it is taken away.
    fn withheld(&mut self, group: GroupKey, standing: &RightStatus) {
        if standing.may_be_there || standing.state == ItemState::Applied {
            self.0.entry(group).or_default().unknown += 1;
        }
    }

    pub(super) fn of_group(&self, group: &GroupKey) -> Group {
        self.0.get(group).cloned().unwrap_or_default()
    }
}

impl Group {
    /// What somebody has of it whose membership stands like this.
    pub(super) fn of_member(&self, member: RightStatus) -> Part {
        let is_member = member.state == ItemState::Applied;
        let unknown = match () {
            () if is_member => self.unknown,
            () if member.may_be_there => self.applied + self.unknown,
            () => 0,
        };
        let applied = if is_member { self.applied } else { 0 };
        let lacking = self.lacking.as_ref().filter(|_| is_member).map(RightStatus::of_a_part);
        Part { standing: lacking.unwrap_or(member), rights: self.rights, applied, unknown }
    }
}

/// What somebody has of a role by one group.
pub(super) struct Part {
    pub(super) standing: RightStatus,
    pub(super) rights: u32,
    pub(super) applied: u32,
    pub(super) unknown: u32,
}

impl Part {
    /// With what the role's other group gives: the role is there where both are.
    pub(super) fn and(self, other: Option<Self>) -> Self {
        let Some(other) = other else { return self };
        let standing = match (self.standing.state, other.standing.state) {
            (ItemState::Applied, ItemState::Applied) => self.standing,
            (ItemState::Applied, _) => other.standing.of_a_part(),
            (_, _) => self.standing,
        };
        let (rights, applied) = (self.rights + other.rights, self.applied + other.applied);
        Self { standing, rights, applied, unknown: self.unknown + other.unknown }
    }
}

impl RightStatus {
    /// As the state of the whole of which it is a part.
    fn of_a_part(&self) -> Self {
        if gravity(self.state) < PARTIAL { self.clone() } else { Self { state: ItemState::Partial, ..self.clone() } }
    }
}

/// From here on, the agent does not bring it about by itself.
const PARTIAL: u8 = 2;

fn gravity(state: ItemState) -> u8 {
    match state {
        ItemState::Pending => 0,
        ItemState::Waiting => 1,
        _ => PARTIAL,
    }
}

/// An agent names the object of an item for as long as it holds it for its own. What the guardrail no longer allows, what is held
/// and what was not read stand so.
fn may_be_there(report: &ItemReport) -> bool {
    let is_gone = report.state == ItemState::Removed || report.reason == Some(Reason::DriftMissing);
    report.state != ItemState::Applied && !is_gone && report.object_id.is_some()
}

/// The group that has a right by this item, and the item of what the right is, where that is another one.
fn right(key: &ItemKey) -> Option<(GroupKey, Option<ItemKey>)> {
    match key {
        ItemKey::AzureRole(it) => Some((it.group(), None)),
        ItemKey::EntraRole(it) => Some((it.group(), None)),
        // One right in two items: what people may do, and that this group may.
        ItemKey::DefenderAssignment(it) => Some((it.group(), Some(it.assigned().into()))),
        ItemKey::User(_) | ItemKey::Group(_) | ItemKey::Member(_) | ItemKey::DefenderRole(_) | ItemKey::Other(_) => {
            None
        }
    }
}
