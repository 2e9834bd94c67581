//! The rest of the control API's vocabulary: faults, barriers, tampering, the call log, and in `truth` the ground
//! truth.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

mod truth;

pub use truth::*;

/// Which requests a fault or barrier concerns. Absent fields match everything.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// Tenant id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Method, in capitals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Regular expression searched in the decoded path and query, such as `^/v1.0/invitations$`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// Something that goes wrong on purpose.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fault {
    #[serde(flatten)]
    pub on: Match,
    pub action: FaultAction,
    /// Strikes this often, then is spent; absent: until cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Lets this many matching requests pass first.
    #[serde(default)]
    pub skip: u64,
    /// Strikes with this probability (default 1), drawn from the simulator's seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
}

/// What a fault does.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultAction {
    /// Answers so without handling. A body that is a string goes out as it is, under the `Content-Type` among the
    /// headers (`text/plain` if there is none): so come the HTML pages of proxies and gateways.
    Answer {
        status: u16,
        #[serde(default)]
        body: Value,
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// Handles, then changes the true answer.
    Bend(Bend),
    /// Handles, then sends the answer's body a byte a second, and after so many seconds the rest at once.
    Drip {
        #[serde(default = "a_minute")]
        seconds: u64,
    },
    /// Waits, then goes on.
    Delay { seconds: f64 },
    /// Cuts the connection; nothing was handled.
    DropBefore,
    /// Handles, then cuts the connection: the answer is lost.
    DropAfter,
    /// An invitation is answered 201, but its user is never created.
    Phantom,
}

impl FaultAction {
    /// A page of HTML, as gateways (503, 504) and proxies (404) send it.
    pub fn page(status: u16, html: &str) -> Self {
        let headers = [("Content-Type".to_owned(), "text/html; charset=utf-8".to_owned())].into();
        FaultAction::Answer { status, body: html.into(), headers }
    }

    /// The 401 of continuous access evaluation: the token is refused before its time, and `claims` says what to ask
    /// for.
    pub fn claims_challenge() -> Self {
        // {"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}
        let claims = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxNzAwMDAwMDAwIn19fQ==";
        let challenge = format!(
            "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
             error=\"insufficient_claims\", claims=\"{claims}\""
        );
        let body = serde_json::json!({"error": {
            "code": "InvalidAuthenticationToken",
            "message": "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp",
            "innerError": {},
        }});
        FaultAction::Answer { status: 401, body, headers: [("WWW-Authenticate".to_owned(), challenge)].into() }
    }
}

fn a_minute() -> u64 {
    60
}

/// Changes to an answer of JSON that went well; a refusal stays as it is.
///
/// Places are JSON pointers (`/value/0/mail`) in which a part may also be `*`, every element, or `name=text`, the
/// elements whose `name` is that text. A place that is not there is left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bend {
    /// Puts a value there; the object that holds it must be there already.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Value>,
    /// Takes away what is there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// Adds one element at the end of the list that is there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub append: BTreeMap<String, Value>,
    /// Another status; with 204 the body goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

/// A fault as it stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FaultState {
    pub id: u64,
    #[serde(flatten)]
    pub fault: Fault,
    pub struck: u64,
}

/// Where a barrier holds a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Received, not handled.
    Before,
    /// Handled, not answered.
    After,
}

/// Holds matching requests until it is released.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Barrier {
    #[serde(flatten)]
    pub on: Match,
    pub when: When,
}

/// A barrier as it stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BarrierState {
    pub id: u64,
    #[serde(flatten)]
    pub barrier: Barrier,
    /// Requests that came to it so far.
    pub arrived: u64,
    /// Requests held now.
    pub held: u64,
}

/// What becomes of the requests that a barrier holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Release {
    /// They go on.
    Proceed,
    /// Their connections are cut; what was not handled never will be.
    Abandon,
}

/// How a guest proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// An account in an Entra tenant.
    Entra,
    /// A one-time passcode sent by mail.
    Otp,
    /// A consumer Microsoft account.
    Msa,
}

/// What an administrator of the tenant might do by hand.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Tamper {
    SetEnabled {
        user: String,
        enabled: bool,
    },
    SetUserProperties {
        user: String,
        properties: Value,
    },
    /// Just these directory roles are what the user holds directly afterwards.
    SetUserEntraRoles {
        user: String,
        roles: Vec<String>,
    },
    DeleteUser {
        user: String,
    },
    AddMember {
        group: String,
        member: String,
    },
    RemoveMember {
        group: String,
        member: String,
    },
    DeleteGroup {
        group: String,
    },
    /// Out of the recycle bin, by id, mail, UPN or display name, as the next two.
    RestoreUser {
        user: String,
    },
    RestoreGroup {
        group: String,
    },
    /// Purges an object from the recycle bin.
    Purge {
        object: String,
    },
    /// At any scope, whether it exists or not. `principal_type` is `User`, `Group` or `ServicePrincipal`; of other
    /// kinds (`Unknown`, `ForeignGroup`, `Device`) the principal need not exist.
    AddAzureAssignment {
        scope: String,
        role: String,
        principal: String,
        principal_type: String,
    },
    /// By the assignment's name (a GUID).
    DeleteAzureAssignment {
        name: String,
    },
    /// Microsoft adds actions to a built-in Azure role (by its id), as it did to several in 2026.
    GrowAzureRole {
        role: String,
        actions: Vec<String>,
    },
    /// Replaces the actions of a Defender role, as the portal would.
    SetDefenderActions {
        role: String,
        actions: Vec<String>,
    },
    AddDefenderRole {
        display_name: String,
        actions: Vec<String>,
    },
    AddDefenderAssignment {
        display_name: String,
        role: String,
        principals: Vec<String>,
        app_scopes: Vec<String>,
    },
    DeleteDefenderRole {
        role: String,
    },
    DeleteDefenderAssignment {
        assignment: String,
    },
    /// A directory role over the whole tenant, by the role's name or its id. The holder is a user, an application or a
    /// group; whether the group may hold one is not asked.
    AddDirectoryRole {
        principal: String,
        role: String,
    },
    /// Whoever gave it.
    RemoveDirectoryRole {
        principal: String,
        role: String,
    },
    /// Microsoft adds actions to a directory role.
    GrowDirectoryRole {
        role: String,
        actions: Vec<String>,
    },
    /// Replaces an application's Graph permissions; tokens already issued keep theirs.
    SetAppPermissions {
        app: String,
        permissions: Vec<String>,
    },
    /// A disabled application gets no more tokens.
    SetAppEnabled {
        app: String,
        enabled: bool,
    },
}

/// One request that was served, or one part of a `$batch`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CallEntry {
    /// Position in the log, from 1, in order of completion.
    pub seq: u64,
    pub time: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Client id of the calling application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// `graph`, `arm` or `token`.
    pub plane: String,
    pub method: String,
    /// Path and query as sent.
    pub path: String,
    /// The JSON sent; never for tokens.
    #[serde(default)]
    pub request: Value,
    pub status: u16,
    pub request_id: String,
    #[serde(default)]
    pub in_batch: bool,
    /// `request_id` of the `$batch` that carried it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// A fault changed what would have happened.
    #[serde(default)]
    pub faulted: bool,
    /// The answer was never sent.
    #[serde(default)]
    pub answer_lost: bool,
    /// The same request had been told by Retry-After to wait longer.
    #[serde(default)]
    pub asked_early: bool,
    /// The client said (header `x-sim-deliberate: true`) that this request is wrong on purpose.
    #[serde(default)]
    pub deliberate: bool,
}

/// A page of the call log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CallPage {
    pub entries: Vec<CallEntry>,
    /// Pass as `since` for the next page.
    pub next: u64,
    /// Entries that had been dropped because the log is bounded.
    pub lost: u64,
}

/// Requests of one tenant since it was seeded; parts of a batch count one by one, as Graph's quota does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    pub tokens: u64,
    pub graph_requests: u64,
    pub graph_reads: u64,
    pub graph_writes: u64,
    pub arm_reads: u64,
    pub arm_writes: u64,
    pub batches: u64,
    pub throttled: u64,
    pub refused: u64,
    /// Requests (by application, method and path) sent again before the Retry-After of the last answer was over.
    #[serde(default)]
    pub asked_early: u64,
}
