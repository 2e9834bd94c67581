//! The consent text: what the customer signs, made from the customer's own file and the permission table.
//!
//! Both columns: what Microsoft lets the agent do, which is what a thief of the agent gets, and what this file lets
//! it do. Names only commands that exist.

use entente_model::{Plane, PlaneMode};

use crate::capability::phrases;
use crate::guardrail::Guardrail;
use crate::permission::{self, Permission, System};

/// Width of the left column.
const LEFT: usize = 70;

/// The text, for a file of this digest (hexadecimal SHA-256).
pub fn text(guardrail: &Guardrail, sha256: &str) -> String {
    let provider = guardrail.provider.mail_domains.join(", ");
    let digest: String = sha256.chars().take(12).collect();
    let mut lines = vec![
        format!(
            "{}: consent to Entente ({provider})   file sha256:{digest}   review {}",
            guardrail.customer.name.to_uppercase(),
            guardrail.review_by
        ),
        format!("{:LEFT$}{}", "MICROSOFT LETS THE AGENT", "THIS FILE LETS IT"),
    ];
    let (reads, writes): (Vec<_>, Vec<_>) = permission::needed(guardrail).into_iter().partition(|row| is_read(row));
    lines.extend(writes.iter().map(|row| row_text(guardrail, row)));
    lines.push(format!("Reads: {}", join(reads.iter().map(|row| row.name))));
    lines.push("A thief of the agent gets the LEFT column.".into());
    lines.push(people_may(guardrail, &provider));
    lines.push(limits(guardrail));
    lines.push(person_tasks(guardrail));
    lines.push("End dates hold only while the agent runs.".into());
    lines.push("Leaves your tenant: operators' and objects' names and ids, findings. No logs, no mail.".into());
    lines.push("Look: entente-agent status | entente-agent plan | entente-agent check-guardrail".into());
    lines.push(
        "Stop: entente-agent pause | entente-agent revoke-all | without us: stop the agent, disable its identity. \
         Removing permissions alone can lag 24 h."
            .into(),
    );
    lines.join("\n") + "\n"
}

fn is_read(row: &Permission) -> bool {
    row.name.contains(".Read.") || row.name.contains(".ReadBasic.") || row.name == "Reader"
}

fn row_text(guardrail: &Guardrail, row: &Permission) -> String {
    let left = match row.system {
        System::Graph => format!("{}: {}", row.name, row.reach),
        System::Arm => format!("{}: {}", short_role(row.name), row.reach),
    };
    format!("{left:LEFT$}{}", right(guardrail, row.name))
}

fn short_role(name: &str) -> &str {
    if name == "Role Based Access Control Administrator" { "RBAC Administrator" } else { name }
}

fn right(guardrail: &Guardrail, permission: &str) -> String {
    let limits = &guardrail.limits;
    match permission {
        "User.Invite.All" => {
            let domains = join(guardrail.provider.mail_domains.iter().map(String::as_str));
            format!("{} guests of {domains}, {} a day", guardrail.people.max_operators, limits.per_day.joiners)
        }
        "Group.Create" => format!("{} named {}*, and {}anchor", limits.groups, limits.name_prefix, limits.name_prefix),
        "GroupMember.ReadWrite.All" => "its own groups only".into(),
        "User.EnableDisableAccount.All" => "its guests, on leaving; lifts only its own block".into(),
        "User.RevokeSessions.All" | "User.DeleteRestore.All" => "its guests, on leaving".into(),
        "Role Based Access Control Administrator" => {
            let scopes = join(guardrail.azure.scopes.iter().map(|scope| scope.rsplit('/').next().unwrap_or(scope)));
            let roles = join(guardrail.azure.roles.keys().map(String::as_str));
            format!("at {scopes}, by condition: {roles}")
        }
        "RoleManagement.ReadWrite.Defender" => {
            format!("roles named {}*, within what people may do", limits.name_prefix)
        }
        _ => String::new(),
    }
}

fn people_may(guardrail: &Guardrail, provider: &str) -> String {
    let capabilities = &guardrail.capabilities;
    let asks = match capabilities.ask.is_empty() {
        true => String::new(),
        // Nothing can be approved yet, and the text must not promise it.
        false => format!(" Waits for your approval, which this version cannot take: {}.", phrases(&capabilities.ask)),
    };
    format!("{provider} may: {}.{asks} Never: the rest.", phrases(&capabilities.allow))
}

fn limits(guardrail: &Guardrail) -> String {
    let per_day = &guardrail.limits.per_day;
    let longest = guardrail.limits.longest_grant.map(|span| format!(" Longest grant {span}.")).unwrap_or_default();
    format!(
        "A day: {} people let in, {} other changes, {} removals of what is no longer wanted; leavers and end dates at \
         once.{longest}",
        per_day.joiners, per_day.other_changes, per_day.implied_removals
    )
}

fn person_tasks(guardrail: &Guardrail) -> String {
    let verified = Plane::ALL.into_iter().filter(|plane| guardrail.mode(*plane) == PlaneMode::Verify);
    let mut tasks: Vec<String> = verified.map(|plane| format!("{plane} (script)")).collect();
    tasks.insert(0, "partner MFA trust".into());
    tasks.push("at the end, delete empty groups".into());
    let numbered = tasks.iter().enumerate().map(|(at, task)| format!("{} {task}", at + 1));
    format!("You do: {}", numbered.collect::<Vec<_>>().join("  "))
}

fn join<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}
