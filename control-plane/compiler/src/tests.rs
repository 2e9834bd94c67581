//! A small service provider, and changes to it.

mod compile;
mod proofs;
mod properties;
mod removals;
mod validation;

use entente_model::intent::{Intent, Manifest};
use entente_model::{TenantName, Violation};

use crate::{Advance, Edit, Fleet, compile, render};

/// Three customers, of whom one is excepted by name; three operators in a squad; one privileged role for one of them.
const SAMPLE: &str = r#"
kind: HomeTenant
name: homeTenants/nordwall
entraTenant: 0a0de000-0000-4000-8000-000000000001
---
kind: Tenant
name: tenants/contoso
customer: contoso
entraTenant: 0c0de000-0000-4000-8000-000000000001
home: homeTenants/nordwall
labels: {region: nordic, ring: "1"}
scopes:
  sentinel: [/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-sentinel]
workspaces:
  - {name: law-contoso, permissionSource: azure_rbac}
exemptions:
  - {role: socRoles/l1-analyst, drop: [emailmetadata.read, Microsoft Sentinel Playbook Operator], reason: works council, until: 2027-06-30}
---
kind: Tenant
name: tenants/tailspin
customer: tailspin
entraTenant: 0c0de000-0000-4000-8000-000000000002
home: homeTenants/nordwall
labels: {region: nordic}
namePrefix: soc-
scopes:
  sentinel: [/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/rg-sentinel]
workspaces:
  - {name: law-tailspin, permissionSource: urbac}
---
kind: Tenant
name: tenants/fabrikam
customer: fabrikam
entraTenant: 0c0de000-0000-4000-8000-000000000003
home: homeTenants/nordwall
labels: {region: nordic}
---
kind: Operator
name: operators/maya
displayName: Maya Berg
identities:
  - {home: homeTenants/nordwall, objectId: 0b0de000-0000-4000-8000-000000000003, upn: maya@nordwall.example, mail: maya@nordwall.example}
  - {home: homeTenants/nordwall, class: privileged, objectId: 0b0de000-0000-4000-8000-000000000004, upn: adm-maya@nordwall.example, mail: adm-maya@nordwall.example}
---
kind: Operator
name: operators/li
displayName: Li Chen
identities:
  - {home: homeTenants/nordwall, objectId: 0b0de000-0000-4000-8000-000000000005, upn: li@nordwall.example, mail: li@nordwall.example}
---
kind: Operator
name: operators/jonas
displayName: Jonas Holm
identities:
  - {home: homeTenants/nordwall, objectId: 0b0de000-0000-4000-8000-000000000006, upn: jonas@nordwall.example, mail: jonas@nordwall.example}
---
kind: Squad
name: squads/nordic
owner: operators/jonas
members:
  - {operator: operators/maya, from: 2026-12-15}
  - {operator: operators/li, until: 2027-01-31}
---
kind: SocRole
name: socRoles/l1-analyst
version: 3
items:
  - plane: defender_urbac
    permissions: [secdata.basics.read, alerts.manage, emailmetadata.read]
  - plane: azure_rbac
    roles: [Microsoft Sentinel Responder]
    at: sentinel
    when: workspace.permissionSource == azure_rbac
  - plane: azure_rbac
    roles: [Microsoft Sentinel Playbook Operator]
    at: sentinel
---
kind: SocRole
name: socRoles/engineer
version: 1
identityClass: privileged
items:
  - plane: azure_rbac
    roles: [Microsoft Sentinel Contributor]
    at: sentinel
---
kind: Assignment
name: assignments/nordic-l1
squad: squads/nordic
role: socRoles/l1-analyst@3
tenants: {labels: {region: nordic}, except: [tenants/fabrikam], expect: 2}
start: 2026-12-01
end: 2027-03-31
justification: Nordic L1 service
owner: operators/jonas
---
kind: Assignment
name: assignments/maya-engineer
operator: operators/maya
role: socRoles/engineer@1
tenants: {names: [tenants/contoso]}
start: 2027-01-01
end: 2027-01-31
justification: Onboarding of Contoso's workspace
owner: operators/jonas
"#;

fn manifests(yaml: &str) -> Vec<Manifest> {
    yaml.split("\n---\n").map(|manifest| serde_saphyr::from_str(manifest).unwrap()).collect()
}

fn intent_of(yaml: &str) -> Intent {
    let mut intent = Intent::default();
    manifests(yaml).into_iter().for_each(|manifest| intent.put(manifest));
    intent
}

fn sample() -> Fleet {
    Fleet::compile_all(intent_of(SAMPLE))
}

/// The sample with these words replaced: an edit that leaves all else as it is.
fn with(replacements: &[(&str, &str)]) -> Edit {
    let mut yaml = SAMPLE.to_owned();
    for (from, to) in replacements {
        assert!(yaml.contains(from), "the sample holds {from:?}");
        yaml = yaml.replacen(from, to, 1);
    }
    edit(manifests(&yaml))
}

fn edit(puts: Vec<Manifest>) -> Edit {
    let edit = Edit { puts, actor: "principals/jonas".into(), ..Edit::default() };
    at(12, edit)
}

/// An edit of that hour; every hour has one, so that its number says which.
fn at(hour: u32, edit: Edit) -> Edit {
    let now: entente_model::Timestamp = format!("2026-12-24T{hour}:00:00Z").parse().unwrap();
    Edit { now, number: hour.into(), ..edit }
}

fn delete(names: &[&str]) -> Edit {
    Edit { deletes: names.iter().map(|name| name.parse().unwrap()).collect(), ..edit(vec![]) }
}

fn tenant(name: &str) -> TenantName {
    TenantName::from_id(name).unwrap()
}

/// Advances, and checks that the result is what compiling from scratch gives.
fn advance(fleet: &Fleet, edit: &Edit) -> Advance {
    let advance = fleet.advance(edit).unwrap_or_else(|faults| panic!("{}", text(&faults)));
    assert_eq!(advance.fleet, Fleet::compile_all(advance.fleet.intent().clone()));
    advance
}

fn text(faults: &[Violation]) -> String {
    faults.iter().map(|fault| format!("{} {fault}\n", fault.reason.word())).collect()
}

/// What a tenant holds, one item a line.
fn shown(fleet: &Fleet, name: &str) -> String {
    render(&compile(fleet.intent(), &tenant(name)))
}

/// Whom a batch is for.
fn touched(advance: &Advance) -> Vec<&str> {
    advance.batch.tenants.iter().map(|touched| touched.tenant.id()).collect()
}
