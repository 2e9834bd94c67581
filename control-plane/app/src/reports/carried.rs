//! What each role's group carries in a tenant, as desired now, and how much of it was read back: a member of a group of which
//! a part is refused has a part of the role.

use std::collections::BTreeMap;

use entente_model::desired::{AzureRoleKey, DefenderAssignmentKey, DefenderRoleKey, ItemKey, Want};
use entente_model::intent::IdentityClass;
use entente_model::report::{ItemReport, ItemState, Reason};
use entente_model::time::Phase;
use entente_model::{RoleName, Timestamp};

use crate::channel::ChannelState;

/// Rights by group.
pub(super) struct Carried(BTreeMap<(RoleName, IdentityClass), Group>);

/// What one group carries.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    pub(super) rights: u32,
    pub(super) applied: u32,
    /// Rights that are not as wanted, and were there before: whether they are gone is not said.
    pub(super) unknown: u32,
    /// Of the first right that is not there, the gravest kind before the others.
    lacking: Option<Standing>,
}

/// A state, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) state: ItemState,
    pub(super) reason: Option<Reason>,
    pub(super) detail: String,
    /// Whether the thing was there before, and is neither read as wanted nor as gone.
    pub(super) may_be_there: bool,
}

impl Standing {
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
        let mut keys: Vec<&str> =
            channel.wanted.items.iter().map(|item| item.key()).filter(|key| is_right(key)).collect();
        keys.sort_unstable();
        for key in keys {
            let Some(item) = channel.wanted.items.get(key).and_then(|item| item.open().ok()) else { continue };
            let reported =
                |key: &ItemKey| Standing::of(channel.reported.items.get(key.to_string().as_str()).map(|it| &**it));
            if item.want != Want::Present || !matches!(item.windows.phase(now), Phase::Open(_)) {
                all.withheld(&item.key, &reported(&item.key));
                continue;
            }
            match &item.key {
                ItemKey::AzureRole(AzureRoleKey { role, class, .. }) => all.add(role, *class, reported(&item.key)),
                // One right in two items: what people may do, and that this group may.
                ItemKey::DefenderAssignment(DefenderAssignmentKey { role, class }) => {
                    let definition = reported(&ItemKey::DefenderRole(DefenderRoleKey { role: role.clone() }));
                    let assigned = reported(&item.key);
                    all.add(role, *class, if definition.state == ItemState::Applied { assigned } else { definition });
                }
                _ => {}
            }
        }
        all
    }

    fn add(&mut self, role: &RoleName, class: IdentityClass, standing: Standing) {
        let group = self.0.entry((role.clone(), class)).or_default();
        group.rights += 1;
        group.unknown += u32::from(standing.may_be_there);
        if standing.state == ItemState::Applied {
            group.applied += 1;
        } else if group.lacking.as_ref().is_none_or(|first| gravity(first.state) < gravity(standing.state)) {
            group.lacking = Some(standing);
        }
    }

    /// What an exemption withholds is not meant to be there, and may be until it is taken away.
    fn withheld(&mut self, key: &ItemKey, standing: &Standing) {
        let (ItemKey::AzureRole(AzureRoleKey { role, class, .. })
        | ItemKey::DefenderAssignment(DefenderAssignmentKey { role, class })) = key
        else {
            return;
        };
        if standing.may_be_there || standing.state == ItemState::Applied {
            self.0.entry((role.clone(), *class)).or_default().unknown += 1;
        }
    }

    pub(super) fn of_group(&self, role: &RoleName, class: IdentityClass) -> Group {
        self.0.get(&(role.clone(), class)).cloned().unwrap_or_default()
    }
}

impl Group {
    /// The state of the role for a member of the group.
    pub(super) fn with(&self, member: Standing) -> Standing {
        match &self.lacking {
            None => member,
            Some(it) if gravity(it.state) < PARTIAL => it.clone(),
            Some(it) => Standing { state: ItemState::Partial, ..it.clone() },
        }
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

fn is_right(key: &str) -> bool {
    key.starts_with("azureRole/") || key.starts_with("defenderAssignment/")
}
