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

/// How one item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemState {
    /// Not begun.
    Pending,
    /// Begun; waits for something named in `waiting_for`.
    Waiting,
    /// Read back as it should be.
    Applied,
    /// There, but less than it should be.
    Partial,
    /// Was applied, and is no longer as it should be.
    Drifted,
    /// The guardrail, or Microsoft, says no.
    Refused,
    /// The customer is to approve it.
    NeedsApproval,
    /// The customer has blocked the person, or deleted the account, which only the customer undoes.
    BlockedByCustomer,
    /// Over a cap, frozen, paused, not fresh, or what it would give was not read; comes by itself when that ends.
    Held,
    /// Tried and failed; tried again.
    Failed,
    /// Gone: read back empty, twice where it was named for removal.
    Removed,
    /// There, and not ours to remove.
    Residual,
    /// Named for removal, and nothing was found; but a part that was asked for was not answered, or not understood, so
    /// that it is not proven. Looked at again.
    Unproven,
    /// Of a kind, or with something in it, that the agent does not know.
    Unsupported,
    /// A state of a later version, as it came: of what is known, it is none.
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

    /// Nothing is left to do, for anyone.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Applied | Self::Removed)
    }
}

/// What is said of a reason that is not known here.
const LATER: &str = "Of a later version than this one.";

macro_rules! reasons {
    ($(#[doc = $meaning:literal] $variant:ident = $word:literal,)*) => {
        /// Why an item stands as it does: one list, the same in reports, the API and the CLI.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $(#[doc = $meaning] $variant,)*
            /// A reason of a later version, as it came.
            Later(Word),
        }

        impl Reason {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// One sentence for people: what this page says of it.
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
    /// Its window opens later.
    NotYetStarted = "NOT_YET_STARTED",
    /// Its window is over.
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
    /// Microsoft could not be reached or failed; tried again.
    CloudUnavailable = "CLOUD_UNAVAILABLE",
    /// Microsoft refused, with the code in the detail.
    CloudRefused = "CLOUD_REFUSED",
    /// Whether a change was made is not known yet; it is looked up, not repeated.
    UnknownOutcome = "UNKNOWN_OUTCOME",
    /// The agent's identity lacks the permission that is named.
    PermissionMissing = "PERMISSION_MISSING",
    /// The tenant does not let applications invite.
    InvitationsClosed = "INVITATIONS_CLOSED",
    /// Defender unified RBAC is not activated in the tenant.
    UnifiedRbacInactive = "UNIFIED_RBAC_INACTIVE",
    /// The tenant has no permission of that name.
    PermissionNotInTenant = "PERMISSION_NOT_IN_TENANT",
    /// Several things of that name are there, and none is ours for certain.
    Ambiguous = "AMBIGUOUS",
    /// The guardrail keeps the plane at `none`.
    GuardrailPlane = "GUARDRAIL_PLANE",
    /// The guardrail does not take this person: mail domain, home tenant, user type or barred.
    GuardrailPerson = "GUARDRAIL_PERSON",
    /// The guardrail does not allow this Azure scope.
    GuardrailScope = "GUARDRAIL_SCOPE",
    /// The guardrail does not allow this Azure role.
    GuardrailRole = "GUARDRAIL_ROLE",
    /// The guardrail does not allow what the role lets people do.
    GuardrailCapability = "GUARDRAIL_CAPABILITY",
    /// The guardrail caps how many operators or groups there may be.
    GuardrailLimit = "GUARDRAIL_LIMIT",
    /// The grant has no end, or lasts longer than the guardrail allows.
    GuardrailLongestGrant = "GUARDRAIL_LONGEST_GRANT",
    /// The guardrail's name prefix is not met.
    GuardrailPrefix = "GUARDRAIL_PREFIX",
    /// The guardrail protects this object.
    GuardrailProtected = "GUARDRAIL_PROTECTED",
    /// The guardrail's review date has passed.
    GuardrailReview = "GUARDRAIL_REVIEW",
    /// The guardrail is missing, unreadable or not for this tenant.
    GuardrailUnreadable = "GUARDRAIL_UNREADABLE",
    /// Over the guardrail's daily cap.
    OverCap = "OVER_CAP",
    /// Within a freeze of the guardrail.
    Frozen = "FROZEN",
    /// The customer has paused the agent.
    Paused = "PAUSED",
    /// The desired state is no longer fresh.
    LeaseOver = "LEASE_OVER",
    /// The provider's history changed; a person confirms first.
    EpochChanged = "EPOCH_CHANGED",
    /// A user of that address was there before us; the customer approves its use.
    AdoptionApproval = "ADOPTION_APPROVAL",
    /// The guardrail asks the customer to approve this capability.
    CapabilityApproval = "CAPABILITY_APPROVAL",
    /// The redeemed identity is not the operator's Entra account.
    IdentityProof = "IDENTITY_PROOF",
    /// The customer disabled the account.
    CustomerBlocked = "CUSTOMER_BLOCKED",
    /// The customer deleted the account: it is restored from the recycle bin, or `entente-agent allow-again` lets it be invited.
    CustomerDeleted = "CUSTOMER_DELETED",
    /// It was there and is missing.
    DriftMissing = "DRIFT_MISSING",
    /// It is there and should not be.
    DriftExtra = "DRIFT_EXTRA",
    /// It is there and differs.
    DriftChanged = "DRIFT_CHANGED",
    /// Not made by this agent.
    NotOurs = "NOT_OURS",
    /// Read back empty for the first time; the second read follows.
    ConfirmingRemoval = "CONFIRMING_REMOVAL",
    /// Some part of the tenant could not be read, so that nothing is claimed of it.
    Unread = "UNREAD",
    /// The guest of that address is our own, made for another home account; the customer deletes it, and it is made anew.
    OtherAccount = "OTHER_ACCOUNT",
    /// The agent's proof was refused: it misses a known account, its times make no sense, or it is not signed.
    ProofRefused = "PROOF_REFUSED",
    /// The proof is of an agent that enrolled after the account was last seen; an administrator vouches for it first.
    AgentUnvouched = "AGENT_UNVOUCHED",
    /// No agent looks at this tenant: it was deleted or offboarded, or has no agent.
    NobodyLooks = "NOBODY_LOOKS",
    /// What was proven gone is there again.
    CameBack = "CAME_BACK",
    /// The agent's disk is full: it blocks leavers, and does nothing else until there is room.
    AgentDiskFull = "AGENT_DISK_FULL",
    /// Microsoft refuses the agent's credential, with its number and words in the detail; a person renews or mends it.
    CredentialRefused = "CREDENTIAL_REFUSED",
    /// The customer takes back, or has taken back, everything that was given (`entente-agent revoke-all`).
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
    /// A sentence for people. Empty when the state says it all.
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
    /// Of a person who is named for removal: every account that is known or was found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<KnownAccount>,
    /// The proof, for an item that was named for removal and is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<RemovalProof>,
    /// Of the desired state that it was compared with.
    pub revision: u64,
    /// When it came into this state.
    pub since: Timestamp,
}

/// One account of a person who is named for removal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KnownAccount {
    /// In the customer's tenant.
    pub id: Guid,
    /// Its user principal name; empty where it was not read.
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
    /// Microsoft says that there is none.
    Gone,
    /// Not read, or not understood.
    Unread,
    /// A state of a later version, as it came: not shut, as far as is known.
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

/// Two reads of everything that was asked for, further apart than Microsoft's replication lag, both answered,
/// understood and empty. Times are Microsoft's own, carried on by a monotonic clock.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RemovalProof {
    /// Since when that removal is named which it proves, as the item says: of an earlier or later one it is no proof.
    #[serde(default)]
    pub named: Timestamp,
    pub first_empty_read: Timestamp,
    pub second_empty_read: Timestamp,
    /// When the last block of one of the accounts was answered; none where nothing was to be blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Timestamp>,
    /// By when Microsoft's own caches have followed and its tokens are dead, by its documentation.
    pub effective_by: Timestamp,
    /// Every account of the person that is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<KnownAccount>,
    /// What was not looked at, so that nothing is claimed of it: what the guardrail closes, and what this version does
    /// not look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<String>,
    /// By the agent's enrolled key, over all of the above.
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

/// What the agent sends: only what changed since the last acknowledged one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Counts up within a connection.
    pub number: u64,
    pub items: Vec<ItemReport>,
    /// Items that are no longer desired and are gone.
    pub forgotten: Vec<ItemKey>,
    /// Present when the agent's own standing changed.
    pub standing: Option<Box<Standing>>,
    /// Drift that is over, the oldest first; said again until a report that has it is acknowledged.
    pub mended: Vec<Mended>,
}

/// Something that was not as it should be, and is again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mended {
    /// Counts up in one agent.
    pub number: u64,
    /// The item; of something extra, the group that it was found in.
    pub key: ItemKey,
    pub reason: Reason,
    /// What was found, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    pub found: Timestamp,
    /// When it was read back as it should be, or what was extra was taken away.
    pub mended: Timestamp,
}

/// How the agent itself stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// Digest, in hex, of the desired state with which the tenant was last compared: what the items' states are of.
    /// Empty before the first.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub compared: String,
    pub paused: bool,
    /// Since when it is, where the agent can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_since: Option<Timestamp>,
    /// Unset where the customer has not asked for it; not known of an agent that is older than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke_all: Option<RevokeAll>,
    /// Why the guardrail cannot be used, if it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardrail_fault: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardrail_fault_since: Option<Timestamp>,
    /// From when on the guardrail gives no new access; not known where it cannot be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_ends: Option<Timestamp>,
    /// Unset before it was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub microsoft: Option<Microsoft>,
    /// SHA-256 of the guardrail file, in hex.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub guardrail: String,
    pub planes: Vec<PlaneStanding>,
    /// Application permissions in the agent's token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<String>,
    /// When the agent's credential to Microsoft ends, where it can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_expires: Option<Timestamp>,
    /// What was found that is no item: an extra member, a right of a leaver that is not ours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// One plane as the agent last compared it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlaneStanding {
    pub plane: Open<Plane>,
    pub mode: Open<PlaneMode>,
    /// When it was last read whole; unset if never in this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<Timestamp>,
    /// Since when what is asked of it is not answered whole; unset while it is, and where nothing is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread_since: Option<Timestamp>,
}

/// Something in the tenant that no item stands for.
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
    /// Of the root under which the state was signed.
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
