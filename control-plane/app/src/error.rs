//! Why an operation was refused, in words that are fit for a stranger; what is internal stays in `source`.
//!
//! Knows nothing about gRPC: its one file of statuses maps these.

use std::error::Error;

use entente_model::violation::Fault;
use entente_model::{AgentName, PrincipalName, TenantName, Timestamp, Violation};
use entente_store::{CommitError, CommitWithError, ReadError};

use crate::api_role::ApiRole;
use crate::rows::RowError;

/// The cause of an internal error, for the log.
pub type Cause = Box<dyn Error + Send + Sync>;

/// What an operation returns.
pub type Result<T, E = AppError> = std::result::Result<T, E>;

/// Why an operation was refused.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error("{resource} does not exist{}", .nearest.as_ref().map(|name| format!("; is {name} meant?")).unwrap_or_default())]
    NotFound {
        resource: String,
        /// Of the request; empty where it has one name only.
        field: &'static str,
        /// What may have been meant.
        nearest: Option<String>,
    },
    #[error("{resource} exists already; update it, or choose another name")]
    AlreadyExists { resource: String },
    /// Wrong by itself.
    #[error("{}", listed("the request is not well formed", .0))]
    Invalid(Vec<Violation>),
    /// Well formed, and in contradiction with other resources.
    #[error("{}", listed("the request contradicts other resources", .0))]
    Contradicts(Vec<Violation>),
    #[error("{}", listed("the request asks for what this version does not carry out", .0))]
    Unimplemented(Vec<Violation>),
    #[error("{resource} has changed since; read it again and repeat the change")]
    StaleEtag { resource: String },
    #[error("this needs the role {}; ask an admin", .needs.word())]
    Denied { needs: ApiRole },
    #[error("{principal} decides nothing in its own case: {text}; ask another person")]
    OwnCase { principal: PrincipalName, text: String },
    #[error(
        "{tenant} has a live agent, {agent}, which another would displace; an admin makes a token for that: \
         `entente tokens create {} --replace`", .tenant.id()
    )]
    AgentLives { tenant: TenantName, agent: AgentName },
    #[error("{tenant} has a live agent, {agent}, and to delete the tenant revokes it: ask an admin")]
    RevokesAgent { tenant: TenantName, agent: AgentName },
    #[error("the certificate names no principal or agent that may sign in")]
    Unauthenticated,
    /// One answer for every reason: a stranger must not learn which tokens exist.
    #[error("the enrolment token cannot be used; ask the service provider for a new one")]
    EnrolmentRefused,
    #[error("the certificate is renewed from {from} on; until then it is good as it is")]
    RenewalEarly { from: Timestamp },
    #[error("the request id was used for another request; choose a new one")]
    RequestIdReused,
    #[error("the request is too large: at most {limit} {what}; split it")]
    TooLarge { what: &'static str, limit: usize },
    #[error("the agent of {tenant} is not connected, or does not answer; try again later")]
    Offline { tenant: TenantName },
    #[error("the agent of {tenant} was asked to look {most} times within a minute; wait a minute, then ask again")]
    TooOften { tenant: TenantName, most: usize },
    #[error("the agent of {tenant} has no plan: {error}")]
    NoPlan { tenant: TenantName, error: String },
    #[error("{principal} is the last admin; make another first: `entente principals create NAME --role admin`")]
    LastAdmin { principal: PrincipalName },
    #[error(
        "nothing was changed, because it cannot be signed: the online key's delegation ended {ended}, so that no agent would \
         take it; make a new one with `entente-control-plane delegate`, send SIGHUP to the server, then repeat this"
    )]
    CannotSign { ended: Timestamp },
    /// The commit may have happened. A repeat with the same request id finds out.
    #[error("the change could not be confirmed; repeat it with the same request id")]
    Unconfirmed(#[source] Cause),
    #[error("the disk of the control plane is full, and nothing was changed; make room on it, then repeat this")]
    DiskFull(#[source] Cause),
    /// As after [`AppError::Unconfirmed`].
    #[error(
        "the disk of the control plane is full, and the change could not be confirmed; make room on it, then see whether the change is there, and repeat it if not"
    )]
    DiskFullUnconfirmed(#[source] Cause),
    #[error("an internal error; the server's log has it")]
    Internal(#[source] Cause),
}

fn listed(what: &str, violations: &[Violation]) -> String {
    let mut text = what.to_owned();
    for violation in violations.iter().take(MAX_LISTED) {
        text.push_str("; ");
        text.push_str(&violation.to_string());
    }
    if violations.len() > MAX_LISTED {
        text.push_str(&format!("; and {} more", violations.len() - MAX_LISTED));
    }
    text
}

/// A status message travels in a header of some 8 KiB; the whole list goes beside it.
const MAX_LISTED: usize = 5;

impl AppError {
    pub(crate) fn not_found(resource: impl ToString) -> Self {
        Self::NotFound { resource: resource.to_string(), field: "", nearest: None }
    }

    pub(crate) fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal(cause.into())
    }

    /// The word that programs see.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "NOT_FOUND",
            Self::AlreadyExists { .. } => "ALREADY_EXISTS",
            Self::Invalid(_) => "INVALID",
            Self::Contradicts(_) => "CONTRADICTS",
            Self::Unimplemented(_) => "UNIMPLEMENTED",
            Self::StaleEtag { .. } => "STALE_ETAG",
            Self::Denied { .. } | Self::RevokesAgent { .. } => "ROLE_MISSING",
            Self::OwnCase { .. } => "OWN_CASE",
            Self::AgentLives { .. } => "AGENT_LIVES",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::EnrolmentRefused => "ENROLMENT_REFUSED",
            Self::RenewalEarly { .. } => "RENEWAL_EARLY",
            Self::RequestIdReused => "REQUEST_ID_REUSED",
            Self::TooLarge { .. } => "TOO_LARGE",
            Self::Offline { .. } => "AGENT_OFFLINE",
            Self::TooOften { .. } => "TOO_OFTEN",
            Self::NoPlan { .. } => "NO_PLAN",
            Self::LastAdmin { .. } => "LAST_ADMIN",
            Self::CannotSign { .. } => "DELEGATION_ENDED",
            Self::Unconfirmed(_) | Self::DiskFullUnconfirmed(_) => "UNCONFIRMED",
            Self::DiskFull(_) => "DISK_FULL",
            Self::Internal(_) => "INTERNAL",
        }
    }

    /// Faults as they are told apart: what is not carried out yet is its own answer, but only if nothing else is wrong.
    pub(crate) fn of_shape(violations: Vec<Violation>) -> Result<()> {
        if violations.is_empty() { Ok(()) } else { Err(Self::split(violations, Self::Invalid)) }
    }

    pub(crate) fn of_whole(violations: Vec<Violation>) -> Self {
        Self::split(violations, Self::Contradicts)
    }

    fn split(violations: Vec<Violation>, otherwise: fn(Vec<Violation>) -> Self) -> Self {
        let later = violations.iter().all(|violation| violation.reason == Fault::Unimplemented);
        if later { Self::Unimplemented(violations) } else { otherwise(violations) }
    }
}

impl From<ReadError> for AppError {
    fn from(error: ReadError) -> Self {
        Self::internal(error)
    }
}

impl From<RowError> for AppError {
    fn from(error: RowError) -> Self {
        Self::internal(error)
    }
}

impl From<CommitError> for AppError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::TooManyKeys { .. } => {
                Self::TooLarge { what: "rows in one change", limit: entente_store::MAX_COMMIT_KEYS }
            }
            CommitError::TooManyBytes { .. } | CommitError::ValueTooLarge { .. } => {
                Self::TooLarge { what: "bytes in one change", limit: entente_store::MAX_COMMIT_BYTES }
            }
            error @ CommitError::Full { .. } => Self::DiskFull(error.into()),
            error @ CommitError::FullUnknown { .. } => Self::DiskFullUnconfirmed(error.into()),
            error if error.nothing_applied() => Self::internal(error),
            error => Self::Unconfirmed(error.into()),
        }
    }
}

impl From<CommitWithError<Self>> for AppError {
    fn from(error: CommitWithError<Self>) -> Self {
        match error {
            CommitWithError::Refused(refused) => refused,
            CommitWithError::Commit(error) => error.into(),
        }
    }
}
