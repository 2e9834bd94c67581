//! What people write wrong, through the command line.

use std::ffi::OsString;

use anyhow::Result;
use entente_tests::{Fleet, args};

use super::Verdict;

/// A manifest that is well formed except for `change`.
struct Bad {
    what: &'static str,
    yaml: String,
    says: &'static str,
}

fn bad(what: &'static str, yaml: impl Into<String>, says: &'static str) -> Bad {
    Bad { what, yaml: yaml.into(), says }
}

const TENANT: &str = "kind: Tenant\nname: tenants/tailspin\ncustomer: tailspin\nentraTenant: 0c0de000-0000-4000-8000-000000000077\nhome: homeTenants/nordwall\n";
const OPERATOR: &str = "kind: Operator\nname: operators/eve\ndisplayName: Eve\n";
const SQUAD: &str = "kind: Squad\nname: squads/days\nowner: operators/jonas\n";
const ROLE: &str = "kind: SocRole\nname: socRoles/reader\nversion: 1\nitems:\n";
const DEFENDER: &str = "  - {plane: defenderRoles, permissions: [alerts.manage]}\n";
const ASSIGNMENT: &str = "kind: Assignment\nname: assignments/more\nrole: socRoles/l1-analyst@1\njustification: more\nowner: operators/jonas\n";

fn tenants() -> Vec<Bad> {
    let with = |line: &str| format!("{TENANT}{line}\n");
    vec![
        bad("an unknown field", with("colour: blue"), "\"colour\" is no field here"),
        bad("a field twice", with("customer: again"), "customer"),
        bad("an id with capitals", TENANT.replace("tenants/tailspin", "tenants/Tailspin"), "lower-case letters"),
        bad("a name of another collection", TENANT.replace("tenants/tailspin", "squads/x"), "write tenants/ID"),
        bad("an Entra tenant that is no GUID", TENANT.replace("0c0de000-0000", "zzz"), "is not a GUID"),
        bad("another customer's Entra tenant", TENANT.replace("000000000077", "000000000001"), "tenants/contoso"),
        bad(
            "a home that is not there",
            TENANT.replace("homeTenants/nordwall", "homeTenants/nowhere"),
            "homeTenants/nowhere",
        ),
        bad("members instead of guests", with("userType: member"), "userType: only guest is supported"),
        bad("an access package", with("delivery: access_package"), "delivery: only b2b_invitation is supported"),
        bad("offboarding", with("state: OFFBOARDING"), "state: only ONBOARDING and ACTIVE are supported"),
        bad("a prefix with a space", with("namePrefix: 'a b'"), "namePrefix"),
        bad(
            "a scope that climbs",
            with("scopes: {x: [/subscriptions/11111111-1111-4111-8111-000000000001/../y]}"),
            "is not an ARM scope",
        ),
        bad("a scope without a subscription", with("scopes: {x: [/providers/x]}"), "is not an ARM scope"),
        bad(
            "an exemption that drops nothing",
            with("exemptions: [{role: socRoles/l1-analyst, drop: [], reason: r, until: 2027-01-01}]"),
            "drop: is empty",
        ),
        bad(
            "a day that does not exist",
            with("exemptions: [{role: socRoles/l1-analyst, drop: [alerts.manage], reason: r, until: 2027-02-30}]"),
            "is not a date",
        ),
    ]
}

fn people() -> Vec<Bad> {
    let identity = |mail: &str, id: &str| {
        format!(
            "{OPERATOR}identities: [{{home: homeTenants/nordwall, objectId: {id}, upn: eve@nordwall.example, mail: \"{mail}\"}}]\n"
        )
    };
    let own = "0b0de000-0000-4000-8000-000000000077";
    vec![
        bad("no display name", "kind: Operator\nname: operators/eve\n", "displayName: is missing"),
        bad(
            "a plus in the address",
            identity("eve+soc@nordwall.example", own),
            "is not an address that Entra ID invites",
        ),
        bad("a control character", OPERATOR.replace("Eve", "\"E\\u0007ve\""), "control character"),
        bad("text that turns around", OPERATOR.replace("Eve", "\"E\\u202eve\""), "direction of the text"),
        bad("a name of 300 letters", OPERATOR.replace("Eve", &"e".repeat(300)), "longer than 256 characters"),
        bad(
            "another operator's account",
            identity("eve@nordwall.example", "0b0de000-0000-4000-8000-000000000004"),
            "operators/maya",
        ),
        bad("a squad in a squad", format!("{SQUAD}members: [{{operator: squads/triage}}]\n"), "write operators/ID"),
        bad(
            "a member who is not there",
            format!("{SQUAD}members: [{{operator: operators/ghost}}]\n"),
            "operators/ghost",
        ),
        bad("an owner who is not there", SQUAD.replace("operators/jonas", "operators/ghost"), "operators/ghost"),
        bad(
            "a membership that ends before it begins",
            format!("{SQUAD}members: [{{operator: operators/maya, from: 2027-02-01, until: 2027-01-01}}]\n"),
            "is before from",
        ),
        bad(
            "members from a home group",
            format!("{SQUAD}homeGroup: {{home: homeTenants/nordwall, objectId: {own}}}\n"),
            "homeGroup",
        ),
    ]
}

fn roles() -> Vec<Bad> {
    let role = |items: &str| format!("{ROLE}{items}");
    vec![
        bad("a role without items", ROLE.replace("items:\n", "items: []\n"), "grants nothing"),
        bad("version 0", role(DEFENDER).replace("version: 1", "version: 0"), "versions count from 1"),
        bad(
            "other content under a version that is stored",
            role(DEFENDER).replace("socRoles/reader", "socRoles/l1-analyst"),
            "socRoles/l1-analyst@1",
        ),
        bad(
            "a permission that nobody knows",
            role("  - {plane: defenderRoles, permissions: [everything.manage]}\n"),
            "is not a known Defender permission",
        ),
        bad(
            "an Azure role that nobody knows",
            role("  - {plane: azureRoles, roles: [Sentinel Boss], at: sentinel_resource_group}\n"),
            "is not a known Azure role",
        ),
        bad(
            "an Azure role without a scope",
            role("  - {plane: azureRoles, roles: [Reader]}\n"),
            "names no symbolic scope",
        ),
        bad(
            "a plane that comes later",
            role("  - {plane: pim, permissions: [alerts.manage]}\n"),
            "pim is not carried out by this version",
        ),
        bad(
            "a directory role that is closed",
            role("  - {plane: entra, role: Security Administrator}\n"),
            "Security Administrator leads to Global Administrator",
        ),
        bad(
            "a directory role that is not on the open list",
            role("  - {plane: entraRoles, role: Global Reader}\n"),
            "only Directory Readers, Security Reader, Reports Reader can be asked for",
        ),
        bad("an Entra item without its role", role("  - {plane: entraRoles}\n"), "names no directory role"),
        bad(
            "an Entra item with a scope",
            role("  - {plane: entraRoles, role: Security Reader, at: sentinel_resource_group}\n"),
            "does not belong to plane entraRoles",
        ),
        bad("a plane that does not exist", role("  - {plane: moon}\n"), "moon"),
        bad(
            "an eligible item",
            role("  - {plane: defenderRoles, permissions: [alerts.manage], mode: eligible}\n"),
            "never promoted to active",
        ),
        bad(
            "a condition on the weather",
            role("  - {plane: defenderRoles, permissions: [alerts.manage], when: weather == fine}\n"),
            "is not an attribute",
        ),
        bad("two Defender items", role(&DEFENDER.repeat(2)), "more than one defenderRoles item"),
    ]
}

fn assignments() -> Vec<Bad> {
    let with = |rest: &str| format!("{ASSIGNMENT}{rest}\n");
    let everywhere = "tenants: {labels: {region: nordic}}";
    vec![
        bad("neither squad nor operator", with(everywhere), "neither squad nor operator is set"),
        bad(
            "squad and operator",
            with(&format!("squad: squads/triage\noperator: operators/maya\n{everywhere}")),
            "both set",
        ),
        bad("a squad that is not there", with(&format!("squad: squads/ghost\n{everywhere}")), "squads/ghost"),
        bad(
            "a role version that is not there",
            with(&format!("squad: squads/triage\n{everywhere}")).replace("@1", "@9"),
            "socRoles/l1-analyst@9",
        ),
        bad(
            "a role without a version",
            with(&format!("squad: squads/triage\n{everywhere}")).replace("@1", ""),
            "does not pin a version",
        ),
        bad("no tenant", with("squad: squads/triage\ntenants: {}"), "selects no tenant"),
        bad(
            "a tenant that is not there",
            with("squad: squads/triage\ntenants: {names: [tenants/ghost]}"),
            "tenants/ghost",
        ),
        bad(
            "expect off by one",
            with("squad: squads/triage\ntenants: {labels: {region: nordic}, expect: 3}"),
            "tenants.expect",
        ),
        bad(
            "an end before the start",
            with(&format!("squad: squads/triage\n{everywhere}\nstart: 2027-02-01\nend: 2027-01-01")),
            "is before start",
        ),
        bad(
            "no reason",
            with(&format!("squad: squads/triage\n{everywhere}")).replace("justification: more", "justification: ' '"),
            "write why",
        ),
    ]
}

fn documents() -> Vec<Bad> {
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x]\n");
    for n in 1..12 {
        let last = n - 1;
        bomb += &format!("a{n}: &a{n} [*a{last},*a{last},*a{last},*a{last},*a{last},*a{last},*a{last},*a{last}]\n");
    }
    let many: String = (0..1_001).map(|n| format!("---\n{}", OPERATOR.replace("eve", &format!("eve-{n}")))).collect();
    vec![
        bad("a YAML bomb", bomb, "is not YAML that is taken here"),
        bad("no YAML at all", "{[", "is not YAML that is taken here"),
        bad("a list", "- kind: Tenant\n", "is not a mapping"),
        bad("no kind", "name: tenants/x\n", "kind: is missing"),
        bad("a kind that does not exist", "kind: Robot\nname: robots/x\n", "is not a kind"),
        bad("one name twice", format!("{SQUAD}---\n{SQUAD}"), "stands twice"),
        bad("more manifests than one call takes", many, "1000"),
        bad("a file of 5 MiB", format!("# {}\n", "x".repeat(5 << 20)), "4 MiB"),
        bad("one good and one bad", format!("{SQUAD}---\n{OPERATOR}colour: blue\n"), "\"colour\" is no field here"),
        bad("nothing", "", "no manifest was found"),
    ]
}

/// Commands that name what does not exist, or what is still needed.
fn commands() -> Vec<(&'static str, Vec<OsString>, &'static str)> {
    vec![
        ("to get what is not there", args!["get", "tenants/ghost"], "tenants/ghost"),
        ("to get a kind that does not exist", args!["get", "robots"], "neither a kind nor a name"),
        ("to delete what is not there", args!["delete", "squads/ghost"], "squads/ghost"),
        ("to delete a squad that is assigned", args!["delete", "squads/triage"], "assignments/triage"),
        ("to delete a role version that is pinned", args!["delete", "socRoles/l1-analyst@1"], "assignments/triage"),
        ("to delete our home", args!["delete", "homeTenants/nordwall"], "tenants/contoso"),
        ("to end access of nobody", args!["operators", "leave", "ghost", "--yes"], "operators/ghost"),
        ("to let somebody rejoin who never left", args!["operators", "rejoin", "maya"], "operators/maya"),
        ("a token for no tenant", args!["tokens", "create", "ghost"], "tenants/ghost"),
        ("to delete the last administrator", args!["principals", "delete", "admin"], "admin"),
        ("a plan of no tenant", args!["plan", "ghost"], "tenants/ghost"),
        ("a context that is not there", args!["--context", "moon", "get", "tenants"], "moon"),
        ("a command that does not exist", args!["abolish"], "unrecognized subcommand"),
    ]
}

pub async fn all(fleet: &Fleet) -> Result<Vec<Verdict>> {
    let mut verdicts = Vec::new();
    for it in [tenants(), people(), roles(), assignments(), documents()].into_iter().flatten() {
        let path = fleet.dir.join("bad.yaml");
        std::fs::write(&path, &it.yaml)?;
        let output = fleet.cli(&args!["apply", "-f", &path]).await?;
        verdicts.push(Verdict::of(it.what, output.code, &output.stderr, it.says));
    }
    for (what, args, says) in commands() {
        let output = fleet.cli(&args).await?;
        verdicts.push(Verdict::of(what, output.code, &output.stderr, says));
    }
    Ok(verdicts)
}
