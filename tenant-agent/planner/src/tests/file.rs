//! The customer's file, whatever happens: nothing that the agent does or looks up is beyond it, by the fake tenant's own
//! books and by a judge of its own, which has its own list of what roles let people do.
//!
//! `PROPTEST_CASES` sets how many cases are tried.

use std::collections::BTreeSet;

use entente_model::report::Reason;
use entente_model::{Guid, catalog};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::world::{CONTOSO, GUARDRAIL, READER, RESPONDER, SCOPE, World};
use crate::guardrail::Guardrail;
use crate::observed::{AzureAssignment, DefenderAssignment, DefenderRole, Holding};
use crate::reads::reads;
use crate::write::{Action, AzureWrite, DefenderWrite, MemberWrite, UserWrite};

const PEOPLE: [&str; 3] = ["jonas", "maya", "sam"];
const ROLES: [&str; 2] = ["l1", "l2"];
/// Mail domains: the provider's, another one, and the customer's own.
const DOMAINS: [&str; 3] = ["nordwall.example", "partner.example", "contoso.example"];
const OWNER: Guid = Guid::from_u128(0x8e3af657_a8ff_443c_a75c_2fe8c4bcb635);
const OPERATOR: Guid = Guid::from_u128(0x51d6186e_6489_4900_b93f_92e23144cca5);
const SUBSCRIPTION: &str = "/subscriptions/11111111-1111-4111-8111-111111111111";
const ELSEWHERE: &str = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/rg-finance";
/// In the name of whatever the control plane is not to learn of.
const SECRET: &str = "secret";

/// What each Azure role lets people do, in the file's words (Azure: built-in roles).
const AZURE: [(Guid, &[&str]); 3] = [
    (RESPONDER, &["readIncidents", "respond", "readLogs", "readAuthorization", "manageAlerts"]),
    (OPERATOR, &["runPlaybooks"]),
    (READER, &["readResources", "readAuthorization", "readLogs"]),
];
/// Defender actions, what intent calls them, and what they let people do; a wildcard is none of them.
const DEFENDER: [(&str, &str); 3] = [
    ("secdata.basics.read", "readIncidents"),
    ("alerts.manage", "manageAlerts"),
    ("liveresponse.basic.manage", "liveResponseBasic"),
];

/// What the customer writes into the file.
#[derive(Debug, Clone)]
struct File {
    /// Of `DOMAINS`, the provider's always among them.
    domains: usize,
    subscription: bool,
    roles: [bool; 2],
    withheld: Option<usize>,
}

const ALLOWED: [&str; 6] =
    ["readIncidents", "manageAlerts", "respond", "runPlaybooks", "readLogs", "readAuthorization"];

impl File {
    fn allows(&self, capability: &str) -> bool {
        ALLOWED.contains(&capability) && self.withheld.is_none_or(|at| ALLOWED[at] != capability)
    }

    fn text(&self) -> String {
        let may: Vec<&str> = ALLOWED.into_iter().filter(|it| self.allows(it)).collect();
        let roles = "    Microsoft Sentinel Responder: 3e150937-b8fe-4cfb-8069-0eaf05ecd056\n    \
                     Microsoft Sentinel Playbook Operator: 51d6186e-6489-4900-b93f-92e23144cca5\n";
        let names = ["Microsoft Sentinel Responder", "Microsoft Sentinel Playbook Operator"];
        let ids = [RESPONDER, OPERATOR];
        let kept = (0..2).filter(|at| self.roles[*at]).map(|at| format!("    {}: {}\n", names[at], ids[at]));
        let kept: String = kept.collect();
        let kept = if kept.is_empty() { "    {}\n".to_owned() } else { kept };
        let scope = if self.subscription { SUBSCRIPTION } else { SCOPE };
        GUARDRAIL
            .replace(
                "mailDomains: [nordwall.example]",
                &format!("mailDomains: [{}]", DOMAINS[..self.domains].join(", ")),
            )
            .replace(
                "[readIncidents, manageAlerts, respond, runPlaybooks, readLogs, readAuthorization]",
                &format!("[{}]", may.join(", ")),
            )
            .replace(&format!("scopes: [{SCOPE}]"), &format!("scopes: [{scope}]"))
            .replace(roles, &kept)
    }

    fn allows_azure(&self, scope: &str, definition: Guid) -> bool {
        let listed = match definition {
            RESPONDER => self.roles[0],
            OPERATOR => self.roles[1],
            _ => false,
        };
        let lets = AZURE.iter().find(|(id, _)| *id == definition).map(|(_, lets)| *lets);
        let within = if self.subscription { SUBSCRIPTION } else { SCOPE };
        let is_within = scope.to_lowercase().starts_with(&within.to_lowercase());
        listed && is_within && lets.is_some_and(|lets| lets.iter().all(|it| self.allows(it)))
    }

    fn allows_defender(&self, action: &str) -> bool {
        let of = |id: &str| catalog::defender_permission(id).map(|it| it.candidates.contains(&action));
        let row = DEFENDER.iter().find(|(id, _)| of(id) == Some(true));
        row.is_some_and(|(_, capability)| self.allows(capability))
    }

    fn allows_address(&self, mail: &str) -> bool {
        DOMAINS[..self.domains].iter().any(|domain| mail.to_lowercase().ends_with(&format!("@{domain}")))
    }
}

#[derive(Debug, Clone)]
enum Event {
    Member(usize, usize),
    Mail(usize, usize),
    Leave(usize),
    Azure(usize, usize),
    Defender(usize, usize),
    Redeem(usize),
    OthersGive(usize, usize, usize),
    OthersGiveDefender(usize, usize),
    Nest(usize, usize),
    Undo,
    Ceo,
    Grows,
    Unread(usize),
    Calm,
    File(File),
    Step,
    Wait(u64),
}

fn file() -> impl Strategy<Value = File> {
    let withheld = proptest::option::of(0..ALLOWED.len());
    (1..3_usize, any::<bool>(), any::<[bool; 2]>(), withheld)
        .prop_map(|(domains, subscription, roles, withheld)| File { domains, subscription, roles, withheld })
}

fn event() -> impl Strategy<Value = Event> {
    let (person, role) = (0..PEOPLE.len(), 0..ROLES.len());
    prop_oneof![
        5 => (person.clone(), role.clone()).prop_map(|(person, role)| Event::Member(person, role)),
        1 => (person.clone(), 0..DOMAINS.len()).prop_map(|(person, domain)| Event::Mail(person, domain)),
        1 => person.clone().prop_map(Event::Leave),
        3 => (role.clone(), 0..2_usize).prop_map(|(role, which)| Event::Azure(role, which)),
        2 => (role.clone(), 0..DEFENDER.len()).prop_map(|(role, which)| Event::Defender(role, which)),
        8 => person.prop_map(Event::Redeem),
        3 => (role.clone(), 0..4_usize, 0..4_usize).prop_map(|(role, at, which)| Event::OthersGive(role, at, which)),
        1 => (role.clone(), 0..4_usize).prop_map(|(role, which)| Event::OthersGiveDefender(role, which)),
        2 => (role, 0..4_usize).prop_map(|(role, at)| Event::Nest(role, at)),
        3 => Just(Event::Undo),
        1 => Just(Event::Ceo),
        1 => Just(Event::Grows),
        1 => (0..5_usize).prop_map(Event::Unread),
        2 => Just(Event::Calm),
        2 => file().prop_map(Event::File),
        12 => Just(Event::Step),
        6 => (1..200_u64).prop_map(Event::Wait),
    ]
}

struct Game {
    world: World,
    file: File,
    /// Whom the agent itself has invited.
    invited: BTreeSet<String>,
    /// How many writes were judged.
    judged: usize,
}

impl Game {
    fn new() -> Self {
        let file = File { domains: 1, subscription: false, roles: [true, true], withheld: None };
        Self { world: World::new(), file, invited: BTreeSet::new(), judged: 0 }
    }

    fn happen(&mut self, event: &Event) {
        let world = &mut self.world;
        match event {
            Event::Member(person, role) => {
                let mail = world.mail_of(PEOPLE[*person]);
                world.member(PEOPLE[*person], ROLES[*role]);
                mail.into_iter().for_each(|mail| world.rename(PEOPLE[*person], &mail));
            }
            Event::Mail(person, domain) if world.mail_of(PEOPLE[*person]).is_some() => {
                world.rename(PEOPLE[*person], &format!("{}@{}", PEOPLE[*person], DOMAINS[*domain]));
            }
            Event::Leave(person) => world.leave(PEOPLE[*person]),
            Event::Azure(role, which) => world.azure_role(ROLES[*role], [RESPONDER, OPERATOR][*which]),
            Event::Defender(role, which) => world.defender_role(ROLES[*role], &[DEFENDER[*which].0]),
            Event::Redeem(person) => {
                let of = |mail: &str| mail.starts_with(PEOPLE[*person]);
                for user in world.tenant.state.users.values_mut().filter(|user| of(&user.mail)) {
                    (user.redeemed, user.issuers) = (Some(true), Some(vec!["ExternalAzureAD".into()]));
                }
            }
            Event::File(file) => {
                self.file = file.clone();
                world.guardrail = Guardrail::load(&file.text(), CONTOSO);
                assert!(world.guardrail.is_ok(), "{:?}\n{}", world.guardrail, file.text());
            }
            Event::Step => self.step(),
            Event::Wait(seconds) => world.wait(*seconds),
            other => self.customer(other),
        }
    }

    fn customer(&mut self, event: &Event) {
        let now = self.world.now;
        let group = |role: &usize| self.world.find_group(ROLES[*role]);
        let scopes =
            [SCOPE.to_owned(), SUBSCRIPTION.into(), ELSEWHERE.into(), format!("{SCOPE}/providers/Microsoft.X/y/z")];
        let found = match event {
            Event::OthersGive(role, ..) | Event::OthersGiveDefender(role, _) | Event::Nest(role, _) => group(role),
            _ => None,
        };
        let tenant = &mut self.world.tenant;
        match (event, found) {
            (Event::OthersGive(_, at, which), Some(principal)) => {
                let (name, definition) = (tenant.id(), [OWNER, READER, RESPONDER, OPERATOR][*which]);
                let scope = scopes[*at].clone();
                tenant.state.azure.push(AzureAssignment { scope, name, principal, definition });
            }
            (Event::OthersGiveDefender(_, which), Some(group)) => {
                let id = tenant.id().to_string();
                let action = DEFENDER
                    .get(*which)
                    .map_or("microsoft.xdr/*", |(id, _)| catalog::defender_permission(id).unwrap().candidates[0]);
                let (display_name, actions) = (format!("{SECRET} {id}"), [action.to_owned()].into());
                tenant.state.defender.roles.push(DefenderRole {
                    id: id.clone(),
                    display_name,
                    description: String::new(),
                    actions,
                });
                let (role, display_name) = (id.clone(), format!("theirs {id}"));
                let (principals, app_scopes) = ([group].into(), ["/".into()].into());
                tenant.state.defender.assignments.push(DefenderAssignment {
                    id,
                    display_name,
                    role,
                    principals,
                    app_scopes,
                });
            }
            (Event::Nest(_, at), Some(group)) => {
                let parent = tenant.add_group(&format!("{SECRET} merger"), "", now);
                tenant.state.members.entry(parent).or_default().insert(group);
                let name = tenant.id();
                tenant.state.azure.push(AzureAssignment {
                    scope: scopes[*at].clone(),
                    name,
                    principal: parent,
                    definition: OWNER,
                });
            }
            (Event::Undo, _) => {
                let theirs = |name: &str| name.starts_with(SECRET);
                let groups: BTreeSet<Guid> =
                    tenant.state.groups.values().filter(|it| theirs(&it.display_name)).map(|it| it.id).collect();
                tenant.state.members.retain(|group, _| !groups.contains(group));
                tenant.state.azure.retain(|it| it.definition == RESPONDER || it.definition == OPERATOR);
                tenant.state.defender.assignments.retain(|it| !it.display_name.starts_with("theirs"));
            }
            (Event::Ceo, _) => {
                let id = tenant.add_guest("jonas@contoso.example", &format!("{SECRET} jonas"), now);
                let user = tenant.state.users.get_mut(&id).unwrap();
                user.upn = format!("{SECRET}.jonas@contoso.example");
                let role = Holding { id, kind: "directory role".into(), name: format!("{SECRET} administrator") };
                tenant.state.holdings.insert(id, vec![role]);
            }
            (Event::Grows, _) => {
                let mut more = super::tenant::definition(RESPONDER);
                more.actions.insert("Microsoft.Compute/virtualMachines/runCommand/action".into());
                tenant.state.definitions.insert(RESPONDER, Some(more));
            }
            (Event::Unread(part), _) => {
                let part = ["azure", "members", "groups", "parents", "definitions"][*part];
                tenant.unread.insert(part, Reason::CloudUnavailable);
            }
            (Event::Calm, _) => tenant.unread.clear(),
            _ => {}
        }
    }

    /// One turn, each write judged by the books as they are right before it.
    fn step(&mut self) {
        let set = reads(&self.world.items, &self.world.ledger, self.world.guardrail.as_ref().ok());
        for address in set.mails.iter().chain(&set.bin).chain(&set.principals_by_mail) {
            let may = self.file.allows_address(address) || self.invited.contains(address);
            assert!(may, "looks for {address}, which is not of the file's domains");
        }
        let plan = self.world.plan();
        let told = format!("{:?}{:?}", plan.reports, plan.findings);
        assert!(!told.contains(SECRET), "tells the control plane what is the customer's: {told}");
        for change in plan.todo() {
            self.judge(&change.action);
            if let Action::User(UserWrite::Invite { mail, .. }) = &change.action {
                self.invited.insert(mail.to_lowercase());
            }
        }
        self.judged += plan.todo().count();
        self.world.carry_out(&plan);
        self.world.last = Some(plan);
    }

    fn judge(&self, action: &Action) {
        let tenant = &self.world.tenant;
        let is_made = |user: &Guid| tenant.made.contains_key(user);
        let is_our_group = |id: &Guid| tenant.state.groups.get(id).is_none_or(|it| it.display_name.starts_with("ent-"));
        match action {
            Action::User(UserWrite::Invite { mail, .. }) => assert!(self.file.allows_address(mail), "invites {mail}"),
            Action::User(UserWrite::Block { user, .. })
            | Action::User(UserWrite::Delete { user })
            | Action::User(UserWrite::RevokeSessions { user }) => {
                assert!(is_made(user), "ends {user}, who is not ours");
            }
            Action::Member(MemberWrite::Add { group, user }) => {
                assert!(is_made(user) && is_our_group(group), "{action}");
                self.judge_account(*user, action);
                self.judge_rights(*group, action);
            }
            Action::User(UserWrite::Unblock { user }) => self.judge_account(*user, action),
            Action::Member(MemberWrite::Remove { group, .. }) => assert!(is_our_group(group), "{action}"),
            Action::Azure(AzureWrite::Put { scope, definition, principal, .. }) => {
                assert!(self.file.allows_azure(scope, *definition) && is_our_group(principal), "{action}");
            }
            Action::Azure(AzureWrite::Delete { name, .. }) => {
                let ours = tenant.state.azure.iter().find(|it| it.name == *name);
                assert!(ours.is_none_or(|it| is_our_group(&it.principal)), "{action}");
            }
            Action::Defender(DefenderWrite::CreateRole { actions, .. })
            | Action::Defender(DefenderWrite::UpdateRole { actions, .. }) => {
                assert!(actions.iter().all(|it| self.file.allows_defender(it)), "{action}");
            }
            _ => {}
        }
    }

    /// Who is behind the account, whatever the item calls them; the mark gives nothing.
    fn judge_account(&self, user: Guid, action: &Action) {
        let tenant = &self.world.tenant;
        let is_mark = matches!(action, Action::Member(MemberWrite::Add { group, .. })
            if tenant.state.groups.get(group).is_some_and(|it| it.display_name == "ent-anchor"));
        let user = tenant.state.users.get(&user);
        let fits = user.is_none_or(|user| user.addresses.iter().any(|it| self.file.allows_address(it)));
        assert!(fits || is_mark, "{action}: {user:?}");
    }

    /// All that a member of the group has, also by the groups that it is in.
    fn judge_rights(&self, group: Guid, action: &Action) {
        let tenant = &self.world.tenant;
        let mut principals = tenant.groups_of(group);
        principals.insert(group);
        for it in tenant.state.azure.iter().filter(|it| principals.contains(&it.principal)) {
            // What lies nowhere in the file's scopes is out of the agent's sight, unless a group of the customer's has it.
            let is_seen = it.scope != ELSEWHERE || it.principal != group || self.file.subscription;
            let fits = self.file.allows_azure(&it.scope, it.definition);
            assert!(fits || !is_seen, "{action}: and so gives {} at {}", it.definition, it.scope);
        }
        for it in tenant.state.defender.assignments.iter().filter(|it| !it.principals.is_disjoint(&principals)) {
            let role = tenant.state.defender.roles.iter().find(|role| role.id == it.role);
            let fits = role.is_some_and(|role| role.actions.iter().all(|it| self.file.allows_defender(it)));
            assert!(fits, "{action}: and so gives {}", it.display_name);
        }
    }
}

#[test]
fn nothing_is_beyond_the_file() {
    let config = Config { max_shrink_iters: 2_000, failure_persistence: None, ..Config::default() };
    let events = proptest::collection::vec(event(), 5..50);
    // The same cases in each run: what is found is found again.
    let dice = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let judged = std::cell::Cell::new(0);
    let cases = config.cases as usize;
    let outcome = TestRunner::new_with_rng(config, dice).run(&events, |events| {
        let mut game = Game::new();
        for event in &events {
            game.happen(event);
        }
        judged.set(judged.get() + game.judged);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    assert!(judged.get() > cases, "{} writes judged in {cases} cases: too few to prove anything", judged.get());
}
