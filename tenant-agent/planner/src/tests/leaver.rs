//! The leaver, whatever happens: no complete receipt while an account of ours is enabled or a right that we gave is held,
//! by the fake tenant's own books, also through groups within groups; and once faults stop and people have done their part, a receipt there is.
//!
//! `PROPTEST_CASES` sets how many cases are tried.

mod event;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use entente_model::desired::{ItemKey, MemberKey, UserKey, Want};
use entente_model::removal::{Case, Speaker, judge};
use entente_model::report::{AccountState, ItemReport, ItemState, Reason};
use entente_model::revocation::{Cause, Subject};
use entente_model::{Guid, Timestamp};
use proptest::prelude::any;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use self::event::{Event, Nesting, event};
use super::tenant::Missing;
use super::world::{READER, SCOPE, World};
use crate::observed::{AzureAssignment, Holding, Listing, User};

const SAM: &str = "sam";
const COLLEAGUE: &str = "maya";
const ROLES: [&str; 2] = ["l1", "l2"];
/// A group of the customer's, which has a right of its own.
const TEAM: &str = "contoso-team";

/// The control plane's side: what it knows, and which receipts it has written.
struct Side {
    known: BTreeSet<Guid>,
    addresses: BTreeSet<String>,
    enrolled: Timestamp,
    /// When another agent than the present one last saw the account.
    seen_by_others: Option<Timestamp>,
    seen: Option<Timestamp>,
    vouched: bool,
    /// By item: whether its receipt is complete.
    complete: BTreeMap<ItemKey, bool>,
}

struct Game {
    world: World,
    side: Side,
    /// Since when the customer has opened nothing: what is opened between two looks is found by the next.
    quiet_since: Timestamp,
    left: bool,
}

impl Game {
    fn new() -> Self {
        let mut world = World::new();
        world.member(COLLEAGUE, "l1");
        world.tenant.invites_again = true;
        world.settings.unseen_for = Duration::from_secs(400);
        let side = Side {
            known: BTreeSet::new(),
            addresses: BTreeSet::new(),
            enrolled: world.now,
            seen_by_others: None,
            seen: None,
            vouched: false,
            complete: BTreeMap::new(),
        };
        Self { quiet_since: world.now, world, side, left: false }
    }

    /// Accounts of the person that our own invitations made, by the tenant's own list.
    fn ours(&self) -> Vec<&User> {
        let made = self.world.tenant.made.iter().filter(|(_, mail)| is_sams(mail));
        made.filter_map(|(id, _)| self.world.tenant.state.users.get(id)).collect()
    }

    /// Groups that an account of the person is in, through other groups too.
    fn held(&self) -> Vec<String> {
        let tenant = &self.world.tenant;
        let is_theirs = |id: &Guid| {
            tenant.made.get(id).is_some_and(|mail| is_sams(mail))
                || tenant.state.users.get(id).is_some_and(|user| user.addresses.iter().any(|it| is_sams(it)))
        };
        let people = tenant.state.members.values().flatten().filter(|id| is_theirs(id));
        let groups: BTreeSet<Guid> = people.flat_map(|id| tenant.groups_of(*id)).collect();
        let names = groups.iter().filter_map(|group| tenant.state.groups.get(group)).map(|it| it.display_name.clone());
        // The mark gives nothing.
        names.filter(|name| name != "ent-anchor").collect()
    }

    fn sam(&self) -> Option<Guid> {
        self.ours().first().and_then(|user| user.id)
    }

    fn happen(&mut self, event: &Event) {
        let world = &mut self.world;
        match event {
            Event::Join(role) if !self.left => {
                let mail = world.mail_of(SAM);
                world.member(SAM, ROLES[*role]);
                self.side.complete.clear();
                if let Some(mail) = mail {
                    world.rename(SAM, &mail);
                }
            }
            Event::RenameInIntent(n) if world.mail_of(SAM).is_some() => {
                self.side.addresses.extend(world.mail_of(SAM));
                world.rename(SAM, &format!("sam.{n}@nordwall.example"));
                self.inform();
            }
            Event::Leave if !self.left && world.mail_of(SAM).is_some() => {
                self.side.addresses.extend(world.mail_of(SAM));
                world.leave(SAM);
                self.left = true;
                self.side.complete.clear();
                self.inform();
            }
            Event::DropMembership if !self.left => {
                let key = world.member_key(SAM, "l1");
                let since = world.now;
                if let Some(item) = world.items.get_mut(&key).filter(|item| item.want == Want::Present) {
                    item.want = absent(Cause::MemberDropped, since);
                    self.inform();
                }
            }
            Event::Vouch => self.side.vouched = true,
            Event::ReplaceAgent => {
                world.replace_agent();
                self.side.enrolled = world.now;
                self.side.seen_by_others = self.side.seen.max(self.side.seen_by_others);
                (self.side.seen, self.side.vouched) = (None, false);
            }
            Event::Restart => world.run += 1,
            Event::Jump(by) => world.jumped += by,
            Event::Refute => world.jumped = 0,
            Event::Lag(seconds) => world.lag = Duration::from_secs(*seconds),
            Event::Wait(seconds) => world.wait(*seconds),
            Event::CustomerAllows => drop(world.allow_again(SAM)),
            Event::First => drop(world.first(&[])),
            Event::Step => self.step(),
            Event::Calm => self.calm(),
            Event::Mishap(mishap) => world.tenant.mishaps.push_back(mishap.clone()),
            other => self.customer(other),
        }
    }

    /// What the customer does, and what Microsoft's answers do.
    fn customer(&mut self, event: &Event) {
        let Some(sam) = self.sam() else { return };
        let now = self.world.now;
        let group = |world: &World, role: usize| world.find_group(ROLES[role]);
        let role = match event {
            Event::CustomerAddsMember(role) | Event::Unfound(role) | Event::Nest(_, role) => group(&self.world, *role),
            _ => None,
        };
        let is_known = self.side.known.contains(&sam);
        let tenant = &mut self.world.tenant;
        match event {
            Event::Redeem => {
                let user = tenant.state.users.get_mut(&sam).unwrap();
                (user.redeemed, user.issuers) = (Some(true), Some(vec!["ExternalAzureAD".into()]));
            }
            // One whose id nobody was told of, and whose address is taken from it, cannot be found by anybody.
            Event::RenameInTenant if is_known => {
                let user = tenant.state.users.get_mut(&sam).unwrap();
                (user.mail, user.addresses) = ("else@contoso.example".into(), ["else@contoso.example".into()].into());
            }
            Event::CustomerDeletes => tenant.delete_user(sam),
            Event::CustomerRestores => {
                let deleted: Vec<Guid> = tenant.state.bin.keys().copied().collect();
                deleted.into_iter().for_each(|id| tenant.restore(id));
            }
            Event::CustomerInvitesAgain => drop(tenant.add_guest("sam@nordwall.example", "Sam", now)),
            Event::CustomerAddsAccount => drop(tenant.add_other("sam@nordwall.example", now)),
            Event::CustomerBlocks => tenant.enable(sam, false),
            Event::CustomerEnables => tenant.enable(sam, true),
            Event::CustomerAddsMember(_) => {
                if let Some(group) = role {
                    tenant.state.members.entry(group).or_default().insert(sam);
                }
            }
            Event::Nest(nesting, _) => {
                let team = tenant.team(TEAM, now);
                let pair = match (nesting, role) {
                    (Nesting::PersonInTheirs, _) => Some((team, sam)),
                    (Nesting::OursInTheirs, Some(ours)) => Some((team, ours)),
                    (Nesting::TheirsInOurs, Some(ours)) => Some((ours, team)),
                    (_, None) => None,
                };
                pair.into_iter()
                    .for_each(|(group, member)| _ = tenant.state.members.entry(group).or_default().insert(member));
            }
            Event::DirectRole => {
                let name = tenant.id();
                let assignment = AzureAssignment { scope: SCOPE.into(), name, principal: sam, definition: READER };
                tenant.state.azure.push(assignment);
                // Somebody made it at a scope that no reader understands.
                tenant.odd.insert(Listing::AzureOf(sam, SCOPE.to_lowercase()));
            }
            Event::Directory => {
                let role = Holding { id: tenant.id(), kind: "directory role".into(), name: "Reader".into() };
                tenant.state.holdings.entry(sam).or_default().push(role);
            }
            Event::Odd(part) => {
                let listing = match part {
                    0 => Listing::AzureOf(sam, SCOPE.to_lowercase()),
                    1 => Listing::MembershipsOf(sam),
                    2 => Listing::UsersByMail("sam@nordwall.example".into()),
                    3 => Listing::Bin("sam@nordwall.example".into()),
                    _ => Listing::Defender,
                };
                tenant.odd.insert(listing);
            }
            Event::Bent(field) => {
                let fields = [Missing::Enabled, Missing::Redeemed, Missing::Issuers, Missing::Created];
                tenant.bent.insert(sam, fields[*field]);
            }
            Event::Unfound(_) => tenant.unfound.extend(role),
            Event::Unread(part, passing) => {
                let reason = if *passing { Reason::CloudUnavailable } else { Reason::PermissionMissing };
                tenant.unread.insert(["users", "members", "azure", "bin"][*part], reason);
            }
            _ => return,
        }
        // What hides opens nothing: a receipt that comes after it has to be right at once.
        let hides = matches!(event, Event::Odd(_) | Event::Bent(_) | Event::Unfound(_) | Event::Unread(..));
        if !(hides && self.is_quiet()) {
            self.quiet_since = now;
        }
    }

    /// What was opened since the last whole comparison is found by the next one.
    fn is_quiet(&self) -> bool {
        let calm = Duration::from_secs(2 * 60) + self.world.settings.resync + self.world.lag;
        self.world.now.since(self.quiet_since) > calm
    }

    /// What the control plane has learned goes into the items.
    fn inform(&mut self) {
        let ids: Vec<Guid> = self.side.known.iter().copied().collect();
        let mails: Vec<&str> = self.side.addresses.iter().map(String::as_str).collect();
        self.world.known(SAM, &ids, &mails);
    }

    fn step(&mut self) {
        self.world.step();
        let reports = self.world.last.as_ref().unwrap().reports.clone();
        let sams: Vec<ItemReport> = reports.into_iter().filter(|it| self.is_sams_item(&it.key)).collect();
        for report in &sams {
            self.learn(report);
        }
        self.inform();
        for report in &sams {
            self.take(report);
        }
        self.no_receipt_is_wrong();
    }

    fn is_sams_item(&mut self, key: &ItemKey) -> bool {
        let ItemKey::User(UserKey { object_id, .. }) = self.world.user_key(SAM) else { unreachable!() };
        key.person().is_some_and(|(_, id)| id == object_id)
    }

    fn learn(&mut self, report: &ItemReport) {
        let is_user = matches!(report.key, ItemKey::User(_));
        let own = report.object_id.as_ref().filter(|_| is_user).and_then(|id| id.parse::<Guid>().ok());
        let before = self.side.known.len();
        self.side.known.extend(own);
        self.side.known.extend(report.accounts.iter().map(|account| account.id));
        let is_there = report.state == ItemState::Applied
            || report.accounts.iter().any(|it| matches!(it.state, AccountState::Enabled | AccountState::Blocked));
        if is_there || self.side.known.len() > before {
            self.side.seen = Some(self.world.now);
        }
    }

    fn take(&mut self, report: &ItemReport) {
        let Some(Want::Absent { since, .. }) = self.world.items.get(&report.key).map(|item| item.want.clone()) else {
            return;
        };
        let subject = match &report.key {
            ItemKey::User(_) => Subject::Person,
            key => Subject::Membership(key.clone()),
        };
        let proven = report.proof.as_ref().filter(|_| report.state == ItemState::Removed).is_some_and(|proof| {
            let case = Case {
                named: since,
                subject: &subject,
                known: &self.side.known,
                has_more: false,
                reported: &report.accounts,
                seen_by_others: self.side.seen_by_others,
                last_read: None,
                speaker: Speaker { enrolled: self.side.enrolled, vouched: self.side.vouched },
                now: self.world.now,
            };
            judge(proof, &case).is_ok()
        });
        self.side.complete.insert(report.key.clone(), proven);
    }

    fn is_complete(&self) -> bool {
        let mut user = self.side.complete.iter().filter(|(key, _)| matches!(key, ItemKey::User(_)));
        user.next().is_some_and(|(_, complete)| *complete)
    }

    /// The one thing that must never be.
    fn no_receipt_is_wrong(&self) {
        if !self.is_quiet() {
            return;
        }
        for (key, _) in self.side.complete.iter().filter(|(_, complete)| **complete) {
            match key {
                ItemKey::Member(MemberKey { role, .. }) => self.nobody_is_in(role.id()),
                _ => self.nothing_is_left(),
            }
        }
    }

    fn nobody_is_in(&self, role: &str) {
        let Some(group) = self.world.find_group(role) else { return };
        let members = self.world.tenant.state.members.get(&group).cloned().unwrap_or_default();
        let inside: Vec<_> =
            self.ours().into_iter().filter(|it| it.id.is_some_and(|id| members.contains(&id))).collect();
        assert!(inside.is_empty(), "a complete receipt of {role}, and in its group: {inside:?}\n{}", self.shown());
    }

    fn nothing_is_left(&self) {
        let enabled: Vec<_> = self.ours().into_iter().filter(|user| user.is_enabled()).collect();
        assert!(enabled.is_empty(), "a complete receipt, and enabled: {enabled:?}\n{}", self.shown());
        assert!(self.held().is_empty(), "a complete receipt, and in {:?}\n{}", self.held(), self.shown());
        let sam: Vec<Guid> = self.ours().iter().filter_map(|user| user.id).collect();
        let tenant = &self.world.tenant;
        let through: BTreeSet<Guid> =
            sam.iter().flat_map(|id| tenant.groups_of(*id)).chain(sam.iter().copied()).collect();
        let held = tenant.state.azure.iter().filter(|it| through.contains(&it.principal));
        assert_eq!(
            held.count(),
            0,
            "a complete receipt, and a role, of the person's own or a group's\n{}",
            self.shown()
        );
    }

    fn shown(&self) -> String {
        let plan = self.world.last.as_ref().unwrap();
        format!("{}\nproofs {:?}", self.world.text(plan), plan.reports.iter().map(|it| &it.proof).collect::<Vec<_>>())
    }

    /// Faults stop.
    fn calm(&mut self) {
        let tenant = &mut self.world.tenant;
        tenant.mishaps.clear();
        tenant.unread.clear();
        tenant.bent.clear();
        tenant.unfound.clear();
        tenant.odd.clear();
        self.world.lag = Duration::ZERO;
    }

    /// People do their part: an administrator vouches, the customer removes what is its own or what nobody knows as ours.
    fn people_act(&mut self) {
        self.side.vouched = true;
        self.world.jumped = 0;
        let ours: BTreeSet<Guid> = self.world.tenant.made.keys().copied().collect();
        let state = &mut self.world.tenant.state;
        for user in state.users.values_mut().filter(|user| user.addresses.iter().any(|it| is_sams(it))) {
            if user.id.is_none_or(|id| !ours.contains(&id)) {
                user.enabled = Some(false);
            }
        }
        state.holdings.clear();
        state.azure.retain(|it| !ours.contains(&it.principal));
        let teams: Vec<Guid> = state.groups.values().filter(|it| it.display_name == TEAM).map(|it| it.id).collect();
        for team in teams {
            state.members.entry(team).or_default().retain(|id| state.groups.contains_key(id));
        }
    }

    /// What stays after a lost ledger is named, and the customer takes it away.
    fn customer_takes_what_is_named(&mut self) {
        let key = self.world.user_key(SAM);
        let plan = self.world.last.as_ref().unwrap();
        let Some(report) = plan.reports.iter().find(|it| it.key == key && it.state == ItemState::Residual) else {
            return;
        };
        let named: Vec<Guid> = report.accounts.iter().map(|it| it.id).collect();
        let state = &mut self.world.tenant.state;
        for id in named {
            if let Some(user) = state.users.get_mut(&id) {
                user.enabled = Some(false);
            }
            state.members.values_mut().for_each(|members| _ = members.remove(&id));
        }
    }
}

fn absent(cause: Cause, since: Timestamp) -> Want {
    let (known, addresses) = Default::default();
    Want::Absent { cause, actor: "principals/jonas".into(), since, known, addresses }
}

fn is_sams(mail: &str) -> bool {
    mail.starts_with("sam")
}

/// `at_work`: begins with the person as a member, for a while.
fn play(at_work: bool, events: &[Event]) {
    let mut game = Game::new();
    game.world.member(SAM, "l1");
    if at_work {
        let days =
            [Event::Step, Event::Redeem, Event::Step, Event::Wait(70), Event::Step, Event::Wait(900), Event::Step];
        days.iter().for_each(|event| game.happen(event));
    }
    for event in events {
        game.happen(event);
    }
    game.calm();
    game.happen(&Event::Leave);
    game.people_act();
    game.quiet_since = game.world.now;
    for turn in 0..120 {
        game.step();
        game.customer_takes_what_is_named();
        if game.is_complete() && turn > 60 {
            break;
        }
        game.world.wait(30);
    }
    assert!(game.is_complete(), "no receipt, though nothing stands against it\n{}", game.shown());
    game.quiet_since = Timestamp::MIN;
    game.no_receipt_is_wrong();
}

#[test]
fn no_receipt_is_complete_while_access_remains() {
    let config = Config { max_shrink_iters: 2_000, failure_persistence: None, ..Config::default() };
    let events = (any::<bool>(), proptest::collection::vec(event(), 5..45));
    // The same cases in each run: what is found is found again.
    let dice = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let outcome = TestRunner::new_with_rng(config, dice).run(&events, |(at_work, events)| {
        play(at_work, &events);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[test]
fn who_has_another_account_is_not_proven_out_of_a_group_that_was_not_looked_at() {
    let (wait, events) = (Event::Wait(61), [Event::ReplaceAgent, Event::RenameInIntent(0), Event::Leave, Event::Step]);
    let events: Vec<Event> = events.into_iter().chain([wait, Event::Vouch, Event::Step]).collect();
    play(true, &events);
}
