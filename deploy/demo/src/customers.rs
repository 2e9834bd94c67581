//! Six customers, each of them a different kind of trouble. Their manifests are in `intent/20-tenants.yaml`.

use entente_model::{Plane, PlaneMode};
use entente_tests::{Customer, provider};
use serde_json::json;

use crate::lag::Lag;

/// As long as people watch: the agents wait longer than the simulated lag ever is.
pub const LAG: Lag = Lag { agents: 3, simulated: 1.0 };

/// Whose agent comes last.
pub const LATE: &str = "northwind";

/// One customer, what is special about it, and what an analyst of ours holds there in the end.
#[derive(Debug)]
pub struct Part {
    pub customer: Customer,
    pub about: &'static str,
    /// Azure roles and Defender roles of an L1 or L2 analyst, once everything is done that may be done.
    pub rights: (usize, usize),
}

pub fn cast() -> Vec<Part> {
    let part = |customer, about, rights| Part { customer, about, rights };
    vec![
        part(contoso(), "lets its agent manage all planes", (2, 1)),
        part(fabrikam(), "is throttled: Microsoft answers 429 again and again", (2, 1)),
        part(tailspin(), "does not allow running playbooks", (1, 1)),
        part(wingtip(), "lets nobody but its own people write Defender roles", (2, 0)),
        part(plain(LATE, 5), "has an agent that starts late", (2, 1)),
        part(adatum(), "has Maya as a guest already, and wants to be asked", (2, 1)),
    ]
}

fn plain(name: &str, number: u32) -> Customer {
    let mut customer = Customer::new(name, number);
    let more = ["readEmailMetadata", "liveResponseBasic", "collectFiles", "manageQuarantine"];
    customer.allow.extend(more.map(str::to_owned));
    // As in life, in small: reads lag behind writes, and people take a moment to redeem.
    customer.settings =
        json!({"lag_seconds": LAG.simulated, "defender_lag_seconds": LAG.simulated, "auto_redeem_seconds": 1});
    // A real agent looks every five minutes, and so learns of a redemption; nobody wants to watch that.
    customer.agent_extra = "recheck_seconds = 1\ncompare_seconds = 5".into();
    customer
}

fn contoso() -> Customer {
    let mut customer = plain("contoso", 1);
    customer.existing_guests = vec![STRANGER.into()];
    customer
}

/// A guest of contoso's who has nothing to do with us.
pub const STRANGER: &str = "stranger@elsewhere.example";

fn fabrikam() -> Customer {
    let mut customer = plain("fabrikam", 2);
    // A fiftieth of Microsoft's published budgets.
    customer.settings["throttle_scale"] = json!(0.02);
    customer
}

fn tailspin() -> Customer {
    let mut customer = plain("tailspin", 3);
    customer.allow.retain(|capability| capability != "runPlaybooks");
    customer
}

fn wingtip() -> Customer {
    plain("wingtip", 4).with_mode(Plane::DefenderRoles, PlaneMode::Verify)
}

fn adatum() -> Customer {
    let mut customer = plain("adatum", 6);
    customer.existing_guests = vec![provider::mail("maya")];
    customer
}
