//! Collections: `$filter`, `$select`, `$expand`, `$top`, `$count`, `$orderby` and paging by `@odata.nextLink`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::error::{bad_request, refuse, unsupported_query};
use super::filter::Filter;
use super::request::Request;
use crate::http::{Answer, Reply};
use crate::replicated::View;
use crate::tenant::{Props, Tenant};

/// Graph's largest `$top` for directory objects.
const MAX_TOP: usize = 999;

/// Graph's page when no `$top` is sent.
const DEFAULT_PAGE: usize = 100;

/// What a collection is made of.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// As in the context URL: `users`.
    pub set: &'static str,
    /// As in messages: `microsoft.graph.user`.
    pub name: &'static str,
    /// Returned when nothing is selected; empty: everything.
    pub by_default: &'static [&'static str],
    /// Everything that can be selected or filtered.
    pub known: &'static [&'static str],
}

pub const USERS: Kind = Kind {
    set: "users",
    name: "microsoft.graph.user",
    by_default: &[
        "businessPhones",
        "displayName",
        "givenName",
        "jobTitle",
        "mail",
        "mobilePhone",
        "officeLocation",
        "preferredLanguage",
        "surname",
        "userPrincipalName",
        "id",
    ],
    known: &[
        "id",
        "displayName",
        "mail",
        "userPrincipalName",
        "userType",
        "accountEnabled",
        "creationType",
        "externalUserState",
        "externalUserStateChangeDateTime",
        "createdDateTime",
        "otherMails",
        "proxyAddresses",
        "businessPhones",
        "givenName",
        "surname",
        "jobTitle",
        "mobilePhone",
        "officeLocation",
        "preferredLanguage",
        "companyName",
        "department",
        "usageLocation",
        "identities",
        "signInActivity",
        "employeeId",
        "employeeType",
        "deletedDateTime",
        "onPremisesSyncEnabled",
        "onPremisesImmutableId",
        "mailNickname",
        "country",
        "city",
        "state",
        "streetAddress",
        "postalCode",
        "ageGroup",
        "showInAddressList",
        "signInSessionsValidFromDateTime",
        "refreshTokensValidFromDateTime",
        "faxNumber",
        "passwordProfile",
        "employeeHireDate",
        "assignedLicenses",
        "assignedPlans",
        "securityIdentifier",
        "onPremisesExtensionAttributes",
    ],
};

pub const GROUPS: Kind = Kind {
    set: "groups",
    name: "microsoft.graph.group",
    by_default: &[],
    known: &[
        "id",
        "displayName",
        "description",
        "mailEnabled",
        "securityEnabled",
        "mailNickname",
        "mail",
        "groupTypes",
        "visibility",
        "uniqueName",
        "isAssignableToRole",
        "membershipRule",
        "membershipRuleProcessingState",
        "createdDateTime",
        "renewedDateTime",
        "deletedDateTime",
        "proxyAddresses",
        "securityIdentifier",
        "onPremisesSyncEnabled",
        "classification",
        "isManagementRestricted",
        "preferredLanguage",
        "theme",
        "expirationDateTime",
        "resourceProvisioningOptions",
    ],
};

/// Properties that hold many values.
const COLLECTIONS: &[&str] = &[
    "otherMails",
    "proxyAddresses",
    "businessPhones",
    "identities",
    "groupTypes",
    "principalIds",
    "directoryScopeIds",
    "appScopeIds",
];
/// What `$expand` adds to an object, whatever is selected.
const EXPANDED: &[&str] =
    &["members", "owners", "memberOf", "principal", "roleDefinition", "directoryScope", "inheritsPermissionsFrom"];

pub const DIRECTORY_OBJECTS: Kind =
    Kind { set: "directoryObjects", name: "microsoft.graph.directoryObject", by_default: &[], known: &[] };
pub const SERVICE_PRINCIPALS: Kind =
    Kind { set: "servicePrincipals", name: "microsoft.graph.servicePrincipal", by_default: &[], known: &[] };

/// Which view of the directory a collection read gets: `$filter` and `ConsistencyLevel` go to the lagging index.
pub fn view_of(request: Request<'_>) -> View {
    let eventual = request.call.header("ConsistencyLevel").is_some();
    if eventual || request.call.parameter("$filter").is_some() { View::Index } else { View::Id }
}

/// Answers a collection. `items` must come in the order of their ids.
pub fn answer(tenant: &Tenant, request: Request<'_>, kind: Kind, items: Vec<Props>) -> Reply {
    let call = request.call;
    // Without the header a wish to count is ignored (Graph: advanced-queries).
    let count = is_eventual(request) && call.parameter("$count") == Some("true");
    let filter = filter(request, kind, count)?;
    let select = select(request, kind)?;
    check_advanced(request, filter.as_ref(), count)?;
    let mut found: Vec<Props> =
        items.into_iter().filter(|item| filter.as_ref().is_none_or(|filter| filter.matches(item))).collect();
    search(request, &mut found);
    let total = found.len();
    let after = call.parameter("$skiptoken").map(token_text).transpose()?;
    let is_first = after.is_none();
    let sorted = sort(request, kind, &mut found)?;
    match after.as_deref().map(|after| (after, sorted)) {
        Some((after, true)) => drop(found.drain(..after.parse::<usize>().unwrap_or(0).min(total))),
        Some((after, false)) => found.retain(|item| id_of(item) > after),
        None => {}
    }
    let size = page_size(tenant, request)?;
    let next = (found.len() > size).then(|| match sorted {
        // By number: the order is not that of the ids.
        true => next_link(request, &(total - found.len() + size).to_string()),
        false => next_link(request, id_of(&found[size - 1])),
    });
    found.truncate(size);
    let mut body =
        json!({"@odata.context": format!("https://graph.microsoft.com/{}/$metadata#{}", call.segments[0], kind.set)});
    if count && is_first {
        body["@odata.count"] = json!(total);
    }
    if let Some(next) = next {
        body["@odata.nextLink"] = json!(next);
    }
    body["value"] = found.into_iter().map(|item| Value::Object(project(item, &select, kind))).collect();
    Ok(Answer::json(200, body))
}

pub fn is_eventual(request: Request<'_>) -> bool {
    request.call.header("ConsistencyLevel").is_some_and(|level| level.eq_ignore_ascii_case("eventual"))
}

/// What needs `ConsistencyLevel: eventual` and `$count=true`, and what then cannot be (Graph: advanced-queries).
fn check_advanced(request: Request<'_>, filter: Option<&Filter>, advanced: bool) -> Result<(), Answer> {
    let has = |name: &str| request.call.parameter(name).is_some();
    if has("$skip") {
        return Err(unsupported_query("'$skip' is not supported by the service."));
    }
    let sorts_filtered = has("$orderby") && has("$filter");
    if (has("$search") || sorts_filtered) && !advanced {
        return Err(unsupported_query(
            "'$search', and '$orderby' with '$filter', need ConsistencyLevel: eventual and $count=true.",
        ));
    }
    if has("$expand") && (has("$search") || sorts_filtered || filter.is_some_and(Filter::advanced)) {
        return Err(unsupported_query("'$expand' is not supported by advanced queries."));
    }
    Ok(())
}

/// `$orderby=displayName desc`: one property, by its text. Returns whether it sorted.
fn sort(request: Request<'_>, kind: Kind, found: &mut [Props]) -> Result<bool, Answer> {
    let Some(text) = request.call.parameter("$orderby") else { return Ok(false) };
    let (name, direction) = text.trim().split_once(' ').unwrap_or((text.trim(), "asc"));
    if name.is_empty()
        || !(kind.known.is_empty() || kind.known.contains(&name))
        || !["asc", "desc"].contains(&direction)
    {
        return Err(refuse(400, "BadRequest", format!("Invalid $orderby clause: '{text}'.")));
    }
    let key = |item: &Props| match item.get(name) {
        Some(Value::String(text)) => text.to_lowercase(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    found.sort_by_key(key);
    if direction == "desc" {
        found.reverse();
    }
    Ok(true)
}

/// One object, with its context and the properties asked for.
pub fn single(request: Request<'_>, kind: Kind, status: u16, object: Props) -> Reply {
    let select = select(request, kind)?;
    let mut body = Map::new();
    let context = format!("https://graph.microsoft.com/{}/$metadata#{}/$entity", request.call.segments[0], kind.set);
    body.insert("@odata.context".into(), json!(context));
    body.extend(project(object, &select, kind));
    Ok(Answer::json(status, Value::Object(body)))
}

/// `.../$count`: a bare number, and an advanced query.
pub fn count(request: Request<'_>, items: usize) -> Reply {
    match request.call.header("ConsistencyLevel") {
        Some(_) => Ok(Answer::text(200, items.to_string())),
        None => Err(bad_request("$count is not currently supported.")),
    }
}

fn filter(request: Request<'_>, kind: Kind, advanced: bool) -> Result<Option<Filter>, Answer> {
    let Some(text) = request.call.parameter("$filter") else { return Ok(None) };
    let invalid = |why: String| refuse(400, "BadRequest", format!("Invalid filter clause: {why}"));
    let filter = Filter::parse(text).map_err(invalid)?;
    if let Some(name) =
        filter.properties().into_iter().find(|name| !kind.known.is_empty() && !kind.known.contains(name))
    {
        return Err(invalid(format!("Could not find a property named '{name}' on type '{}'.", kind.name)));
    }
    if let Some(name) = filter.compared().into_iter().find(|name| COLLECTIONS.contains(name)) {
        return Err(invalid(format!("'{name}' is a collection; it is filtered with any.")));
    }
    if filter.advanced() && !advanced {
        return Err(unsupported_query(
            "Unsupported Query: it needs the header ConsistencyLevel: eventual and $count=true.",
        ));
    }
    Ok(Some(filter))
}

fn select(request: Request<'_>, kind: Kind) -> Result<Vec<String>, Answer> {
    let text = request.call.parameter("$select").unwrap_or_default();
    let names: Vec<String> =
        text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    match names.iter().find(|name| !kind.known.is_empty() && !kind.known.contains(&name.as_str())) {
        Some(name) => {
            let text = format!(
                "Parsing OData Select and Expand failed: Could not find a property named '{name}' on type '{}'.",
                kind.name
            );
            Err(refuse(400, "BadRequest", text))
        }
        None => Ok(names),
    }
}

/// `$search="displayName:li"`: words of one property.
fn search(request: Request<'_>, found: &mut Vec<Props>) {
    let Some(text) = request.call.parameter("$search") else { return };
    let Some((property, words)) = text.trim_matches('"').split_once(':') else { return };
    let words = words.to_lowercase();
    found.retain(|item| {
        item.get(property).and_then(Value::as_str).is_some_and(|own| own.to_lowercase().contains(&words))
    });
}

fn project(mut object: Props, select: &[String], kind: Kind) -> Props {
    let kept = |name: &str| name == "@odata.type" || EXPANDED.contains(&name);
    if !select.is_empty() {
        object.retain(|name, _| kept(name) || select.contains(name));
    } else if !kind.by_default.is_empty() {
        object.retain(|name, _| kept(name) || kind.by_default.contains(&name.as_str()));
    }
    object
}

/// What `$expand` names, each with the properties asked for: `owners,members($select=id,displayName)`.
pub fn expansions(request: Request<'_>, kind: Kind, possible: &[&str]) -> Result<Vec<(String, Vec<String>)>, Answer> {
    let text = request.call.parameter("$expand").unwrap_or_default();
    let mut depth = 0;
    // Commas in parentheses belong to the options.
    let parts = text.split(|one: char| {
        depth += i32::from(one == '(') - i32::from(one == ')');
        one == ',' && depth == 0
    });
    let parse = |part: &str| {
        let (name, options) = part.split_once('(').unwrap_or((part, ""));
        if !possible.contains(&name.trim()) {
            let text = format!("Could not find a property named '{name}' on type '{}'.", kind.name);
            return Err(refuse(400, "BadRequest", format!("Parsing OData Select and Expand failed: {text}")));
        }
        let select = options.trim_end_matches(')').strip_prefix("$select=").unwrap_or_default();
        let select = select.split(',').filter(|name| !name.is_empty()).map(|name| name.trim().to_owned()).collect();
        Ok((name.trim().to_owned(), select))
    };
    parts.filter(|part| !part.trim().is_empty()).map(parse).collect()
}

fn page_size(tenant: &Tenant, request: Request<'_>) -> Result<usize, Answer> {
    let Some(text) = request.call.parameter("$top") else { return Ok(tenant.settings.page_size) };
    // A page size set below Graph's default is meant to force paging, whatever the client asks for.
    let forced = if tenant.settings.page_size < DEFAULT_PAGE { tenant.settings.page_size } else { MAX_TOP };
    match text.parse::<usize>() {
        Ok(top) if (1..=MAX_TOP).contains(&top) => Ok(top.min(forced)),
        Ok(top) if top > MAX_TOP && tenant.switches.is("top_above_max", "clamped") => Ok(MAX_TOP),
        _ => Err(bad_request(format!(
            "Invalid page size specified: '{text}'. Must be between 1 and {MAX_TOP} inclusive."
        ))),
    }
}

/// The same query, continued. Headers are not carried: the client has to repeat them (Graph: paging).
fn next_link(request: Request<'_>, last: &str) -> String {
    let call = request.call;
    let kept: Vec<&str> = call
        .raw_query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.to_lowercase().contains("skiptoken="))
        .collect();
    let token = URL_SAFE_NO_PAD.encode(last);
    let query = [kept, vec![&format!("$skiptoken={token}")]].concat().join("&");
    format!("{}{}?{query}", call.origin, call.raw_path)
}

fn token_text(token: &str) -> Result<String, Answer> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let id = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    id.ok_or_else(|| {
        refuse(
            400,
            "Directory_ExpiredPageToken",
            "The specified page token value has expired and can no longer be included in your request.",
        )
    })
}

fn id_of(item: &Props) -> &str {
    item.get("id").and_then(Value::as_str).unwrap_or_default()
}
