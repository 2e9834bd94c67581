//! What a role needs, with one variant for each plane: the register of the planes that a role can name.

use serde::{Deserialize, Serialize};

use super::azure::AzureRoles;
use super::defender::DefenderRoles;
use super::entra::EntraRoles;
use super::form::{Form, Mode, Needs};
use crate::intent::check::Faults;
use crate::plane::{Plane, PlaneWord};
use crate::violation::Fault;

/// What the role needs on one plane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Form", into = "Form")]
pub enum RoleItem {
    AzureRoles(AzureRoles),
    DefenderRoles(DefenderRoles),
    EntraRoles(EntraRoles),
    /// As written, where no plane takes it so: with a field of another plane, held in a way that is not carried out, or on a
    /// plane that no role names. It does not pass the check, and gives nothing.
    Refused(Box<Form>),
}

impl From<Form> for RoleItem {
    fn from(form: Form) -> Self {
        match form.plane {
            _ if form.mode != Mode::Active => Self::Refused(form.into()),
            PlaneWord::Plane(Plane::AzureRoles) if is_plain::<AzureRoles>(&form) => {
                Self::AzureRoles(AzureRoles::of(&form))
            }
            PlaneWord::Plane(Plane::DefenderRoles) if is_plain::<DefenderRoles>(&form) => {
                Self::DefenderRoles(DefenderRoles::of(&form))
            }
            PlaneWord::Plane(Plane::EntraRoles) if is_plain::<EntraRoles>(&form) => {
                Self::EntraRoles(EntraRoles::of(&form))
            }
            PlaneWord::Plane(_) | PlaneWord::Reserved(_) => Self::Refused(form.into()),
        }
    }
}

fn is_plain<T: Needs>(form: &Form) -> bool {
    form.filled().iter().all(|field| T::FIELDS.contains(field))
}

impl From<RoleItem> for Form {
    fn from(item: RoleItem) -> Self {
        match item {
            RoleItem::AzureRoles(it) => it.form(),
            RoleItem::DefenderRoles(it) => it.form(),
            RoleItem::EntraRoles(it) => it.form(),
            RoleItem::Refused(form) => *form,
        }
    }
}

impl RoleItem {
    pub fn plane(&self) -> PlaneWord {
        match self {
            Self::AzureRoles(_) => PlaneWord::Plane(Plane::AzureRoles),
            Self::DefenderRoles(_) => PlaneWord::Plane(Plane::DefenderRoles),
            Self::EntraRoles(_) => PlaneWord::Plane(Plane::EntraRoles),
            Self::Refused(form) => form.plane,
        }
    }

    pub(super) fn check(&self, faults: &mut Faults, path: &str) {
        match self {
            Self::AzureRoles(it) => it.check(faults, path),
            Self::DefenderRoles(it) => it.check(faults, path),
            Self::EntraRoles(it) => it.check(faults, path),
            Self::Refused(form) => refused(form, faults, path),
        }
    }
}

/// Reports every fault of an item that no plane accepts.
fn refused(form: &Form, faults: &mut Faults, path: &str) {
    match form.plane {
        PlaneWord::Plane(Plane::AzureRoles) => read_as::<AzureRoles>(form, faults, path),
        PlaneWord::Plane(Plane::DefenderRoles) => read_as::<DefenderRoles>(form, faults, path),
        PlaneWord::Plane(Plane::EntraRoles) => read_as::<EntraRoles>(form, faults, path),
        PlaneWord::Plane(Plane::Users | Plane::Groups | Plane::Memberships) => faults.add(
            &format!("{path}.plane"),
            Fault::Malformed,
            "users, groups and memberships follow from assignments; use defenderRoles, azureRoles or entraRoles",
        ),
        PlaneWord::Reserved(word) => faults.unimplemented(
            &format!("{path}.plane"),
            format!("{word} is not carried out by this version; leave the item out"),
        ),
    }
    if form.mode == Mode::Eligible {
        faults.unimplemented(
            &format!("{path}.mode"),
            "eligible is not carried out by this version, and is never promoted to active",
        );
    }
}

fn read_as<T: Needs>(form: &Form, faults: &mut Faults, path: &str) {
    T::of(form).check(faults, path);
    for field in form.filled().into_iter().filter(|field| !T::FIELDS.contains(field)) {
        let remedy = format!("does not belong to plane {}; remove it", form.plane.word());
        faults.add(&format!("{path}.{field}"), Fault::Conflict, remedy);
    }
}
