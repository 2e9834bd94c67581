//! Refused sign-ins are counted. They have no rows, because anybody can cause them.

/// Reasons are literals, so the metric is bounded.
pub(crate) fn count_refused(reason: &'static str) {
    metrics::counter!("entente_refused_sign_ins_total", "reason" => reason).increment(1);
}
