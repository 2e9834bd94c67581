//! Microsoft: whether its hosts answer, whether it accepts the credential, what it lets the agent do, and what time it
//! is.

use std::collections::BTreeSet;

use entente_cloud::{CLOCKS_APART, Cloud, Door, Failure};
use entente_model::{Plane, PlaneMode, Timestamp};
use entente_planner::guardrail::Guardrail;
use entente_planner::permission::{self, System};

use super::azure;
use super::check::Check;
use crate::config::Config;
use crate::guardrail_file::chain;
use crate::{clock, reasons};

/// Returns the checks, and the time as well as it is known.
pub(super) async fn look(config: &Config, guardrail: Option<&Guardrail>) -> (Vec<Check>, Timestamp) {
    let cloud = match Cloud::new(config.cloud.clone()) {
        Ok(cloud) => cloud,
        Err(error) => {
            let remedy = "mend [cloud] in the configuration";
            return (vec![Check::fault("configuration", chain(&error), remedy)], clock::wall());
        }
    };
    // An unreadable file may need any of them.
    let asks = |plane| guardrail.is_none_or(|guardrail| guardrail.mode(plane) != PlaneMode::None);
    let mut doors = vec![Door::Login, Door::Graph];
    doors.extend(asks(Plane::AzureRoles).then_some(Door::Arm));
    let mut checks = futures::future::join_all(doors.into_iter().map(|door| knock(&cloud, door))).await;
    let roles = cloud.permissions().await;
    checks.push(sign_in(config, &cloud, &roles).await);
    checks.extend(permissions(guardrail, roles.as_ref().ok()));
    if asks(Plane::DefenderRoles) && roles.is_ok() {
        checks.push(defender(&cloud).await);
    }
    if asks(Plane::AzureRoles) {
        const NAME: &str = "sign-in to Azure";
        match cloud.sign_in_to_arm().await {
            Ok(()) => {
                checks.push(Check::ok(NAME, "Microsoft gives a token for Azure Resource Manager"));
                checks.extend(azure::look(&cloud, guardrail).await);
            }
            Err(failure) => checks.push(no_token(NAME, &failure)),
        }
    }
    let (check, now) = time(&cloud);
    checks.push(check);
    (checks, now)
}

async fn knock(cloud: &Cloud, door: Door) -> Check {
    let address = cloud.address(door);
    let name = match door {
        Door::Login => "Microsoft login",
        Door::Graph => "Microsoft Graph",
        Door::Arm => "Azure",
    };
    match cloud.knock(door).await {
        Ok(()) => Check::ok(name, format!("{address} answers")),
        Err(why) => Check::fault(name, format!("{address} is not reached: {why}"), way_out(&why, address)),
    }
}

fn way_out(why: &str, address: &str) -> String {
    let says = |parts: &[&str]| parts.iter().any(|part| why.contains(part));
    if says(&["UnknownIssuer"]) {
        return format!(
            "something in between opens TLS: exempt {address} from inspection, or name its authority as cloud.extra_ca"
        );
    }
    if says(&["NotValidYet", "Expired", "not valid yet", "expired"]) {
        return "set this machine's clock".into();
    }
    if says(&["lookup", "dns", "resolve"]) {
        return format!("let this machine resolve the name in {address}, or name a proxy (cloud.proxy)");
    }
    format!("let this machine reach {address} outward, or name a proxy (cloud.proxy)")
}

async fn sign_in(config: &Config, cloud: &Cloud, roles: &Result<BTreeSet<String>, Failure>) -> Check {
    const NAME: &str = "sign-in";
    match roles {
        Err(failure) => no_token(NAME, failure),
        Ok(_) => {
            let id = cloud.principal_object_id().await.map(|id| format!(", object id {id}")).unwrap_or_default();
            Check::ok(NAME, format!("Microsoft takes the credential in the tenant {}{id}", config.entra_tenant))
        }
    }
}

/// A refusal is a fault. No answer says nothing of the credential.
fn no_token(name: &str, failure: &Failure) -> Check {
    match failure.is_of_credential() {
        true => {
            let detail = reasons::credential(failure);
            let remedy = of_number(&detail);
            Check::fault(name, detail, remedy)
        }
        false => {
            Check::unknown(name, reasons::said(failure), "mend what is not reached, and run entente-agent doctor again")
        }
    }
}

/// The remedy by Microsoft's error number (Entra: error codes).
fn of_number(detail: &str) -> &'static str {
    let remedies = [
        ("AADSTS7000215", "put the secret's value, not its id, into credential.secret_file"),
        ("AADSTS7000222", "the secret has ended: make a new one, and put its value into credential.secret_file"),
        (
            "AADSTS700016",
            "see that credential.client_id is the application's id and that it is in the tenant entra_tenant",
        ),
        ("AADSTS700027", "upload the certificate of credential.certificate_file to the application"),
        ("AADSTS700024", "set this machine's clock: the assertion is outside its time"),
        ("AADSTS7000112", "enable the application's service principal in Entra ID"),
        ("AADSTS90002", "see that entra_tenant is your tenant's id, and that [cloud] name is its cloud"),
        ("AADSTS53003", "exempt the agent's service principal from that Conditional Access policy, or meet it"),
    ];
    // The longest number first, as one number is a prefix of another.
    let mut found: Vec<_> = remedies.iter().filter(|(number, _)| detail.contains(&format!("{number}:"))).collect();
    found.sort_by_key(|(number, _)| std::cmp::Reverse(number.len()));
    found.first().map_or("see to the application in Entra ID, and to the files that [credential] names", |(_, it)| it)
}

fn permissions(guardrail: Option<&Guardrail>, roles: Option<&BTreeSet<String>>) -> Vec<Check> {
    const NAME: &str = "permissions";
    let (Some(guardrail), Some(roles)) = (guardrail, roles) else {
        let detail = "what the token carries cannot be held against what the guardrail needs";
        return vec![Check::unknown(NAME, detail, "mend the guardrail and sign-in first")];
    };
    let missing = permission::missing(guardrail, roles);
    if missing.is_empty() {
        return vec![Check::ok(NAME, granted(guardrail, roles))];
    }
    let remedy = |name| {
        format!(
            "grant {name} to the application as an application permission of Microsoft Graph, with an admin's consent"
        )
    };
    missing.iter().map(|row| Check::fault(NAME, permission::lack(row), remedy(row.name))).collect()
}

fn granted(guardrail: &Guardrail, roles: &BTreeSet<String>) -> String {
    let needed = permission::needed(guardrail).into_iter().filter(|row| row.system == System::Graph);
    let needed: Vec<_> = needed.collect();
    let of_use: BTreeSet<&str> = needed.iter().flat_map(|row| row.wider.iter().chain([&row.name])).copied().collect();
    let spare: Vec<&str> = roles.iter().map(String::as_str).filter(|name| !of_use.contains(name)).collect();
    let spare = match spare.as_slice() {
        [] => String::new(),
        spare => format!("; granted and not needed by this guardrail: {}", spare.join(", ")),
    };
    format!("the token carries all {} that the guardrail needs{spare}", needed.len())
}

async fn defender(cloud: &Cloud) -> Check {
    const NAME: &str = "Defender roles";
    match cloud.defender().list_role_definitions().await {
        Ok(_) => Check::ok(NAME, "they can be read"),
        Err(failure @ Failure::DefenderNotActivated(_)) => {
            Check::fault(NAME, reasons::said(&failure), "activate unified RBAC in the Defender portal")
        }
        Err(Failure::Refused(refusal)) => {
            let remedy = "grant what `permissions` above names; entente-agent permissions lists all";
            Check::fault(NAME, format!("they may not be read: {refusal}"), remedy)
        }
        Err(failure) => Check::unknown(NAME, reasons::said(&failure), "run entente-agent doctor again"),
    }
}

/// Compares this machine's clock with the time that two answers told, as the agent does.
fn time(cloud: &Cloud) -> (Check, Timestamp) {
    const NAME: &str = "clock";
    let host = clock::wall();
    let Some(told) = cloud.server_time() else {
        let detail =
            "Microsoft has not told the time twice, so that nothing says whether this machine's clock is right";
        return (Check::unknown(NAME, detail, "let Microsoft's hosts be reached"), host);
    };
    let now = Timestamp::from_unix(told.now().unix_timestamp());
    let (behind, ahead) = (now.since(host), host.since(now));
    let apart = behind.max(ahead);
    let side = if behind > ahead { "behind" } else { "ahead of" };
    let detail = format!("this machine's clock is {} s {side} Microsoft's", apart.as_secs());
    let bound = CLOCKS_APART.as_secs();
    if apart <= CLOCKS_APART {
        return (Check::ok(NAME, format!("{detail}; up to {bound} s do no harm")), now);
    }
    let remedy = "let a time service set it (timedatectl set-ntp true, or chrony): certificates are judged by it";
    (Check::fault(NAME, format!("{detail}; up to {bound} s would do no harm"), remedy), now)
}
