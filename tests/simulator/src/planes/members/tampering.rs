//! Memberships, given and taken by hand.

use super::membership::Membership;
use crate::clock::Now;
use crate::tenant::Tenant;
use crate::tenant::lookup::Absent;

pub fn add(tenant: &mut Tenant, group: &str, member: &str, now: Now) -> Result<(), Absent> {
    write(tenant, group, member, Some(Membership::default()), now)
}

pub fn remove(tenant: &mut Tenant, group: &str, member: &str, now: Now) -> Result<(), Absent> {
    write(tenant, group, member, None, now)
}

fn write(tenant: &mut Tenant, group: &str, member: &str, to: Option<Membership>, now: Now) -> Result<(), Absent> {
    let (group, member) = (tenant.find("group", group)?, tenant.find("member", member)?);
    tenant.write_member(&group, &member, to, now);
    Ok(())
}
