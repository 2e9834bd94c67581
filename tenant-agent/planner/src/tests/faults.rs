//! A plan that is wrong somewhere: leavers go all the same, and nobody comes.

use entente_model::Guid;
use entente_model::plan::{ChangeClass, Verdict};

use super::world::{RESPONDER, SCOPE, World};
use crate::ledger::{Attempt, Charge, LedgerEntry, LedgerKey, Ownership, Thing, Update};
use crate::plan::{Change, Plan};
use crate::salvage::{Salvage, salvage};
use crate::write::{Action, AzureWrite, DefenderWrite, GroupWrite, UserWrite};

/// Sam leaves and Li joins.
fn comings_and_goings() -> (World, Plan) {
    let mut world = World::joined(&["maya", "sam"], "l1");
    world.leave("sam");
    world.member("li", "l1");
    let plan = world.plan();
    (world, plan)
}

/// What is done of a plan after somebody has spoilt it, and which rules it breaks.
fn done(world: &World, mut plan: Plan, spoil: impl FnOnce(&mut Plan)) -> (String, Salvage) {
    spoil(&mut plan);
    let faults = world.faults(&plan);
    let sound = salvage(&plan, &faults, &world.items);
    let mut text: Vec<String> = faults.iter().map(|fault| fault.rule.to_string()).collect();
    let shown = Plan { changes: sound.changes.clone(), reports: Vec::new(), findings: Vec::new(), ..plan };
    text.push(world.text(&shown));
    (text.join("\n"), sound)
}

fn of(plan: &Plan, wanted: fn(&Action) -> bool) -> &Change {
    plan.changes.iter().find(|change| wanted(&change.action)).expect("it is in the plan")
}

const SAM_GOES: &str = "ALLOWED LEAVER: block user sam
ALLOWED LEAVER: end sessions of user sam
ALLOWED LEAVER: remove user sam from group ent-l1
";

#[test]
fn without_a_fault_everything_is_done() {
    let (world, plan) = comings_and_goings();
    let (text, sound) = done(&world, plan.clone(), |_| {});
    assert_eq!(text, format!("{SAM_GOES}ALLOWED GRANT: invite li@nordwall.example\n"));
    assert_eq!(sound.updates, plan.updates);
}

#[test]
fn a_fault_in_a_grant_stops_every_grant_and_no_removal() {
    let (world, plan) = comings_and_goings();
    let (text, sound) = done(&world, plan, |plan| {
        let mut stray = of(plan, |action| matches!(action, Action::User(UserWrite::Invite { .. }))).clone();
        stray.action =
            Action::User(UserWrite::Invite { mail: "li@tailspin.example".into(), display_name: "Li".into() });
        plan.changes.push(stray);
    });
    let rules = "invites only the provider's domains\ninvites only whom a look-up by mail did not find\n";
    assert_eq!(text, format!("{rules}{SAM_GOES}"));
    // Who has left is remembered.
    assert!(sound.updates.iter().any(|update| matches!(update, Update::Left(..))));
}

#[test]
fn a_removal_with_a_fault_is_left_out_alone() {
    let (world, plan) = comings_and_goings();
    let (text, _) = done(&world, plan, |plan| {
        let block = of(plan, |action| matches!(action, Action::User(UserWrite::Block { .. }))).clone();
        plan.changes.insert(
            0,
            Change { action: Action::User(UserWrite::Block { user: Guid::from_u128(7), blind: false }), ..block },
        );
    });
    let rules = "ends only accounts of ours\nblocks only who is enabled, or a leaver who cannot be looked at\n";
    assert_eq!(text, format!("{rules}{SAM_GOES}"));
}

#[test]
fn what_goes_twice_or_too_late_goes_once() {
    let (world, plan) = comings_and_goings();
    let (text, _) = done(&world, plan.clone(), |plan| plan.changes.insert(0, plan.changes[0].clone()));
    assert_eq!(text, format!("nothing twice in one plan\n{SAM_GOES}"));
    let (text, _) = done(&world, plan, |plan| plan.changes.rotate_right(1));
    assert_eq!(text, format!("leavers before grants\nleavers before grants\n{SAM_GOES}"));
}

#[test]
fn removals_over_the_cap_are_left_out_and_leavers_are_not() {
    let mut world = World::joined(&["maya", "sam"], "l1").guardrail("impliedRemovals: 10", "impliedRemovals: 2");
    world.leave("sam");
    world.drop("maya");
    let plan = world.plan();
    let strict = World::new().guardrail("impliedRemovals: 10", "impliedRemovals: 1");
    world.guardrail = strict.guardrail;
    let (text, _) = done(&world, plan, |_| {});
    assert_eq!(text, format!("within the caps\nwithin the caps\n{SAM_GOES}"));
}

#[test]
fn what_is_adopted_without_leave_is_not_remembered() {
    let (world, plan) = comings_and_goings();
    let key: entente_model::desired::ItemKey = "group/l9/standard".parse().unwrap();
    let adopted = key.clone();
    let (text, sound) = done(&world, plan, |plan| {
        let thing = Some(Thing::Group { id: Guid::from_u128(7) });
        let entry = crate::ledger::LedgerEntry { thing, ownership: Ownership::Adopted, ..Default::default() };
        plan.updates.push(Update::Put(adopted.into(), Box::new(entry)));
    });
    assert_eq!(text, format!("adopts only with leave\n{SAM_GOES}"));
    assert!(!sound.updates.iter().any(|update| matches!(update, Update::Put(of, _) if *of == (&key).into())));
}

#[test]
fn a_user_whom_the_invitation_did_not_make_is_not_claimed_by_it() {
    let rule = "claims only users whom our invitation made";
    let another = Some(Thing::User { id: Guid::from_u128(7) });
    for (absent_before, answered, rules) in
        [(true, None, vec![]), (false, None, vec![rule]), (true, another, vec![rule])]
    {
        let mut world = World::new();
        world.user("maya");
        let intent =
            Attempt { at: world.now, looked: Some(world.now), name: "maya@nordwall.example".into(), absent_before };
        let id = world.tenant.add_guest("maya@nordwall.example", "Maya", world.now);
        let key = world.user_key("maya");
        let empty_since = Some(world.moment(world.now));
        let entry = LedgerEntry { intent: Some(intent), thing: answered, empty_since, ..LedgerEntry::default() };
        world.ledger.entries.insert((&key).into(), entry);
        let mut plan = world.plan();
        plan.updates.push(Update::Put(
            key.into(),
            Box::new(LedgerEntry { thing: Some(Thing::User { id }), ..LedgerEntry::default() }),
        ));
        let found: Vec<_> = world.faults(&plan).iter().map(|fault| fault.rule).collect();
        assert_eq!(found, rules, "absent before: {absent_before}");
    }
}

/// Which rules one more change breaks, in a world with every kind of item in it.
fn broken_by(class: ChangeClass, key: &str, action: impl FnOnce(&World) -> Action) -> Vec<&'static str> {
    let mut world = World::new();
    world.azure_role("l1", RESPONDER);
    world.defender_role("l1", &["secdata.basics.read"]);
    world.settle();
    let action = action(&world);
    let mut plan = world.plan();
    assert!(world.faults(&plan).is_empty() && plan.changes.is_empty());
    plan.changes.push(Change {
        key: key.parse().unwrap(),
        class,
        charge: Charge::Other,
        verdict: Verdict::Allowed,
        reason: None,
        action,
        looked: None,
        before: String::new(),
        after: String::new(),
    });
    world.faults(&plan).into_iter().map(|fault| fault.rule).collect()
}

#[test]
fn a_write_is_of_its_items_kind_and_of_no_kind_that_is_not_known() {
    let create = |_: &World| {
        let (display_name, description) = ("ent-x".to_owned(), String::new());
        Action::Group(GroupWrite::Create {
            mail_nickname: display_name.clone(),
            display_name,
            description,
            kind: Default::default(),
        })
    };
    assert_eq!(broken_by(ChangeClass::Grant, "group/l9/standard", create), [] as [&str; 0]);
    assert_eq!(
        broken_by(ChangeClass::Grant, "user/nordwall/0b0de000-0000-4000-8000-000000000009", create),
        ["a write is of its item's kind", "no grant without a desired item",]
    );
    assert_eq!(
        broken_by(ChangeClass::Grant, "pim/l9/standard", create),
        ["a write is of its item's kind", "writes only on managed planes",]
    );
}

#[test]
fn what_takes_away_from_a_role_adds_nothing_to_it() {
    let update = |more: &'static str| {
        move |world: &World| {
            let role = world.tenant.state.defender.roles[0].clone();
            let mut actions = role.actions;
            if !more.is_empty() {
                actions.insert(more.to_owned());
            }
            let (display_name, description) = (role.display_name, role.description);
            Action::Defender(DefenderWrite::UpdateRole { id: role.id, display_name, description, actions })
        }
    };
    let broken = |more| broken_by(ChangeClass::OtherRemoval, "defenderRole/l1", update(more));
    assert_eq!(broken(""), [] as [&str; 0]);
    assert_eq!(broken("microsoft.xdr/*/manage"), ["what takes away from a role adds nothing to it"]);
    let granted = broken_by(ChangeClass::Grant, "defenderRole/l1", update("microsoft.xdr/*/manage"));
    let beyond = "writes no more into a role than its item asks for";
    assert_eq!(granted, ["gives only allowed capabilities", beyond]);
    let allowed_but_not_asked = |world: &World| {
        let defender = &world.tenant.state.defender;
        let more = crate::planes::defender::actions::resolve("alerts.manage", defender).unwrap();
        let mut role = defender.roles[0].clone();
        role.actions.insert(more);
        let (display_name, description) = (role.display_name, role.description);
        Action::Defender(DefenderWrite::UpdateRole { id: role.id, display_name, description, actions: role.actions })
    };
    assert_eq!(broken_by(ChangeClass::Grant, "defenderRole/l1", allowed_but_not_asked), [beyond]);
}

#[test]
fn a_role_without_a_meaning_is_never_given() {
    let rules = broken_by(
        ChangeClass::Grant,
        "azureRole/l1/standard/subscriptions/x/0b0de000-0000-4000-8000-000000000009",
        |world| {
            let definition = Guid::from_u128(9);
            Action::Azure(AzureWrite::Put {
                name: Guid::from_u128(8),
                scope: SCOPE.into(),
                definition,
                principal: world.group_id("l1"),
                description: String::new(),
            })
        },
    );
    assert_eq!(rules, ["gives only allowed capabilities"]);
}

#[test]
fn an_account_becomes_ours_under_no_note_of_the_agents_own() {
    let mut world = World::joined(&["maya"], "l1");
    let id = Guid::from_u128(77);
    for key in [
        LedgerKey::Marker,
        LedgerKey::Marked(id),
        LedgerKey::Account(id),
        LedgerKey::Extra { group: Guid::from_u128(78), user: id },
        LedgerKey::Item("group/l1/standard".parse().unwrap()),
    ] {
        let mut plan = world.plan();
        let entry = LedgerEntry { thing: Some(Thing::User { id }), ..LedgerEntry::default() };
        plan.updates.push(Update::Put(key.clone(), Box::new(entry)));
        let rules: Vec<_> = world.faults(&plan).into_iter().map(|fault| fault.rule).collect();
        assert!(
            rules.contains(&"claims only accounts that were ours, or bear our mark and are known"),
            "{key:?}: {rules:?}"
        );
    }
}
