//! The one write of groups: they are made. Deleting one takes a wider permission than the agent has.

use std::fmt;

use entente_model::desired::GroupKind;

use crate::effect::{Describe, Effect, Gives, Touches};
use crate::ledger::Thing;
use crate::observed::Listing;
use crate::script::{json, rest, shell};

/// What is done about a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// The group that marks our users ([`crate::ledger::LedgerKey::Marker`]) or an item's group. The agent puts its own
    /// service principal in as owner: without one a group made with Group.Create alone cannot be changed again
    /// (Graph: group-post-groups).
    Create { display_name: String, mail_nickname: String, description: String, kind: GroupKind },
}

impl Describe for Write {
    fn effect(&self) -> Effect<'_> {
        let Self::Create { display_name, .. } = self;
        Effect::Creates {
            name: display_name,
            found_in: Listing::GroupsByName(display_name.clone()),
            as_thing: |id| Some(Thing::Group { id: id.parse().ok()? }),
        }
    }

    fn gives(&self) -> Gives {
        // Nobody is in it, and nothing hangs on it.
        let Self::Create { .. } = self;
        Gives::Nothing
    }

    fn touches(&self) -> Touches {
        let Self::Create { .. } = self;
        Touches::default()
    }

    fn script(&self, graph: &str) -> String {
        let Self::Create { display_name, mail_nickname, description, kind } = self;
        if *kind == GroupKind::RoleAssignable {
            let (name, nickname, mark) = (json(display_name), json(mail_nickname), json(description));
            let body = format!(
                r#"{{"displayName":{name},"mailNickname":{nickname},"description":{mark},"securityEnabled":true,"mailEnabled":false,"isAssignableToRole":true}}"#
            );
            return rest("post", &format!("{graph}/v1.0/groups"), &body);
        }
        format!(
            "az ad group create --display-name {} --mail-nickname {} --description {}",
            shell(display_name),
            shell(mail_nickname),
            shell(description)
        )
    }
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Create { display_name, kind, .. } = self;
        let kind = match kind {
            GroupKind::Plain => "",
            GroupKind::RoleAssignable => "role-assignable ",
        };
        write!(f, "create {kind}group {display_name}")
    }
}

/// Deleting a group takes a wider permission than the agent has, and so is a person's task.
pub(crate) fn delete_script(group: entente_model::Guid) -> String {
    format!("az ad group delete --group {group}")
}
