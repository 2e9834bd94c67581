//! For a dry run: which of its items guardrails refused in the last reports, and how many items are not known.

use entente_proto::access::v1::{Outlook, TenantOutlook};

use crate::impact::count;
use crate::output::{instant, plain};

/// Lines for people.
pub(crate) fn text(outlook: Option<&Outlook>) -> String {
    let Some(outlook) = outlook.filter(|it| it.refused + it.unknown > 0 || !it.tenants.is_empty()) else {
        return String::new();
    };
    let mut text = String::new();
    if !outlook.tenants.is_empty() {
        text.push_str("when they last reported:\n");
        outlook.tenants.iter().for_each(|it| text.push_str(&tenant(it)));
    }
    if outlook.more_tenants > 0 {
        text.push_str(&format!("  and {}\n", count(outlook.more_tenants, "more tenant", "more tenants")));
    }
    if outlook.unknown > 0 {
        let items = count(outlook.unknown, "of these items", "of these items");
        text.push_str(&format!(
            "not known: whether guardrails allow {items}, and what is left of their daily caps; neither is reported\n"
        ));
    }
    text
}

fn tenant(it: &TenantOutlook) -> String {
    let mut said = Vec::new();
    if it.refused > 0 {
        let items = count(it.refused, "of these items, or one like it", "of these items, or some like them");
        said.push(format!("refused {items} ({})", it.reasons.join(", ")));
    }
    if it.over_cap > 0 {
        said.push(format!("{} over a daily cap already", count(it.over_cap, "item is", "items are")));
    }
    if it.paused {
        said.push("paused".into());
    }
    if !it.guardrail_fault.is_empty() {
        said.push(format!("its guardrail cannot be used: {}", it.guardrail_fault));
    }
    let seen = instant(&it.last_seen_time);
    format!("  {} ({}): {}\n", plain(it.tenant.trim_start_matches("tenants/")), seen, plain(&said.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_d04_a_dry_run_says_what_was_refused_and_what_is_not_known() {
        let refused = TenantOutlook {
            tenant: "tenants/tailspin".into(),
            refused: 2,
            reasons: vec!["GUARDRAIL_CAPABILITY".into()],
            over_cap: 1,
            paused: true,
            guardrail_fault: "line 3\nfabrikam: fine".into(),
            ..Default::default()
        };
        let outlook = Outlook { refused: 2, unknown: 12, tenants: vec![refused], more_tenants: 0 };
        assert_eq!(
            text(Some(&outlook)),
            "when they last reported:\n  tailspin (-): refused 2 of these items, or some like them (GUARDRAIL_CAPABILITY); 1 item \
             is over a daily cap already; paused; its guardrail cannot be used: line 3\u{fffd}fabrikam: fine\nnot known: whether \
             guardrails allow 12 of these items, and what is left of their daily caps; neither is reported\n"
        );
        assert_eq!(text(Some(&Outlook::default())), "");
        assert_eq!(text(None), "");
    }
}
