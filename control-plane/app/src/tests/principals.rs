//! Principals: their roles, and the people whom they are tied to.

use entente_model::PrincipalName;

use super::*;

fn principal(id: &str) -> PrincipalName {
    format!("principals/{id}").parse().unwrap()
}

async fn create(bed: &Bed, id: &str, role: ApiRole) -> Peer {
    let (_, csr) = create_key_and_csr().unwrap();
    let new = NewPrincipal { name: &principal(id), role, operator: None, csr_pem: &csr };
    let made = bed.app.create_principal(&admin(), new, &options()).await.unwrap();
    peer(&made.certificate_pem)
}

#[tokio::test]
async fn a_principal_that_is_stored_as_operator_is_an_editor() {
    let bed = Bed::with_sample().await;
    let sam = create(&bed, "sam", ApiRole::Editor).await;
    let key = crate::rows::principal(&principal("sam"));
    let bed = bed
        .restart(async |store, _| {
            let row = store.get(&key).await.unwrap().unwrap().value;
            let row = String::from_utf8(row.to_vec()).unwrap().replace("\"editor\"", "\"operator\"");
            assert!(row.contains("operator"));
            store.commit(entente_store::Commit::new().put(key.clone(), row)).await.unwrap();
        })
        .await;
    assert_eq!(bed.app.principal_of(&sam).unwrap().role, ApiRole::Editor);
}

/// A principal of an operator's, and who it is when it calls.
async fn tied(bed: &Bed, id: &str, role: ApiRole, operator: &str) -> (Peer, Caller) {
    let (_, csr_pem) = create_key_and_csr().unwrap();
    let operator = operator.parse().unwrap();
    let new = NewPrincipal { name: &principal(id), role, operator: Some(&operator), csr_pem: &csr_pem };
    let made = bed.app.create_principal(&admin(), new, &options()).await.unwrap();
    let peer = peer(&made.certificate_pem);
    let caller = bed.app.principal_of(&peer).unwrap();
    (peer, caller)
}

fn set(manifests: Vec<Manifest>) -> Change {
    let puts = manifests.into_iter().map(|manifest| Put::Set { manifest, etag: None }).collect();
    Change { puts, deletes: Vec::new() }
}

/// A manifest with some fields changed.
fn with(base: Manifest, fields: Value) -> Manifest {
    let mut value = serde_json::to_value(base).unwrap();
    for (field, new) in fields.as_object().unwrap() {
        value[field] = new.clone();
    }
    manifest(value)
}

fn assignment(id: &str, fields: Value) -> Manifest {
    let base = json!({
        "kind": "Assignment", "name": format!("assignments/{id}"), "role": "socRoles/l1@1",
        "tenants": {"names": ["tenants/contoso"]}, "justification": "more", "owner": "operators/li",
    });
    with_fields(base, fields)
}

fn with_fields(mut base: Value, fields: Value) -> Manifest {
    for (field, new) in fields.as_object().unwrap() {
        base[field] = new.clone();
    }
    manifest(base)
}

fn nordic(fields: Value) -> Manifest {
    with_fields(serde_json::to_value(sample().pop().unwrap()).unwrap(), fields)
}

fn squad_of(id: &str, members: Value) -> Manifest {
    manifest(json!({"kind": "Squad", "name": format!("squads/{id}"), "owner": "operators/li", "members": members}))
}

fn fields_of_role(version: u32, permissions: &[&str]) -> Manifest {
    let items = json!([{"plane": "defenderRoles", "permissions": permissions}]);
    manifest(json!({"kind": "SocRole", "name": "socRoles/l1", "version": version, "items": items}))
}

const SCOPE: &str = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-sentinel";
const WIDER: &str = "/subscriptions/11111111-1111-4111-8111-111111111111";

fn withheld() -> Value {
    json!([
        {"role": "socRoles/l1", "drop": ["alerts.manage"], "reason": "x", "until": "2027-06-30"},
        {"role": "socRoles/azure", "drop": ["Microsoft Sentinel Responder"], "reason": "x", "until": "2027-06-30"},
    ])
}

/// With another last day.
fn withheld_until(at: usize, day: &str) -> Value {
    let mut exemptions = withheld();
    exemptions[at]["until"] = json!(day);
    exemptions
}

fn contoso(exemptions: Value, scopes: &[&str]) -> Manifest {
    with(customer("contoso", 1), json!({"exemptions": exemptions, "scopes": {"sentinel": scopes}}))
}

fn in_the_directory() -> Manifest {
    let items = json!([
        {"plane": "defenderRoles", "permissions": ["alerts.manage"]}, {"plane": "entraRoles", "role": "Security Reader"},
    ]);
    with(role(3, "alerts.manage"), json!({"items": items}))
}

/// Maya is in squads/nordic, which works in contoso and fabrikam until the end of 2027; a tenant waits in ONBOARDING, and
/// contoso withholds a permission.
async fn bed_of_maya() -> Bed {
    let bed = Bed::new().await;
    let mut all = sample();
    all.pop();
    all.push(with(role(1, "alerts.manage"), json!({"name": "socRoles/l2"})));
    all.push(fields_of_role(2, &["alerts.manage", "response.manage"]));
    all.push(nordic(json!({"end": "2027-12-31", "tenants": {"labels": {"region": "nordic"}, "except": []}})));
    all.push(contoso(withheld(), &[SCOPE]));
    let azure = json!([{"plane": "azureRoles", "roles": ["Microsoft Sentinel Responder"], "at": "sentinel"}]);
    all.push(with(role(1, "alerts.manage"), json!({"name": "socRoles/azure", "items": azure})));
    all.push(assignment("azure", json!({"operator": "operators/maya", "role": "socRoles/azure@1"})));
    all.retain(|it| {
        it.name() != name("tenants/contoso") || matches!(it, Manifest::Tenant(it) if !it.exemptions.is_empty())
    });
    all.push(with(customer("tailspin", 3), json!({"labels": {"region": "alpine"}})));
    all.push(with(customer("wingtip", 4), json!({"state": "ONBOARDING"})));
    all.push(squad_of("alpine", json!([{"operator": "operators/jonas"}])));
    all.push(assignment("alpine", json!({"squad": "squads/alpine", "tenants": {"names": ["tenants/tailspin"]}})));
    bed.apply(all).await.unwrap();
    bed
}

/// Each by another kind of resource. None of them may be made by Maya's principal, and any by somebody else's.
fn gains_for_maya() -> Vec<(&'static str, Vec<Manifest>)> {
    let maya = json!({"operator": "operators/maya"});
    let identity = |id: u32, class: &str, mail: &str| {
        json!({
            "home": "homeTenants/nordwall", "objectId": format!("0b0de000-0000-4000-8000-{id:012}"), "class": class,
            "upn": format!("{mail}@nordwall.example"), "mail": format!("{mail}@nordwall.example"),
        })
    };
    vec![
        (
            "an assignment of hers",
            vec![assignment("hers", json!({"operator": "operators/maya", "role": "socRoles/l2@1"}))],
        ),
        (
            "an assignment that has no effect yet",
            vec![assignment(
                "later",
                json!({
                    "operator": "operators/maya", "tenants": {"names": ["tenants/wingtip"]},
                }),
            )],
        ),
        (
            "an assignment that begins one day",
            vec![assignment(
                "later",
                json!({
                    "operator": "operators/maya", "start": "2028-01-01",
                }),
            )],
        ),
        ("membership in another squad", vec![squad_of("alpine", json!([maya]))]),
        ("membership in a squad without assignments", vec![squad_of("new", json!([maya]))]),
        ("her squad's assignment for longer", vec![nordic(json!({"end": "2028-12-31"}))]),
        (
            "her squad's assignment in another tenant",
            vec![nordic(json!({
                "end": "2027-12-31", "tenants": {"names": ["tenants/contoso", "tenants/fabrikam", "tenants/tailspin"]},
            }))],
        ),
        ("a wider label", vec![nordic(json!({"end": "2027-12-31", "tenants": {"labels": {"tier": "1"}}}))]),
        ("a directory role for her squad", {
            let assigned = nordic(json!({"end": "2027-12-31", "role": "socRoles/l1@3"}));
            vec![in_the_directory(), assigned]
        }),
        ("a newer role for her squad", vec![nordic(json!({"end": "2027-12-31", "role": "socRoles/l1@2"}))]),
        ("a tenant's label", vec![customer("tailspin", 3)]),
        ("a tenant at work", vec![customer("wingtip", 4)]),
        ("a new tenant for her squad", vec![customer("adatum", 5)]),
        ("the end of an exemption", vec![contoso(json!([]), &[SCOPE])]),
        ("an earlier end of a Defender exemption", vec![contoso(withheld_until(0, "2027-01-31"), &[SCOPE])]),
        ("an earlier end of an Azure exemption", vec![contoso(withheld_until(1, "2027-01-31"), &[SCOPE])]),
        (
            "another account",
            vec![with(
                person("maya", 3),
                json!({"identities": [
                    identity(3, "standard", "maya"), identity(33, "privileged", "adm-maya"),
                ]}),
            )],
        ),
        ("another address", vec![with(person("maya", 3), json!({"identities": [identity(3, "standard", "other")]}))]),
        ("a wider scope", vec![contoso(withheld(), &[SCOPE, WIDER])]),
        (
            "her account under another name",
            vec![
                with(person("maya", 3), json!({"identities": [], "state": "SUSPENDED"})),
                with(person("maya", 3), json!({"name": "operators/twin"})),
                squad(&["twin", "li"]),
                assignment("azure", json!({"operator": "operators/twin", "role": "socRoles/azure@1"})),
            ],
        ),
    ]
}

#[tokio::test]
async fn nobody_gives_themselves_access_by_any_kind_of_resource() {
    let bed = bed_of_maya().await;
    let (_, maya) = tied(&bed, "maya", ApiRole::Editor, "operators/maya").await;
    let (_, chief) = tied(&bed, "chief", ApiRole::Admin, "operators/maya").await;
    let before = bed.app.snapshot().revision;
    for (what, manifests) in gains_for_maya() {
        for caller in [&maya, &chief] {
            for validate_only in [true, false] {
                let options = Options { validate_only, ..options() };
                let refused = bed.app.intents().change(caller, set(manifests.clone()), &options).await;
                let refused = refused.expect_err(what);
                assert_eq!(refused.reason(), "OWN_CASE", "{what}: {refused}");
                let text =
                    format!("{} decides nothing in its own case: it is tied to operators/maya", caller.principal);
                assert!(refused.to_string().starts_with(&text), "{what}: {refused}");
            }
        }
    }
    assert_eq!(bed.app.snapshot().revision, before);
    let dry = Options { validate_only: true, ..options() };
    for (what, manifests) in gains_for_maya() {
        let by_others = bed.app.intents().change(&editor(), set(manifests), &dry).await;
        by_others.unwrap_or_else(|error| panic!("{what}: {error}"));
    }
}

#[tokio::test]
async fn what_gives_a_tied_principals_operator_nothing_is_its_work() {
    let bed = bed_of_maya().await;
    let (_, maya) = tied(&bed, "maya", ApiRole::Editor, "operators/maya").await;
    let exemption = withheld_until(0, "2027-12-31");
    let work = vec![
        ("others in her squad", vec![squad(&["maya", "li", "jonas"])]),
        (
            "an assignment of others",
            vec![assignment("li", json!({"operator": "operators/li", "role": "socRoles/l2@1"}))],
        ),
        (
            "less for her squad",
            vec![nordic(json!({
                "end": "2027-11-30", "tenants": {"labels": {"region": "nordic"}, "except": ["tenants/fabrikam"]},
            }))],
        ),
        ("more withheld", vec![contoso(exemption, &[SCOPE])]),
        ("another name", vec![with(person("maya", 3), json!({"displayName": "Maya B."}))]),
        ("a tenant that her squad does not mean", vec![with(customer("proseware", 6), json!({"labels": {}}))]),
        ("her own end in the squad", vec![squad(&["li"])]),
    ];
    for (what, manifests) in work {
        let done = bed.app.intents().change(&maya, set(manifests), &options()).await;
        done.unwrap_or_else(|error| panic!("{what}: {error}"));
    }
}

#[tokio::test]
async fn a_tenant_does_not_go_with_the_open_removal_of_the_one_who_deletes_it() {
    let bed = Bed::with_sample().await;
    // Maya loses an account, stays at work, and would rather not have it looked for in fabrikam.
    let mut two = serde_json::to_value(person("maya", 3)).unwrap();
    let mut other = two["identities"][0].clone();
    other["objectId"] = json!("0b0de000-0000-4000-8000-000000000033");
    other["class"] = json!("privileged");
    other["mail"] = json!("adm-maya@nordwall.example");
    other["upn"] = other["mail"].clone();
    two["identities"] = json!([two["identities"][0], other]);
    bed.apply(vec![
        manifest(two),
        manifest(json!({
            "kind": "SocRole", "name": "socRoles/adm", "version": 1, "identityClass": "privileged",
            "items": [{"plane": "defenderRoles", "permissions": ["alerts.manage"]}],
        })),
        assignment(
            "adm",
            json!({
                "operator": "operators/maya", "role": "socRoles/adm@1", "tenants": {"names": ["tenants/fabrikam"]},
            }),
        ),
    ])
    .await
    .unwrap();
    let (_, chief) = tied(&bed, "chief", ApiRole::Admin, "operators/maya").await;
    bed.delete("assignments/adm").await.unwrap();
    bed.apply(vec![person("maya", 3)]).await.unwrap();
    bed.relabel("fabrikam", 2).await;
    let deletes = vec![Delete { name: name("tenants/fabrikam"), etag: None }];
    let delete = Change { puts: Vec::new(), deletes };
    let refused = bed.app.intents().change(&chief, delete.clone(), &options()).await.unwrap_err();
    assert_eq!(refused.reason(), "OWN_CASE", "{refused}");
    bed.app.intents().change(&admin(), delete, &options()).await.unwrap();
}

#[tokio::test]
async fn a_tied_admin_vouches_for_no_agent_that_has_to_say_that_they_are_gone() {
    let bed = Bed::with_sample().await;
    let agent = bed.enrol(&tenant("contoso")).await;
    let pki::Who::Agent(agent) = agent.who else { panic!("an agent") };
    let (_, maya) = tied(&bed, "maya", ApiRole::Admin, "operators/maya").await;
    bed.apply(vec![squad(&["li"])]).await.unwrap();
    assert!(!bed.app.snapshot().fleet.intent().revocations.is_empty());
    let refused = bed.app.vouch_agent(&maya, &agent, &options()).await.unwrap_err();
    assert_eq!(refused.reason(), "OWN_CASE", "{refused}");
    bed.app.vouch_agent(&admin(), &agent, &options()).await.unwrap();
}

/// The ways in which somebody ceases to work.
async fn end(bed: &Bed, way: &str) -> Result<Applied, AppError> {
    let state = |state: &str| bed.apply(vec![with(person("maya", 3), json!({"state": state}))]);
    match way {
        "leave" => bed.app.intents().leave_operator(&editor(), &"operators/maya".parse().unwrap(), &options()).await,
        "delete" => {
            bed.apply(vec![squad(&["li"])]).await.unwrap();
            bed.delete("operators/maya").await
        }
        state_word => state(state_word).await,
    }
}

#[tokio::test]
async fn whoever_ceases_to_work_loses_the_principal_in_the_same_commit_and_rejoining_brings_none_back() {
    for way in ["leave", "LEFT", "SUSPENDED", "delete"] {
        let bed = Bed::with_sample().await;
        let (peer, maya) = tied(&bed, "maya", ApiRole::Editor, "operators/maya").await;
        let mut watch = bed.app.reports().watch_tenant_statuses(&maya, Vec::new()).unwrap();
        let applied = end(&bed, way).await.unwrap();
        assert_eq!(applied.impact.ended_principals, [principal("maya")], "{way}");
        assert_eq!(bed.app.principal_of(&peer).unwrap_err().reason(), "UNAUTHENTICATED", "{way}");
        use futures::{FutureExt, StreamExt};
        assert_eq!(watch.next().now_or_never(), Some(None), "{way}: the watch is over");
        drop(watch);
        let audit = bed.app.audit(&viewer(), &page(), None).await.unwrap().items.remove(0);
        assert_eq!(audit.revision, applied.revision, "{way}: in the same commit");
        assert!(audit.summary.ends_with("; ended principals/maya"), "{way}: {}", audit.summary);

        // What it had under way is decided after it has ended.
        let maya_rejoins =
            bed.app.intents().rejoin_operator(&maya, &"operators/maya".parse().unwrap(), &options()).await;
        assert_eq!(maya_rejoins.unwrap_err().reason(), "UNAUTHENTICATED", "{way}");
        match way {
            "leave" | "LEFT" => {
                let rejoined =
                    bed.app.intents().rejoin_operator(&editor(), &"operators/maya".parse().unwrap(), &options()).await;
                drop(rejoined.unwrap());
            }
            _ => drop(bed.apply(vec![person("maya", 3)]).await.unwrap()),
        }
        assert!(bed.app.principal_of(&peer).is_err(), "{way}: not by rejoining");
        let bed = bed.restart(async |_, _| {}).await;
        assert!(bed.app.principal_of(&peer).is_err(), "{way}: nor by a restart");
    }
}

#[tokio::test]
async fn what_would_end_the_last_admin_is_refused_before_anything_is_committed() {
    let bed = Bed::with_sample().await;
    let (_, chief) = tied(&bed, "chief", ApiRole::Admin, "operators/maya").await;
    bed.app.delete_principal(&chief, &admin().principal, &options()).await.unwrap();
    let before = bed.app.snapshot().revision;
    for way in ["leave", "LEFT", "SUSPENDED"] {
        let refused = end(&bed, way).await.unwrap_err();
        assert_eq!(refused.reason(), "LAST_ADMIN", "{way}");
        let text =
            "principals/chief is the last admin; make another first: `entente principals create NAME --role admin`";
        assert_eq!(refused.to_string(), text);
    }
    assert_eq!(bed.app.snapshot().revision, before);
    let (_, csr_pem) = create_key_and_csr().unwrap();
    let other = principal("other");
    let new = NewPrincipal { name: &other, role: ApiRole::Admin, operator: None, csr_pem: &csr_pem };
    bed.app.create_principal(&chief, new, &options()).await.unwrap();
    assert_eq!(end(&bed, "leave").await.unwrap().impact.ended_principals, [principal("chief")]);
}

#[tokio::test]
async fn an_admin_ties_a_principal_later_and_never_unties_itself() {
    let bed = Bed::with_sample().await;
    let sam = create(&bed, "sam", ApiRole::Editor).await;
    let maya: entente_model::OperatorName = "operators/maya".parse().unwrap();
    let tie = async |caller: &Caller, id: &str, to: Option<&entente_model::OperatorName>| {
        bed.app.tie_principal(caller, &principal(id), to, &options()).await
    };
    assert_eq!(tie(&editor(), "sam", Some(&maya)).await.unwrap_err().reason(), "ROLE_MISSING");
    assert_eq!(
        tie(&admin(), "sam", Some(&"operators/ghost".parse().unwrap())).await.unwrap_err().reason(),
        "NOT_FOUND"
    );
    assert_eq!(tie(&admin(), "sam", Some(&maya)).await.unwrap().operator, Some(maya.clone()));
    let own = bed.app.principal_of(&sam).unwrap();
    let hers = set(vec![assignment("hers", json!({"operator": "operators/maya"}))]);
    assert_eq!(bed.app.intents().change(&own, hers, &options()).await.unwrap_err().reason(), "OWN_CASE");

    let (_, chief) = tied(&bed, "chief", ApiRole::Admin, "operators/maya").await;
    for id in ["chief", "sam"] {
        assert_eq!(tie(&chief, id, None).await.unwrap_err().reason(), "OWN_CASE", "{id}");
    }
    assert_eq!(tie(&admin(), "sam", None).await.unwrap().operator, None);
    bed.leave("operators/li").await;
    assert_eq!(tie(&admin(), "sam", Some(&"operators/li".parse().unwrap())).await.unwrap_err().reason(), "CONTRADICTS");
}
