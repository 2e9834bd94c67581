//! `get`, `describe`, `delete`: resources by kind and by name, printed as the manifests they came from.

use entente_convert::access::{Resource, resource_from_proto};
use entente_convert::manifest;
use entente_model::intent::{Kind, Manifest, ResourceName};
use entente_model::nearest::nearest;
use entente_proto::access::v1 as wire;
use serde_json::{Value, json};

use crate::args::{Delete, Format};
use crate::client::{Client, request_id, within};
use crate::confirm::Asked;
use crate::failure::Failure;
use crate::{change, output, status, who};

/// One resource as it is in the store.
pub(crate) struct Stored {
    pub(crate) manifest: Manifest,
    pub(crate) etag: String,
}

/// What the server sent, and the manifest in it.
struct Found {
    manifest: Manifest,
    etag: String,
    revision: i64,
    updated: Option<prost_types::Timestamp>,
}

/// `what`: a kind, a name, or a kind and a name within it.
pub(crate) async fn get(client: Client, what: &[String], format: Format) -> Result<(), Failure> {
    let what = match what {
        // `squad triage` too, as `entente get squad` lists squads.
        [of, id] if !id.contains('/') => format!("{}/{id}", kind(of)?.collection()),
        what => what.join(" "),
    };
    let what = what.as_str();
    if what.contains('/') {
        let found = one(client, &name(what)?).await?;
        let tree = manifest::to_value(&found.manifest);
        // A resource is for reading whole: YAML is its table.
        return output::print(format, &tree, || output::yaml(&tree));
    }
    let found = all(client, kind(what)?).await?;
    let trees: Vec<Value> = found.iter().map(|it| manifest::to_value(&it.manifest)).collect();
    match format {
        Format::Table | Format::Wide | Format::Name | Format::Csv => list(&found).print(format, &Value::Null, ("", "")),
        Format::Json => output::print(format, &Value::Array(trees), String::new),
        // A stream of documents, which `apply` takes back.
        Format::Yaml => output::say(&trees.iter().map(output::yaml).collect::<Vec<_>>().join("---\n")),
    }
}

pub(crate) async fn describe(client: Client, what: &str, format: Format) -> Result<(), Failure> {
    let name = name(what)?;
    let found = one(client.clone(), &name).await?;
    let tree = manifest::to_value(&found.manifest);
    let meta = json!({
        "etag": found.etag,
        "revision": found.revision,
        "updateTime": output::utc(&found.updated),
    });
    let document = json!({"resource": tree, "meta": meta});
    output::print(format, &document, || {
        let updated = output::instant(&found.updated);
        format!("{}\nrevision {}, etag {}, changed {updated}\n", output::yaml(&tree), found.revision, found.etag)
    })?;
    match (&name, format) {
        (ResourceName::Tenant(tenant), Format::Table | Format::Wide) => {
            status::describe_tenant(client, &tenant.to_string()).await
        }
        (ResourceName::Operator(operator), Format::Table | Format::Wide) => {
            who::describe_operator(client, &operator.to_string()).await
        }
        _ => Ok(()),
    }
}

/// All of them, or none. Asked for as an `apply` is that removes as much.
pub(crate) async fn delete(mut client: Client, ask: Delete, format: Format) -> Result<(), Failure> {
    let names: Vec<ResourceName> = ask.names.iter().map(|text| name(text)).collect::<Result<_, _>>()?;
    let deletion = |name: &ResourceName| wire::Deletion { name: name.to_string(), etag: String::new() };
    let request = wire::ApplyIntentRequest {
        manifests: Vec::new(),
        request_id: request_id(),
        validate_only: ask.dry_run,
        deletions: names.iter().map(deletion).collect(),
    };
    if !ask.dry_run && !ask.yes {
        change::ask_for(&change::look(&mut client, &request).await?, Asked::of(false)).await?;
    }
    let answer = change::send(&mut client, &request).await?;
    let tree = document(&names, ask.dry_run, answer.impact.as_ref().map(output::document));
    output::print(format, &tree, || change::text(&answer, ask.dry_run))
}

/// A dry run has a field of its own: a reader of `deleted` must not take what would be deleted for deleted.
fn document(names: &[ResourceName], dry_run: bool, impact: Option<Value>) -> Value {
    let what = if dry_run { "wouldDelete" } else { "deleted" };
    json!({what: names, "dryRun": dry_run, "impact": impact})
}

fn name(text: &str) -> Result<ResourceName, Failure> {
    text.parse().map_err(|error: entente_model::name::NameError| Failure::Usage(error.to_string()))
}

fn kind(text: &str) -> Result<Kind, Failure> {
    let same = |kind: &Kind| {
        let word = text.to_ascii_lowercase();
        word == kind.collection().to_ascii_lowercase() || word == kind.word().to_ascii_lowercase()
    };
    Kind::ALL.into_iter().find(same).ok_or_else(|| {
        let kinds = Kind::ALL.map(Kind::collection);
        let near = nearest(text, kinds.iter().map(ToString::to_string)).map(|near| format!("; did you mean {near}?"));
        let (near, kinds) = (near.unwrap_or_default(), kinds.join(", "));
        Failure::Usage(format!(
            "{text:?} is neither a kind nor a name{near}; kinds are {kinds}, a name is tenants/contoso"
        ))
    })
}

macro_rules! found {
    ($variant:ident, $message:expr) => {{
        let message = $message;
        let (etag, revision, updated) = (message.etag.clone(), message.revision, message.update_time);
        let manifest = resource_from_proto(&Resource::$variant(message)).map_err(|fault| {
            Failure::Failed(format!("the control plane sent what this version does not know: {fault}; update entente"))
        })?;
        Found { manifest, etag, revision, updated }
    }};
}

async fn one(mut client: Client, name: &ResourceName) -> Result<Found, Failure> {
    macro_rules! ask {
        ($variant:ident, $method:ident, $request:ident) => {{
            let request = wire::$request { name: name.to_string() };
            found!($variant, client.access.$method(within(request)).await?.into_inner())
        }};
    }
    Ok(match name.kind() {
        Kind::HomeTenant => ask!(HomeTenant, get_home_tenant, GetHomeTenantRequest),
        Kind::Tenant => ask!(Tenant, get_tenant, GetTenantRequest),
        Kind::Operator => ask!(Operator, get_operator, GetOperatorRequest),
        Kind::Squad => ask!(Squad, get_squad, GetSquadRequest),
        Kind::SocRole => ask!(SocRole, get_soc_role, GetSocRoleRequest),
        Kind::Assignment => ask!(Assignment, get_assignment, GetAssignmentRequest),
    })
}

/// Every resource of intent.
pub(crate) async fn every(client: Client) -> Result<Vec<Stored>, Failure> {
    let mut every = Vec::new();
    for kind in Kind::ALL {
        let found = all(client.clone(), kind).await?.into_iter();
        every.extend(found.map(|Found { manifest, etag, .. }| Stored { manifest, etag }));
    }
    Ok(every)
}

async fn all(mut client: Client, kind: Kind) -> Result<Vec<Found>, Failure> {
    let mut every = Vec::new();
    let mut page_token = String::new();
    loop {
        macro_rules! ask {
            ($variant:ident, $method:ident, $request:ident, $field:ident) => {{
                let request = wire::$request { page_size: 1_000, page_token };
                let page = client.access.$method(within(request)).await?.into_inner();
                for message in page.$field {
                    every.push(found!($variant, message));
                }
                page_token = page.next_page_token;
            }};
        }
        match kind {
            Kind::HomeTenant => ask!(HomeTenant, list_home_tenants, ListHomeTenantsRequest, home_tenants),
            Kind::Tenant => ask!(Tenant, list_tenants, ListTenantsRequest, tenants),
            Kind::Operator => ask!(Operator, list_operators, ListOperatorsRequest, operators),
            Kind::Squad => ask!(Squad, list_squads, ListSquadsRequest, squads),
            Kind::SocRole => ask!(SocRole, list_soc_roles, ListSocRolesRequest, soc_roles),
            Kind::Assignment => ask!(Assignment, list_assignments, ListAssignmentsRequest, assignments),
        }
        if page_token.is_empty() {
            return Ok(every);
        }
    }
}

fn list(found: &[Found]) -> output::List {
    let columns = [output::column("NAME"), output::column("WHAT"), output::column("AGE"), output::wide("CHANGED")];
    let (mut list, now) = (output::List::new(columns), output::now());
    for it in found {
        let (name, age) = (it.manifest.name().to_string(), output::age(&it.updated, now));
        list.row(&name, [name.clone(), sketch(&it.manifest), age, output::instant(&it.updated)]);
    }
    list
}

/// One resource in a few words.
fn sketch(manifest: &Manifest) -> String {
    match manifest {
        Manifest::HomeTenant(it) => format!("{} {}", it.entra_tenant, it.cloud.word()),
        Manifest::Tenant(it) => {
            let labels: Vec<_> = it.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("{} {}", it.customer, labels.join(","))
        }
        Manifest::Operator(it) => {
            format!("{} {}, {} identities", it.display_name, it.state.word(), it.identities.len())
        }
        Manifest::Squad(it) => format!("{} members, owner {}", it.members.len(), it.owner),
        Manifest::SocRole(it) => {
            let planes: Vec<_> = it.items.iter().map(|item| item.plane().word()).collect();
            format!("{}: {}", it.identity_class.word(), planes.join(", "))
        }
        Manifest::Assignment(it) => {
            let who = it.squad.as_ref().map(ToString::to_string).or(it.operator.as_ref().map(ToString::to_string));
            let until = it.end.map_or_else(String::new, |end| format!(" until {end}"));
            format!("{} as {}{until}", who.unwrap_or_default(), it.role)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_calls_nothing_deleted() {
        let names = ["squads/a".parse().unwrap()];
        let looked = document(&names, true, None);
        assert_eq!((&looked["wouldDelete"][0], &looked["deleted"]), (&json!("squads/a"), &Value::Null));
        assert_eq!(document(&names, false, None)["deleted"][0], "squads/a");
    }
}
