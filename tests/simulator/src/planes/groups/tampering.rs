//! Groups, deleted by hand.

use crate::clock::Now;
use crate::tenant::Tenant;
use crate::tenant::lookup::Absent;

pub fn delete(tenant: &mut Tenant, group: &str, now: Now) -> Result<(), Absent> {
    let id = tenant.find("group", group)?;
    tenant.delete_group(&id, now);
    Ok(())
}
