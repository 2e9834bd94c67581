//! What a changed file means, in sentences.

use expect_test::expect;

use super::guardrail::WHOLE;
use super::world::CONTOSO;
use crate::difference::between;
use crate::guardrail::Guardrail;

fn difference(changes: &[(&str, &str)]) -> String {
    let load = |text: &str| Guardrail::load(text, CONTOSO).unwrap();
    let new = changes.iter().fold(WHOLE.to_string(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    let found = between(&load(WHOLE), &load(&new));
    let back = between(&load(&new), &load(WHOLE));
    assert_eq!((found.wider.len(), found.narrower.len()), (back.narrower.len(), back.wider.len()), "the way back");
    let lines = |mark: &str, all: &[String]| all.iter().map(|it| format!("{mark} {it}\n")).collect::<String>();
    let names = |mark: &str, all: &[&str]| all.iter().map(|it| format!("{mark} {it}\n")).collect::<String>();
    lines("+", &found.wider)
        + &lines("-", &found.narrower)
        + &names("grant", &found.needed)
        + &names("spare", &found.spare)
}

#[test]
fn a_file_that_says_the_same_differs_in_nothing() {
    assert_eq!(difference(&[("owner: ciso@contoso.example", "owner: cto@contoso.example")]), "");
}

#[test]
fn what_widens_and_what_narrows_is_told_apart() {
    expect![[r#"
        + people may edit workbooks (editWorkbooks)
        - people may run playbooks (with the addresses that trigger them) and read their runs (runPlaybooks)
    "#]]
    .assert_eq(&difference(&[("respond, runPlaybooks", "respond, editWorkbooks")]));
    expect![[r#"
        + on leaving: delete
        - on leaving: revokeSessions
        grant User.DeleteRestore.All
        spare User.RevokeSessions.All
    "#]]
    .assert_eq(&difference(&[("[revokeSessions, block]", "[block, delete]")]));
    expect![[r#"
        + the agent writes defenderRoles
        grant RoleManagement.ReadWrite.Defender
        spare RoleManagement.Read.Defender
    "#]]
    .assert_eq(&difference(&[("defenderRoles: verify", "defenderRoles: manage")]));
}

#[test]
fn every_field_that_allows_bounds_or_protects_counts() {
    for (from, to, says) in [
        ("reviewBy: 2027-03-31", "reviewBy: 2028-03-31", "+ new access until 2028-03-31, and 2027-03-31 before"),
        ("maxOperators: 25", "maxOperators: 5", "- people at a time: 5, and 25 before"),
        ("  longestGrant: 180d\n", "", "+ longest grant: no bound, and 180d before"),
        ("longestGrant: 180d", "longestGrant: 30d", "- longest grant: 30d, and 180d before"),
        ("joiners: 5", "joiners: 6", "+ people let in on a day: 6"),
        ("otherChanges: 40", "otherChanges: 4", "- other changes on a day: 4"),
        ("impliedRemovals: 10", "impliedRemovals: 11", "+ removals of what is no longer wanted"),
        ("groups: 12", "groups: 13", "+ groups: 13"),
        ("barred: []", "barred: [Li@nordwall.example]", "- li@nordwall.example may be let in"),
        ("emergency-1-id, ", "", "+ the user emergency-1-id may be touched"),
        ("[ca-exclusions-id, ", "[", "+ the group ca-exclusions-id may be touched"),
        ("from: 2026-12-20", "from: 2026-12-21", "+ changes from 2026-12-20 to 2027-01-04"),
        ("adoptExisting: ask", "adoptExisting: allow", "+ accounts that are there already are taken over"),
        ("[nordwall.example]", "[nordwall.example, x.example]", "+ people of x.example"),
        ("homeTenant: 0a0de000", "homeTenant: 0a0de001", "+ people whose home is tenant 0a0de001"),
        ("ed25519:7f3c", "ed25519:aaaa", "+ a desired state that the key ed25519:aaaa"),
        ("namePrefix: ent-", "namePrefix: soc-", "- groups and roles named ent-*"),
        ("ask: [liveResponseBasic]", "ask: []", "- people may ask you to basic live response"),
        ("resourceGroups/rg-sentinel]", "resourceGroups/rg-other]", "+ Azure roles at /subscriptions/11111111"),
        ("    Microsoft Sentinel Responder: 3e150937-b8fe-4cfb-8069-0eaf05ecd056\n", "", "- the Azure role Microsoft"),
    ] {
        let found = difference(&[(from, to)]);
        assert!(found.contains(says), "{to}: {found}");
    }
}
