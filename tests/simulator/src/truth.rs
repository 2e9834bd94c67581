//! What is really in a tenant, and the figures about its callers.

use crate::clock::Now;
use crate::control::types::{Figures, Truth};
use crate::planes;
use crate::tenant::Tenant;

mod person;

impl Tenant {
    pub fn truth(&self, now: Now) -> Truth {
        let mut truth = Truth::default();
        planes::all().for_each(|plane| plane.truth(self, now, &mut truth));
        truth
    }

    /// The figures of one application, or of all together.
    pub fn figures(&self, app: Option<&str>) -> Figures {
        let concerns = |one: &str| app.is_none_or(|app| app.eq_ignore_ascii_case(one));
        let invitations = || self.invitations.iter().filter(|one| concerns(&one.app));
        let unowned = || self.unowned.iter().filter(|(app, _)| concerns(app)).map(|(_, one)| one);
        Figures {
            accepted_invitations: invitations().count() as u64,
            duplicate_invitations: invitations().filter(|one| one.duplicate).count() as u64,
            invitations_of_deleted: invitations().filter(|one| one.deleted).count() as u64,
            writes_to_unowned: unowned().map(|(count, _)| count).sum(),
            unowned: unowned().flat_map(|(_, newest)| newest.clone()).collect(),
        }
    }
}
