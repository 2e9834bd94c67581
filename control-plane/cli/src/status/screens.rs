//! The fleet as people see it: three tenants and eighty, on narrow and wide terminals.

use entente_model::Timestamp;
use entente_proto::fleet::v1 as wire;
use wire::TenantPhase::*;
use wire::TenantStatus;

use super::fleet;
use crate::args::SortBy;
use crate::screens::{fits, fitted};

const NOW: i64 = 1_796_126_400;

fn at(seconds_ago: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds: NOW - seconds_ago, nanos: 0 })
}

/// Most tenants are well, as in life; every twentieth is not.
fn tenant(number: usize) -> TenantStatus {
    let (phase, ago, done, why) = match number % 20 {
        3 => (
            CannotSignIn,
            Some(2_460),
            0,
            "the agent cannot sign in at Microsoft since 2026-12-01T11:19:00Z: AADSTS7000112: application is disabled; the customer's move: see to the agent's application and credential in Entra ID",
        ),
        7 => (
            Paused,
            Some(7_200),
            16,
            "the customer paused the agent since 2026-12-01T10:00:00Z: nothing is given or taken away, leavers neither; end dates take effect; the customer's move: `entente-agent resume`",
        ),
        11 => (Partial, None, 16, "2 REFUSED (GUARDRAIL_CAPABILITY); the customer's move: `entente explain` an item"),
        _ => (Converged, None, 18, ""),
    };
    TenantStatus {
        tenant: format!("tenants/{}-{number:02}", ["contoso", "fabrikam", "tailspin", "northwind"][number % 4]),
        phase: phase.into(),
        phase_time: ago.and_then(at),
        explanation: why.into(),
        connected: number % 20 != 7,
        last_seen_time: at(90),
        items: 18,
        done_items: Some(done),
        counts: vec![wire::StateCount { state: "APPLIED".into(), count: done, ..Default::default() }],
        ..Default::default()
    }
}

fn screen(tenants: impl Iterator<Item = usize>, width: u16) -> String {
    let mut all: Vec<TenantStatus> = tenants.map(tenant).collect();
    fleet::sort(&mut all, SortBy::Urgency);
    let shown = fitted(&fleet::list(&all, Timestamp::from_unix(NOW)), width);
    format!("{}\n{shown}", fleet::summary(&all))
}

fits!(three_tenants_fit_every_terminal, [3, 7, 12].into_iter(), 80 => "fleet-3-80.txt", 140 => "fleet-3-140.txt", 200 => "fleet-3-200.txt");
fits!(eighty_tenants_fit_every_terminal, 0..80, 80 => "fleet-80-80.txt", 140 => "fleet-80-140.txt", 200 => "fleet-80-200.txt");
