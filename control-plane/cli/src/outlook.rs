//! For a dry run: which of its items guardrails refused in the last reports, and how many items are not known.

use std::collections::BTreeMap;

use entente_proto::access::v1::{Outlook, TenantOutlook};

use crate::impact::{among, count};
use crate::output::{instant, plain};

/// Lines for people.
pub(crate) fn text(outlook: Option<&Outlook>) -> String {
    let Some(outlook) = outlook.filter(|it| it.refused + it.unknown > 0 || !it.tenants.is_empty()) else {
        return String::new();
    };
    let mut text = String::new();
    if !outlook.tenants.is_empty() {
        text.push_str("when they last reported:\n");
        let (alike, own) = alike(&outlook.tenants);
        own.into_iter().for_each(|it| text.push_str(&tenant(it)));
        alike.iter().for_each(|(phase, names)| text.push_str(&many(phase, names)));
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

/// Tenants in the same phase share a line if they are at least so many, and only their phase is told.
const MANY: usize = 4;

/// Those that share a line, by phase, and those with a line of their own.
fn alike(all: &[TenantOutlook]) -> (BTreeMap<&str, Vec<String>>, Vec<&TenantOutlook>) {
    let is_phase_alone = |it: &&TenantOutlook| !it.phase.is_empty() && it.refused + it.over_cap == 0;
    let mut alike: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for it in all.iter().filter(is_phase_alone) {
        alike.entry(&it.phase).or_default().push(it.tenant.clone());
    }
    alike.retain(|_, names| names.len() >= MANY);
    let own = all.iter().filter(|it| !(is_phase_alone(it) && alike.contains_key(it.phase.as_str()))).collect();
    (alike, own)
}

fn many(phase: &str, names: &[String]) -> String {
    let all = i32::try_from(names.len()).unwrap_or(i32::MAX);
    let named = format!("{}{}", count(all, "tenant", "tenants"), among(names, all));
    plain(&format!("  {named}: {phase}; `entente status --phase {}` says why", phase.to_lowercase())) + "\n"
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
    if !it.phase.is_empty() {
        said.push(format!("{}: {}", it.phase, it.explanation));
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
            phase: "GUARDRAIL_FAULT".into(),
            explanation: "line 3\nfabrikam: fine".into(),
            ..Default::default()
        };
        let outlook = Outlook { refused: 2, unknown: 12, tenants: vec![refused], more_tenants: 0 };
        assert_eq!(
            text(Some(&outlook)),
            "when they last reported:\n  tailspin (-): refused 2 of these items, or some like them (GUARDRAIL_CAPABILITY); 1 item \
             is over a daily cap already; GUARDRAIL_FAULT: line 3\u{fffd}fabrikam: fine\nnot known: whether \
             guardrails allow 12 of these items, and what is left of their daily caps; neither is reported\n"
        );
        let unenrolled = |at: usize| TenantOutlook {
            tenant: format!("tenants/t{at}"),
            phase: "UNENROLLED".into(),
            explanation: "no agent".into(),
            ..Default::default()
        };
        let outlook = Outlook { tenants: (1..=4).map(unenrolled).collect(), ..Default::default() };
        assert_eq!(
            text(Some(&outlook)),
            "when they last reported:\n  4 tenants (t1, t2, t3, t4): UNENROLLED; `entente status --phase unenrolled` says why\n"
        );
        assert_eq!(text(Some(&Outlook::default())), "");
        assert_eq!(text(None), "");
    }
}
