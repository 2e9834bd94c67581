//! Collections: `$filter`, `$select`, `$top`, `$count`, `$orderby` and paging by `@odata.nextLink`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::Request;
use super::error::{bad_request, refuse, unsupported_query};
use super::filter::Filter;
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
    let eventual = call.header("ConsistencyLevel").is_some_and(|level| level.eq_ignore_ascii_case("eventual"));
    let count = call.parameter("$count") == Some("true");
    let filter = filter(request, kind, eventual && count)?;
    let select = select(request, kind)?;
    for name in ["$search", "$orderby", "$skip"] {
        if call.parameter(name).is_some() && (name == "$skip" || !(eventual && count)) {
            return Err(unsupported_query(format!(
                "'{name}' is not supported for the resource, or needs ConsistencyLevel: eventual and $count=true."
            )));
        }
    }
    let after = call.parameter("$skiptoken").map(token_id).transpose()?;
    let mut found: Vec<Props> =
        items.into_iter().filter(|item| filter.as_ref().is_none_or(|filter| filter.matches(item))).collect();
    search(request, &mut found);
    let total = found.len();
    if let Some(after) = &after {
        found.retain(|item| id_of(item) > after.as_str());
    }
    let size = page_size(tenant, request)?;
    let next = (found.len() > size).then(|| next_link(request, id_of(&found[size - 1])));
    found.truncate(size);
    let mut body =
        json!({"@odata.context": format!("https://graph.microsoft.com/{}/$metadata#{}", call.segments[0], kind.set)});
    if count && after.is_none() {
        body["@odata.count"] = json!(total);
    }
    if let Some(next) = next {
        body["@odata.nextLink"] = json!(next);
    }
    body["value"] = found.into_iter().map(|item| Value::Object(project(item, &select, kind))).collect();
    Ok(Answer::json(200, body))
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
    let typed = object.remove("@odata.type");
    let expanded = object.remove("members");
    if !select.is_empty() {
        object.retain(|name, _| select.contains(name));
    } else if !kind.by_default.is_empty() {
        object.retain(|name, _| kind.by_default.contains(&name.as_str()));
    }
    object.extend(typed.map(|typed| ("@odata.type".to_owned(), typed)));
    object.extend(expanded.map(|members| ("members".to_owned(), members)));
    object
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

fn token_id(token: &str) -> Result<String, Answer> {
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
