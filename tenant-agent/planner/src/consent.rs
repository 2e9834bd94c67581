//! The consent text: what the customer signs, made from the customer's own file and the tables of permissions and roles.
//!
//! Both columns: what Microsoft lets the agent do, which is what a thief of the agent gets, and what this file lets
//! it do. Then what people may do, what the customer has to do, and the condition that limits the agent's Azure role.
//! Names only commands that exist.

mod page;

use std::collections::BTreeSet;

use entente_model::{Plane, PlaneMode};

use crate::capability::{self, AzureRole, Beside, Capability, phrases};
use crate::condition;
use crate::guardrail::{Guardrail, OnLeave};
use crate::permission::{self, Column, Permission, System};
use crate::plan::NOT_LOOKED_AT;
use page::{columns, wrapped};

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
        columns("MICROSOFT LETS THE AGENT", "THIS FILE LETS IT"),
    ];
    let (mut writes, mut reads) = (Vec::new(), Vec::new());
    for row in permission::needed(guardrail) {
        match row.column {
            Column::File(says) => writes.push(columns(&left(row), &says(guardrail))),
            Column::Reads => reads.push(columns(&left(row), &format!("to {}", row.why))),
        }
    }
    lines.extend(writes.into_iter().chain(reads));
    lines.push("A thief of the agent gets the LEFT column.".into());
    let sentences = [people_may(guardrail, &provider), comes_along(guardrail), not_assigned(guardrail)];
    lines.extend(
        sentences
            .into_iter()
            .chain([limits(guardrail), who_redeems(guardrail), on_leave(guardrail)])
            .flatten()
            .map(|it| wrapped(&it)),
    );
    lines.push(wrapped(&format!("You do: {}", numbered(&person_tasks(guardrail)))));
    lines.push("End dates hold only while the agent runs.".into());
    lines.push(wrapped(&format!("Receipts claim nothing of: {}.", NOT_LOOKED_AT.join("; "))));
    lines.push(wrapped(
        "Leaves your tenant: operators' and objects' names and ids, findings; how many rights of others a leaver holds. No \
         logs, no mail.",
    ));
    lines.push("Look: entente-agent status | entente-agent plan | entente-agent check-guardrail".into());
    lines.push(wrapped(
        "Stop: entente-agent pause | entente-agent revoke-all | without us: stop the agent, disable its identity. \
         Removing permissions alone can lag 24 h.",
    ));
    if let Some(script) = condition::script(guardrail) {
        lines.push("The agent's Azure role, limited to the roles of this file ($AGENT is its object id):".into());
        lines.push(script);
    }
    lines.join("\n") + "\n"
}

fn left(row: &Permission) -> String {
    match row.system {
        System::Graph => format!("{}: {}", row.name, row.reach),
        System::Arm => format!("{}: {}", short_role(row.name), row.reach),
    }
}

fn short_role(name: &str) -> &str {
    if name == "Role Based Access Control Administrator" { "RBAC Administrator" } else { name }
}

fn people_may(guardrail: &Guardrail, provider: &str) -> Option<String> {
    let capabilities = &guardrail.capabilities;
    let asks = match capabilities.ask.is_empty() {
        true => String::new(),
        // Nothing can be approved yet, and the text must not promise it.
        false => format!(" Waits for your approval, which this version cannot take: {}.", phrases(&capabilities.ask)),
    };
    let may = if capabilities.allow.is_empty() { "nothing".into() } else { phrases(&capabilities.allow) };
    let named = match capabilities.actions.is_empty() {
        true => String::new(),
        false => {
            format!(" And, where an Azure role holds it: {}.", join(capabilities.actions.iter().map(String::as_str)))
        }
    };
    Some(format!("{provider} may: {may}.{named}{asks} Never: the rest."))
}

/// The roles of the file that Azure gives at all, with what of each the file does not allow.
fn azure_roles(guardrail: &Guardrail) -> Vec<(&'static AzureRole, Vec<Capability>)> {
    if guardrail.mode(Plane::AzureRoles) == PlaneMode::None {
        return Vec::new();
    }
    let may = &guardrail.capabilities;
    let rows = guardrail.azure.roles.values().filter_map(|id| capability::azure_role(*id));
    rows.map(|row| {
        let never = |it: &&Capability| !may.allow.contains(it) && !may.ask.contains(it);
        (row, row.capabilities.iter().filter(never).copied().collect())
    })
    .collect()
}

/// What no such role is to be had without; it is said here because "never" would deny it.
fn comes_along(guardrail: &Guardrail) -> Option<String> {
    let roles = azure_roles(guardrail);
    let given = roles.iter().filter(|(_, never)| never.is_empty());
    let all: BTreeSet<Beside> = given.flat_map(|(row, _)| row.beside).copied().collect();
    if roles.is_empty() {
        return None;
    }
    let along = match all.is_empty() {
        true => String::new(),
        false => format!(
            "With its Azure roles comes: {}. ",
            all.into_iter().map(Beside::phrase).collect::<Vec<_>>().join("; ")
        ),
    };
    Some(format!("{along}A role that Microsoft lets do more than this file allows is given to nobody more."))
}

fn not_assigned(guardrail: &Guardrail) -> Option<String> {
    let say = |(row, never): &(&AzureRole, Vec<Capability>)| {
        let words: Vec<&str> = never.iter().map(|it| it.word()).collect();
        format!("{} (it lets people {}; allow {})", row.name, phrases(never), words.join(", "))
    };
    let roles = azure_roles(guardrail);
    let lacking: Vec<String> = roles.iter().filter(|(_, never)| !never.is_empty()).map(say).collect();
    (!lacking.is_empty()).then(|| format!("Never assigned, though the file names it: {}.", lacking.join("; ")))
}

fn limits(guardrail: &Guardrail) -> Option<String> {
    let per_day = &guardrail.limits.per_day;
    let longest = guardrail.limits.longest_grant.map(|span| format!(" Longest grant {span}.")).unwrap_or_default();
    Some(format!(
        "A day: {} people let in, {} other changes, {} removals of what is no longer wanted; leavers and end dates at \
         once.{longest}",
        per_day.joiners, per_day.other_changes, per_day.implied_removals
    ))
}

/// How far Microsoft tells who redeems an invitation (Graph: objectIdentity, issuer).
fn who_redeems(guardrail: &Guardrail) -> Option<String> {
    (guardrail.mode(Plane::Users) != PlaneMode::None).then(|| {
        "homeTenant: of a guest Microsoft shows that an Entra account signs in, and not of which tenant. Who controls one \
         of these mail domains elsewhere could redeem."
            .into()
    })
}

/// What Microsoft does not keep of what the file asks for (Graph: user-revokesigninsessions), and where nobody looks.
fn on_leave(guardrail: &Guardrail) -> Option<String> {
    let people = &guardrail.people;
    if guardrail.mode(Plane::Users) == PlaneMode::None {
        return None;
    }
    let mut said = Vec::new();
    if people.on_leave.contains(&OnLeave::RevokeSessions) {
        said.push(
            "onLeave revokeSessions ends no guest's session, as guests sign in at home: access ends with the block, \
             once issued tokens have run out. Leave it out, and its permission with it.",
        );
    }
    if !people.recycle_bin {
        said.push("Leavers are not looked for in your recycle bin, and receipts say so.");
    }
    (!said.is_empty()).then(|| said.join(" "))
}

fn person_tasks(guardrail: &Guardrail) -> Vec<String> {
    let mode = |plane| guardrail.mode(plane);
    let mut tasks = vec!["grant the agent's application what the left column names".to_string()];
    if condition::text(guardrail).is_some() {
        tasks.push("give it its Azure role with the condition below".into());
    }
    if mode(Plane::Users) == PlaneMode::Manage {
        let domains = guardrail.provider.mail_domains.join(", ");
        tasks.push(format!(
            "external collaboration settings: invitations not for administrators alone, and {domains} not shut out"
        ));
    }
    tasks.push(format!("partner MFA trust for tenant {}", guardrail.provider.home_tenant));
    if mode(Plane::DefenderRoles) != PlaneMode::None {
        tasks.push("activate unified RBAC for each workload in the Defender portal, which no application can".into());
    }
    let verified = Plane::ALL.iter().copied().filter(|plane| mode(*plane) == PlaneMode::Verify);
    tasks.extend(verified.map(|plane| format!("{plane} (script)")));
    if mode(Plane::Users) == PlaneMode::Manage {
        tasks.push(match guardrail.people.on_leave.contains(&OnLeave::Block) {
            true => "where one of these people has an Entra role from you, give the agent one that may block them, or \
                     block them yourself when they leave"
                .into(),
            false => "block leavers' accounts".into(),
        });
    }
    tasks.push("at the end, delete empty groups".into());
    tasks
}

fn numbered(tasks: &[String]) -> String {
    let numbered = tasks.iter().enumerate().map(|(at, task)| format!("{} {task}", at + 1));
    numbered.collect::<Vec<_>>().join("; ")
}

fn join<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}
