//! What a state or a reason means for whoever reads it: whose move it is, and what that move is.
//!
//! One table for the command lines and the docs; a new word has to say its own, as the matches have no other arm.

use super::{ItemState, Reason};

/// Who can change how it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// It goes on by itself, soon.
    Nobody,
    /// It comes by itself on a day or at an hour that is written down.
    Clock,
    /// The customer, in the tenant, in the guardrail file or at the agent's host.
    Customer,
    /// The service provider, in intent or at the control plane.
    Provider,
    /// The operator whose account it is.
    Operator,
    /// The customer and the service provider, who have to agree.
    Both,
}

impl Move {
    pub fn text(self) -> &'static str {
        match self {
            Self::Nobody => "nobody's: it goes on by itself",
            Self::Clock => "nobody's: it comes when its time comes",
            Self::Customer => "the customer's",
            Self::Provider => "the service provider's",
            Self::Operator => "the operator's",
            Self::Both => "the customer's, or the service provider's",
        }
    }
}

impl ItemState {
    /// One sentence for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Pending => "Desired, and not begun.",
            Self::Waiting => "Begun; waits for what the reason names.",
            Self::Applied => "Read back as it should be.",
            Self::Partial => "There, but less than it should be.",
            Self::Drifted => "Was applied, and is no longer as it should be.",
            Self::Refused => "The customer's guardrail, or Microsoft, says no.",
            Self::NeedsApproval => "The customer is to approve it.",
            Self::BlockedByCustomer => {
                "The customer blocked the person or deleted the account; only the customer undoes that."
            }
            Self::Held => "Over a cap, frozen, paused, not fresh, or what it would give was not read.",
            Self::Failed => "Tried and failed; the agent tries again.",
            Self::Removed => "Gone: read back empty, twice where it was named for removal.",
            Self::Residual => "There, and not the agent's to remove.",
            Self::Unproven => {
                "Named for removal and not found, but a part that was asked for was not answered or not understood."
            }
            Self::Unsupported => "Of a kind, or with something in it, that the agent does not know.",
            Self::Later(_) => "A state of a later version than this one.",
        }
    }

    /// Whose move it is where no reason says it better.
    pub fn advice(self) -> (Move, &'static str) {
        match self {
            Self::Pending | Self::Waiting | Self::Drifted => (Move::Nobody, "wait for the agent's next turn"),
            Self::Applied | Self::Removed => (Move::Nobody, "nothing is to be done"),
            Self::Partial | Self::Failed => (Move::Both, "read the item's detail; the agent goes on trying"),
            Self::Refused => (Move::Both, "the customer widens the guardrail, or intent asks for less"),
            Self::NeedsApproval => (Move::Customer, "the customer allows it in the guardrail file, or leaves it"),
            Self::BlockedByCustomer => {
                (Move::Customer, "the customer enables or restores the account, or it stays as it is")
            }
            Self::Held => (Move::Nobody, "wait until what the reason names is over"),
            Self::Residual => (Move::Customer, "the customer removes what the detail names; the agent then proves it"),
            Self::Unproven => {
                (Move::Customer, "the customer makes readable what the detail names; the agent looks again by itself")
            }
            Self::Unsupported => (Move::Customer, "the customer updates the agent"),
            Self::Later(_) => (Move::Provider, "update this command"),
        }
    }
}

impl Reason {
    /// Whose move it is, and what that is.
    pub fn advice(self) -> (Move, &'static str) {
        use Move::{Both, Clock, Customer, Nobody, Operator, Provider};
        match self {
            Self::NotYetStarted => (Clock, "it comes when its window opens"),
            Self::Expired => (
                Provider,
                "write a later end if the access is still wanted: `until` of the member, or `end` of the assignment",
            ),
            Self::Propagation => (Nobody, "wait: Microsoft shows changes after seconds to minutes"),
            Self::Redemption => {
                (Operator, "the operator opens the link that `entente redeem OPERATOR` prints at the service provider")
            }
            Self::PersonTask => (Customer, "a person runs the script that stands with the item"),
            Self::Dependency => (Nobody, "see the item that the detail names; this one follows it"),
            Self::Throttled | Self::CloudUnavailable | Self::UnknownOutcome => {
                (Nobody, "wait: the agent tries or looks again by itself")
            }
            Self::CloudRefused => {
                (Customer, "look up Microsoft's code in the detail, and mend what it names in the tenant")
            }
            Self::PermissionMissing => {
                (Customer, "grant the agent's application what `entente-agent permissions` lists")
            }
            Self::InvitationsClosed => {
                (Customer, "let the agent's application invite guests: Entra, external collaboration settings")
            }
            Self::UnifiedRbacInactive => (Customer, "activate Defender unified RBAC for the tenant"),
            Self::PermissionNotInTenant => {
                (Provider, "leave the permission out for this tenant with an exemption, or correct its name")
            }
            Self::Ambiguous => (Customer, "rename or remove all but one of what the detail names"),
            Self::GuardrailPlane => (Customer, "set the plane to `manage` or `verify` under `planes`"),
            Self::GuardrailPerson => (
                Both,
                "the customer corrects `provider.homeTenant`, `provider.mailDomains` or `people`; or the operator's manifest is corrected",
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
                "the customer raises `people.maxOperators` or the limit that the detail names; or fewer people are sent",
            ),
            Self::GuardrailLongestGrant => (
                Both,
                "write an end within `limits.longestGrant`, `until` of the member or `end` of the assignment; or the customer raises it",
            ),
            Self::GuardrailPrefix => {
                (Both, "the customer corrects `limits.namePrefix`, or the name in intent begins with it")
            }
            Self::GuardrailProtected => {
                (Customer, "the customer takes the object out of `protected`, or it stays untouched")
            }
            Self::GuardrailReview => (Customer, "review the guardrail, and set `reviewBy` to a later day"),
            Self::GuardrailUnreadable => {
                (Customer, "restore or correct the guardrail file: `entente-agent check-guardrail` names each fault")
            }
            Self::OverCap => (Clock, "it comes within a day; the customer may raise the cap under `limits.perDay`"),
            Self::Frozen => (Clock, "it comes when the freeze in the guardrail ends"),
            Self::Paused => (Customer, "`entente-agent resume` at the agent's host"),
            Self::LeaseOver => {
                (Nobody, "it comes when the agent reaches the control plane again: see why it is offline")
            }
            Self::EpochChanged => {
                (Both, "an admin confirms the new history; the person is stated anew where they should be back")
            }
            Self::AdoptionApproval => {
                (Customer, "set `people.adoptExisting: allow`, or rename or remove what was there before")
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
                "the agent mends a Defender role; of a group or an assignment a person undoes the change or deletes it",
            ),
            Self::DriftMissing | Self::DriftExtra => {
                (Nobody, "the agent mends it; find out who changed it in the tenant's audit log")
            }
            Self::NotOurs => (Customer, "the customer removes it, or leaves it: the agent removes only what it made"),
            Self::ConfirmingRemoval => (Nobody, "wait for the second look"),
            Self::Unread => {
                (Nobody, "the agent looks again; if it stays, the detail names the part and Microsoft's answer")
            }
            Self::OtherAccount => (Customer, "delete the guest in the tenant; then a new one is invited"),
            Self::ProofRefused => (Provider, "see the agent's version and log; it looks and signs again by itself"),
            Self::AgentUnvouched => {
                (Provider, "an admin checks that the agent is the customer's: `entente agents vouch NAME`")
            }
            Self::NobodyLooks => (Both, "the customer's agent enrols again, or a person looks in the tenant"),
            Self::CameBack => {
                (Nobody, "the agent removes it again; find out in the tenant's audit log who restored it")
            }
            Self::AgentDiskFull => (Customer, "make room on the agent's disk"),
            Self::CredentialRefused => {
                (Customer, "renew or mend the credential that the detail names: agent.toml, [credential]")
            }
            Self::RevokeAll => {
                (Customer, "`entente-agent resume` at the agent's host; until then nothing is given, and leavers go")
            }
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
