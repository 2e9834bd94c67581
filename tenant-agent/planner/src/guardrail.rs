//! The customer's file: what the agent may do in this tenant. Default deny, unknown keys refused.
//!
//! This is its form and how it is read. What is wrong with a well-formed file is in `guardrail/check.rs`; what it
//! says to one item is asked in `gate.rs`. Where the file lies, and that it is read anew before each plan, is
//! the agent's business.

mod beneath;
mod check;
pub mod lines;
mod plain;
mod sections;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use entente_model::intent::UserType;
use entente_model::violation::{Fault, Violation};
use entente_model::{Date, Guid, Plane, PlaneMode, RESERVED, Timestamp};
use serde::Deserialize;

pub use crate::planes::azure::section::Azure;
pub use crate::planes::entra::section::Entra;
pub(crate) use check::Faults;
use entente_model::capability::Capability;

/// Largest file taken: the longest that makes sense, 1,000 scopes of 60 bytes, and no room for a bomb.
pub const MAX_BYTES: usize = 64 * 1024;

/// The one form that is understood.
pub const FORMAT: u32 = 1;

/// The file, whole.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Guardrail {
    /// Version of the form: [`FORMAT`].
    #[serde(deserialize_with = "plain::count")]
    pub guardrail: u32,
    pub customer: Customer,
    /// Who answers for the file.
    pub owner: String,
    /// Last day on which it gives new access. Removals continue.
    pub review_by: Date,
    pub provider: Provider,
    pub planes: Planes,
    pub people: People,
    #[serde(default)]
    pub capabilities: Capabilities,
    #[serde(default)]
    pub azure: Azure,
    #[serde(default)]
    pub entra: Entra,
    #[serde(default)]
    pub protected: Protected,
    pub limits: Limits,
    /// Who may approve what is asked. Read and kept; approving is not carried out by this version, so that what is
    /// asked stays NEEDS_APPROVAL.
    #[serde(default)]
    pub approvers: Option<Approvers>,
    #[serde(default)]
    pub freeze: Vec<Freeze>,
    #[serde(default)]
    pub provider_silent: Option<ProviderSilent>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Customer {
    pub name: String,
    /// The tenant that the file is for; the file of another is no file.
    pub entra_tenant: Guid,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provider {
    /// The only tenant whose people may be let in.
    pub home_tenant: Guid,
    /// The only domains to which invitations go.
    pub mail_domains: Vec<String>,
    #[serde(default)]
    pub identity_proof: IdentityProof,
    /// The provider's root key, pinned: `ed25519:` and 64 hexadecimal digits. Compared by the agent at enrolment.
    pub state_key: String,
}

/// What a redeemed invitation must show before it is worth anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum IdentityProof {
    /// An Entra account: issuer `ExternalAzureAD` (Entra: B2B user properties). Anything else is blocked.
    #[default]
    EntraOnly,
}

/// How far the agent goes, plane by plane. What is left out is `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Planes {
    pub users: PlaneMode,
    pub groups: PlaneMode,
    pub memberships: PlaneMode,
    pub azure_roles: PlaneMode,
    pub defender_roles: PlaneMode,
    pub cross_tenant_trust: PlaneMode,
    /// Left out, it is `verify` where the file names directory roles: to manage it makes a thief of the agent a Global
    /// Administrator.
    pub entra_roles: Option<PlaneMode>,
    pub pim: PlaneMode,
    pub lighthouse: PlaneMode,
}

impl Planes {
    /// What the file says of the words of [`RESERVED`], in their order.
    pub(crate) fn reserved(&self) -> [(&'static str, PlaneMode); 3] {
        let modes = [self.cross_tenant_trust, self.pim, self.lighthouse];
        std::array::from_fn(|at| (RESERVED[at], modes[at]))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct People {
    pub user_types: Vec<UserType>,
    /// Most accounts that the agent keeps enabled.
    #[serde(deserialize_with = "plain::count")]
    pub max_operators: u32,
    /// Mail addresses or home object ids of people who are not to be let in, and go if they are in.
    #[serde(default)]
    pub barred: Vec<String>,
    #[serde(default)]
    pub adopt_existing: Adopt,
    /// Beside the memberships, which always go.
    #[serde(default)]
    pub on_leave: BTreeSet<OnLeave>,
    /// Whether the agent may look for a leaver's accounts in the tenant's recycle bin, from where a person can restore
    /// them. If not, receipts say that nobody looked.
    #[serde(default = "yes")]
    pub recycle_bin: bool,
}

fn yes() -> bool {
    true
}

/// Whether an account or object that was there before may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Adopt {
    #[default]
    Never,
    Ask,
    Allow,
}

/// What happens to an account of ours that has nothing left to be there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnLeave {
    RevokeSessions,
    Block,
    Delete,
}

impl OnLeave {
    pub fn word(self) -> &'static str {
        match self {
            Self::RevokeSessions => "revokeSessions",
            Self::Block => "block",
            Self::Delete => "delete",
        }
    }
}

/// What roles may let people do. In neither list means never.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Capabilities {
    pub allow: BTreeSet<Capability>,
    pub ask: BTreeSet<Capability>,
    /// Actions of Azure's that are allowed by their own names, whatever they mean: what Microsoft has added to a role
    /// since, and the customer has looked at.
    pub actions: BTreeSet<String>,
}

/// What is never touched.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Protected {
    /// Object ids.
    pub users: BTreeSet<String>,
    /// Object ids.
    pub groups: BTreeSet<String>,
    /// The scope that holds the agent itself: nobody is given a role there, above or below.
    pub agent_home: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// What the names of groups and roles that the agent makes begin with.
    pub name_prefix: String,
    /// Most groups, the marker group not counted.
    #[serde(deserialize_with = "plain::count")]
    pub groups: u32,
    /// Longest window of one grant. Where it is set, a grant without an end is refused.
    #[serde(default)]
    pub longest_grant: Option<Span>,
    pub per_day: PerDay,
}

/// Caps over a rolling day. Leavers and end dates have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PerDay {
    /// People let in.
    #[serde(deserialize_with = "plain::count")]
    pub joiners: u32,
    /// Items changed otherwise.
    #[serde(deserialize_with = "plain::count")]
    pub other_changes: u32,
    /// Items removed because they are no longer in the desired state.
    #[serde(deserialize_with = "plain::count")]
    pub implied_removals: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approvers {
    #[serde(deserialize_with = "plain::count")]
    pub need: u32,
    pub keys: Vec<String>,
    pub expires: Span,
}

/// Days on which nothing changes: from the beginning of `from` to the end of `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Freeze {
    pub from: Date,
    pub to: Date,
    /// What passes all the same, beside leavers and end dates, which always do.
    #[serde(default)]
    pub except: Option<FreezeExcept>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FreezeExcept {
    Removals,
}

/// What to do when the provider has not been heard of for so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderSilent {
    pub after: Span,
    pub then: Silent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Silent {
    /// Say so in the log, the status and the metrics.
    Alarm,
}

/// A length of time as people write it: `24h`, `180d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match (seconds % 86_400, seconds % 3_600, seconds % 60) {
            (0, ..) => write!(f, "{}d", seconds / 86_400),
            (_, 0, _) => write!(f, "{}h", seconds / 3_600),
            (_, _, 0) => write!(f, "{}m", seconds / 60),
            _ => write!(f, "{seconds}s"),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        let wrong = || serde::de::Error::custom(format!("{text:?} is not a length of time: write 45m, 24h or 180d"));
        let unit = match text.chars().last() {
            Some('d') => 86_400,
            Some('h') => 3_600,
            Some('m') => 60,
            _ => return Err(wrong()),
        };
        // Four digits of days are 27 years: more is a slip.
        let count =
            Some(&text[..text.len() - 1]).filter(|digits| digits.len() <= 4).and_then(|d| d.parse::<u64>().ok());
        let count = count.filter(|count| *count > 0).ok_or_else(wrong)?;
        Ok(Self(Duration::from_secs(count * unit)))
    }
}

/// Why the file cannot be used, with everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the guardrail cannot be used: {}", self.words())]
pub struct Unreadable {
    pub faults: Vec<Violation>,
}

impl Unreadable {
    /// What is wrong, for a sentence that says by itself that the file cannot be used.
    pub fn words(&self) -> String {
        self.faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    /// For what happens before there is a text: the file is missing, or cannot be opened.
    pub fn missing(description: impl Into<String>) -> Self {
        Self { faults: vec![Violation::new("guardrail", Fault::Missing, description)] }
    }
}

fn place(line: impl fmt::Display, column: impl fmt::Display) -> String {
    format!("guardrail, line {line}, column {column}")
}

impl Guardrail {
    /// The form alone; [`Self::load`] is what an agent uses.
    ///
    /// # Errors
    ///
    /// Every fault of a file that has not the form, also those that [`Self::check`] would find in the rest of it.
    pub fn parse(yaml: &str) -> Result<Self, Unreadable> {
        let unreadable =
            |field: String, reason, text: String| Unreadable { faults: vec![Violation::new(field, reason, text)] };
        if yaml.len() > MAX_BYTES {
            let text = format!("has {} bytes; at most {MAX_BYTES} are taken", yaml.len());
            return Err(unreadable("guardrail".into(), Fault::TooLarge, text));
        }
        if let Some((line, column)) = plain::tag(yaml) {
            let text = "is a tag, which has no use here; leave it out, or quote the text";
            return Err(unreadable(place(line, column), Fault::Malformed, text.into()));
        }
        Self::read(yaml).map_err(|first| Unreadable {
            faults: check::other_form(yaml).map_or_else(|| sections::faults(yaml, first), |other| vec![other]),
        })
    }

    /// The whole file, or a part of it.
    fn read<T: serde::de::DeserializeOwned>(yaml: &str) -> Result<T, Violation> {
        // Anchors and aliases have no use here, and are what YAML bombs are made of.
        let mut budget = serde_saphyr::Budget::default();
        (budget.max_aliases, budget.max_anchors, budget.max_depth) = (0, 0, 16);
        let options = serde_saphyr::options! { budget: Some(budget), with_snippet: false };
        serde_saphyr::from_str_with_options(yaml, options).map_err(|error| {
            let place = error.location().map(|at| place(at.line(), at.column()));
            // The place is the field; the parser says it once more at the end.
            let text = error.to_string();
            let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text).to_string();
            Violation::new(place.unwrap_or_else(|| "guardrail".into()), Fault::Malformed, text)
        })
    }

    /// The file, if it is well formed, can be enforced whole, and is for this tenant.
    pub fn load(yaml: &str, tenant: Guid) -> Result<Self, Unreadable> {
        let guardrail = Self::parse(yaml)?;
        let mut faults = guardrail.check();
        if guardrail.customer.entra_tenant != tenant {
            let text = format!("is {}; this agent works in {tenant}", guardrail.customer.entra_tenant);
            faults.push(Violation::new("customer.entraTenant", Fault::Conflict, text));
        }
        if faults.is_empty() { Ok(guardrail) } else { Err(Unreadable { faults }) }
    }

    /// Everything that is wrong with a well-formed file, and what to do about it.
    pub fn check(&self) -> Vec<Violation> {
        check::check(self)
    }

    /// The last day on which the file gives new access, also of one that cannot be read otherwise.
    pub fn review_by(yaml: &str) -> Option<Date> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Review {
            review_by: Date,
        }
        Self::read::<Review>(yaml).ok().map(|it| it.review_by)
    }

    pub fn mode(&self, plane: Plane) -> PlaneMode {
        let planes = &self.planes;
        match plane {
            Plane::Users => planes.users,
            Plane::Groups => planes.groups,
            Plane::Memberships => planes.memberships,
            Plane::AzureRoles => planes.azure_roles,
            Plane::DefenderRoles => planes.defender_roles,
            Plane::EntraRoles => planes.entra_roles.unwrap_or(match self.entra.roles.is_empty() {
                true => PlaneMode::None,
                false => PlaneMode::Verify,
            }),
        }
    }

    /// Past the review date it gives no new access.
    pub fn is_past_review(&self, now: Timestamp) -> bool {
        self.review_by.ends() <= now
    }

    /// The freeze that holds now, the strictest if there are several.
    pub fn freeze_at(&self, now: Timestamp) -> Option<&Freeze> {
        let holds = |freeze: &&Freeze| freeze.from.begins() <= now && now < freeze.to.ends();
        self.freeze.iter().filter(holds).min_by_key(|freeze| freeze.except.is_some())
    }
}
