//! What a person would run to make a change that the agent may not make, with the same result: `az`, as it stands on
//! every administrator's machine. Each write says its own ([`crate::write::Describe::script`]).
//!
//! Values are quoted for the shell that reads them; nothing here is ever run by us.

use std::collections::BTreeSet;

pub(crate) fn rest(method: &str, url: &str, body: &str) -> String {
    format!("az rest --method {method} --url {} --body {}", shell(url), shell(body))
}

/// One text for PowerShell, whatever stands in it. It takes typographic quotes for plain ones (about_Quoting_Rules).
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("'");
    for c in text.chars() {
        quoted.push(c);
        if matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}') {
            quoted.push(c);
        }
    }
    quoted + "'"
}

pub(crate) fn list(texts: &BTreeSet<String>) -> String {
    format!("[{}]", texts.iter().map(|text| json(text)).collect::<Vec<_>>().join(","))
}

pub(crate) fn json(text: &str) -> String {
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
pub(crate) fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::write::{Action, AzureWrite, DefenderWrite, Describe, INVITE_REDIRECT, UserWrite};

    #[test]
    fn no_name_can_end_its_quotes() {
        let display_name = r#"Li "; rm -rf /' $(x)"#.to_string();
        let action = Action::User(UserWrite::Invite { mail: "li@nordwall.example".into(), display_name });
        let text = action.script("https://graph.microsoft.com");
        assert!(text.contains(r#""Li \"; rm -rf /'\'' $(x)""#), "{text}");
    }

    #[test]
    fn no_name_can_end_its_quotes_in_powershell() {
        let action = Action::Defender(DefenderWrite::CreateRole {
            display_name: "ent-l1' ; Remove-Item / \u{2019}; $(x)".into(),
            description: String::new(),
            actions: BTreeSet::new(),
        });
        let text = action.script("https://graph.microsoft.com");
        assert!(text.contains("-ceq 'ent-l1'' ; Remove-Item / \u{2019}\u{2019}; $(x)'"), "{text}");
    }

    #[test]
    fn fidelity_a12_a_person_lands_where_the_agent_would() {
        let invite = Action::User(UserWrite::Invite { mail: "li@nordwall.example".into(), display_name: "Li".into() });
        let text = invite.script("https://graph.microsoft.com");
        assert!(text.contains(r#""sendInvitationMessage":false"#), "{text}");
        assert!(text.contains(&format!(r#""inviteRedirectUrl":"{INVITE_REDIRECT}""#)), "{text}");
        let put = Action::Azure(AzureWrite::Put {
            name: entente_model::Guid::from_u128(7),
            scope: "/subscriptions/1".into(),
            definition: entente_model::Guid::from_u128(8),
            principal: entente_model::Guid::from_u128(9),
            description: "Entente: x".into(),
        });
        let text = put.script("https://graph.microsoft.com");
        assert!(text.contains("--name 00000000-0000-0000-0000-000000000007"), "{text}");
        let role = Action::Defender(DefenderWrite::CreateRole {
            display_name: "ent-l1".into(),
            description: String::new(),
            actions: BTreeSet::new(),
        });
        let text = role.script("https://graph.microsoft.com");
        assert!(!text.contains("az rest") && text.contains("if (-not ((Invoke-MgGraphRequest -Method GET"), "{text}");
    }
}
