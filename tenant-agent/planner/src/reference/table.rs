//! Every key, in the order of the file.

use super::Presence::{Default, Optional, Required};
use super::kind::{capabilities, modes, none, steps, user_types};
use super::{Key, Kind, Presence};

const fn key(path: &'static str, kind: Kind, presence: Presence, does: &'static str) -> Key {
    Key { path, kind, presence, bound: "", does, narrower: "" }
}

impl Key {
    const fn bound(mut self, bound: &'static str) -> Self {
        self.bound = bound;
        self
    }

    const fn narrower(mut self, narrower: &'static str) -> Self {
        self.narrower = narrower;
        self
    }
}

const STAYS: &str = "what is not allowed any more is given to nobody, and what was given stays, REFUSED, until \
                     `entente-agent revoke --not-allowed`";
const NOT_YET: &str = "only `none`: this version does not carry it out";
const CLOSED: &str = "`verify`: nothing is written, leavers are a person's task, and a script says how. `none`: it is \
                      not even looked at, and no removal there can be proven. What was given stays until \
                      `entente-agent revoke --not-allowed`";
const CAPPED: &str = "what is over it waits for the next day, OVER_CAP; leavers and end dates do not count";

const PLANE: Kind = Kind::Word(modes);
const UNBUILT: Kind = Kind::Word(none);

/// See the module.
pub const TABLE: &[Key] = &[
    key("guardrail", Kind::Form, Required, "the form of the file"),
    key("customer", Kind::Section, Required, "whose file it is"),
    key("customer.name", Kind::Text, Required, "your name, for people"),
    key("customer.entraTenant", Kind::Guid, Required, "your Entra tenant")
        .bound("the tenant of the agent's configuration"),
    key("owner", Kind::Text, Required, "who answers for the file"),
    key("reviewBy", Kind::Date, Required, "the last day on which it gives new access; removals go on")
        .bound("up to 2099-12-31")
        .narrower("once it is past, nothing new is given, and what was given stays"),
    key("provider", Kind::Section, Required, "whose people may be let in"),
    key("provider.homeTenant", Kind::Guid, Required, "the only Entra tenant whose people may be let in").narrower(STAYS),
    key("provider.mailDomains", Kind::List(&Kind::Domain), Required, "the only domains to which invitations go")
        .bound("at least one")
        .narrower(STAYS),
    key(
        "provider.identityProof",
        Kind::Word(|| vec!["entraOnly"]),
        Default("entraOnly"),
        "what a redeemed invitation must show: an Entra account; any other is blocked",
    ),
    key(
        "provider.stateKey",
        Kind::RootKey,
        Required,
        "the provider's root key: a desired state that it has not vouched for is not taken",
    )
    .bound("the key that the agent enrolled with")
    .narrower("with another key the file cannot be used: nothing is given, leavers go, until the agent enrols again"),
    key("planes", Kind::Section, Required, "how far the agent goes, plane by plane: `none`, `verify` (it looks, and a person acts), `manage`"),
    key("planes.users", PLANE, Default("none"), "guests: invited, blocked, let in again").narrower(CLOSED),
    key("planes.groups", PLANE, Default("none"), "one security group for each role").narrower(CLOSED),
    key("planes.memberships", PLANE, Default("none"), "who is in those groups").narrower(CLOSED),
    key("planes.azureRoles", PLANE, Default("none"), "Azure role assignments of those groups, Microsoft Sentinel's among them")
        .narrower(CLOSED),
    key("planes.defenderRoles", PLANE, Default("none"), "Defender unified RBAC roles of those groups").narrower(CLOSED),
    key(
        "planes.entraRoles",
        PLANE,
        Optional,
        "directory roles over the whole tenant, by role-assignable groups of their own. `manage` takes a permission by which a \
         thief of the agent makes anyone Global Administrator; with `verify` a person gives and takes them, by a script. Who is \
         in such a group can be blocked only after leaving it",
    )
    .bound("left out, it is `verify` where `entra.roles` names any")
    .narrower(CLOSED),
    key("planes.crossTenantTrust", UNBUILT, Default("none"), "trust in the provider's multi-factor sign-in").bound(NOT_YET),
    key("planes.pim", UNBUILT, Default("none"), "eligible assignments").bound(NOT_YET),
    key("planes.lighthouse", UNBUILT, Default("none"), "Azure Lighthouse").bound(NOT_YET),
    key("people", Kind::Section, Required, "who may be let in, and what becomes of an account"),
    key("people.userTypes", Kind::List(&Kind::Word(user_types)), Required, "what kind of account a person has; `[]` lets nobody in")
        .bound("`member` is not carried out by this version")
        .narrower(STAYS),
    key("people.maxOperators", Kind::Count, Required, "the most accounts that the agent keeps enabled").narrower(
        "nobody is let in while there are as many; who is in stays",
    ),
    key(
        "people.barred",
        Kind::List(&Kind::Text),
        Default("[]"),
        "people who are not let in, and who go if they are in: mail addresses, sign-in names or home object ids",
    )
    .narrower("whom you add goes at once, by itself"),
    key(
        "people.adoptExisting",
        Kind::Word(|| vec!["never", "ask", "allow"]),
        Default("never"),
        "whether an account or object that was there before may be used; `ask` waits for an approval that this version cannot \
         take",
    )
    .narrower("what was adopted stays"),
    key(
        "people.onLeave",
        Kind::List(&Kind::Word(steps)),
        Default("[]"),
        "what happens to an account of the agent's making that has nothing left to be there for, beside the memberships, \
         which always go",
    )
    .narrower("without `block` a leaver's account stays enabled, and only what it was given goes"),
    key(
        "people.recycleBin",
        Kind::Flag,
        Default("true"),
        "whether the agent looks for a leaver's accounts among the deleted, from where they can be restored",
    )
    .narrower("receipts say that nobody looked there"),
    key("capabilities", Kind::Section, Default("{}"), "what roles may let people do, judged by what Azure and Defender say of each role; in no list means never"),
    key("capabilities.allow", Kind::List(&Kind::Word(capabilities)), Default("[]"), "allowed").narrower(STAYS),
    key(
        "capabilities.ask",
        Kind::List(&Kind::Word(capabilities)),
        Default("[]"),
        "waits for an approval that this version cannot take: it stays NEEDS_APPROVAL",
    )
    .bound("none that `allow` has")
    .narrower(STAYS),
    key(
        "capabilities.actions",
        Kind::List(&Kind::Action),
        Default("[]"),
        "Azure actions that are allowed by their own names: what Microsoft has added to a role since, and you have looked at",
    )
    .bound("no wildcard, and none that gives access")
    .narrower(STAYS),
    key("azure", Kind::Section, Default("{}"), "where in Azure roles are assigned, and which"),
    key("azure.scopes", Kind::List(&Kind::Scope), Default("[]"), "where roles may be assigned, and below")
        .bound("`/subscriptions/GUID`, a resource group or a resource in it")
        .narrower(STAYS),
    key("azure.roles", Kind::Roles, Default("{}"), "role definitions that may be assigned there")
        .bound("built-in roles by their own names, that do not let people change access")
        .narrower(STAYS),
    key("entra", Kind::Section, Default("{}"), "which directory roles are given"),
    key("entra.roles", Kind::EntraRoles, Default("{}"), "directory roles that may be given, over the whole tenant")
        .bound("those few that lead no further, by their own names: no role that leads to Global Administrator or to control over sign-in, Security Administrator among them, and none that is not on the list")
        .narrower(STAYS),
    key("protected", Kind::Section, Default("{}"), "what is never touched, whatever else the file says"),
    key("protected.users", Kind::List(&Kind::Text), Default("[]"), "users, by object id").narrower(
        "a protected account is neither given anything nor blocked, also when its person leaves",
    ),
    key("protected.groups", Kind::List(&Kind::Text), Default("[]"), "groups, by object id")
        .narrower("its members stay as they are"),
    key("protected.agentHome", Kind::Scope, Optional, "the scope that holds the agent itself: nobody is given a role there, above or below")
        .narrower(STAYS),
    key("limits", Kind::Section, Required, "how much"),
    key("limits.namePrefix", Kind::Prefix, Required, "what the names of groups and roles that the agent makes begin with")
        .narrower("what is named otherwise is made no more; what is there stays"),
    key("limits.groups", Kind::Count, Required, "the most groups, not counting the one that marks the agent's guests")
        .narrower("no group is made while there are as many; those that are there stay"),
    key("limits.longestGrant", Kind::Span, Optional, "the longest window of one grant; where it is set, a grant without an end is refused")
        .narrower(STAYS),
    key("limits.perDay", Kind::Section, Required, "the most in any 24 hours"),
    key("limits.perDay.joiners", Kind::Count, Required, "people let in").narrower(CAPPED),
    key("limits.perDay.otherChanges", Kind::Count, Required, "other items changed").narrower(CAPPED),
    key("limits.perDay.impliedRemovals", Kind::Count, Required, "items removed only because they are no longer in the desired state")
        .narrower(CAPPED),
    key("approvers", Kind::Section, Optional, "who may approve what is asked: read and kept, and not carried out by this version"),
    key("approvers.need", Kind::Count, Required, "how many of the keys").bound("1 to the number of keys"),
    key("approvers.keys", Kind::List(&Kind::Text), Required, "the approvers' keys"),
    key("approvers.expires", Kind::Span, Required, "how long an approval is good"),
    key("freeze", Kind::Sections, Default("[]"), "days on which nothing changes but leavers and end dates")
        .narrower("what would change waits, FROZEN, and follows when the days are over"),
    key("freeze[].from", Kind::Date, Required, "the first day, in UTC"),
    key("freeze[].to", Kind::Date, Required, "the last day").bound("not before `from`"),
    key("freeze[].except", Kind::Word(|| vec!["removals"]), Optional, "what passes all the same"),
    key("providerSilent", Kind::Section, Optional, "when to say that the provider has not been heard of"),
    key("providerSilent.after", Kind::Span, Required, "for so long"),
    key("providerSilent.then", Kind::Word(|| vec!["alarm"]), Required, "`alarm`: the log and the status say it"),
];
