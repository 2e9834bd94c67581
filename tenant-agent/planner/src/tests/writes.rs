//! What each write says of itself, as the record of calls, the order and the second judge rely on it.

use entente_model::Guid;
use expect_test::expect;

use super::world::{RESPONDER, SECURITY_READER};
use crate::write::{
    AccountEffect, Action, AzureWrite, DefenderWrite, Describe, Effect, EntraWrite, Gives, GroupWrite, MemberWrite,
    Receiver, UserWrite, What,
};

const USER: Guid = Guid::from_u128(1);
const GROUP: Guid = Guid::from_u128(2);
const NAME: Guid = Guid::from_u128(3);

/// Every write, once; of an Azure role one that our table knows, and one that it does not.
fn every() -> Vec<(&'static str, Action)> {
    let (user, group) = (USER, GROUP);
    let (display_name, description) = (|| "ent-x".to_owned(), String::new);
    let put = |definition| AzureWrite::Put {
        name: NAME,
        scope: "/s".into(),
        definition,
        principal: group,
        description: description(),
    };
    vec![
        ("block", Action::User(UserWrite::Block { user, blind: true })),
        ("end sessions", Action::User(UserWrite::RevokeSessions { user })),
        ("delete account", Action::User(UserWrite::Delete { user })),
        ("unblock", Action::User(UserWrite::Unblock { user })),
        ("invite", Action::User(UserWrite::Invite { mail: "x@y.example".into(), display_name: display_name() })),
        (
            "create group",
            Action::Group(GroupWrite::Create {
                display_name: display_name(),
                mail_nickname: display_name(),
                description: description(),
                kind: Default::default(),
            }),
        ),
        ("add member", Action::Member(MemberWrite::Add { group, user })),
        ("remove member", Action::Member(MemberWrite::Remove { group, user })),
        ("assign known role", Action::Azure(put(RESPONDER))),
        ("assign unknown role", Action::Azure(put(Guid::from_u128(9)))),
        ("unassign role", Action::Azure(AzureWrite::Delete { scope: "/s".into(), name: NAME })),
        (
            "create Defender role",
            Action::Defender(DefenderWrite::CreateRole {
                display_name: display_name(),
                description: description(),
                actions: Default::default(),
            }),
        ),
        (
            "update Defender role",
            Action::Defender(DefenderWrite::UpdateRole {
                id: "r".into(),
                display_name: display_name(),
                description: description(),
                actions: Default::default(),
            }),
        ),
        ("delete Defender role", Action::Defender(DefenderWrite::DeleteRole { id: "r".into() })),
        (
            "assign Defender role",
            Action::Defender(DefenderWrite::CreateAssignment {
                display_name: display_name(),
                description: description(),
                role: "r".into(),
                principal: group,
                app_scopes: Default::default(),
            }),
        ),
        ("unassign Defender role", Action::Defender(DefenderWrite::DeleteAssignment { id: "a".into() })),
        ("give directory role", Action::Entra(EntraWrite::Assign { definition: SECURITY_READER, principal: group })),
        ("give unknown directory role", Action::Entra(EntraWrite::Assign { definition: NAME, principal: group })),
        ("take directory role", Action::Entra(EntraWrite::Remove { id: "e".into() })),
    ]
}

fn effect(effect: &Effect<'_>) -> String {
    match effect {
        Effect::Creates { name, as_thing, .. } => {
            format!("creates {name} as {:?}", as_thing(&GROUP.to_string()))
        }
        Effect::Puts(thing) => format!("puts {}", thing.object_id()),
        Effect::Changes { id, name } => format!("changes {id} to {name}"),
        Effect::Removes(id) => format!("removes {id}"),
        Effect::Account(AccountEffect::Blocks { blind, .. }) => format!("blocks, blind {blind}"),
        Effect::Account(AccountEffect::EndsSessions { .. }) => "ends sessions".into(),
        Effect::Account(AccountEffect::Deletes { .. }) => "deletes".into(),
        Effect::Account(AccountEffect::Unblocks { .. }) => "unblocks".into(),
    }
}

fn gives(gives: Gives) -> String {
    let Gives::Access { to, what } = gives else { return format!("gives {gives:?}").to_lowercase() };
    let to = match to {
        Receiver::Account(id) if id == USER => "the account",
        Receiver::Group(id) if id == GROUP => "the group",
        Receiver::Invited => "who is invited",
        Receiver::Holders => "its holders",
        Receiver::Account(_) | Receiver::Group(_) => "somebody else",
    };
    let what = match what {
        What::SignIn => "to sign in",
        What::AllOfGroup(id) if id == GROUP => "all of the group",
        What::AllOfGroup(_) => "all of another group",
        What::Role => "a role",
    };
    format!("{to} gets {what}")
}

#[test]
fn each_write_says_what_it_does_who_gets_what_and_whom_it_touches() {
    let line = |(name, action): (&str, Action)| {
        let (does, removes) = (action.effect(), action.effect().is_removal());
        let touches = action.touches();
        let (users, groups) = (touches.users == [USER], touches.groups == [GROUP]);
        let touched = match (users, groups, touches.users.len() + touches.groups.len()) {
            (false, false, 0) => "nobody",
            (true, false, 1) => "the account",
            (false, true, 1) => "the group",
            (true, true, 2) => "both",
            _ => "others",
        };
        format!("{name}: {}; removal {removes}; {}; touches {touched}\n", effect(&does), gives(action.gives()))
    };
    let all: String = every().into_iter().map(line).collect();
    expect![[r#"
        block: blocks, blind true; removal true; gives nothing; touches the account
        end sessions: ends sessions; removal true; gives nothing; touches the account
        delete account: deletes; removal true; gives nothing; touches the account
        unblock: unblocks; removal false; the account gets to sign in; touches the account
        invite: creates x@y.example as Some(User { id: Guid(00000000-0000-0000-0000-000000000002) }); removal false; who is invited gets to sign in; touches nobody
        create group: creates ent-x as Some(Group { id: Guid(00000000-0000-0000-0000-000000000002) }); removal false; gives nothing; touches nobody
        add member: puts 00000000-0000-0000-0000-000000000002/00000000-0000-0000-0000-000000000001; removal false; the account gets all of the group; touches both
        remove member: removes 00000000-0000-0000-0000-000000000002/00000000-0000-0000-0000-000000000001; removal true; gives nothing; touches both
        assign known role: puts /s|3e150937-b8fe-4cfb-8069-0eaf05ecd056|00000000-0000-0000-0000-000000000002; removal false; the group gets a role; touches the group
        assign unknown role: puts /s|00000000-0000-0000-0000-000000000009|00000000-0000-0000-0000-000000000002; removal false; gives unknown; touches the group
        unassign role: removes 00000000-0000-0000-0000-000000000003; removal true; gives nothing; touches nobody
        create Defender role: creates ent-x as Some(DefenderRole { id: "00000000-0000-0000-0000-000000000002" }); removal false; its holders gets a role; touches nobody
        update Defender role: changes r to ent-x; removal false; its holders gets a role; touches nobody
        delete Defender role: removes r; removal true; gives nothing; touches nobody
        assign Defender role: creates ent-x as Some(DefenderAssignment { id: "00000000-0000-0000-0000-000000000002" }); removal false; the group gets a role; touches the group
        unassign Defender role: removes a; removal true; gives nothing; touches nobody
        give directory role: puts 5d6b6bb7-de71-4623-b4af-96380a352509|00000000-0000-0000-0000-000000000002; removal false; the group gets a role; touches the group
        give unknown directory role: puts 00000000-0000-0000-0000-000000000003|00000000-0000-0000-0000-000000000002; removal false; gives unknown; touches the group
        take directory role: removes e; removal true; gives nothing; touches nobody
    "#]].assert_eq(&all);
}
