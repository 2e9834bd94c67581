//! `/users/delta` and `/groups/delta`: what has changed since a token (Graph: delta-query-overview, group-delta).
//!
//! The first request has the query; later ones have it in their links. The tenant keeps the rounds (`tenant::rounds`).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::error::{bad_request, refuse, unsupported_query};
use super::filter::Filter;
use super::list::{GROUPS, Kind};
use super::request::Request;
use crate::http::{Answer, Reply};
use crate::tenant::Tenant;
use crate::tenant::rounds::Asked;

mod telling;

/// Objects that one stream may follow by id.
const MAX_IDS: usize = 50;

/// How the function is written in a path.
pub fn is_delta(segment: &str) -> bool {
    ["delta", "delta()", "microsoft.graph.delta", "microsoft.graph.delta()"].contains(&segment)
}

pub fn handle(tenant: &mut Tenant, request: Request<'_>, kind: Kind) -> Reply {
    let token = |name: &str| request.call.parameter(name).filter(|token| !token.is_empty());
    if let Some(token) = token("$skiptoken") {
        let (round, at) = decode(token)?;
        return page(tenant, request, kind, round, at);
    }
    let minimal = request.call.header("Prefer").is_some_and(|prefer| prefer.contains("return=minimal"));
    let round = match token("$deltatoken") {
        Some("latest") => {
            let asked = asked(request, kind)?;
            tenant.round_from_now(asked, request.now)
        }
        Some(token) => {
            let (before, _) = decode(token)?;
            let before = tenant.rounds.get(before, request.now).cloned().ok_or_else(|| stale(tenant, request))?;
            tenant.new_round(before.asked.clone(), Some(&before), minimal, request.now)
        }
        None => {
            let asked = asked(request, kind)?;
            tenant.new_round(asked, None, false, request.now)
        }
    };
    page(tenant, request, kind, round, None)
}

fn asked(request: Request<'_>, kind: Kind) -> Result<Asked, Answer> {
    for name in ["$top", "$orderby", "$expand", "$search", "$count", "$skip"] {
        if request.call.parameter(name).is_some() {
            return Err(unsupported_query(format!("'{name}' is not supported by delta queries.")));
        }
    }
    let groups = kind.set == GROUPS.set;
    let names = request.call.parameter("$select").unwrap_or_default().split(',').map(str::trim);
    let named: Vec<String> = names.filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let members = groups && (named.is_empty() || named.iter().any(|name| name == "members"));
    let is_known = |name: &str| kind.known.contains(&name) || (members && name == "members");
    if let Some(unknown) = named.iter().find(|name| !is_known(name)) {
        let text = format!("Could not find a property named '{unknown}' on type '{}'.", kind.name);
        return Err(refuse(400, "BadRequest", text));
    }
    let by_default = if kind.by_default.is_empty() { kind.known } else { kind.by_default };
    let select = if named.is_empty() { by_default.iter().map(|name| (*name).to_owned()).collect() } else { named };
    Ok(Asked { groups, select, members, ids: followed(request)? })
}

/// `id eq '..' or id eq '..'`
fn followed(request: Request<'_>) -> Result<Vec<String>, Answer> {
    let Some(text) = request.call.parameter("$filter") else { return Ok(Vec::new()) };
    let mut pending = vec![Filter::parse(text).map_err(|why| refuse(400, "BadRequest", why))?];
    let mut ids = Vec::new();
    while let Some(filter) = pending.pop() {
        match filter {
            Filter::Or(one, other) => pending.extend([*one, *other]),
            Filter::Compare { path, operator, value: Value::String(id) } if path == "id" && operator == "eq" => {
                ids.push(id.to_lowercase());
            }
            _ => return Err(unsupported_query("Delta queries filter by 'id eq' alone, joined by 'or'.")),
        }
    }
    if ids.len() > MAX_IDS {
        return Err(bad_request(format!("A delta query filters by at most {MAX_IDS} ids.")));
    }
    Ok(ids)
}

/// `at`: the first entry of the page; `None`: the round begins.
fn page(tenant: &Tenant, request: Request<'_>, kind: Kind, number: u64, at: Option<usize>) -> Reply {
    let round = tenant.rounds.get(number, request.now).ok_or_else(|| stale(tenant, request))?;
    let untidy = tenant.switches.is("delta_pages", "untidy") && !round.entries.is_empty();
    let mut entries: Vec<&Value> = round.entries.iter().collect();
    // Clients have to bear replays and empty pages (Graph: delta-query-overview).
    entries.extend(round.entries.first().filter(|_| untidy));
    let size = if at.is_none() && untidy { 0 } else { tenant.settings.page_size };
    let from = at.unwrap_or(0).min(entries.len());
    let to = (from + size).min(entries.len());
    let link = |token: &str| format!("{}{}?{token}", request.call.origin, request.call.raw_path);
    let mut body = json!({
        "@odata.context": format!("https://graph.microsoft.com/{}/$metadata#{}", request.call.segments[0], kind.set),
        "value": &entries[from..to],
    });
    if to < entries.len() {
        body["@odata.nextLink"] = json!(link(&format!("$skiptoken={}", encode(&format!("{number}.{to}")))));
    } else {
        body["@odata.deltaLink"] = json!(link(&format!("$deltatoken={}", encode(&number.to_string()))));
    }
    Ok(Answer::json(200, body))
}

/// Too old, or of a state that was reset: the client has to start again.
fn stale(tenant: &Tenant, request: Request<'_>) -> Answer {
    let status = tenant.switches.status("stale_delta_token");
    let text = "The sync state generation is not found; a full synchronization is needed.";
    let answer = refuse(status, "syncStateNotFound", text);
    let link = format!("{}{}?$deltatoken=", request.call.origin, request.call.raw_path);
    if status == 410 { answer.header("Location", link) } else { answer }
}

fn encode(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// Round, and entry if the token says one.
fn decode(token: &str) -> Result<(u64, Option<usize>), Answer> {
    let text = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    let (round, at) = text.split_once('.').map_or((text.as_str(), None), |(round, at)| (round, Some(at)));
    let round = round.parse().map_err(|_| bad_request("Badly formed token."))?;
    let at = at.map(|at| at.parse().map_err(|_| bad_request("Badly formed token."))).transpose()?;
    Ok((round, at))
}
