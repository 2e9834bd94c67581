//! Uncertain facts about Microsoft's behaviour, each as a named switch with its possible values.
//!
//! A client must be correct under every value. `GET /_sim/switches` prints this table.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One open question.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Switch {
    pub name: &'static str,
    pub values: &'static [&'static str],
    /// The first value is the default.
    pub default: &'static str,
    pub about: &'static str,
}

const fn ask(name: &'static str, values: &'static [&'static str], about: &'static str) -> Switch {
    Switch { name, values, default: values[0], about }
}

/// Every switch there is.
pub const SWITCHES: &[Switch] = &[
    ask(
        "delete_member_absent",
        &["404", "204"],
        "status of DELETE .../members/{id}/$ref when the object is not a member",
    ),
    ask(
        "already_member_code",
        &["Request_BadRequest", "ObjectConflict"],
        "error.code of the 400 when a member is added twice",
    ),
    ask(
        "reinvite_existing_guest",
        &["same_id", "error", "second_user"],
        "POST /invitations for a mail that a B2B user has already",
    ),
    ask(
        "redemption",
        &["together", "state_first", "identities_first"],
        "which of externalUserState and identities a redemption writes first; the other follows after the lag",
    ),
    ask("redeemed_state", &["Accepted", "null"], "externalUserState of a guest who has redeemed"),
    ask(
        "revoke_guest_sessions",
        &["ineffective", "works"],
        "revokeSignInSessions of a guest: answered 200 without an effect, as the documentation says, or ends the sessions",
    ),
    ask("invites_disabled_status", &["403", "401", "400"], "status when allowInvitesFrom shuts the application out"),
    ask("invite_as_member", &["allowed", "refused"], "invitedUserType=Member from an application"),
    ask(
        "enable_disable_needs_user_read",
        &["no", "yes"],
        "User.EnableDisableAccount.All counts only together with User.Read.All",
    ),
    ask("add_member_needs_user_read", &["yes", "no"], "adding a user to a group needs a permission to read users too"),
    ask(
        "bind_members_permission",
        &["group_member", "group"],
        "permission for PATCH /groups/{id} with only members@odata.bind: GroupMember.ReadWrite.All or a full group permission",
    ),
    ask(
        "upsert_permission",
        &["wide", "create"],
        "PATCH /groups(uniqueName=..) that creates: a full group permission, or Group.Create will do",
    ),
    ask(
        "owner_may_manage",
        &["no", "yes"],
        "an application that owns a group may change and delete it without a permission on groups",
    ),
    ask(
        "member_of_permission",
        &["user_read", "directory_read"],
        "GET /users/{id}/memberOf: any read permission on users or groups, or Directory.Read.All only",
    ),
    ask("group_delete", &["soft", "hard"], "whether a deleted security group waits in deletedItems"),
    ask("deleted_unique_name", &["held", "free"], "whether a soft-deleted group still holds its uniqueName"),
    ask(
        "deleted_user_name",
        &["kept", "prefixed"],
        "whether the userPrincipalName of a deleted user gains its object id as a prefix",
    ),
    ask(
        "dynamic_rule_code",
        &["exception", "Request_BadRequest"],
        "error.code for a wrong membership rule: the name of the service's exception, or the usual one",
    ),
    ask("stale_delta_token", &["410", "400"], "status for a delta token of more than seven days; 410 with Location"),
    ask("delta_pages", &["tidy", "untidy"], "untidy: a round begins with an empty page and repeats an entry"),
    ask(
        "deleted_member_in_delta",
        &["on_purge", "on_delete", "never"],
        "when members@delta shows that a deleted user is no member any more",
    ),
    ask("top_above_max", &["refused", "clamped"], "$top above 999"),
    ask("inner_error_spelling", &["innerError", "innererror"], "spelling of the nested error object"),
    ask("retry_after", &["present", "absent"], "whether a 429 carries Retry-After"),
    ask("invalid_client_status", &["400", "401"], "status of the token endpoint for a wrong secret or assertion"),
    ask("rs256_assertion", &["accepted", "refused"], "certificate assertions signed RS256 with x5t"),
    ask("principal_not_found_status", &["400", "403", "404"], "status of PrincipalNotFound"),
    ask("role_assignment_exists_status", &["409", "400"], "status of RoleAssignmentExists"),
    ask("role_definition_missing_status", &["400", "404"], "status of RoleDefinitionDoesNotExist"),
    ask("assigned_to_filter", &["supported", "refused"], "$filter=assignedTo('{id}') on role assignments"),
    ask(
        "post_role_redirect",
        &["302", "307", "308", "off"],
        "answer to a successful POST of a Defender role: a redirect to http://, or 201",
    ),
    ask("post_assignment_redirect", &["302", "307", "308", "off"], "the same for a Defender role assignment"),
    ask(
        "defender_principal",
        &["refused", "refused_until_seen", "accepted"],
        "a Defender role assignment to a principal that does not exist, or is not in the index yet",
    ),
    ask("defender_odata_type", &["refused", "accepted"], "a Defender role assignment that carries @odata.type"),
    ask("defender_canonicalise", &["on", "off"], "a stored Defender role loses actions that another one covers"),
    ask("defender_names_unique", &["no", "yes"], "whether a second Defender role of the same name is refused"),
    ask(
        "defender_assignment_shape",
        &["as_posted", "portal"],
        "whether a stored Defender assignment gains directoryScopeIds [\"/\"]",
    ),
    ask(
        "directory_role_exists",
        &["400", "409", "201"],
        "a directory role that its holder has already: refused as a conflicting object with 400 or 409, or 201 with the same id",
    ),
    ask(
        "delete_directory_role_absent",
        &["404", "204"],
        "status of DELETE of a directory role assignment that is not there",
    ),
    ask(
        "directory_role_to_ordinary_group",
        &["400", "201"],
        "a directory role for a group that is not role-assignable: refused, or answered 201 and never there",
    ),
    ask(
        "new_directory_assignment",
        &["late", "flapping"],
        "a new directory role assignment shows after the lag, or then still comes and goes for as long again",
    ),
    ask(
        "read_all_reads_directory_roles",
        &["no", "yes"],
        "RoleManagement.Read.All reads directory role assignments, and not definitions alone",
    ),
    ask(
        "deleted_principal_assignments",
        &["hidden", "listed"],
        "whether directory role assignments of a user or group in the recycle bin are listed still",
    ),
    ask(
        "group_member_of_roles",
        &["shown", "hidden"],
        "whether memberOf of a group shows the directory roles that it holds",
    ),
    ask(
        "owner_manages_role_assignable",
        &["no", "yes"],
        "an application that owns a role-assignable group may change it without RoleManagement.ReadWrite.Directory",
    ),
    ask(
        "role_assignable_filter",
        &["plain", "advanced"],
        "whether a filter on isAssignableToRole needs the headers of an advanced query",
    ),
    ask(
        "role_assignable_visibility",
        &["not_public", "hidden"],
        "visibility that a new role-assignable group may name: any but Public, or Hidden alone",
    ),
    ask(
        "block_directory_reader",
        &["403", "204"],
        "blocking or deleting a user who holds Directory Readers and no other role, by an application without a role of its own",
    ),
    ask("dataops_without_workspace", &["refused", "accepted"], "microsoft.xdr/dataops/* without a Sentinel workspace"),
];

/// A switch or value that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("switch {name}: {value:?} is not one of {allowed}")]
pub struct UnknownSwitch {
    name: String,
    value: String,
    allowed: String,
}

/// The position of every switch in one tenant.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Switches(BTreeMap<String, String>);

impl Switches {
    pub fn get(&self, name: &str) -> &str {
        let default = || SWITCHES.iter().find(|switch| switch.name == name).map_or("", |switch| switch.default);
        self.0.get(name).map_or_else(default, String::as_str)
    }

    pub fn is(&self, name: &str, value: &str) -> bool {
        self.get(name) == value
    }

    /// A switch whose values are HTTP statuses.
    pub fn status(&self, name: &str) -> u16 {
        self.get(name).parse().unwrap_or(500)
    }

    pub fn set(&mut self, name: &str, value: &str) -> Result<(), UnknownSwitch> {
        let allowed = SWITCHES.iter().find(|switch| switch.name == name).map_or(&[][..], |switch| switch.values);
        if !allowed.contains(&value) {
            let allowed =
                if allowed.is_empty() { "the switches of GET /_sim/switches".into() } else { allowed.join(", ") };
            return Err(UnknownSwitch { name: name.into(), value: value.into(), allowed });
        }
        self.0.insert(name.to_owned(), value.to_owned());
        Ok(())
    }
}
