//! How a write ended, in short.

use entente_model::report::Reason;
use entente_planner::record::Outcome;

pub(super) fn done(id: Option<String>) -> Outcome {
    Outcome::Done { id, redeem_url: None }
}

pub(super) fn failed(reason: Reason, detail: String) -> Outcome {
    Outcome::Failed { reason, detail, retry_after: None }
}

pub(super) fn not_yet() -> Outcome {
    failed(Reason::Propagation, "Microsoft has not made the object visible everywhere yet".into())
}
