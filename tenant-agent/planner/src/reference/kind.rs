//! What a key takes.

use entente_model::PlaneMode;
use entente_model::intent::UserType;

use crate::capability::Capability;
use crate::guardrail::OnLeave;

#[derive(Debug)]
pub enum Kind {
    /// Keys below it.
    Section,
    /// Sections, one after another.
    Sections,
    /// The number of the form.
    Form,
    /// Decimal digits.
    Count,
    Flag,
    Text,
    Guid,
    Date,
    Span,
    Domain,
    /// A root key, or what pins one.
    RootKey,
    Prefix,
    Scope,
    Action,
    /// Names of Azure roles, each with the id of its definition.
    Roles,
    /// Names of directory roles, each with the id of its template.
    EntraRoles,
    /// One of these words.
    Word(fn() -> Vec<&'static str>),
    /// A list of such.
    List(&'static Kind),
}

impl Kind {
    pub fn text(&self) -> String {
        match self {
            Self::Section => "section".into(),
            Self::Sections => "list of sections".into(),
            Self::Form => "the number 1".into(),
            Self::Count => "number, in decimal digits".into(),
            Self::Flag => "`true` or `false`".into(),
            Self::Text => "text".into(),
            Self::Guid => "GUID".into(),
            Self::Date => "day, `2027-03-31`".into(),
            Self::Span => "length of time, `45m`, `24h` or `180d`".into(),
            Self::Domain => "domain".into(),
            Self::RootKey => "`ed25519:` and 64 hexadecimal digits in lower case".into(),
            Self::Prefix => "2 to 16 lower-case letters, digits and hyphens".into(),
            Self::Scope => "ARM scope".into(),
            Self::Action => "an Azure action by its whole name".into(),
            Self::EntraRoles => "names of directory roles, each with its template's GUID".into(),
            Self::Roles => "names of Azure built-in roles, each with its definition's GUID".into(),
            Self::Word(words) => words().iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
            Self::List(kind) => format!("list: {}", kind.text()),
        }
    }

    /// A regular expression of what is taken, where it is a text of a form. It may be narrower than the parser, which takes
    /// `007d`; never wider in what a person would write.
    pub fn pattern(&self) -> Option<&'static str> {
        Some(match self {
            Self::Text => r"\S",
            Self::Guid => "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
            Self::Date => "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
            Self::Span => "^[1-9][0-9]{0,3}[mhd]$",
            Self::Domain => "^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$",
            Self::RootKey => "^ed25519:[0-9a-f]{64}$",
            Self::Prefix => "^[a-z0-9-]{2,16}$",
            Self::Scope => "^/[sS][uU][bB][sS][cC][rR][iI][pP][tT][iI][oO][nN][sS]/[0-9a-fA-F-]{36}(/.+)?$",
            Self::Action => "^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+){2,}$",
            Self::Section
            | Self::Sections
            | Self::Form
            | Self::Count
            | Self::Flag
            | Self::Roles
            | Self::EntraRoles
            | Self::Word(_)
            | Self::List(_) => return None,
        })
    }
}

pub(super) fn modes() -> Vec<&'static str> {
    [PlaneMode::None, PlaneMode::Verify, PlaneMode::Manage].map(PlaneMode::word).to_vec()
}

/// Of a plane that this version does not carry out.
pub(super) fn none() -> Vec<&'static str> {
    vec![PlaneMode::None.word()]
}

pub(super) fn user_types() -> Vec<&'static str> {
    vec![UserType::Guest.word()]
}

pub(super) fn steps() -> Vec<&'static str> {
    [OnLeave::RevokeSessions, OnLeave::Block, OnLeave::Delete].map(OnLeave::word).to_vec()
}

pub(super) fn capabilities() -> Vec<&'static str> {
    Capability::ALL.iter().map(|it| it.word()).collect()
}
