//! Reports: numbered, merged, and kept until they are acknowledged.

use std::collections::BTreeMap;

use entente_model::report::{ItemState, PlaneStanding};
use entente_model::{Plane, PlaneMode};
use proptest::prelude::*;

use super::*;

fn item(n: u8, state: ItemState, revision: u64) -> ItemReport {
    ItemReport {
        key: format!("group/r{n}/standard").parse().unwrap(),
        state,
        reason: None,
        detail: String::new(),
        object_id: None,
        owned: true,
        redeem_url: None,
        script: None,
        accounts: Vec::new(),
        proof: None,
        revision,
        since: Timestamp::MIN,
    }
}

fn status(items: impl IntoIterator<Item = ItemReport>, verified: i64) -> Arc<Status> {
    let planes = vec![PlaneStanding {
        unread_since: None,
        plane: Plane::Users.into(),
        mode: PlaneMode::Manage.into(),
        verified: Some(Timestamp::from_unix(verified)),
    }];
    let standing = Standing { planes, ..Standing::default() };
    let items = items.into_iter().map(|item| (item.key.clone(), item)).collect();
    Arc::new(Status { items, standing, mended: Vec::new() })
}

const NOW: Duration = Duration::from_secs(100);

/// All reports until there is nothing to report.
fn drain(outbox: &mut Outbox) -> Vec<Report> {
    let mut all = Vec::new();
    while let Some((report, _)) = outbox.next(NOW, 10) {
        outbox.acknowledged(report.number);
        all.push(report);
    }
    all
}

#[test]
fn neither_a_new_revision_nor_a_verified_time_alone_is_news() {
    let mut outbox = Outbox::default();
    outbox.observe(status([item(1, ItemState::Applied, 1)], 1_000), NOW, Duration::ZERO);
    assert_eq!(drain(&mut outbox).len(), 1);
    outbox.observe(status([item(1, ItemState::Applied, 2)], 1_030), NOW, Duration::ZERO);
    assert_eq!(drain(&mut outbox), []);
    outbox.observe(status([item(1, ItemState::Applied, 2)], 1_060), NOW, Duration::ZERO);
    assert_eq!(drain(&mut outbox).len(), 1, "but once a minute it is");
}

#[test]
fn what_is_neither_desired_nor_there_is_forgotten() {
    let mut outbox = Outbox::default();
    outbox.observe(status([item(1, ItemState::Applied, 1), item(2, ItemState::Applied, 1)], 0), NOW, Duration::ZERO);
    drain(&mut outbox);
    outbox.observe(status([item(1, ItemState::Applied, 1)], 0), NOW, Duration::ZERO);
    let reports = drain(&mut outbox);
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].forgotten, [item(2, ItemState::Applied, 1).key]);
}

#[test]
fn a_report_that_nobody_acknowledges_is_sent_anew() {
    let mut outbox = Outbox::default();
    outbox.observe(status([item(1, ItemState::Applied, 1)], 0), NOW, Duration::ZERO);
    let (first, _) = outbox.next(NOW, 10).unwrap();
    assert!(outbox.next(NOW, 10).is_none());
    let (second, full) = outbox.next(outbox.wake().unwrap(), 10).unwrap();
    assert_eq!((first.number, second.number, full), (1, 2, true));
    assert_eq!(first.items, second.items);
    outbox.acknowledged(1);
    assert!(outbox.in_flight.is_some(), "a late answer to the first is not one to the second");
}

fn mended(number: u64) -> Mended {
    let (key, reason) = (item(1, ItemState::Applied, 1).key, entente_model::report::Reason::DriftMissing);
    Mended { number, key, reason, detail: String::new(), found: Timestamp::MIN, mended: Timestamp::MIN }
}

#[test]
fn mended_drift_is_told_until_it_is_acknowledged_and_comes_before_the_states() {
    let mut outbox = Outbox::default();
    let with = |numbers: &[u64]| {
        let status = status([item(1, ItemState::Applied, 1), item(2, ItemState::Applied, 1)], 0);
        Arc::new(Status { mended: numbers.iter().map(|number| mended(*number)).collect(), ..(*status).clone() })
    };
    outbox.observe(with(&[1]), NOW, Duration::ZERO);
    let (first, _) = outbox.next(NOW, 1).unwrap();
    assert_eq!((first.items.len(), first.mended), (1, vec![mended(1)]));
    // The stream breaks, and another thing is mended.
    outbox.restart(false, NOW);
    outbox.observe(with(&[1, 2]), NOW, Duration::ZERO);
    assert_eq!(outbox.told(), 0);
    let reports = drain(&mut outbox);
    let told: Vec<_> = reports.iter().map(|it| it.mended.len()).collect();
    assert_eq!((told, outbox.told()), (vec![2], 2));
    // The loop still has them, and repeats them until they are acknowledged.
    outbox.observe(with(&[1, 2]), NOW, Duration::ZERO);
    assert_eq!(drain(&mut outbox), []);
    // Mended drift alone is enough for a report.
    outbox.observe(with(&[1, 2, 3]), NOW, Duration::ZERO);
    assert_eq!(drain(&mut outbox)[0].mended, [mended(3)]);
}

proptest! {
    /// A control plane that applies what it acknowledges ends with what the agent saw, whatever was lost on the way.
    #[test]
    fn the_control_plane_ends_with_what_the_agent_saw(
        steps in proptest::collection::vec(
            (proptest::collection::btree_map(0..12_u8, 0..13_usize, 0..12), any::<bool>(), any::<bool>(), 1..5_usize),
            1..12,
        ),
    ) {
        let (mut outbox, mut known) = (Outbox::default(), BTreeMap::new());
        let mut last = BTreeMap::new();
        let mut apply = |report: Report, full: bool| {
            if full {
                known.clear();
            }
            known.extend(report.items.into_iter().map(|item| (item.key, item.state)));
            known.retain(|key, _| !report.forgotten.contains(key));
        };
        for (items, arrives, answered, batch) in steps {
            let seen: Vec<_> = items.iter().map(|(n, state)| item(*n, ItemState::ALL[*state], 1)).collect();
            last = seen.iter().map(|item| (item.key.clone(), item.state)).collect();
            outbox.observe(status(seen, 0), NOW, Duration::ZERO);
            if let Some((report, full)) = outbox.next(NOW, batch) {
                let number = report.number;
                if arrives {
                    apply(report, full);
                }
                if arrives && answered {
                    outbox.acknowledged(number);
                } else {
                    // As a broken stream does.
                    outbox.restart(false, NOW);
                }
            }
        }
        while let Some((report, full)) = outbox.next(NOW, 3) {
            let number = report.number;
            apply(report, full);
            outbox.acknowledged(number);
        }
        prop_assert_eq!(known, last);
    }
}
