//! The register of planes: what can be held in a tenant, each in a folder of its own.
//!
//! A plane that is missing here does not compile, nor does an operation that is missing in `tampering`. What everybody
//! really holds is found in `truth`, which asks none of these.

pub mod azure;
pub mod defender;
pub mod entra;
pub mod groups;
pub mod members;
pub mod surface;
pub mod tampering;
pub mod users;

use surface::Surface;

/// In the order in which a tenant is seeded: an account comes before what it is a member of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plane {
    Users,
    Groups,
    Members,
    Azure,
    Defender,
    Entra,
}

impl Plane {
    pub const ALL: [Plane; 6] =
        [Plane::Users, Plane::Groups, Plane::Members, Plane::Azure, Plane::Defender, Plane::Entra];

    pub fn surface(self) -> &'static dyn Surface {
        match self {
            Plane::Users => &users::Users,
            Plane::Groups => &groups::Groups,
            Plane::Members => &members::Members,
            Plane::Azure => &azure::Azure,
            Plane::Defender => &defender::Defender,
            Plane::Entra => &entra::Entra,
        }
    }
}

/// Every plane; a path belongs to one of them at most.
pub fn all() -> impl Iterator<Item = &'static dyn Surface> {
    Plane::ALL.iter().copied().map(Plane::surface)
}
