//! Which keys of the customer's guardrail file lead to a reason. Both sides use this to point at the file.

use super::Reason;
use crate::plane::Plane;

impl Reason {
    /// The keys that decide the reason, by their paths in the file; if several could, one of them does. Empty if the
    /// file does not decide it, or if the file as a whole does. `plane` is the item's plane, if it has one.
    pub fn guardrail_keys(self, plane: Option<Plane>) -> Vec<String> {
        let of_plane = || plane.map_or_else(|| "planes".to_owned(), |plane| format!("planes.{plane}"));
        let keys: &[&str] = match self {
            Self::GuardrailPlane | Self::PersonTask => return vec![of_plane()],
            Self::GuardrailPerson => {
                &["provider.homeTenant", "provider.mailDomains", "people.userTypes", "people.barred"]
            }
            Self::GuardrailScope => &["azure.scopes"],
            Self::GuardrailRole => match plane {
                Some(Plane::EntraRoles) => &["entra.roles"],
                _ => &["azure.roles"],
            },
            Self::GuardrailCapability => &["capabilities.allow"],
            Self::CapabilityApproval => &["capabilities.ask"],
            Self::GuardrailLimit => match plane {
                Some(Plane::Users) => &["people.maxOperators"],
                Some(Plane::Groups | Plane::EntraRoles) => &["limits.groups"],
                _ => &["people.maxOperators", "limits.groups"],
            },
            Self::GuardrailLongestGrant => &["limits.longestGrant"],
            Self::GuardrailPrefix => &["limits.namePrefix"],
            Self::GuardrailProtected => match plane {
                Some(Plane::AzureRoles) => &["protected.agentHome"],
                Some(Plane::Users) => &["protected.users"],
                Some(Plane::Groups) => &["protected.groups"],
                Some(Plane::EntraRoles) => &["protected.groups", "protected.users"],
                _ => &["protected"],
            },
            Self::GuardrailReview => &["reviewBy"],
            Self::OverCap => &["limits.perDay"],
            Self::Frozen => &["freeze"],
            Self::AdoptionApproval => &["people.adoptExisting"],
            Self::IdentityProof => &["provider.identityProof"],
            Self::GuardrailUnreadable
            | Self::NotYetStarted
            | Self::Expired
            | Self::Propagation
            | Self::Redemption
            | Self::Dependency
            | Self::Throttled
            | Self::CloudUnavailable
            | Self::CloudRefused
            | Self::UnknownOutcome
            | Self::PermissionMissing
            | Self::InvitationsClosed
            | Self::UnifiedRbacInactive
            | Self::PermissionNotInTenant
            | Self::Ambiguous
            | Self::Paused
            | Self::LeaseOver
            | Self::EpochChanged
            | Self::CustomerBlocked
            | Self::CustomerDeleted
            | Self::DriftMissing
            | Self::DriftExtra
            | Self::DriftChanged
            | Self::NotOurs
            | Self::ConfirmingRemoval
            | Self::Unread
            | Self::OtherAccount
            | Self::ProofRefused
            | Self::AgentUnvouched
            | Self::NobodyLooks
            | Self::CameBack
            | Self::AgentDiskFull
            | Self::CredentialRefused
            | Self::RevokeAll
            | Self::Later(_) => &[],
        };
        keys.iter().map(|key| (*key).to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_that_the_guardrail_gives_names_its_keys_and_the_items_own_plane() {
        for reason in Reason::ALL.iter().filter(|it| it.word().starts_with("GUARDRAIL_")) {
            let is_whole = *reason == Reason::GuardrailUnreadable;
            assert_eq!(reason.guardrail_keys(None).is_empty(), is_whole, "{reason:?}");
        }
        assert_eq!(Reason::GuardrailPlane.guardrail_keys(Some(Plane::AzureRoles)), ["planes.azureRoles"]);
        assert_eq!(Reason::GuardrailLimit.guardrail_keys(Some(Plane::Groups)), ["limits.groups"]);
        assert_eq!(Reason::GuardrailRole.guardrail_keys(Some(Plane::EntraRoles)), ["entra.roles"]);
        let protected = Reason::GuardrailProtected.guardrail_keys(Some(Plane::EntraRoles));
        assert_eq!(protected, ["protected.groups", "protected.users"]);
    }
}
