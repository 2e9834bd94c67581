//! The customer's own switches: what they stop stays as it is, however well everything else is.

use std::path::Path;

use super::check::Check;
use crate::switches::{Positions, Switches};

const NAME: &str = "switches";

pub(super) fn look(state_dir: &Path) -> Vec<Check> {
    let switches = Switches::of(state_dir);
    let positions = match switches.told() {
        Ok(positions) => positions,
        Err(error) => {
            let detail = format!("whether the agent is paused, or takes everything back, cannot be told: {error}");
            return vec![Check::unknown(NAME, detail, "run entente-agent doctor as the user that the agent runs as")];
        }
    };
    let mut checks = Vec::new();
    if positions.paused {
        let since = switches.paused_since().map(|since| format!(" since {since}")).unwrap_or_default();
        let detail =
            format!("paused{since}: nothing is given or taken away, leavers neither, while end dates take effect");
        checks.push(Check::fault(NAME, detail, "entente-agent resume ends the pause"));
    }
    if positions.revoke_all {
        let detail = "revoke-all: everything that the agent gave is taken back, and nothing is given";
        checks.push(Check::fault(NAME, detail, "entente-agent resume ends it, and lets everything come back"));
    }
    if checks.is_empty() {
        checks.push(off(positions));
    }
    checks
}

fn off(positions: Positions) -> Check {
    let revokes = if positions.revokes { "; what the guardrail does not allow is being taken away" } else { "" };
    Check::ok(NAME, format!("neither pause nor revoke-all is on{revokes}"))
}
