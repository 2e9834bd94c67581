//! What a person would run to make a change that the agent may not make: `az`, as it stands on every
//! administrator's machine.
//!
//! Values are quoted for a POSIX shell; nothing here is ever run by us.

use std::collections::BTreeSet;

use crate::action::Action;

pub(super) fn of(action: &Action, graph: &str) -> String {
    let patch = |user: &dyn std::fmt::Display, enabled: bool| {
        rest("PATCH", &format!("{graph}/v1.0/users/{user}"), &format!(r#"{{"accountEnabled":{enabled}}}"#))
    };
    match action {
        Action::BlockUser { user, .. } => patch(user, false),
        Action::UnblockUser { user } => patch(user, true),
        Action::RevokeSessions { user } => {
            rest("POST", &format!("{graph}/v1.0/users/{user}/revokeSignInSessions"), "{}")
        }
        Action::DeleteUser { user } => format!("az ad user delete --id {user}"),
        Action::RemoveMember { group, user } => {
            format!("az ad group member remove --group {group} --member-id {user}")
        }
        Action::AddMember { group, user } => format!("az ad group member add --group {group} --member-id {user}"),
        Action::InviteUser { mail, display_name } => {
            let body = format!(
                r#"{{"invitedUserEmailAddress":{},"invitedUserDisplayName":{},"inviteRedirectUrl":"https://security.microsoft.com","sendInvitationMessage":true}}"#,
                json(mail),
                json(display_name)
            );
            rest("POST", &format!("{graph}/v1.0/invitations"), &body)
        }
        Action::CreateGroup { display_name, mail_nickname, description } => format!(
            "az ad group create --display-name {} --mail-nickname {} --description {}",
            shell(display_name),
            shell(mail_nickname),
            shell(description)
        ),
        Action::PutAzureRole { scope, definition, principal, .. } => format!(
            "az role assignment create --role {definition} --assignee-object-id {principal} --assignee-principal-type Group --scope {}",
            shell(scope)
        ),
        Action::DeleteAzureRole { scope, name } => format!(
            "az role assignment delete --ids {}",
            shell(&format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"))
        ),
        Action::CreateDefenderRole { display_name, description, actions } => {
            rest("POST", &defender(graph, "roleDefinitions", None), &role(display_name, description, actions))
        }
        Action::UpdateDefenderRole { id, display_name, description, actions } => {
            rest("PATCH", &defender(graph, "roleDefinitions", Some(id)), &role(display_name, description, actions))
        }
        Action::CreateDefenderAssignment { display_name, description, role, principal, app_scopes } => {
            let body = format!(
                r#"{{"displayName":{},"description":{},"roleDefinitionId":{},"principalIds":["{principal}"],"appScopeIds":{}}}"#,
                json(display_name),
                json(description),
                json(role),
                list(app_scopes)
            );
            rest("POST", &defender(graph, "roleAssignments", None), &body)
        }
        Action::DeleteDefenderAssignment { id } => delete(&defender(graph, "roleAssignments", Some(id))),
        Action::DeleteDefenderRole { id } => delete(&defender(graph, "roleDefinitions", Some(id))),
    }
}

/// Deleting a group takes a wider permission than the agent has, and so is a person's task.
pub(super) fn delete_group(group: &dyn std::fmt::Display) -> String {
    format!("az ad group delete --group {group}")
}

fn defender(graph: &str, kind: &str, id: Option<&String>) -> String {
    let id = id.map(|id| format!("/{id}")).unwrap_or_default();
    format!("{graph}/beta/roleManagement/defender/{kind}{id}")
}

fn role(display_name: &str, description: &str, actions: &BTreeSet<String>) -> String {
    format!(
        r#"{{"displayName":{},"description":{},"rolePermissions":[{{"allowedResourceActions":{}}}]}}"#,
        json(display_name),
        json(description),
        list(actions)
    )
}

fn rest(method: &str, url: &str, body: &str) -> String {
    format!("az rest --method {method} --url {} --body {}", shell(url), shell(body))
}

fn delete(url: &str) -> String {
    format!("az rest --method DELETE --url {}", shell(url))
}

fn list(texts: &BTreeSet<String>) -> String {
    format!("[{}]", texts.iter().map(|text| json(text)).collect::<Vec<_>>().join(","))
}

fn json(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|c| match c {
            '"' => "\\\"".into(),
            '\\' => "\\\\".into(),
            c if c.is_control() => format!("\\u{:04x}", c as u32),
            c => c.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}

/// One word for a POSIX shell, whatever stands in it.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_can_end_its_quotes() {
        let display_name = r#"Li "; rm -rf /' $(x)"#.to_string();
        let action = Action::InviteUser { mail: "li@nordwall.example".into(), display_name };
        let text = of(&action, "https://graph.microsoft.com");
        assert!(text.contains(r#""Li \"; rm -rf /'\'' $(x)""#), "{text}");
    }
}
