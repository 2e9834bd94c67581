//! What a removal knows of the person, and how proofs move it on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use entente_model::revocation::{InTenant, Known, Revocation, Subject};
use entente_model::{Guid, HomeName, OperatorName};

use super::removals::{LI_DROPPED, LI_SUSPENDED};
use super::*;
use crate::{Memory, RemovalIn};

fn after(days: u64, edit: Edit) -> Edit {
    Edit { now: edit.now.plus(std::time::Duration::from_secs(days * 86_400)), ..edit }
}

fn only_row(fleet: &Fleet) -> Revocation {
    let rows: Vec<_> = fleet.intent().revocations.values().collect();
    assert_eq!(rows.len(), 1);
    Revocation::clone(rows[0])
}

fn in_tenant(fleet: &Fleet, name: &str) -> InTenant {
    only_row(fleet).tenants[&tenant(name)].clone()
}

#[test]
fn a_removal_stays_until_every_tenants_watch_is_over() {
    let fleet = advance(&sample(), &with(&[LI_DROPPED])).fleet;
    let id = only_row(&fleet).id;
    let proven = |name: &str| vec![RemovalIn { revocation: id.clone(), tenant: tenant(name) }];
    let prove = |name: &str| Edit { proven: proven(name), ..edit(vec![]) };
    let one = advance(&fleet, &prove("contoso"));
    // The item stays as it is: the agent goes on looking.
    assert_eq!((touched(&one), one.revocation_puts.len(), one.revocation_deletes.len()), (vec![], 1, 0));
    let all = advance(&one.fleet, &after(3, prove("tailspin"))).fleet;
    assert!(only_row(&all).is_complete());
    assert_eq!(advance(&all, &after(4, prove("tailspin"))).revocation_puts, [], "the first proof counts");
    let watched = |days| after(days, Edit { watched: vec![id.clone()], ..edit(vec![]) });
    assert_eq!(advance(&all, &watched(37)).revocation_deletes, Vec::<String>::new());
    let over = advance(&all, &watched(38));
    assert_eq!((touched(&over), over.revocation_deletes.clone()), (vec!["contoso", "tailspin"], vec![id.clone()]));

    let back = advance(&all, &after(5, Edit { came_back: proven("contoso"), ..edit(vec![]) })).fleet;
    let contoso = in_tenant(&back, "contoso");
    assert_eq!((contoso.proven, contoso.came_back), (None, Some(after(5, edit(vec![])).now)));
    assert!(!only_row(&back).is_complete());
    assert_eq!(advance(&back, &watched(38)).revocation_deletes, Vec::<String>::new());
}

/// What a test knows beyond intent.
#[derive(Debug, Default)]
struct Remembered {
    /// By tenant, of every account.
    known: BTreeMap<&'static str, Vec<u128>>,
    addresses: Vec<&'static str>,
    never_enrolled: &'static str,
}

impl Memory for Remembered {
    fn known(&self, tenant: &TenantName, _: &HomeName, _: Guid) -> Known {
        let mut known = Known::default();
        known.add(self.known.get(tenant.id()).into_iter().flatten().copied().map(Guid::from_u128));
        known
    }

    fn was_enrolled(&self, tenant: &TenantName) -> bool {
        tenant.id() != self.never_enrolled
    }

    fn former_addresses(&self, _: &OperatorName, _: &HomeName, _: Guid) -> BTreeSet<String> {
        self.addresses.iter().map(ToString::to_string).collect()
    }
}

fn knowing(known: &[(&'static str, &[u128])], edit: Edit) -> Edit {
    let known = known.iter().map(|(tenant, ids)| (*tenant, ids.to_vec())).collect();
    Edit { memory: Some(Arc::new(Remembered { known, ..Remembered::default() })), ..edit }
}

/// Where the items that name Li for removal differ from each other.
fn absent_li(fleet: &Fleet, name: &str) -> String {
    let lines = shown(fleet, name);
    let line = lines.lines().find(|line| line.starts_with("user/") && line.contains("0005 ABSENT")).unwrap();
    let (from, to) = (line.find("Z ").unwrap() + 2, line.find(" operators/").unwrap());
    line[from..to].to_owned()
}

#[test]
fn attacks_g04b_a_removal_names_each_tenants_known_accounts_and_every_address() {
    let left = with(&[("displayName: Li Chen", "displayName: Li Chen\nstate: LEFT")]);
    let mut edit = knowing(&[("contoso", &[1, 2])], left);
    let fleet = advance(&sample(), &edit).fleet;
    let id = |number: u128| Guid::from_u128(number).to_string();
    let also = "also li@nordwall.example";
    assert_eq!(absent_li(&fleet, "contoso"), format!("known {} known {} {also}", id(1), id(2)));
    // The one who is not known there is no other tenant's.
    assert_eq!(absent_li(&fleet, "tailspin"), also);

    // What comes to be known since is named too, and only there.
    let all = ["contoso", "tailspin"].map(|name| RemovalIn { revocation: only_row(&fleet).id, tenant: tenant(name) });
    let amended = Edit { amended: all.into(), ..at(13, Edit::default()) };
    let more = advance(&fleet, &knowing(&[("tailspin", &[3])], amended));
    assert_eq!(touched(&more), ["tailspin"]);
    assert_eq!(absent_li(&more.fleet, "tailspin"), format!("known {} {also}", id(3)));
    assert_eq!(absent_li(&more.fleet, "contoso"), format!("known {} known {} {also}", id(1), id(2)), "never lost");

    // Addresses of before, but for one that is Jonas's now.
    let addresses = vec!["li.chen@nordwall.example", "jonas@nordwall.example"];
    edit.memory = Some(Arc::new(Remembered { addresses, ..Remembered::default() }));
    let fleet = advance(&sample(), &edit).fleet;
    assert_eq!(absent_li(&fleet, "contoso"), "also li.chen@nordwall.example also li@nordwall.example");
    // One that comes while they leave.
    let new = with(&[
        ("displayName: Li Chen", "displayName: Li Chen\nstate: LEFT"),
        (
            "upn: li@nordwall.example, mail: li@nordwall.example",
            "upn: li@nordwall.example, mail: L.Wu@nordwall.example",
        ),
    ]);
    let fleet = advance(&fleet, &at(13, new)).fleet;
    let all = "also l.wu@nordwall.example also li.chen@nordwall.example also li@nordwall.example";
    assert_eq!(absent_li(&fleet, "contoso"), all);
}

#[test]
fn tenants_that_know_the_same_share_their_items() {
    let fleet = |known: &[(&'static str, &[u128])]| {
        advance(&sample(), &knowing(known, with(&[("displayName: Li Chen", "displayName: Li Chen\nstate: LEFT")])))
            .fleet
    };
    let user = "user/nordwall/0b0de000-0000-4000-8000-000000000005";
    let leaf = |fleet: &Fleet, name: &str| fleet.tenant(&tenant(name)).unwrap().get(user).unwrap().leaf();
    let same = fleet(&[("contoso", &[1]), ("tailspin", &[1])]);
    assert_eq!(leaf(&same, "contoso"), leaf(&same, "tailspin"));
    let differs = fleet(&[("contoso", &[1]), ("tailspin", &[2])]);
    assert_ne!(leaf(&differs, "contoso"), leaf(&differs, "tailspin"));
}

#[test]
fn who_leaves_again_keeps_what_was_known_and_is_proven_anew() {
    let left = ("displayName: Li Chen", "displayName: Li Chen\nstate: LEFT");
    let suspended = advance(&sample(), &knowing(&[("contoso", &[1])], with(&[LI_SUSPENDED]))).fleet;
    let contoso = RemovalIn { revocation: only_row(&suspended).id, tenant: tenant("contoso") };
    let proven = advance(&suspended, &Edit { proven: vec![contoso], ..at(13, Edit::default()) }).fleet;
    let fleet = advance(&proven, &at(14, with(&[left]))).fleet;
    let contoso = in_tenant(&fleet, "contoso");
    assert_eq!((contoso.proven, contoso.known.ids.len()), (None, 1));
}

#[test]
fn a_leaver_may_come_back_once_they_are_proven_gone_everywhere() {
    let left = ("displayName: Li Chen", "displayName: Li Chen\nstate: LEFT");
    let fleet = advance(&sample(), &with(&[left, LI_DROPPED])).fleet;
    let fleet = advance(&fleet, &delete(&["operators/li"])).fleet;
    let again = with(&[LI_DROPPED]);
    assert!(fleet.advance(&again).is_err());
    let row = fleet.intent().revocations.values().find(|row| row.subject == Subject::Person).unwrap().clone();
    let all = row.tenants.keys().map(|tenant| RemovalIn { revocation: row.id.clone(), tenant: tenant.clone() });
    let fleet = advance(&fleet, &Edit { proven: all.collect(), ..at(13, Edit::default()) }).fleet;
    assert!(fleet.advance(&at(14, again)).is_ok());
}

#[test]
fn where_no_agent_ever_was_there_is_nothing_to_prove() {
    let memory = Arc::new(Remembered { never_enrolled: "tailspin", ..Remembered::default() });
    let left = with(&[("displayName: Li Chen", "displayName: Li Chen\nstate: LEFT")]);
    let fleet = advance(&sample(), &Edit { memory: Some(memory), ..left }).fleet;
    assert!(in_tenant(&fleet, "tailspin").is_complete() && !in_tenant(&fleet, "contoso").is_complete());
    // Until one comes.
    let tailspin = RemovalIn { revocation: only_row(&fleet).id, tenant: tenant("tailspin") };
    let enrolled = Edit { amended: vec![tailspin], ..at(13, Edit::default()) };
    assert!(!in_tenant(&advance(&fleet, &enrolled).fleet, "tailspin").is_complete());
}
