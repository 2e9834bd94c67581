//! What an agent found and verified, item by item.

pub mod advice;
pub mod bounds;
mod facts;
mod guardrail;

use serde::{Deserialize, Serialize};

use crate::desired::{Digest, ItemKey, Version};
use crate::name::Guid;
use crate::plane::{Plane, PlaneMode};
use crate::time::Timestamp;
use crate::word::{Open, Word, open_words};

pub use facts::{Microsoft, MicrosoftState, RevokeAll, RevokeAllState};

/// The state of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemState {
    /// The agent has not started on it yet.
    Pending,
    /// Started; it waits for what the reason names.
    Waiting,
    /// In place, and read back as it should be.
    Applied,
    /// In place, but with less than it should have.
    Partial,
    /// Was applied, but is no longer as it should be.
    Drifted,
    /// The customer's guardrail or Microsoft refuses it.
    Refused,
    /// Needs the customer's approval.
    NeedsApproval,
    /// The customer blocked the person or deleted the account. Only the customer can undo that.
    BlockedByCustomer,
    /// Held back for now: by a cap, a freeze, a pause or an expired lease, or because what it would give was not read.
    Held,
    /// The agent tried and failed; it tries again.
    Failed,
    /// Gone: read back empty, and twice if it was named for removal.
    Removed,
    /// Still there, and not ours to remove.
    Residual,
    /// Named for removal and not found, but some part of the look was not answered or not understood, so nothing is
    /// proven. The agent looks again.
    Unproven,
    /// The agent does not know this kind of item, or does not understand something in it.
    Unsupported,
    /// A state of a later version, as it came. It counts as none of the known states.
    Later(Word),
}

impl ItemState {
    pub const ALL: [Self; 14] = [
        Self::Pending,
        Self::Waiting,
        Self::Applied,
        Self::Partial,
        Self::Drifted,
        Self::Refused,
        Self::NeedsApproval,
        Self::BlockedByCustomer,
        Self::Held,
        Self::Failed,
        Self::Removed,
        Self::Residual,
        Self::Unproven,
        Self::Unsupported,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Waiting => "WAITING",
            Self::Applied => "APPLIED",
            Self::Partial => "PARTIAL",
            Self::Drifted => "DRIFTED",
            Self::Refused => "REFUSED",
            Self::NeedsApproval => "NEEDS_APPROVAL",
            Self::BlockedByCustomer => "BLOCKED_BY_CUSTOMER",
            Self::Held => "HELD",
            Self::Failed => "FAILED",
            Self::Removed => "REMOVED",
            Self::Residual => "RESIDUAL",
            Self::Unproven => "UNPROVEN",
            Self::Unsupported => "UNSUPPORTED",
            Self::Later(word) => word.as_str(),
        }
    }

    /// Whether nothing is left to do.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Applied | Self::Removed)
    }
}

/// The meaning of a reason that this version does not know.
const LATER: &str = "Of a later version than this one.";

macro_rules! reasons {
    ($(#[doc = $meaning:literal] $variant:ident = $word:literal,)*) => {
        /// Why an item is in its state. Reports, the API and the CLI share this list.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $(#[doc = $meaning] $variant,)*
            /// A reason of a later version, as it came.
            Later(Word),
        }

        impl Reason {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// One sentence for people: the variant's documentation.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning.trim_ascii(),)* Self::Later(_) => LATER }
            }

            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* Self::Later(word) => word.as_str() }
            }
        }
    };
}

reasons! {
    /// The access starts later.
    NotYetStarted = "NOT_YET_STARTED",
    /// The access has ended.
    Expired = "EXPIRED",
    /// Microsoft has not made the change visible yet.
    Propagation = "PROPAGATION",
    /// The operator has not redeemed the invitation.
    Redemption = "REDEMPTION",
    /// A person in the customer's organisation has to act; the script is with the item.
    PersonTask = "PERSON_TASK",
    /// Something that it depends on is not there yet.
    Dependency = "DEPENDENCY",
    /// Microsoft asks the agent to slow down.
    Throttled = "THROTTLED",
    /// Microsoft could not be reached or failed; the agent tries again.
    CloudUnavailable = "CLOUD_UNAVAILABLE",
    /// Microsoft refused the change; the detail has the code.
    CloudRefused = "CLOUD_REFUSED",
    /// It is not known yet whether a change was made; the agent looks it up and does not repeat it.
    UnknownOutcome = "UNKNOWN_OUTCOME",
    /// The agent's application lacks the named permission.
    PermissionMissing = "PERMISSION_MISSING",
    /// The tenant does not let applications invite.
    InvitationsClosed = "INVITATIONS_CLOSED",
    /// Defender unified RBAC is not activated in the tenant.
    UnifiedRbacInactive = "UNIFIED_RBAC_INACTIVE",
    /// The tenant has no permission of that name.
    PermissionNotInTenant = "PERMISSION_NOT_IN_TENANT",
    /// Several objects have that name, and none is certainly ours.
    Ambiguous = "AMBIGUOUS",
    /// The guardrail keeps the plane at `none`.
    GuardrailPlane = "GUARDRAIL_PLANE",
    /// The guardrail refuses this person: mail domain, home tenant, user type, or barred.
    GuardrailPerson = "GUARDRAIL_PERSON",
    /// The guardrail does not allow this Azure scope.
    GuardrailScope = "GUARDRAIL_SCOPE",
    /// The guardrail does not allow this Azure role.
    GuardrailRole = "GUARDRAIL_ROLE",
    /// The guardrail does not allow what the role lets people do.
    GuardrailCapability = "GUARDRAIL_CAPABILITY",
    /// The guardrail's limit of operators or groups is reached.
    GuardrailLimit = "GUARDRAIL_LIMIT",
    /// The grant has no end, or lasts longer than the guardrail allows.
    GuardrailLongestGrant = "GUARDRAIL_LONGEST_GRANT",
    /// The name does not have the guardrail's prefix.
    GuardrailPrefix = "GUARDRAIL_PREFIX",
    /// The guardrail protects this object.
    GuardrailProtected = "GUARDRAIL_PROTECTED",
    /// The guardrail's review date has passed.
    GuardrailReview = "GUARDRAIL_REVIEW",
    /// The guardrail is missing, unreadable or not for this tenant.
    GuardrailUnreadable = "GUARDRAIL_UNREADABLE",
    /// The guardrail's daily cap is used up.
    OverCap = "OVER_CAP",
    /// The guardrail has a freeze today.
    Frozen = "FROZEN",
    /// The customer has paused the agent.
    Paused = "PAUSED",
    /// The desired state is no longer fresh: its lease is over.
    LeaseOver = "LEASE_OVER",
    /// The provider's history changed; a person must confirm it first.
    EpochChanged = "EPOCH_CHANGED",
    /// A user, group or role with that name existed before Entente; the customer must approve its use.
    AdoptionApproval = "ADOPTION_APPROVAL",
    /// The customer must approve this capability.
    CapabilityApproval = "CAPABILITY_APPROVAL",
    /// The redeemed identity is not the operator's Entra account.
    IdentityProof = "IDENTITY_PROOF",
    /// The customer disabled the account.
    CustomerBlocked = "CUSTOMER_BLOCKED",
    /// The customer deleted the account; restore it, or allow a new invitation with `entente-agent allow-again`.
    CustomerDeleted = "CUSTOMER_DELETED",
    /// It was in place and is missing.
    DriftMissing = "DRIFT_MISSING",
    /// It should not be in place, but is.
    DriftExtra = "DRIFT_EXTRA",
    /// It is in place, but differs.
    DriftChanged = "DRIFT_CHANGED",
    /// This agent did not make it.
    NotOurs = "NOT_OURS",
    /// Read back empty once; the second read follows.
    ConfirmingRemoval = "CONFIRMING_REMOVAL",
    /// The agent could not read part of the tenant, so it claims nothing about it.
    Unread = "UNREAD",
    /// The guest at that address is ours, for another home account; the customer deletes it, and a new one is invited.
    OtherAccount = "OTHER_ACCOUNT",
    /// The agent's proof was refused: it misses a known account, its times are impossible, or it is not signed.
    ProofRefused = "PROOF_REFUSED",
    /// The proving agent enrolled after the account was last seen; an admin must vouch for it first.
    AgentUnvouched = "AGENT_UNVOUCHED",
    /// No agent looks at this tenant: it was deleted or offboarded, or it has no agent.
    NobodyLooks = "NOBODY_LOOKS",
    /// What was proven gone is back.
    CameBack = "CAME_BACK",
    /// The agent's disk is full: it blocks leavers and does nothing else until there is room.
    AgentDiskFull = "AGENT_DISK_FULL",
    /// Microsoft refuses the agent's credential (its message is in the detail); a person must renew or correct it.
    CredentialRefused = "CREDENTIAL_REFUSED",
    /// The customer is revoking, or has revoked, everything that was given (`entente-agent revoke-all`).
    RevokeAll = "REVOKE_ALL",
}

open_words!(ItemState, Reason, AccountState);

/// One item, as the agent last saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemReport {
    pub key: ItemKey,
    pub state: ItemState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// A sentence for people. Empty if the state says enough.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The object's id in the customer's tenant, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_id: Option<String>,
    /// Whether this agent made the object, and so may remove it.
    #[serde(default)]
    pub owned: bool,
    /// Where the operator redeems the invitation. Shown to the SOC, never logged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redeem_url: Option<String>,
    /// What a person in the customer's organisation would run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// For a person who is named for removal: every account that is known or was found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<KnownAccount>,
    /// The proof, if the item was named for removal and is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<RemovalProof>,
    /// The revision of the desired state that it was compared with.
    pub revision: u64,
    /// When it entered this state.
    pub since: Timestamp,
}

/// One account of a person who is named for removal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KnownAccount {
    /// In the customer's tenant.
    pub id: Guid,
    /// Its user principal name. Empty if it was not read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    pub state: AccountState,
    /// Whether this agent made it, and so may block it.
    #[serde(default)]
    pub owned: bool,
}

/// Whether an account can sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountState {
    Enabled,
    Blocked,
    /// In the tenant's recycle bin, from where it can be restored.
    Deleted,
    /// Microsoft says that it does not exist.
    Gone,
    /// Not read, or not understood.
    Unread,
    /// A state of a later version, as it came. It does not count as shut.
    Later(Word),
}

impl AccountState {
    pub const ALL: [Self; 5] = [Self::Enabled, Self::Blocked, Self::Deleted, Self::Gone, Self::Unread];

    pub fn word(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::Blocked => "BLOCKED",
            Self::Deleted => "DELETED",
            Self::Gone => "GONE",
            Self::Unread => "UNREAD",
            Self::Later(word) => word.as_str(),
        }
    }

    /// Whether the account certainly cannot be used now.
    pub fn is_shut(self) -> bool {
        matches!(self, Self::Blocked | Self::Deleted | Self::Gone)
    }
}

/// Two reads of everything that was asked for, at least Microsoft's replication lag apart, both answered, understood
/// and empty. Times are Microsoft's own, continued by a monotonic clock.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RemovalProof {
    /// Since when the removal that it proves is named, as in the item. It proves no earlier or later removal.
    #[serde(default)]
    pub named: Timestamp,
    pub first_empty_read: Timestamp,
    pub second_empty_read: Timestamp,
    /// When Microsoft answered the last block of one of the accounts. `None` if there was nothing to block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Timestamp>,
    /// When Microsoft's caches have caught up and its tokens have expired, by its documentation.
    pub effective_by: Timestamp,
    /// Every known account of the person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<KnownAccount>,
    /// What the agent did not look at, so the proof says nothing about it: what the guardrail closes, and what this
    /// version does not read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<String>,
    /// The signature over all of the above, by the agent's enrolled key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<ProofSignature>,
}

/// An agent's signature of a proof (`entente_seal::removal_statement`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProofSignature {
    /// The agent's certificate, DER in base64.
    pub certificate: String,
    /// ECDSA P-256 with SHA-256, ASN.1 in base64.
    pub signature: String,
}

/// What the agent sends: only changes since the last acknowledged report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Increases within a connection.
    pub number: u64,
    pub items: Vec<ItemReport>,
    /// Items that are no longer desired and are gone.
    pub forgotten: Vec<ItemKey>,
    /// Present if the agent's own standing changed.
    pub standing: Option<Box<Standing>>,
    /// Drift that was mended, oldest first. Repeated until a report with it is acknowledged.
    pub mended: Vec<Mended>,
}

/// Something that was not as it should be, and is again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mended {
    /// Increases within one agent.
    pub number: u64,
    /// The item. For something extra, the group that it was found in.
    pub key: ItemKey,
    pub reason: Reason,
    /// What was found, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    pub found: Timestamp,
    /// When it was read back as it should be, or when the extra object was removed.
    pub mended: Timestamp,
}

/// The agent's own standing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// Digest, in hex, of the desired state with which the tenant was last compared. The items' states refer to it.
    /// Empty before the first comparison.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub compared: String,
    pub paused: bool,
    /// Since when it is paused, if the agent knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_since: Option<Timestamp>,
    /// `None` if the customer has not asked for it. Older agents do not report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke_all: Option<RevokeAll>,
    /// Why the guardrail cannot be used. `None` if it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardrail_fault: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardrail_fault_since: Option<Timestamp>,
    /// When the guardrail stops giving new access. Unknown while it cannot be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_ends: Option<Timestamp>,
    /// `None` before the first attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub microsoft: Option<Microsoft>,
    /// SHA-256 of the guardrail file, in hex.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub guardrail: String,
    pub planes: Vec<PlaneStanding>,
    /// Application permissions in the agent's token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<String>,
    /// When the agent's credential to Microsoft expires, if it knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_expires: Option<Timestamp>,
    /// What was found and is not an item: an extra member, or a leaver's right that is not ours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// One plane as the agent last compared it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlaneStanding {
    pub plane: Open<Plane>,
    pub mode: Open<PlaneMode>,
    /// When it was last read completely. `None` if never in this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<Timestamp>,
    /// Since when some question about it has no complete answer. `None` while all have, and if nothing is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread_since: Option<Timestamp>,
}

/// Something in the tenant that belongs to no item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    pub plane: Open<Plane>,
    pub reason: Reason,
    /// Names the object and what it is, for people.
    pub detail: String,
}

/// What the agent says when it connects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accepted {
    pub version: Version,
    /// The root under which the state was signed.
    pub root: Digest,
    pub digest: Digest,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_from_before_removals_were_told_apart_is_read_and_proves_none() {
        let old = r#"{"firstEmptyRead":"2026-11-23T08:00:00Z","secondEmptyRead":"2026-11-23T08:01:01Z","effectiveBy":"2026-11-23T09:30:00Z"}"#;
        let proof: RemovalProof = serde_json::from_str(old).unwrap();
        assert_eq!(proof.named, Timestamp::default());
    }
}
