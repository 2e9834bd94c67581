//! Who is given anything, and whose accounts are ended: the second judge's rules about people.

use entente_model::desired::UserBody;
use entente_model::revocation::Cause;

use super::*;
use crate::guardrail::Span;
use crate::ledger::{Claim, Deletion, Left};
use crate::observed::User;

/// As the tenant shows the account of maya, or of sam.
fn account(world: &mut World) -> &mut User {
    let id = world.account("maya").or(world.account("sam")).unwrap();
    world.tenant.state.users.get_mut(&id).unwrap()
}

fn maya(world: &mut World) -> Guid {
    world.home_id("maya")
}

#[test]
fn nothing_is_given_to_who_is_not_desired() {
    let rules = &["no grant without a desired item"];
    for member in [false, true] {
        let key = |world: &mut World| if member { world.member_key("maya", "l1") } else { world.user_key("maya") };
        check(
            joining,
            |world, _| {
                _ = {
                    let key = key(world);
                    world.items.remove(&key)
                }
            },
            rules,
        );
        let absent = |world: &mut World, _: &mut Plan| {
            let (key, mut named) = (key(world), joining().0);
            named.absent("maya", Cause::Left);
            world.items.insert(key.clone(), named.items.remove(&key).unwrap());
        };
        check(joining, absent, rules);
    }
}

#[test]
fn nothing_is_given_to_who_left_in_another_history() {
    let left = |epoch| {
        move |world: &mut World, _: &mut Plan| {
            let left = Left { since: world.now, epoch, aside: None };
            let maya = maya(world);
            world.ledger.left.insert(maya, left);
        }
    };
    check(joining, left(2), &["no grant to one known to have left in another history"]);
    check(joining, left(1), &[]);
    check(
        leaving,
        |world, _| {
            let (sam, left) = (world.home_id("sam"), Left { since: world.now, epoch: 2, aside: None });
            world.ledger.left.insert(sam, left);
        },
        &[],
    );
}

#[test]
fn whom_the_customer_deleted_is_not_invited_without_leave() {
    let deleted = |name: &'static str, allowed: Option<Timestamp>| {
        move |world: &mut World, _: &mut Plan| {
            let id = world.home_id(name);
            world.ledger.deleted.insert(id, Deletion { at: world.now, allowed });
        }
    };
    check(inviting, deleted("li", None), &["invites nobody whom the customer deleted, without leave"]);
    check(inviting, deleted("li", Some(Timestamp::from_unix(5))), &[]);
    // Who is there again is no longer invited.
    check(joining, deleted("maya", None), &[]);
}

#[test]
fn only_people_of_the_home_tenant_are_let_in() {
    let moved = |name: &'static str| {
        move |world: &mut World, _: &mut Plan| {
            let key = world.user_key(name);
            match &mut world.items.get_mut(&key).unwrap().body {
                ItemBody::User(UserBody { home_tenant, .. }) => *home_tenant = Guid::from_u128(3),
                _ => unreachable!(),
            }
        }
    };
    check(inviting, moved("li"), &["only people of the home tenant"]);
    check(joining, moved("maya"), &["only people of the home tenant"]);
    check(leaving, moved("sam"), &[]);
}

#[test]
fn no_membership_is_longer_than_the_longest_grant() {
    let longest = |start: Option<i64>, end: Option<i64>| {
        move |world: &mut World, _: &mut Plan| {
            file(world).limits.longest_grant = Some(Span(Duration::from_secs(3_600)));
            let now = world.now;
            windows(world, start.map(|it| seconds(it)(now)), end.map(|it| seconds(it)(now)));
        }
    };
    let rules = &["no grant longer than the longest"];
    check(joining, longest(None, None), rules);
    check(joining, longest(Some(0), None), rules);
    check(joining, longest(None, Some(3_600)), &[]);
    check(joining, longest(None, Some(3_601)), rules);
    check(joining, longest(Some(-60), Some(3_540)), &[]);
    check(joining, longest(Some(-60), Some(3_541)), rules);
    // The account itself has no window of a grant.
    check(inviting, |world, _| file(world).limits.longest_grant = Some(Span(Duration::from_secs(1))), &[]);
}

#[test]
fn only_an_account_with_an_address_of_the_providers_is_given_anything() {
    let rules = &["gives only to accounts with an address of the provider's domains"];
    let shown = |addresses: &'static [&str], upn: &'static str| {
        move |world: &mut World, _: &mut Plan| {
            let account = account(world);
            account.addresses = addresses.iter().map(ToString::to_string).collect();
            account.upn = upn.into();
        }
    };
    let none = "x@contoso.example";
    check(joining, shown(&[], none), rules);
    check(joining, shown(&["maya@tailspin.example", "maya@evil-nordwall.example", "nordwall.example"], none), rules);
    check(joining, shown(&["maya@nordwall.example@contoso.example"], none), rules);
    check(joining, shown(&["x@contoso.example", "Maya@Nordwall.EXAMPLE"], none), &[]);
    check(joining, shown(&[], "Maya_Nordwall.example#EXT#@contoso.example"), &[]);
    check(joining, shown(&[], "maya_tailspin.example#EXT#@contoso.example"), rules);
    check(joining, |world, _| file(world).provider.mail_domains = vec!["Nordwall.Example".into()], &[]);
    // What is taken away is nobody's gain.
    check(leaving, shown(&[], none), &[]);
}

#[test]
fn an_account_that_the_file_bars_is_given_nothing() {
    let rules = &["gives nothing to an account that is barred"];
    let barred =
        |name: &'static str| move |world: &mut World, _: &mut Plan| file(world).people.barred = vec![name.into()];
    check(joining, barred("Maya@Nordwall.example"), rules);
    check(joining, barred("MAYA_nordwall.example#EXT#@contoso.example"), rules);
    check(joining, barred("may@nordwall.example"), &[]);
    // Known by the name that an invitation gave it, and by no address.
    let unlisted = |world: &mut World, plan: &mut Plan| {
        barred("Maya@Nordwall.example")(world, plan);
        account(world).addresses = ["m.berg@nordwall.example".into()].into();
    };
    check(joining, unlisted, rules);
    check(inviting, barred("LI@nordwall.example"), &["invites nobody who is barred"]);
    check(inviting, barred("l@nordwall.example"), &[]);
}

#[test]
fn the_mark_of_an_account_is_given_whatever_its_addresses() {
    let unknown = |world: &mut World, _: &mut Plan| {
        let account = account(world);
        (account.addresses, account.upn) = (BTreeSet::new(), "x@contoso.example".into());
    };
    check(marking, unknown, &[]);
    check(marking, |world, _| account(world).enabled = Some(false), &[]);
}

#[test]
fn a_membership_is_given_to_a_redeemed_entra_account_that_is_not_blocked() {
    let rules = &["members only after redemption by an Entra account that is not blocked"];
    let bent = |change: fn(&mut User)| move |world: &mut World, _: &mut Plan| change(account(world));
    check(joining, bent(|it| it.enabled = Some(false)), rules);
    check(joining, bent(|it| it.enabled = None), rules);
    check(joining, bent(|it| it.redeemed = Some(false)), rules);
    check(joining, bent(|it| it.redeemed = None), rules);
    check(joining, bent(|it| it.issuers = Some(vec!["google.com".into()])), rules);
    check(joining, bent(|it| it.issuers = None), rules);
    check(joining, bent(|it| it.issuers = Some(vec!["x".into(), "ExternalAzureAD".into()])), &[]);
}

#[test]
fn a_leaver_is_ended_only_as_the_file_says() {
    let only = |steps: &'static [OnLeave]| {
        move |world: &mut World, _: &mut Plan| file(world).people.on_leave = steps.iter().copied().collect()
    };
    let (block, sessions) = ("blocks only with onLeave block", "ends sessions only with onLeave revokeSessions");
    check(leaving, only(&[OnLeave::Block]), &[sessions]);
    check(leaving, only(&[OnLeave::RevokeSessions]), &[block]);
    check(leaving, only(&[OnLeave::Delete]), &[block, sessions]);
    check(deleting, only(&[OnLeave::Block, OnLeave::RevokeSessions]), &["deletes only with onLeave delete"]);
    // Without a readable file, only whose the account is and what was seen is asked.
    check(deleting, |world, _| world.guardrail = Err(Unreadable::missing("gone")), &[]);
}

/// Sam's account has nothing left, and goes.
fn deleting() -> (World, Plan) {
    let on_leave = ("onLeave: [revokeSessions, block]", "onLeave: [revokeSessions, block, delete]");
    let mut world = World::joined(&["sam"], "l1").guardrail(on_leave.0, on_leave.1);
    world.leave("sam");
    for _ in 0..20 {
        let (next, plan) = planned(world);
        if plan.changes.iter().any(|it| matches!(it.action, Action::User(UserWrite::Delete { .. }))) {
            return (next, plan);
        }
        world = next;
        world.step();
    }
    panic!("is never deleted");
}

#[test]
fn accounts_that_are_not_ours_are_not_ended() {
    let rule = "ends only accounts of ours";
    fn bent(change: impl Fn(&mut LedgerEntry)) -> impl Fn(&mut World, &mut Plan) {
        move |world, plan| {
            let key = world.user_key("sam").into();
            remember(world, plan, &key, &change);
        }
    }
    let adopted = bent(|entry| entry.ownership = Ownership::Adopted);
    let undecided = bent(|entry| {
        let (at, name) = (Timestamp::from_unix(0), String::new());
        entry.intent = Some(Attempt { at, looked: None, name, absent_before: true });
    });
    let claimed =
        |claim| bent(move |entry| (entry.accounts, entry.thing) = ([(entry.guid().unwrap(), claim)].into(), None));
    for (base, rules) in [(leaving as Base, vec![rule; 2]), (deleting, vec![rule])] {
        check(base, &adopted, &rules);
        check(base, &undecided, &rules);
        check(base, claimed(Claim::Theirs), &rules);
        check(base, claimed(Claim::Ours), &[]);
    }
}

#[test]
fn who_is_enabled_is_blocked_and_a_leaver_who_cannot_be_looked_at() {
    let rule = "blocks only who is enabled, or a leaver who cannot be looked at";
    let blind = |plan: &mut Plan| {
        for change in &mut plan.changes {
            if let Action::User(UserWrite::Block { blind, .. }) = &mut change.action {
                *blind = true;
            }
        }
    };
    let unseen = |world: &mut World| _ = world.tenant.unread.insert("users", Reason::CloudUnavailable);
    check(leaving, |world, _| account(world).enabled = Some(false), &[rule]);
    check(leaving, |world, _| account(world).enabled = None, &[rule]);
    check(leaving, |world, _| unseen(world), &[rule]);
    check(leaving, |world, plan| (unseen(world), blind(plan)).0, &[]);
    check(leaving, |_, plan| blind(plan), &[rule]);
    check(dropping, |world, plan| (unseen(world), blind(plan)).0, &[rule]);
}

/// Sam is wanted again.
fn returning() -> (World, Plan) {
    let mut world = World::joined(&["sam"], "l1");
    let wanted = world.items.clone();
    world.leave("sam");
    world.settle();
    world.items = wanted;
    world.version.revision += 1;
    let (world, plan) = planned(world);
    assert!(matches!(plan.changes[0].action, Action::User(UserWrite::Unblock { .. })), "{}", world.text(&plan));
    (world, plan)
}

#[test]
fn a_block_that_is_not_ours_is_not_lifted() {
    let rules = &["lifts only a block of ours"];
    let bent = |change: fn(&mut LedgerEntry)| {
        move |world: &mut World, plan: &mut Plan| {
            let key = world.user_key("sam").into();
            remember(world, plan, &key, change);
        }
    };
    check(returning, |_, _| {}, &[]);
    check(returning, bent(|it| it.block = None), rules);
    check(returning, bent(|it| it.ownership = Ownership::Adopted), rules);
}

#[test]
fn an_invitation_goes_to_the_providers_domains_and_to_who_was_not_found() {
    let to = |mail: &'static str| {
        move |_: &mut World, plan: &mut Plan| match &mut plan.changes[0].action {
            Action::User(UserWrite::Invite { mail: to, .. }) => *to = mail.into(),
            _ => unreachable!(),
        }
    };
    let (known, found) = ("invites only the provider's domains", "invites only whom a look-up by mail did not find");
    check(inviting, to("li@tailspin.example"), &[known, found]);
    check(inviting, to("li@nordwall.example@tailspin.example"), &[known, found]);
    check(inviting, to("li"), &[known, found]);
    check(inviting, to("another@nordwall.example"), &[found]);
    check(inviting, to("LI@Nordwall.Example"), &[]);
    check(inviting, |world, _| file(world).provider.mail_domains = vec!["NORDWALL.example".into()], &[]);
    check(inviting, |world, _| _ = world.tenant.add_guest("li@nordwall.example", "Li", world.now), &[found]);
    check(inviting, |world, _| _ = world.tenant.unread.insert("users", Reason::CloudUnavailable), &[found]);
}

/// A plan that takes this account for ours, under this key.
fn claiming(key: LedgerKey, id: Guid) -> impl Fn(&mut Plan) {
    move |plan| {
        let entry = LedgerEntry { thing: Some(Thing::User { id }), ..LedgerEntry::default() };
        plan.updates.push(Update::Put(key.clone(), Box::new(entry)));
    }
}

#[test]
fn an_account_beside_the_persons_own_is_ours_by_the_ledger_or_by_name_and_mark_together() {
    let rules = &["claims only accounts that were ours, or bear our mark and are known"];
    #[track_caller]
    fn case(spoil: impl Fn(&mut World, Guid), rules: &[&str]) {
        let id = Guid::from_u128(7);
        check(
            leaving,
            |world, plan| {
                spoil(world, id);
                claiming(LedgerKey::Account(id), id)(plan);
            },
            rules,
        );
    }
    let name = |world: &mut World, id: Guid| world.known("sam", &[id], &[]);
    let mark = |world: &mut World, id: Guid| {
        let marker = world.ledger.get(LedgerKey::Marker).unwrap().guid().unwrap();
        world.tenant.state.members.get_mut(&marker).unwrap().insert(id);
    };
    let noted = |world: &mut World, claim| {
        let key: LedgerKey = world.user_key("sam").into();
        world.ledger.entries.get_mut(&key).unwrap().accounts.insert(Guid::from_u128(7), claim);
    };
    case(|_, _| {}, rules);
    case(name, rules);
    case(mark, rules);
    case(|world, id| (name(world, id), mark(world, id)).0, &[]);
    case(|world, _| noted(world, Claim::Theirs), rules);
    case(|world, _| noted(world, Claim::Ours), &[]);
    let held = |world: &mut World, ownership| {
        let entry =
            LedgerEntry { thing: Some(Thing::User { id: Guid::from_u128(7) }), ownership, ..LedgerEntry::default() };
        world.ledger.entries.insert(LedgerKey::Account(Guid::from_u128(7)), entry);
    };
    case(|world, _| held(world, Ownership::Owned), &[]);
    case(|world, _| held(world, Ownership::Adopted), rules);
}

#[test]
fn an_account_is_the_persons_own_where_our_invitation_made_it() {
    let rules = &["claims only users whom our invitation made"];
    // Li's invitation was begun, and somebody turns up.
    #[track_caller]
    fn case(bend: impl Fn(&mut LedgerEntry, &mut User), rules: &[&str]) {
        check(
            inviting,
            |world, plan| {
                plan.changes.clear();
                let id = world.tenant.add_guest("li@nordwall.example", "Li", world.now);
                let (key, at) = (LedgerKey::from(world.user_key("li")), world.now);
                let name = "li@nordwall.example".to_owned();
                let intent = Some(Attempt { at, looked: Some(at), name, absent_before: true });
                let mut begun = LedgerEntry { intent, ..LedgerEntry::default() };
                bend(&mut begun, world.tenant.state.users.get_mut(&id).unwrap());
                world.ledger.entries.insert(key.clone(), begun);
                claiming(key, id)(plan);
            },
            rules,
        );
    }
    case(|_, _| {}, &[]);
    case(|entry, _| entry.intent.as_mut().unwrap().absent_before = false, rules);
    case(|entry, _| entry.intent = None, rules);
    case(|entry, _| entry.intent.as_mut().unwrap().looked = None, rules);
    case(|_, user| user.created = user.created.map(seconds(1)), &[]);
    case(|_, user| user.created = user.created.map(seconds(-1)), rules);
    case(|_, user| user.created = None, rules);
    case(|_, user| user.creation_type = Some("LocalAccount".into()), rules);
    case(|_, user| user.creation_type = None, rules);
    case(|entry, user| entry.thing = user.id.map(|id| Thing::User { id }), &[]);
    case(|entry, _| entry.thing = Some(Thing::User { id: Guid::from_u128(7) }), rules);
    // One that was ours once, and one that was ours before this plan.
    let was = |entry: &mut LedgerEntry, user: &User, claim| {
        entry.intent = None;
        entry.accounts.insert(user.id.unwrap(), claim);
    };
    case(|entry, user| was(entry, user, Claim::Ours), &[]);
    case(|entry, user| was(entry, user, Claim::Theirs), rules);
    let is = |entry: &mut LedgerEntry, user: &User, ownership| {
        (entry.intent, entry.thing, entry.ownership) = (None, user.id.map(|id| Thing::User { id }), ownership);
    };
    case(|entry, user| is(entry, user, Ownership::Owned), &[]);
    case(|entry, user| is(entry, user, Ownership::Adopted), rules);
}
