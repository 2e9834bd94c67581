//! `check-guardrail` and `permissions`: what the customer's file says, without an agent or a network.

use std::path::Path;

use entente_planner::consent;
use entente_planner::guardrail::Guardrail;
use entente_planner::permission::{self, System};

use super::Outcome;
use crate::Done;
use crate::guardrail_file::read_text;

pub(super) fn check(file: &Path) -> Outcome {
    let (digest, text) = read_text(file)?;
    let faults = match Guardrail::parse(&text) {
        Err(unreadable) => unreadable.faults,
        Ok(guardrail) => {
            let faults = guardrail.check();
            if faults.is_empty() {
                print!("{}", consent::text(&guardrail, &digest));
                return Ok(Done::Whole);
            }
            faults
        }
    };
    for fault in &faults {
        println!("{fault}");
    }
    Err(format!("{} has {} fault(s); an agent would give nothing by it", file.display(), faults.len()).into())
}

pub(super) fn permissions(file: &Path) -> Outcome {
    let (_, text) = read_text(file)?;
    let guardrail = Guardrail::parse(&text)?;
    for row in permission::needed(&guardrail) {
        let kind = match row.system {
            System::Graph => "Microsoft Graph, application",
            System::Arm => "Azure role at each of azure.scopes",
        };
        println!("{:42} {kind:36} to {}; lets its holder: {}", row.name, row.why, row.reach);
    }
    Ok(Done::Whole)
}
