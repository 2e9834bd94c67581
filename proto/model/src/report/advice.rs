//! What a state or a reason means for its reader: whose move it is, and what to do.
//!
//! The command lines and the docs share this table. The matches have no catch-all arm, so a new word needs its own
//! text.

use super::{ItemState, Reason};

/// Who can change the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// It continues by itself, soon.
    Nobody,
    /// It happens by itself on a known day or hour.
    Clock,
    /// The customer, in the tenant, in the guardrail file or at the agent's host.
    Customer,
    /// The service provider, in intent or at the control plane.
    Provider,
    /// The operator whose account it is.
    Operator,
    /// The customer or the service provider; they have to agree.
    Both,
}

impl Move {
    pub fn text(self) -> &'static str {
        match self {
            Self::Nobody => "none needed: it continues by itself",
            Self::Clock => "none needed: it happens at its time",
            Self::Customer => "the customer's",
            Self::Provider => "the service provider's",
            Self::Operator => "the operator's",
            Self::Both => "the customer's or the service provider's",
        }
    }
}

impl ItemState {
    /// One sentence for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Pending => "The agent has not started on it yet.",
            Self::Waiting => "Started; it waits for what the reason names.",
            Self::Applied => "In place, and read back as it should be.",
            Self::Partial => "In place, but with less than it should have.",
            Self::Drifted => "Was applied, but is no longer as it should be.",
            Self::Refused => "The customer's guardrail or Microsoft refuses it.",
            Self::NeedsApproval => "Needs the customer's approval.",
            Self::BlockedByCustomer => {
                "The customer blocked the person or deleted the account; only the customer can undo that."
            }
            Self::Held => {
                "Held back by a cap, a freeze, a pause or an expired lease, or because what it would give was not read."
            }
            Self::Failed => "Tried and failed; the agent tries again.",
            Self::Removed => "Gone: read back empty, and twice if it was named for removal.",
            Self::Residual => "Still there, and not the agent's to remove.",
            Self::Unproven => {
                "Named for removal and not found, but some part of the look was not answered or not understood."
            }
            Self::Unsupported => "The agent does not know this kind of item, or does not understand something in it.",
            Self::Later(_) => "A state of a later version than this one.",
        }
    }

    /// Whose move it is if the item has no reason, and what that move is.
    pub fn advice(self) -> (Move, &'static str) {
        match self {
            Self::Pending | Self::Waiting | Self::Drifted => (Move::Nobody, "wait for the agent's next turn"),
            Self::Applied | Self::Removed => (Move::Nobody, "nothing to do"),
            Self::Partial | Self::Failed => (Move::Both, "read the item's detail; the agent keeps trying"),
            Self::Refused => {
                (Move::Both, "the customer widens the guardrail, or the service provider's intent asks for less")
            }
            Self::NeedsApproval => {
                (Move::Customer, "the customer allows it in the guardrail file, or leaves it unapproved")
            }
            Self::BlockedByCustomer => {
                (Move::Customer, "the customer enables or restores the account, or leaves it as it is")
            }
            Self::Held => (Move::Nobody, "wait until what the reason names has ended"),
            Self::Residual => (Move::Customer, "the customer removes what the detail names; the agent then proves it"),
            Self::Unproven => {
                (Move::Customer, "the customer makes what the detail names readable; the agent then looks again")
            }
            Self::Unsupported => (Move::Customer, "the customer updates the agent"),
            Self::Later(_) => (Move::Provider, "update this command"),
        }
    }
}

impl Reason {
    /// Whose move it is, and what that move is.
    pub fn advice(self) -> (Move, &'static str) {
        use Move::{Both, Clock, Customer, Nobody, Operator, Provider};
        match self {
            Self::NotYetStarted => (Clock, "wait for the start of the access"),
            Self::Expired => (
                Provider,
                "if the access is still wanted, write a later end: `until` of the member, or `end` of the assignment",
            ),
            Self::Propagation => (Nobody, "wait: Microsoft shows changes after seconds to minutes"),
            Self::Redemption => (
                Operator,
                "the operator opens the link that the service provider prints with `entente redeem OPERATOR`",
            ),
            Self::PersonTask => (Customer, "a person runs the script that the item shows"),
            Self::Dependency => (Nobody, "see the item that the detail names; this one follows it"),
            Self::Throttled | Self::CloudUnavailable | Self::UnknownOutcome => {
                (Nobody, "wait: the agent tries or looks again")
            }
            Self::CloudRefused => {
                (Customer, "look up Microsoft's code in the detail, and correct what it names in the tenant")
            }
            Self::PermissionMissing => {
                (Customer, "grant the agent's application what `entente-agent permissions` lists")
            }
            Self::InvitationsClosed => {
                (Customer, "let the agent's application invite guests (Entra: external collaboration settings)")
            }
            Self::UnifiedRbacInactive => (Customer, "activate Defender unified RBAC for the tenant"),
            Self::PermissionNotInTenant => {
                (Provider, "leave the permission out for this tenant with an exemption, or correct its name")
            }
            Self::Ambiguous => (Customer, "rename or remove all but one of what the detail names"),
            Self::GuardrailPlane => (Customer, "set the plane to `manage` or `verify` under `planes`"),
            Self::GuardrailPerson => (
                Both,
                "the customer corrects `provider.homeTenant`, `provider.mailDomains` or `people`; or the service provider corrects the operator's manifest",
            ),
            Self::GuardrailScope => {
                (Both, "the customer adds the scope under `azure.scopes`; or an exemption leaves the role out")
            }
            Self::GuardrailRole => {
                (Both, "the customer adds the role under `azure.roles`; or an exemption leaves it out")
            }
            Self::GuardrailCapability => {
                (Both, "the customer adds the capability under `capabilities.allow`; or an exemption leaves it out")
            }
            Self::GuardrailLimit => (
                Both,
                "the customer raises `people.maxOperators` or the limit that the detail names; or the service provider assigns fewer people",
            ),
            Self::GuardrailLongestGrant => (
                Both,
                "write an end within `limits.longestGrant`, `until` of the member or `end` of the assignment; or the customer raises it",
            ),
            Self::GuardrailPrefix => {
                (Both, "the customer corrects `limits.namePrefix`, or the service provider uses it in the name")
            }
            Self::GuardrailProtected => {
                (Customer, "the customer takes the object out of `protected`, or leaves it there")
            }
            Self::GuardrailReview => (Customer, "review the guardrail, and set `reviewBy` to a later day"),
            Self::GuardrailUnreadable => {
                (Customer, "restore or correct the guardrail file: `entente-agent check-guardrail` names each fault")
            }
            Self::OverCap => (Clock, "it happens within a day; the customer can raise the cap under `limits.perDay`"),
            Self::Frozen => (Clock, "wait for the end of the freeze in the guardrail"),
            Self::Paused => (Customer, "`entente-agent resume` at the agent's host"),
            Self::LeaseOver => {
                (Nobody, "it continues when the agent reaches the control plane again; see why the agent is offline")
            }
            Self::EpochChanged => (
                Both,
                "an admin confirms the new history; if the person should have access again, the service provider states it again",
            ),
            Self::AdoptionApproval => {
                (Customer, "set `people.adoptExisting: allow`, or rename or remove the existing user")
            }
            Self::CapabilityApproval => (
                Customer,
                "move the capability from `capabilities.ask` to `capabilities.allow`, or leave it unapproved",
            ),
            Self::IdentityProof => (
                Operator,
                "the operator redeems with the Entra account of the home tenant; the customer deletes the wrong guest first",
            ),
            Self::CustomerBlocked => (Customer, "the customer enables the account, or it stays blocked"),
            Self::CustomerDeleted => {
                (Customer, "restore the account from the recycle bin, or `entente-agent allow-again USER`")
            }
            Self::DriftChanged => (
                Both,
                "the agent corrects a Defender role; a person must undo the change to a group or an assignment, or delete it",
            ),
            Self::DriftMissing | Self::DriftExtra => {
                (Nobody, "the agent corrects it; the tenant's audit log shows who changed it")
            }
            Self::NotOurs => (Customer, "the customer removes it or leaves it; the agent removes only what it made"),
            Self::ConfirmingRemoval => (Nobody, "wait for the second read"),
            Self::Unread => {
                (Nobody, "the agent looks again; if this stays, see the part and Microsoft's answer in the detail")
            }
            Self::OtherAccount => (Customer, "delete the guest in the tenant; then the agent invites a new one"),
            Self::ProofRefused => (Provider, "see the agent's version and log; it looks and signs again"),
            Self::AgentUnvouched => {
                (Provider, "an admin checks that the agent is the customer's: `entente agents vouch NAME`")
            }
            Self::NobodyLooks => (Both, "the customer's agent enrols again, or a person looks in the tenant"),
            Self::CameBack => (Nobody, "the agent removes it again; the tenant's audit log shows who restored it"),
            Self::AgentDiskFull => (Customer, "make room on the agent's disk"),
            Self::CredentialRefused => (
                Customer,
                "renew or correct the credential in agent.toml, `[credential]`; the detail has Microsoft's message",
            ),
            Self::RevokeAll => (
                Customer,
                "`entente-agent resume` at the agent's host; until then the agent gives nothing and removes leavers",
            ),
            Self::Later(_) => (Provider, "update this command"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_says_whose_move_it_is_and_what_to_do() {
        for state in ItemState::ALL {
            assert!(state.meaning().ends_with('.') && !state.advice().1.is_empty(), "{state:?}");
        }
        for reason in Reason::ALL {
            assert!(reason.meaning().ends_with('.') && !reason.advice().1.ends_with('.'), "{reason:?}");
        }
    }
}
