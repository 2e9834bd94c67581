//! What the work with accounts takes of Microsoft.

use entente_model::Plane;

use crate::guardrail::{Adopt, Guardrail, OnLeave};
use crate::permission::{
    ALL_MEMBERSHIPS, ALL_PROFILES, ANY_GROUP, ANY_MEMBER, ANY_USER, CREATE_GROUP, DELETE_USER, FIND_GROUPS, MANAGE,
    Need, Permission, READ_MEMBERSHIPS, READ_USERS, VERIFY, graph,
};

pub(crate) const ROWS: &[Permission] = &[
    graph(Plane::Users, VERIFY, "User.Read.All", "find guests and their state", ALL_PROFILES).or(READ_USERS),
    graph(Plane::Users, VERIFY, "GroupMember.Read.All", "see what a leaver is still in", ALL_MEMBERSHIPS)
        .or(READ_MEMBERSHIPS),
    graph(Plane::Users, MANAGE, "User.Read.All", "find guests and their state", ALL_PROFILES).or(READ_USERS),
    graph(
        Plane::Users,
        MANAGE,
        "User.Invite.All",
        "invite guests",
        "invite anyone, any number, by links of its own; who fits a dynamic group's rule gets what it gives",
    )
    .or(ANY_USER)
    .says(invites),
    graph(Plane::Users, MANAGE, "GroupMember.Read.All", "see what a leaver is still in", ALL_MEMBERSHIPS)
        .or(READ_MEMBERSHIPS),
    graph(
        Plane::Users,
        Need::Marks,
        "Group.Create",
        "make the group that marks its guests",
        "make any number of groups, also under names that look like yours",
    )
    .or(CREATE_GROUP)
    .says(crate::path::groups::permissions::made),
    graph(
        Plane::Users,
        Need::Marks,
        "Group.ReadBasic.All",
        "find the group that marks its guests",
        "read every group's name",
    )
    .or(FIND_GROUPS),
    graph(Plane::Users, Need::Marks, "GroupMember.ReadWrite.All", "mark its guests", ANY_MEMBER).or(ANY_GROUP)
    .says(crate::path::members::permissions::own_groups),
    graph(
        Plane::Users,
        Need::OnLeave(OnLeave::Block),
        "User.EnableDisableAccount.All",
        "block its guests, and lift its own block",
        "lock out everyone, perhaps administrators too, and wake accounts that you blocked",
    )
    .or(ANY_USER)
    .says(|_| "its guests, on leaving; lifts only its own block".into()),
    graph(
        Plane::Users,
        Need::OnLeave(OnLeave::RevokeSessions),
        "User.RevokeSessions.All",
        "ask Microsoft to end its guests' sessions, which has no effect: they sign in at home, and the block ends access",
        "sign out every user of your own, again and again",
    )
    .or(ANY_USER)
    .says(|_| "asks for its guests, on leaving: without effect".into()),
    graph(
        Plane::Users,
        Need::OnLeave(OnLeave::Delete),
        "User.DeleteRestore.All",
        "delete its guests when they leave",
        "delete everyone, perhaps administrators too, and bring back whom you deleted",
    )
    .or(DELETE_USER)
    .says(|_| "deletes its guests, on leaving; restores nobody".into()),
];

fn invites(guardrail: &Guardrail) -> String {
    let domains = guardrail.provider.mail_domains.join(", ");
    let adopts = match guardrail.people.adopt_existing {
        Adopt::Never => "never takes over who is there already",
        Adopt::Ask => "who is there already waits for your approval, which this version cannot take",
        Adopt::Allow => "takes over who is there already, with whatever they hold, also Entra roles",
    };
    let (people, joiners) = (guardrail.people.max_operators, guardrail.limits.per_day.joiners);
    format!("{people} guests of {domains}, {joiners} a day; {adopts}")
}
