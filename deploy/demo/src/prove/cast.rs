//! The customers of the proof, and what goes wrong at some of them.

use entente_tests::{Customer, provider};
use serde_json::{Value, json};

use crate::lag::Lag;

/// The leaver.
pub const SAM: &str = "sam";

/// The people, in the order of their numbers. The first owns the squad and works in no tenant.
const PEOPLE: [&str; 5] = ["jonas", "maya", "li", SAM, "rosa"];

/// Fewest and most tenants: one for each part, and as many processes as a large machine has room for.
pub const TENANTS: std::ops::RangeInclusive<i64> = 6..=300;

/// The customer's own account that also has Sam's address.
pub const CONTRACTOR: &str = "contractor@elsewhere.example";

/// What happens at one customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Plain,
    /// Sam tries to replace the customer's agent with his own.
    Forged,
    /// The agent loses a permission, so Microsoft refuses a read.
    Unread,
    /// The agent is frozen.
    Frozen,
    /// The customer itself gave Sam a right.
    Held,
    /// The customer made a second account with Sam's address.
    InvitedAgain,
    /// A contractor's account of the customer has Sam's address among its others.
    Contractor,
}

impl Part {
    pub fn of(customer: &Customer) -> Self {
        match customer.number {
            1 => Self::Forged,
            2 => Self::Unread,
            3 => Self::Frozen,
            4 => Self::Held,
            number if number % 10 == 5 => Self::InvitedAgain,
            number if number % 10 == 6 => Self::Contractor,
            _ => Self::Plain,
        }
    }

    /// The state and the reason with which the removal stays open here. `None` if it is proven.
    pub fn open(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Unread => Some(("UNPROVEN", "PERMISSION_MISSING")),
            Self::Frozen => Some(("PENDING", "")),
            Self::Held => Some(("RESIDUAL", "NOT_OURS")),
            _ => None,
        }
    }

    /// Whether Sam has an account here that the customer made.
    pub fn has_second(self) -> bool {
        matches!(self, Self::InvitedAgain | Self::Contractor)
    }
}

pub fn customers(tenants: u32, lag: Lag) -> Vec<Customer> {
    (1..=tenants).map(|number| customer(number, lag)).collect()
}

fn customer(number: u32, lag: Lag) -> Customer {
    let mut customer = Customer::new(&format!("tenant-{number:03}"), number);
    customer.settings = json!({
        "lag_seconds": lag.simulated,
        "defender_lag_seconds": lag.simulated,
        "auto_redeem_seconds": 1,
        // Microsoft's published budgets.
        "throttle_scale": 1,
    });
    if Part::of(&customer).has_second() {
        customer.existing_guests = vec![CONTRACTOR.into()];
    }
    customer
}

/// A squad of four works as L1 everywhere.
pub fn intent() -> Vec<Value> {
    let mut all: Vec<Value> = (1..).zip(PEOPLE).map(|(number, id)| provider::operator(id, number)).collect();
    all.extend([
        provider::l1_analyst(),
        provider::squad("triage", PEOPLE[0], &PEOPLE[1..]),
        provider::assignment("triage", "triage", "l1-analyst", "nordic", PEOPLE[0]),
    ]);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_fleet_has_every_part() {
        let fewest = u32::try_from(*TENANTS.start()).unwrap();
        let parts: Vec<Part> = customers(fewest, Lag::below(3)).iter().map(Part::of).collect();
        use Part::{Contractor, Forged, Frozen, Held, InvitedAgain, Unread};
        assert_eq!(parts, [Forged, Unread, Frozen, Held, InvitedAgain, Contractor]);
        assert_eq!(parts.iter().filter(|part| part.open().is_some()).count(), 3);
    }
}
