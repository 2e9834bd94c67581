//! Six customers, each with a different difficulty. Their manifests are in `intent/20-tenants.yaml`.

use entente_model::{Plane, PlaneMode};
use entente_tests::{Customer, provider};
use serde_json::json;

use crate::lag::Lag;

/// Short enough to watch. The agents wait longer than the longest simulated lag.
pub const LAG: Lag = Lag { agents: 3, simulated: 1.0 };

/// The customer whose agent starts last.
pub const LATE: &str = "northwind";

/// One customer, its difficulty, and the rights that an analyst has there in the end.
#[derive(Debug)]
pub struct Part {
    pub customer: Customer,
    pub about: &'static str,
    /// Azure roles and Defender roles of an L1 or L2 analyst, once everything permitted is done.
    pub rights: (usize, usize),
}

pub fn cast() -> Vec<Part> {
    let part = |customer, about, rights| Part { customer, about, rights };
    vec![
        part(contoso(), "lets its agent manage all planes", (2, 1)),
        part(fabrikam(), "is throttled: Microsoft answers 429 again and again", (2, 1)),
        part(tailspin(), "does not allow running playbooks", (1, 1)),
        part(wingtip(), "lets only its own people write Defender roles", (2, 0)),
        part(plain(LATE, 5), "has an agent that starts late", (2, 1)),
        part(adatum(), "has Maya as a guest already, and must approve adopting her", (2, 1)),
    ]
}

fn plain(name: &str, number: u32) -> Customer {
    let mut customer = Customer::new(name, number);
    let more = ["readEmailMetadata", "liveResponseBasic", "collectFiles", "manageQuarantine"];
    customer.allow.extend(more.map(str::to_owned));
    // As in production, but shorter: reads lag behind writes, and people take a moment to redeem.
    customer.settings =
        json!({"lag_seconds": LAG.simulated, "defender_lag_seconds": LAG.simulated, "auto_redeem_seconds": 1});
    // A real agent looks every five minutes and so sees a redemption. That is too slow for a demo.
    customer.agent_extra = "recheck_seconds = 1\ncompare_seconds = 5".into();
    customer
}

fn contoso() -> Customer {
    let mut customer = plain("contoso", 1);
    customer.existing_guests = vec![STRANGER.into()];
    customer
}

/// A guest of contoso who has nothing to do with the SOC.
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
