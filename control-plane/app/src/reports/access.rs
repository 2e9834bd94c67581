//! Who has access where: each membership that is desired, which assignments give it, and whether it was read back.

use std::collections::BTreeMap;

use entente_model::desired::{GroupKey, GroupKind, ItemKey, MemberKey, UserKey, Want};
use entente_model::intent::{Assignment, IdentityClass, Intent, Operator, ResourceName};
use entente_model::report::{ItemState, Reason};
use entente_model::{AssignmentName, OperatorName, Plane, RoleName, TenantName, Timestamp};

use super::Reports;
use super::carried::{Carried, Part, RightStatus};
use super::view::opened;
use crate::api_role::ApiRole;
use crate::caller::Caller;
use crate::error::Result;
use crate::history::Snapshot;
use crate::page::{Page, PageRequest};

/// One role of one person in one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    pub tenant: TenantName,
    pub operator: OperatorName,
    /// The account.
    pub mail: String,
    pub role: RoleName,
    pub class: IdentityClass,
    /// The membership's, until it is applied; then what becomes of it with what the group carries.
    pub state: ItemState,
    pub reason: Option<Reason>,
    pub detail: String,
    /// Those that give it.
    pub assignments: Vec<AssignmentName>,
    /// The beginning of the first window; none means since ever.
    pub start: Option<Timestamp>,
    /// The end of the last window; none means without an end.
    pub end: Option<Timestamp>,
    /// When the tenant's memberships were last read back.
    pub verified: Option<Timestamp>,
    /// While the operator's redemption is awaited. It is personal: only where that person's access alone is asked for.
    pub redeem_url: Option<String>,
    /// How the account itself stands.
    pub account: (ItemState, Option<Reason>),
    /// What the role's group carries in the tenant.
    pub rights: u32,
    /// How much of it the person has.
    pub rights_applied: u32,
    /// How many more there may be: given before, and not read as gone.
    pub rights_unknown: u32,
    /// What each assignment says of why.
    pub grounds: Vec<Ground>,
}

/// Why a person has access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    pub assignment: AssignmentName,
    pub justification: String,
    pub ticket: Option<String>,
}

/// Whose access, and which: all that is given holds.
#[derive(Debug, Clone, Default)]
pub struct AccessFilter {
    pub tenant: Option<TenantName>,
    pub operator: Option<OperatorName>,
    /// In any version.
    pub role: Option<RoleName>,
    pub assignment: Option<AssignmentName>,
    /// What ends by then.
    pub ends_by: Option<Timestamp>,
}

impl AccessFilter {
    fn check(&self, snapshot: &Snapshot) -> Result<()> {
        let named = [
            self.tenant.clone().map(|name| ("tenant", ResourceName::Tenant(name))),
            self.operator.clone().map(|name| ("operator", ResourceName::Operator(name))),
            self.assignment.clone().map(|name| ("assignment", ResourceName::Assignment(name))),
        ];
        named.into_iter().flatten().try_for_each(|(field, name)| snapshot.needs(field, &name))?;
        self.role.as_ref().map_or(Ok(()), |name| snapshot.needs_role("role", name))
    }

    fn takes(&self, it: &Access) -> bool {
        self.role.as_ref().is_none_or(|role| *role == it.role)
            && self.assignment.as_ref().is_none_or(|name| it.assignments.contains(name))
            && self.ends_by.is_none_or(|by| it.end.is_some_and(|end| end <= by))
    }
}

/// Operator, role, class: the order within a tenant.
type Right = (OperatorName, RoleName, IdentityClass);

impl Reports {
    /// By tenant, then operator, then role.
    pub fn list_access(&self, caller: &Caller, filter: &AccessFilter, page: &PageRequest) -> Result<Page<Access>> {
        caller.needs(ApiRole::Viewer)?;
        let after = position(&page.token)?;
        let snapshot = self.history.snapshot();
        filter.check(&snapshot)?;
        let (intent, operator) = (snapshot.fleet.intent(), filter.operator.as_ref());
        let names = intent.tenants.keys().filter(|name| {
            filter.tenant.as_ref().is_none_or(|tenant| tenant == *name)
                && after.as_ref().is_none_or(|(first, _)| *name >= first)
        });
        let now = self.history.now();
        let rights = names.flat_map(|name| self.access(&snapshot, name, operator, now));
        let rights = rights.filter(|it| filter.takes(it)).filter(|it| {
            let at = (it.tenant.clone(), (it.operator.clone(), it.role.clone(), it.class));
            after.as_ref().is_none_or(|after| at > *after)
        });
        Ok(Page::of(rights, page.limit(), |it| {
            format!("{}|{}|{}|{}", it.tenant, it.operator, it.role, it.class.word())
        }))
    }
}

fn position(token: &str) -> Result<Option<(TenantName, Right)>> {
    if token.is_empty() {
        return Ok(None);
    }
    let read = || {
        let mut parts = token.split('|');
        let (tenant, operator, role) = (parts.next()?, parts.next()?, parts.next()?);
        let class = parts.next()?;
        let classes = [IdentityClass::Standard, IdentityClass::Privileged];
        let class = classes.into_iter().find(|it| it.word() == class)?;
        Some((tenant.parse().ok()?, (operator.parse().ok()?, role.parse().ok()?, class)))
    };
    read().map(Some).ok_or_else(PageRequest::wrong)
}

impl Reports {
    fn access(
        &self,
        snapshot: &Snapshot,
        tenant: &TenantName,
        operator: Option<&OperatorName>,
        now: Timestamp,
    ) -> Vec<Access> {
        let Some(channel) = self.channels.get(tenant) else { return Vec::new() };
        let rights = given(snapshot, tenant, operator);
        if rights.is_empty() {
            return Vec::new();
        }
        let state = channel.lock();
        let carried = Carried::of(&state, now);
        let one = |(right, assignments)| one(snapshot, tenant, &state, &carried, right, assignments);
        let link = |it: Access| Access { redeem_url: it.redeem_url.filter(|_| operator.is_some()), ..it };
        rights.into_iter().filter_map(one).map(link).collect()
    }
}

/// Which assignments give which operator which role in a tenant.
fn given(
    snapshot: &Snapshot,
    tenant: &TenantName,
    only: Option<&OperatorName>,
) -> BTreeMap<Right, Vec<AssignmentName>> {
    let intent = snapshot.fleet.intent();
    let mut rights: BTreeMap<Right, Vec<AssignmentName>> = BTreeMap::new();
    for name in snapshot.fleet.assignments_of(tenant) {
        let Some(assignment) = intent.assignments.get(&name) else { continue };
        let Some(role) = intent.roles.get(&assignment.role) else { continue };
        for operator in people(intent, assignment) {
            if only.is_none_or(|only| *only == operator) {
                let right = (operator, role.name.clone(), role.identity_class);
                let names = rights.entry(right).or_default();
                if !names.contains(&name) {
                    names.push(name.clone());
                }
            }
        }
    }
    rights
}

fn people(intent: &Intent, assignment: &Assignment) -> Vec<OperatorName> {
    let squad = assignment.squad.as_ref().and_then(|name| intent.squads.get(name));
    let members = squad.into_iter().flat_map(|squad| squad.members.iter().map(|member| member.operator.clone()));
    members.chain(assignment.operator.clone()).collect()
}

/// The right as it is desired and verified; nothing if the state does not hold it, as after a leave.
fn one(
    snapshot: &Snapshot,
    tenant: &TenantName,
    channel: &crate::channel::ChannelState,
    carried: &Carried,
    (name, role, class): Right,
    assignments: Vec<AssignmentName>,
) -> Option<Access> {
    let intent = snapshot.fleet.intent();
    let operator: &Operator = intent.operators.get(&name)?;
    let home = &intent.tenants.get(tenant)?.home;
    let account = operator.identity(home, class)?;
    let object_id = account.object_id;
    let part = |kind: GroupKind| {
        let group = GroupKey { role: role.clone(), class, kind };
        let key = ItemKey::Member(MemberKey::of(&group, home, object_id));
        let item = opened(&channel.wanted.items, &key.to_string()).filter(|item| item.want == Want::Present)?;
        let reported = channel.reported.items.get(key.to_string().as_str());
        Some((item, carried.of_group(&group).of_member(RightStatus::of(reported.map(|report| &**report)))))
    };
    let (item, plain) = part(GroupKind::Plain)?;
    let second = part(GroupKind::RoleAssignable).map(|(_, part)| part);
    let user = ItemKey::User(UserKey { home: home.clone(), object_id }).to_string();
    let user = channel.reported.items.get(user.as_str());
    let planes = channel.reported.standing.as_ref().map(|standing| standing.planes.as_slice()).unwrap_or_default();
    let verified = |plane: Plane| planes.iter().find(|it| it.plane == plane).and_then(|it| it.verified);
    let membership = verified(Plane::Memberships);
    let windows = item.windows.as_slice();
    let verified = if second.is_some() { membership.min(verified(Plane::EntraRoles)) } else { membership };
    let Part { standing: RightStatus { state, reason, detail, .. }, rights, applied, unknown } = plain.and(second);
    let ground = |name: &AssignmentName| {
        let it = intent.assignments.get(name)?;
        Some(Ground { assignment: name.clone(), justification: it.justification.clone(), ticket: it.ticket.clone() })
    };
    Some(Access {
        tenant: tenant.clone(),
        operator: name,
        mail: account.mail.clone(),
        role,
        class,
        state,
        reason,
        detail,
        grounds: assignments.iter().filter_map(ground).collect(),
        assignments,
        start: windows.first().and_then(|window| window.start),
        end: windows.last().and_then(|window| window.end),
        verified,
        redeem_url: user.filter(|user| user.reason == Some(Reason::Redemption)).and_then(|it| it.redeem_url.clone()),
        account: user.map_or((ItemState::Pending, None), |user| (user.state, user.reason)),
        rights,
        rights_applied: applied,
        rights_unknown: unknown,
    })
}
