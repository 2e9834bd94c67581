//! An agent that says far more than an honest one.

use entente_model::report::{Finding, ItemReport, ItemState, Reason, Report, Standing};

use super::agent::Agent;
use super::*;

async fn connected(bed: &Bed, id: &str) -> Agent {
    let mut agent = Agent::enrol(bed, id).await;
    agent.connect(bed).await;
    agent.hear(bed).await;
    agent
}

/// As large as an item may be: 40 KiB.
fn large(agent: &Agent, key: entente_model::desired::ItemKey) -> ItemReport {
    let (link, script) = (Some("https://x.example/".repeat(200)), Some("x".repeat(32 << 10)));
    ItemReport { detail: "y".repeat(4 << 10), redeem_url: link, script, ..agent.item(key, ItemState::Failed) }
}

#[tokio::test]
async fn attacks_d11_an_agent_that_reports_much_fills_neither_memory_nor_disk() {
    const LARGE: usize = 500;
    let bed = Bed::with_sample().await;
    let mut agent = connected(&bed, "contoso").await;
    agent.report_applied().await;
    bed.leave("operators/maya").await;
    agent.hear(&bed).await;
    let key = |n: usize| format!("later/{n:04}").parse().unwrap();
    for n in 0..LARGE / 50 {
        let items = (n * 50..(n + 1) * 50).map(|n| large(&agent, key(n))).collect();
        agent.report(items, Vec::new(), false).await;
    }
    // To the last byte.
    for (from, length) in [(1_000, 4_000), (1_050, 400), (1_100, 130)] {
        let small = |n| ItemReport { detail: "z".repeat(length), ..agent.item(key(n), ItemState::Failed) };
        agent.report((from..from + 50).map(small).collect(), Vec::new(), false).await;
    }
    let all = PageRequest { size: 1_000, ..page() };
    let items = bed.app.reports().list_item_statuses(&viewer(), &agent.tenant, &[], &all).unwrap().items;
    let (mut bytes, mut short) = (0, 0);
    for item in items.iter().map(|item| &item.report).filter(|item| item.key.to_string().starts_with("later/")) {
        bytes += item.detail.len() + item.redeem_url.iter().chain(&item.script).map(String::len).sum::<usize>();
        assert_eq!(item.state, ItemState::Failed);
        let is_less = item.script.is_none() && item.redeem_url.is_none() && item.detail.contains("not kept");
        short += usize::from(is_less);
    }
    assert!(bytes <= 17 << 20, "{bytes} bytes");
    assert!(short > 50, "{short} are shortened");
    let mut rows = (0, None);
    loop {
        let part = bed.app.parts().history.store.scan("status/contoso/", rows.1.as_deref(), 1_000).await.unwrap();
        rows.0 += part.entries.iter().map(|(_, entry)| entry.value.len()).sum::<usize>();
        rows.1 = part.next;
        if rows.1.is_none() {
            break;
        }
    }
    assert!(rows.0 <= 17 << 20, "{} bytes of rows", rows.0);

    // A leaver is proven gone all the same.
    agent.report_removed().await;
    bed.app.parts().removals.settle_told().await.unwrap();
    let open = bed.app.removals().list_removals(&viewer(), None, &page()).await.unwrap().items;
    assert!(open.iter().all(|removal| removal.tenant != agent.tenant), "{open:?}");

    // What goes makes room.
    let forgotten = (0..100).map(key).collect();
    agent.report(Vec::new(), forgotten, false).await;
    agent.report(vec![large(&agent, key(LARGE))], Vec::new(), false).await;
    let items = bed.app.reports().list_item_statuses(&viewer(), &agent.tenant, &[], &all).unwrap().items;
    let last = items.iter().find(|item| item.report.key == key(LARGE)).unwrap();
    assert!(last.report.script.is_some(), "{}", last.report.detail);
}

#[tokio::test]
async fn attacks_d11_findings_without_an_end_fit_into_the_row_of_how_the_agent_stands() {
    let bed = Bed::with_sample().await;
    let mut agent = connected(&bed, "contoso").await;
    let finding = |n| Finding {
        plane: entente_model::Plane::Groups.into(),
        reason: Reason::DriftExtra,
        detail: format!("{n} {}", "\u{1}".repeat(4_000)),
    };
    let standing = Standing { findings: (0..2_000).map(finding).collect(), ..Standing::default() };
    let report = Report { number: 1, standing: Some(Box::new(standing)), ..Report::default() };
    agent.say(Incoming::Report { report, full: false }).await.unwrap();
    let findings = bed.status(&agent.tenant).standing.findings;
    assert_eq!(findings.len(), 2_000);
    assert!(findings[0].detail.len() > 4_000 && findings[1_999].detail.starts_with("1999 "));
}

#[tokio::test]
async fn attacks_d11_an_agent_that_says_much_for_long_waits_and_no_other_does() {
    let bed = Bed::with_sample().await;
    let mut agent = connected(&bed, "contoso").await;
    let mut other = connected(&bed, "fabrikam").await;
    let items = |agent: &Agent| (0..100).map(|n| large(agent, format!("later/{n:04}").parse().unwrap())).collect();
    for _ in 0..8 {
        agent.report(items(&agent), Vec::new(), false).await;
    }
    // From here on nobody waits in truth, and the time that they would wait is counted.
    tokio::time::pause();
    let then = tokio::time::Instant::now();
    other.report_applied().await;
    assert_eq!(then.elapsed(), Duration::ZERO);
    agent.report(items(&agent), Vec::new(), false).await;
    assert!(then.elapsed() > Duration::from_secs(30), "{:?}", then.elapsed());
}
