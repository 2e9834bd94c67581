//! The ground truth of a tenant, and the figures that judge its callers by it.

use serde_json::Value;

use super::{Group, Tenant, User};
use crate::clock::Now;
use crate::control::types::{
    AzureTruth, DefenderAssignmentTruth, DefenderRoleTruth, Figures, GroupTruth, Truth, UserTruth,
};
use crate::replicated::Replicated;

impl Tenant {
    pub fn truth(&self, now: Now) -> Truth {
        let users = self.users.values().filter_map(Replicated::truth).map(|user| self.user_truth(user, false, now));
        let deleted_users = self.deleted_users().map(|user| self.user_truth(user, true, now));
        let groups =
            self.groups.values().filter_map(|entry| entry.object.truth()).map(|group| self.group_truth(group, false));
        let deleted_groups = self.deleted_groups().map(|group| self.group_truth(group, true));
        Truth {
            users: users.chain(deleted_users).collect(),
            groups: groups.chain(deleted_groups).collect(),
            azure_assignments: self.azure_truth(),
            defender_roles: self.defender_roles_truth(),
            defender_assignments: self.defender_assignments_truth(),
        }
    }

    fn group_truth(&self, group: &Group, deleted: bool) -> GroupTruth {
        let entry = self.groups.get(&group.id);
        let members = entry.map(|entry| entry.members.keys().filter(|id| entry.has_member(id)).cloned().collect());
        GroupTruth {
            id: group.id.clone(),
            display_name: group.text("displayName").to_owned(),
            unique_name: group.props.get("uniqueName").and_then(Value::as_str).map(str::to_owned),
            created_by: group.created_by.clone(),
            deleted,
            members: members.unwrap_or_default(),
            owners: entry.map(|entry| entry.owners.iter().cloned().collect()).unwrap_or_default(),
        }
    }

    fn azure_truth(&self) -> Vec<AzureTruth> {
        let of = |one: &super::azure::Assignment| AzureTruth {
            name: one.name.clone(),
            scope: one.scope.clone(),
            role: one.role.clone(),
            principal: one.principal.clone(),
            principal_type: one.principal_type.clone(),
            created_by: one.created_by.clone(),
        };
        self.azure.assignments.values().map(of).collect()
    }

    fn defender_roles_truth(&self) -> Vec<DefenderRoleTruth> {
        let of = |one: &super::defender::DefenderRole| DefenderRoleTruth {
            id: one.id.clone(),
            display_name: one.display_name.clone(),
            actions: one.actions.clone(),
            created_by: one.created_by.clone(),
        };
        self.defender.roles.values().filter_map(Replicated::truth).map(of).collect()
    }

    fn defender_assignments_truth(&self) -> Vec<DefenderAssignmentTruth> {
        let of = |one: &super::defender::DefenderAssignment| DefenderAssignmentTruth {
            id: one.id.clone(),
            display_name: one.display_name.clone(),
            role: one.role.clone(),
            principals: one.principals.clone(),
            app_scopes: one.app_scopes.clone(),
            created_by: one.created_by.clone(),
        };
        self.defender.assignments.values().filter_map(Replicated::truth).map(of).collect()
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

    fn user_truth(&self, user: &User, deleted: bool, now: Now) -> UserTruth {
        UserTruth {
            id: user.id.clone(),
            display_name: user.text("displayName").to_owned(),
            mail: user.props.get("mail").and_then(Value::as_str).map(str::to_owned),
            invited_mail: user.invited_mail.clone(),
            invited_as: user.invited_as.iter().cloned().collect(),
            user_principal_name: user.text("userPrincipalName").to_owned(),
            created_by: user.created_by.clone(),
            user_type: user.text("userType").to_owned(),
            enabled: user.enabled(),
            redeemed: user.is_b2b() && user.redeemed,
            deleted,
            sessions_revoked_at: user.sessions_revoked_at.clone(),
            session: self.session_truth(&user.id, now),
            entra_roles: user.entra_roles.clone(),
        }
    }
}
