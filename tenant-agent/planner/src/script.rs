//! What a person would run to make a change that the agent may not make, with the same result: `az`, as it stands on
//! every administrator's machine.
//!
//! Defender's roles take another tool. The Azure CLI's own application has no permission for them, and it follows the
//! redirect with which Microsoft answers what it has done, fails, and lets the person do it twice. Graph PowerShell asks for
//! the permission, and its script looks by name before and after. Values are quoted for the shell that reads them; nothing
//! here is ever run by us.

use std::collections::BTreeSet;

use crate::action::{Action, INVITE_REDIRECT};

pub(crate) fn of(action: &Action, graph: &str) -> String {
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
                r#"{{"invitedUserEmailAddress":{},"invitedUserDisplayName":{},"inviteRedirectUrl":{},"sendInvitationMessage":false}}"#,
                json(mail),
                json(display_name),
                json(INVITE_REDIRECT)
            );
            let post = rest("POST", &format!("{graph}/v1.0/invitations"), &body);
            format!(
                "{post} --query inviteRedeemUrl --output tsv\n# Microsoft sends no mail: pass the link on to the service provider."
            )
        }
        Action::CreateGroup { display_name, mail_nickname, description } => format!(
            "az ad group create --display-name {} --mail-nickname {} --description {}",
            shell(display_name),
            shell(mail_nickname),
            shell(description)
        ),
        Action::PutAzureRole { name, scope, definition, principal, description } => format!(
            "az role assignment create --name {name} --role {definition} --assignee-object-id {principal} --assignee-principal-type Group --scope {} --description {}",
            shell(scope),
            shell(description)
        ),
        Action::DeleteAzureRole { scope, name } => format!(
            "az role assignment delete --ids {}",
            shell(&format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"))
        ),
        Action::CreateDefenderRole { display_name, description, actions } => {
            create(graph, "roleDefinitions", display_name, &role(display_name, description, actions))
        }
        Action::UpdateDefenderRole { id, display_name, description, actions } => {
            let body = quoted(&role(display_name, description, actions));
            let uri = quoted(&defender(graph, "roleDefinitions", Some(id)));
            powershell(&format!(
                "Invoke-MgGraphRequest -Method PATCH -Uri {uri} -ContentType 'application/json' -Body {body}"
            ))
        }
        Action::CreateDefenderAssignment { display_name, description, role, principal, app_scopes } => {
            let body = format!(
                r#"{{"displayName":{},"description":{},"roleDefinitionId":{},"principalIds":["{principal}"],"appScopeIds":{}}}"#,
                json(display_name),
                json(description),
                json(role),
                list(app_scopes)
            );
            create(graph, "roleAssignments", display_name, &body)
        }
        Action::DeleteDefenderAssignment { id } => delete(&defender(graph, "roleAssignments", Some(id))),
        Action::DeleteDefenderRole { id } => delete(&defender(graph, "roleDefinitions", Some(id))),
    }
}

/// Deleting a group takes a wider permission than the agent has, and so is a person's task.
pub(crate) fn delete_group(group: &dyn std::fmt::Display) -> String {
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
    powershell(&format!("Invoke-MgGraphRequest -Method DELETE -Uri {}", quoted(url)))
}

/// Only where nothing of that name is there; what Microsoft answers is not taken for the outcome.
fn create(graph: &str, kind: &str, name: &str, body: &str) -> String {
    let (uri, name, body) = (quoted(&defender(graph, kind, None)), quoted(name), quoted(body));
    let look =
        format!("(Invoke-MgGraphRequest -Method GET -Uri {uri}).value | Where-Object {{ $_.displayName -ceq {name} }}");
    powershell(&format!(
        "if (-not ({look})) {{ try {{ Invoke-MgGraphRequest -Method POST -Uri {uri} -ContentType 'application/json' -Body {body} }} catch {{ Write-Host \"Answered: $_\" }} }}\n\
         {look}\n\
         # Microsoft answers what it has done with a redirect, which shows as an error, and lists lag for minutes: if nothing is shown, wait half an hour before you run this again."
    ))
}

fn powershell(command: &str) -> String {
    format!(
        "# PowerShell, with the module Microsoft.Graph.Authentication\nConnect-MgGraph -Scopes RoleManagement.ReadWrite.Defender -NoWelcome\n{command}"
    )
}

/// One text for PowerShell, whatever stands in it. It takes typographic quotes for plain ones (about_Quoting_Rules).
fn quoted(text: &str) -> String {
    let mut quoted = String::from("'");
    for c in text.chars() {
        quoted.push(c);
        if matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}') {
            quoted.push(c);
        }
    }
    quoted + "'"
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

    #[test]
    fn no_name_can_end_its_quotes_in_powershell() {
        let action = Action::CreateDefenderRole {
            display_name: "ent-l1' ; Remove-Item / \u{2019}; $(x)".into(),
            description: String::new(),
            actions: BTreeSet::new(),
        };
        let text = of(&action, "https://graph.microsoft.com");
        assert!(text.contains("-ceq 'ent-l1'' ; Remove-Item / \u{2019}\u{2019}; $(x)'"), "{text}");
    }

    #[test]
    fn fidelity_a12_a_person_lands_where_the_agent_would() {
        let invite = Action::InviteUser { mail: "li@nordwall.example".into(), display_name: "Li".into() };
        let text = of(&invite, "https://graph.microsoft.com");
        assert!(text.contains(r#""sendInvitationMessage":false"#), "{text}");
        assert!(text.contains(&format!(r#""inviteRedirectUrl":"{INVITE_REDIRECT}""#)), "{text}");
        let put = Action::PutAzureRole {
            name: entente_model::Guid::from_u128(7),
            scope: "/subscriptions/1".into(),
            definition: entente_model::Guid::from_u128(8),
            principal: entente_model::Guid::from_u128(9),
            description: "Entente: x".into(),
        };
        let text = of(&put, "https://graph.microsoft.com");
        assert!(text.contains("--name 00000000-0000-0000-0000-000000000007"), "{text}");
        let role = Action::CreateDefenderRole {
            display_name: "ent-l1".into(),
            description: String::new(),
            actions: BTreeSet::new(),
        };
        let text = of(&role, "https://graph.microsoft.com");
        assert!(!text.contains("az rest") && text.contains("if (-not ((Invoke-MgGraphRequest -Method GET"), "{text}");
    }
}
