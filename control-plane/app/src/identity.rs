//! Who may connect and who may call: the rows of principals, agents and enrolment tokens, and the tables of them in memory.

mod row;
mod tables;

pub use row::{AgentRow, Vouch};
pub(crate) use row::{Leaf, PrincipalRow, TokenRow, Used};
pub(crate) use tables::{Consequence, Registry, RegistryChange, Tables};

/// Reasons are literals, so the metric is bounded.
pub(crate) fn count_refused(reason: &'static str) {
    metrics::counter!("entente_refused_sign_ins_total", "reason" => reason).increment(1);
}
