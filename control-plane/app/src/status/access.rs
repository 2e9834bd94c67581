//! Who has access where: each membership that is desired, which assignments give it, and whether it was read back.

use std::collections::BTreeMap;

use entente_model::desired::{ItemKey, Want};
use entente_model::intent::{Assignment, IdentityClass, Intent, Operator};
use entente_model::report::{ItemState, Reason};
use entente_model::{AssignmentName, OperatorName, Plane, RoleName, TenantName, Timestamp};

use super::view::opened;
use crate::app::{App, Inner};
use crate::caller::{ApiRole, Caller};
use crate::error::AppError;
use crate::page::{Page, PageRequest};
use crate::world::World;

/// One right of one person in one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    pub tenant: TenantName,
    pub operator: OperatorName,
    /// The account.
    pub mail: String,
    pub role: RoleName,
    pub class: IdentityClass,
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
    /// While the operator's redemption is awaited.
    pub redeem_url: Option<String>,
}

/// Operator, role, class: the order within a tenant.
type Right = (OperatorName, RoleName, IdentityClass);

impl App {
    /// By tenant, then operator, then role.
    pub fn list_access(
        &self,
        caller: &Caller,
        tenant: Option<&TenantName>,
        operator: Option<&OperatorName>,
        page: &PageRequest,
    ) -> Result<Page<Access>, AppError> {
        caller.needs(ApiRole::Viewer)?;
        let after = position(&page.token)?;
        let world = self.world();
        tenant.map_or(Ok(()), |name| world.needs_tenant("tenant", name))?;
        operator.map_or(Ok(()), |name| world.needs_operator("operator", name))?;
        let intent = world.fleet.intent();
        let names = intent.tenants.keys().filter(|name| {
            tenant.is_none_or(|tenant| tenant == *name) && after.as_ref().is_none_or(|(first, _)| *name >= first)
        });
        let rights = names.flat_map(|name| self.inner.access(&world, name, operator));
        let rights = rights.filter(|it| {
            let at = (it.tenant.clone(), (it.operator.clone(), it.role.clone(), it.class));
            after.as_ref().is_none_or(|after| at > *after)
        });
        Ok(Page::of(rights, page.limit(), |it| {
            format!("{}|{}|{}|{}", it.tenant, it.operator, it.role, it.class.word())
        }))
    }
}

fn position(token: &str) -> Result<Option<(TenantName, Right)>, AppError> {
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

impl Inner {
    fn access(&self, world: &World, tenant: &TenantName, operator: Option<&OperatorName>) -> Vec<Access> {
        let Some(desk) = self.desks.get(tenant) else { return Vec::new() };
        let rights = given(world, tenant, operator);
        let state = desk.lock();
        rights.into_iter().filter_map(|(right, assignments)| one(world, tenant, &state, right, assignments)).collect()
    }
}

/// Which assignments give whom which role in a tenant.
fn given(world: &World, tenant: &TenantName, only: Option<&OperatorName>) -> BTreeMap<Right, Vec<AssignmentName>> {
    let intent = world.fleet.intent();
    let mut rights: BTreeMap<Right, Vec<AssignmentName>> = BTreeMap::new();
    for name in world.fleet.assignments_of(tenant) {
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

/// The right as it is desired and verified; nothing if the state does not hold it (somebody who has left).
fn one(
    world: &World,
    tenant: &TenantName,
    desk: &crate::desk::DeskState,
    (name, role, class): Right,
    assignments: Vec<AssignmentName>,
) -> Option<Access> {
    let intent = world.fleet.intent();
    let operator: &Operator = intent.operators.get(&name)?;
    let home = &intent.tenants.get(tenant)?.home;
    let account = operator.identity(home, class)?;
    let (role_name, object_id) = (role.clone(), account.object_id);
    let key = ItemKey::Member { role: role_name, class, home: home.clone(), object_id }.to_string();
    let item = opened(&desk.wanted.items, &key).filter(|item| item.want == Want::Present)?;
    let reported = desk.reported.items.get(key.as_str());
    let user = ItemKey::User { home: home.clone(), object_id }.to_string();
    let user = desk.reported.items.get(user.as_str());
    let planes = desk.reported.standing.as_ref().map(|standing| standing.planes.as_slice()).unwrap_or_default();
    let windows = item.windows.as_slice();
    Some(Access {
        tenant: tenant.clone(),
        operator: name,
        mail: account.mail.clone(),
        role,
        class,
        state: reported.map_or(ItemState::Pending, |report| report.state),
        reason: reported.and_then(|report| report.reason),
        detail: reported.map(|report| report.detail.clone()).unwrap_or_default(),
        assignments,
        start: windows.first().and_then(|window| window.start),
        end: windows.last().and_then(|window| window.end),
        verified: planes.iter().find(|it| it.plane == Plane::Memberships).and_then(|it| it.verified),
        redeem_url: user.filter(|user| user.reason == Some(Reason::Redemption)).and_then(|it| it.redeem_url.clone()),
    })
}
