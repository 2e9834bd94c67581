//! An item of a role as people write it. It has the fields of all planes; each plane uses its own.

use serde::{Deserialize, Serialize};

use super::condition::Condition;
use super::data_source::DataSource;
use crate::intent::check::Faults;
use crate::nearest::nearest;
use crate::plane::{Plane, PlaneWord};

/// The item as written. [`super::RoleItem`] is what it means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Form {
    pub plane: PlaneWord,
    /// `defenderRoles`: permissions by the names of [`crate::catalog::defender_permission`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<String>,
    /// `defenderRoles`: what the permissions reach.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_sources: Vec<DataSource>,
    /// `azureRoles`: built-in roles by display name, or role definition ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// `azureRoles`: the tenant's symbolic scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// `entraRoles`: a directory role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    #[serde(default)]
    pub mode: Mode,
    /// The item applies only where this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    #[serde(default)]
    pub if_unavailable: IfUnavailable,
}

/// Whether people hold the access all the time, or only while activated. An eligible item never becomes active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    #[default]
    Active,
    Eligible,
}

/// What to do if a tenant cannot deliver the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum IfUnavailable {
    #[default]
    Refuse,
    Degrade,
}

impl Form {
    /// A form without content.
    pub(super) fn of(plane: Plane, when: Option<Condition>, if_unavailable: IfUnavailable) -> Self {
        let plane = PlaneWord::Plane(plane);
        let (permissions, data_sources, roles) = (Vec::new(), Vec::new(), Vec::new());
        let (at, role, mode) = (None, None, Mode::Active);
        Self { plane, permissions, data_sources, roles, at, role, mode, when, if_unavailable }
    }

    /// The names of the fields that have content and that belong to some planes only.
    pub(super) fn filled(&self) -> Vec<&'static str> {
        // Without `..`: the compiler then asks which planes a new field belongs to.
        let Self { plane: _, permissions, data_sources, roles, at, role, mode: _, when: _, if_unavailable: _ } = self;
        let fields = [
            ("permissions", !permissions.is_empty()),
            ("dataSources", !data_sources.is_empty()),
            ("roles", !roles.is_empty()),
            ("at", at.is_some()),
            ("role", role.is_some()),
        ];
        fields.into_iter().filter(|(_, is_filled)| *is_filled).map(|(name, _)| name).collect()
    }
}

/// How one plane reads its part of a role.
pub(super) trait Needs: Sized {
    /// The fields that the plane accepts, as [`Form::filled`] names them.
    const FIELDS: &'static [&'static str];

    fn of(form: &Form) -> Self;

    fn form(self) -> Form;

    fn check(&self, faults: &mut Faults, path: &str);
}

/// The error for a name that the catalogue does not have. It suggests the nearest name, ignoring case.
pub(super) fn unknown(
    text: &str,
    what: &str,
    remedy: &str,
    known: impl Iterator<Item = &'static str> + Clone,
) -> String {
    let lower = nearest(&text.to_lowercase(), known.clone().map(str::to_lowercase));
    let meant = known.into_iter().find(|it| lower.as_ref().is_some_and(|lower| it.to_lowercase() == *lower));
    let meant = meant.map(|it| format!("did you mean {it:?}? Else ")).unwrap_or_default();
    format!("{text:?} is not a known {what}; {meant}{remedy}")
}
