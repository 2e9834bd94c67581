//! What a customer writes so that the file lets something pass: what stands there already, and what is lacking.

use std::collections::BTreeMap;

use entente_model::PlaneMode;

use super::{NOT_KNOWN, Need};
use crate::guardrail::Guardrail;

/// Sections of YAML to be put in the place of those keys, ready to be copied. Empty where no word of ours can say what the
/// customer would want: another home tenant, a longer grant.
///
/// `keys`: what decides, also where no need says so.
pub fn written(guardrail: &Guardrail, lacking: &[Need], keys: &[String]) -> String {
    let mut sections: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for key in keys {
        let values: Vec<&str> = lacking
            .iter()
            .filter(|need| need.key == *key && need.value != NOT_KNOWN)
            .map(|it| it.value.as_str())
            .collect();
        if let Some((section, name)) = key.split_once('.') {
            let lines = below(guardrail, key, name, &values);
            if !lines.is_empty() {
                sections.entry(section).or_default().extend(lines);
            }
        }
    }
    let section = |(name, lines): (&str, Vec<String>)| {
        format!("{name}:\n{}", lines.iter().map(|line| format!("  {line}\n")).collect::<String>())
    };
    let review = keys.iter().any(|key| key == "reviewBy").then(|| "reviewBy: YYYY-MM-DD\n".to_owned());
    sections.into_iter().map(section).chain(review).collect()
}

fn below(guardrail: &Guardrail, key: &str, name: &str, values: &[&str]) -> Vec<String> {
    let list = |held: Vec<&str>| vec![format!("{name}: {}", list(held.into_iter().chain(values.iter().copied())))];
    let capabilities = &guardrail.capabilities;
    match key {
        key if key.starts_with("planes.") => vec![format!("{name}: {}", PlaneMode::Manage)],
        "people.maxOperators" => vec![format!("{name}: {}", guardrail.people.max_operators.saturating_add(1))],
        "limits.groups" => vec![format!("{name}: {}", guardrail.limits.groups.saturating_add(1))],
        "people.adoptExisting" => vec![format!("{name}: allow")],
        _ if values.is_empty() => Vec::new(),
        "provider.mailDomains" => list(guardrail.provider.mail_domains.iter().map(String::as_str).collect()),
        "people.userTypes" => list(guardrail.people.user_types.iter().map(|it| it.word()).collect()),
        "capabilities.allow" => {
            let mut lines = list(capabilities.allow.iter().map(|it| it.word()).collect());
            // What is allowed is not asked as well: such a file is refused.
            let is_asked = capabilities.ask.iter().any(|it| values.contains(&it.word()));
            let rest = capabilities.ask.iter().map(|it| it.word()).filter(|word| !values.contains(word));
            lines.extend(is_asked.then(|| format!("ask: {}", self::list(rest))));
            lines
        }
        "azure.scopes" => list(guardrail.azure.scopes.iter().map(String::as_str).collect()),
        "azure.roles" | "entra.roles" => {
            let is_azure = key == "azure.roles";
            let roles = if is_azure { &guardrail.azure.roles } else { &guardrail.entra.roles };
            let held = roles.iter().map(|(role, id)| format!("{}: {id}", name_of(role)));
            let wanted = values
                .iter()
                .filter_map(|it| it.rsplit_once(": "))
                .map(|(role, id)| format!("{}: {id}", name_of(role)));
            let all = held.chain(wanted).map(|line| format!("  {line}"));
            std::iter::once(format!("{name}:")).chain(all).collect()
        }
        _ => Vec::new(),
    }
}

/// A role's name as a key: quoted unless it is words alone.
fn name_of(role: &str) -> String {
    let is_words = role.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ') && role.trim() == role;
    if is_words { role.to_owned() } else { serde_json::Value::from(role).to_string() }
}

fn list<'a>(all: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", all.map(text).collect::<Vec<_>>().join(", "))
}

/// Quoted where YAML would read it otherwise: what JSON quotes YAML reads as the same.
fn text(text: &str) -> String {
    let is_plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/-_.".contains(c));
    if is_plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}
