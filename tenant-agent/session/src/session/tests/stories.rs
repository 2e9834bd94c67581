//! What must hold, as one story each.

use std::collections::BTreeSet;

use entente_model::desired::{Item, ItemBody, ItemKey, Want};
use entente_model::report::{ItemReport, ItemState};
use entente_model::revocation::Cause;
use entente_model::{Timestamp, Windows};
use entente_seal::{Buckets, SealedItem, Statement};

use super::provider::{epoch, groups, v};
use super::*;
use crate::message::{NackKind, Stage, Welcome};

fn holding(provider: &Provider) -> Rig {
    let mut rig = Rig::new();
    rig.live(provider);
    rig.hear(provider.snapshot("1", v(1, 10), &groups(&["l1", "l2"])));
    rig.say(Event::Kept);
    rig
}

fn lease(provider: &Provider, revision: u64, until: u64) -> Inbound {
    provider.leased(v(1, revision), &groups(&["l1", "l2"]), provider::START.plus(Duration::from_secs(until)))
}

fn nack(effects: &[Effect]) -> Option<NackKind> {
    effects.iter().find_map(|effect| match effect {
        Effect::Send(Outbound::Nack { kind, .. }) => Some(*kind),
        _ => None,
    })
}

#[test]
fn a_state_is_accepted_only_once_it_is_on_disk() {
    let provider = Provider::new();
    let mut rig = Rig::new();
    rig.live(&provider);
    let effects = rig.hear(provider.snapshot("1", v(1, 10), &groups(&["l1"])));
    assert_eq!(tell(&effects), "Ack 1 Received; keep state");
    assert_eq!(rig.version(), None);
    let accepted = Effect::Send(Outbound::Ack { nonce: "1".into(), stage: Stage::Accepted });
    assert_eq!(tell(&rig.say(Event::Kept)), tell(&[accepted, Effect::Nudge]));
    assert_eq!(rig.version(), Some(v(1, 10)));
}

#[test]
fn nothing_before_what_was_held_in_an_older_form_is_taken() {
    let provider = Provider::new();
    let former = entente_seal::Held { version: v(1, 10), digest: groups(&["l1"]).digest() };
    let mut rig = Rig::new();
    rig.session = Session::new(Config { former: Some(former), ..config() }, Vec::new(), None).0;
    rig.live(&provider);
    assert_eq!(nack(&rig.hear(provider.snapshot("1", v(1, 9), &groups(&["l1"])))), Some(NackKind::Permanent));
    assert_eq!(nack(&rig.hear(provider.snapshot("2", v(1, 10), &groups(&["l2"])))), Some(NackKind::Permanent));
    assert_eq!(nack(&rig.hear(provider.snapshot("3", v(1, 10), &groups(&["l1"])))), None);
}

#[test]
fn a_change_and_a_snapshot_end_in_the_same_state() {
    let provider = Provider::new();
    let mut rig = holding(&provider);
    let (old, new) = (groups(&["l1", "l2"]), groups(&["l2", "l3"]));
    rig.hear(provider.delta("2", v(1, 20), &old, &new));
    rig.say(Event::Kept);
    let desired = rig.session.view(at(0)).desired.unwrap();
    assert_eq!((desired.version, desired.digest), (v(1, 20), new.digest()));
    let keys: Vec<_> = desired.items.iter().map(|item| item.key.to_string()).collect();
    assert_eq!(keys, ["group/l2/standard", "group/l3/standard"]);
}

#[test]
fn what_another_signed_or_nobody_signed_is_refused_and_the_last_good_state_stays() {
    let provider = Provider::new();
    let (mut stranger, mut neighbour) = (Provider::with_online(9, 9), Provider::new());
    stranger.tenant = provider::CONTOSO;
    neighbour.tenant = Guid::from_u128(7);
    let next = groups(&["l9"]);
    let stripped = |strip: &dyn Fn(&mut entente_seal::Seal)| {
        let mut seal = provider.sealed(v(1, 20), &next);
        strip(&mut seal);
        Inbound::Chunk { nonce: "2".into(), items: next.sorted(), last: true, seal: Some(seal) }
    };
    let bad = [
        stranger.snapshot("2", v(1, 20), &next),
        neighbour.snapshot("2", v(1, 20), &next),
        provider.snapshot("2", v(1, 9), &next),
        provider.snapshot("2", v(1, 10), &next),
        provider.snapshot("2", v(2, 1), &next),
        stripped(&|seal| seal.note = Default::default()),
        stripped(&|seal| seal.note.truncate(seal.note.windows(2).position(|it| it == b"\n\n").unwrap() + 2)),
        stripped(&|seal| seal.path.siblings.clear()),
        stripped(&|seal| {
            let mut bytes = seal.note.to_vec();
            // In the middle of the signature.
            let at = bytes.len() - 60;
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            seal.note = bytes.into();
        }),
        Inbound::Chunk { nonce: "2".into(), items: next.sorted(), last: true, seal: None },
    ];
    for inbound in bad {
        let mut rig = holding(&provider);
        let told = format!("{inbound:?}");
        let effects = rig.hear(inbound);
        assert_eq!(nack(&effects), Some(NackKind::Permanent), "{told}: {}", tell(&effects));
        let view = rig.session.view(at(0));
        assert_eq!(view.desired.unwrap().version, v(1, 10));
        assert!(view.refused.is_some(), "it is said");
        assert!(rig.disk.kept.unwrap().items.digest() == groups(&["l1", "l2"]).digest());
    }
}

#[test]
fn a_state_altered_on_disk_is_not_used_and_the_control_plane_sends_it_anew() {
    let provider = Provider::new();
    let mut disk = holding(&provider).disk;
    disk.kept.as_mut().unwrap().items = groups(&["l1", "l2", "owner"]);
    let (mut rig, effects) = Rig::restarted(disk);
    assert!(tell(&effects).contains("does not verify"), "{}", tell(&effects));
    assert_eq!(rig.version(), None);
    assert_eq!(tell(&rig.greeted()), "Hello 0.0");
    rig.hear(Inbound::Welcome(provider.welcome(0)));
    rig.hear(provider.snapshot("1", v(1, 10), &groups(&["l1", "l2"])));
    rig.say(Event::Kept);
    assert_eq!((rig.version(), rig.session.view(at(0)).refused), (Some(v(1, 10)), None));
}

#[test]
fn a_restart_goes_on_from_disk_at_the_version_that_leases_gave() {
    let provider = Provider::new();
    let mut rig = holding(&provider);
    rig.hear(lease(&provider, 15, 3_600));
    let (mut rig, effects) = Rig::restarted(rig.disk);
    assert!(effects.is_empty(), "{}", tell(&effects));
    assert_eq!(tell(&rig.greeted()), "Hello 1.15 with items");
    assert!(rig.is_fresh(), "by the host's clock, until the control plane tells its own");
}

#[test]
fn a_lease_ends_by_the_control_planes_clock() {
    let provider = Provider::new();
    let mut rig = holding(&provider);
    assert!(!rig.is_fresh(), "no lease yet");
    assert!(tell(&rig.hear(lease(&provider, 10, 3_600))).contains("nudge"));
    rig.uptime = 3_599;
    assert!(rig.is_fresh());
    rig.uptime = 3_600;
    assert!(!rig.is_fresh());
    // Shorter or older ones remove nothing, and bring nothing back.
    rig.uptime = 10;
    rig.hear(lease(&provider, 10, 100));
    assert_eq!(rig.session.view(at(10)).lease_ends, Some(Timestamp::from_unix(3_600)));
}

#[test]
fn a_lease_that_overtakes_its_state_is_taken_once_the_state_is_on_disk() {
    let provider = Provider::new();
    let mut rig = Rig::new();
    rig.live(&provider);
    rig.hear(provider.snapshot("1", v(1, 10), &groups(&["l1", "l2"])));
    assert_eq!(tell(&rig.hear(lease(&provider, 10, 3_600))), "");
    assert!(tell(&rig.say(Event::Kept)).contains("keep lease"));
    assert!(rig.is_fresh());
}

#[test]
fn a_revoked_key_takes_the_freshness_that_it_gave() {
    let mut provider = Provider::new();
    let mut rig = holding(&provider);
    rig.hear(lease(&provider, 10, 3_600));
    rig.say(Event::Closed { error: String::new() });
    rig.uptime += 60;
    provider.state(&Statement::Revocation { serials: [1].into() });
    let effects = tell(&rig.live(&provider));
    assert!(effects.contains("keep 3 statements") && effects.contains("revoked"), "{effects}");
    assert!(!rig.is_fresh());
    assert_eq!(rig.version(), Some(v(1, 10)), "nothing is stripped");
    let other = Provider::with_online(2, 2);
    rig.say(Event::Closed { error: String::new() });
    rig.uptime += 60;
    rig.live(&other);
    rig.hear(lease(&other, 11, 3_600));
    assert!(rig.is_fresh());
}

#[test]
fn a_new_epoch_needs_the_root_keys_word_and_ends_the_old_one() {
    let mut provider = Provider::new();
    let mut rig = holding(&provider);
    let next = groups(&["l1"]);
    assert_eq!(nack(&rig.hear(provider.snapshot("2", v(2, 1), &next))), Some(NackKind::Permanent));
    rig.say(Event::Closed { error: String::new() });
    rig.uptime += 60;
    provider.state(&epoch(2));
    rig.live(&provider);
    assert_eq!(rig.version(), Some(v(1, 10)), "kept until the new history says something");
    // Also after a restart.
    let (mut rig, effects) = Rig::restarted(rig.disk);
    assert!(effects.is_empty(), "{}", tell(&effects));
    assert_eq!(rig.version(), Some(v(1, 10)));
    rig.live(&provider);
    rig.hear(provider.snapshot("1", v(2, 1), &next));
    rig.say(Event::Kept);
    assert_eq!(rig.version(), Some(v(2, 1)));
    assert_eq!(nack(&rig.hear(provider.snapshot("2", v(1, 99), &next))), Some(NackKind::Permanent));
}

#[test]
fn a_snapshot_that_lost_a_part_is_asked_for_again_but_not_for_ever() {
    let provider = Provider::new();
    let mut rig = Rig::new();
    rig.live(&provider);
    let cut = |nonce: &str| provider.parts(nonce, v(1, 10), &groups(&["l1", "l2", "l3"])).remove(2);
    assert_eq!(nack(&rig.hear(cut("1"))), Some(NackKind::Retry));
    assert_eq!(nack(&rig.hear(cut("2"))), Some(NackKind::Permanent));
}

#[test]
fn a_state_over_its_bound_is_refused_before_it_is_whole() {
    let provider = Provider::new();
    let mut rig = Rig::new();
    rig.live(&provider);
    let names: Vec<_> = (0..=entente_model::desired::MAX_ITEMS).map(|n| format!("r{n:05}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let items: Vec<SealedItem> = groups(&names).sorted();
    let chunk = Inbound::Chunk { nonce: "1".into(), items, last: false, seal: None };
    assert_eq!(nack(&rig.hear(chunk)), Some(NackKind::Permanent));
}

#[test]
fn silence_is_death_and_the_agent_dials_again_after_a_while() {
    let provider = Provider::new();
    let mut rig = holding(&provider);
    rig.uptime = 59;
    assert_eq!(tell(&rig.say(Event::Timer)), "");
    rig.uptime = 60;
    assert_eq!(tell(&rig.say(Event::Timer)), "hang up");
    let wake = rig.session.wake().unwrap();
    assert!(wake > Duration::from_secs(60) && wake <= Duration::from_secs(62), "{wake:?}");
    rig.uptime = 62;
    assert_eq!(tell(&rig.say(Event::Timer)), "dial");
    rig.uptime = 92;
    assert_eq!(tell(&rig.say(Event::Timer)), "hang up", "a dial that leads nowhere is given up");
}

#[test]
fn reports_begin_whole_then_say_only_what_changed_and_start_over_when_asked() {
    let provider = Provider::new();
    let mut rig = holding(&provider);
    let mut status = Status::default();
    for name in ["a", "b", "c"] {
        let report = report(name, ItemState::Pending);
        status.items.insert(report.key.clone(), report);
    }
    rig.say(Event::Observed(Arc::new(status.clone())));
    rig.uptime += 1;
    assert_eq!(tell(&rig.say(Event::Timer)), "Report 1 full: 2 items");
    assert_eq!(tell(&rig.say(Event::Timer)), "", "one in flight");
    assert_eq!(tell(&rig.hear(Inbound::ReportAck { number: 1 })), "Report 2: 1 items");
    assert_eq!(tell(&rig.hear(Inbound::ReportAck { number: 2 })), "");
    let changed = report("b", ItemState::Applied);
    status.items.insert(changed.key.clone(), changed);
    rig.say(Event::Observed(Arc::new(status.clone())));
    rig.uptime += 1;
    assert_eq!(tell(&rig.say(Event::Timer)), "Report 3: 1 items");
    // Lost with the stream, so sent again.
    rig.say(Event::Closed { error: String::new() });
    rig.uptime += 60;
    assert!(tell(&rig.live(&provider)).ends_with("Report 1: 1 items"));
    rig.hear(Inbound::ReportAck { number: 1 });
    rig.say(Event::Closed { error: String::new() });
    rig.uptime += 60;
    rig.greeted();
    let welcome = Welcome { resend_reports: true, ..provider.welcome(rig.uptime) };
    assert!(tell(&rig.hear(Inbound::Welcome(welcome))).ends_with("Report 1 full: 2 items"));
}

fn report(name: &str, state: ItemState) -> ItemReport {
    ItemReport {
        key: format!("group/{name}/standard").parse().unwrap(),
        state,
        reason: None,
        detail: String::new(),
        object_id: None,
        owned: false,
        redeem_url: None,
        script: None,
        accounts: Vec::new(),
        proof: None,
        revision: 1,
        since: Timestamp::MIN,
    }
}

#[test]
fn a_state_that_cannot_be_kept_is_shown_beside_the_last_good_one_until_a_newer_one_holds() {
    let provider = Provider::new();
    let (old, new) = (groups(&["l1"]), groups(&["l1", "l2"]));
    let mut rig = Rig::new();
    rig.live(&provider);
    rig.hear(provider.snapshot("1", v(1, 10), &old));
    rig.say(Event::Kept);
    let shown = |rig: &Rig| {
        let view = rig.session.view(at(rig.uptime));
        let revision = |desired: Option<Arc<Desired>>| desired.map(|desired| desired.version.revision);
        (revision(view.desired), revision(view.unkept))
    };
    rig.hear(provider.snapshot("2", v(1, 20), &new));
    rig.say(Event::KeepFailed { error: "full".into() });
    assert_eq!(shown(&rig), (Some(10), Some(20)));
    // Newer, and not a lease of the held state: another state that cannot be stored takes its place.
    rig.hear(provider.snapshot("3", v(1, 30), &new));
    rig.say(Event::KeepFailed { error: "full".into() });
    assert_eq!(shown(&rig), (Some(10), Some(30)));
    // The provider has gone back to the held state.
    rig.hear(provider.leased(v(1, 40), &old, at(1_000).wall));
    assert_eq!(shown(&rig), (Some(40), None));
    rig.hear(provider.snapshot("4", v(1, 50), &new));
    rig.say(Event::KeepFailed { error: "full".into() });
    rig.hear(provider.snapshot("5", v(1, 50), &new));
    rig.say(Event::Kept);
    assert_eq!(shown(&rig), (Some(50), None));
}

#[test]
fn an_agent_that_is_not_known_comes_back_and_one_that_is_revoked_does_not() {
    let provider = Provider::new();
    for (reason, comes_back) in [(GoAwayReason::NotKnown, true), (GoAwayReason::Revoked, false)] {
        let mut rig = Rig::new();
        rig.greeted();
        let told = tell(&rig.hear(Inbound::GoAway { reason, retry_after: Duration::from_secs(300) }));
        assert!(told.contains("alarm") && told.contains("hang up"), "{told}");
        assert_eq!(rig.session.wake().is_some(), comes_back, "{reason:?}");
        if comes_back {
            rig.uptime += 3_600;
            rig.live(&provider);
        }
    }
}

#[test]
fn a_parked_agent_takes_the_leavers_of_another_history_and_nothing_else() {
    let mut provider = Provider::new();
    let mut rig = Rig::new();
    rig.uptime = 10_000;
    rig.live(&provider);
    rig.hear(provider.snapshot("1", v(1, 20), &groups(&["l1"])));
    rig.say(Event::Kept);
    let accepted = rig.disk.kept.as_ref().unwrap().accepted;
    let leaver = |n: u8, seconds: i64| {
        let since = Timestamp::from_unix(accepted.as_unix() + seconds);
        let (cause, actor) = (Cause::Left, "principals/jonas".into());
        let want = Want::Absent { cause, actor, since, known: BTreeSet::new(), addresses: BTreeSet::new() };
        let key: ItemKey = format!("user/nordwall/0b0de000-0000-4000-8000-00000000000{n}").parse().unwrap();
        SealedItem::seal(&Item { key, want, windows: Windows::always(), body: ItemBody::Unknown })
    };
    // One leaves now; one left before the held state was accepted, which contained it.
    let items = groups(&["l1", "l2"]).sorted().into_iter().chain([leaver(1, 60), leaver(2, -600)]);
    let items = Buckets::from_items(items);
    let told = |seal| Inbound::Leavers { nonce: "2".into(), items: items.sorted(), last: true, seal };
    let shown = |rig: &Rig| {
        let view = rig.session.view(at(rig.uptime));
        (view.desired.unwrap().version.revision, view.aside.map(|named| named.len()))
    };
    for forged in [None, Some(provider.sealed(v(1, 10), &groups(&["l1"])))] {
        assert!(tell(&rig.hear(told(forged))).contains("alarm"));
        assert_eq!(shown(&rig), (20, None));
    }
    let heard = tell(&rig.hear(told(Some(provider.sealed(v(1, 10), &items)))));
    assert!(!heard.contains("Ack") && !heard.contains("Nack"), "{heard}");
    assert_eq!(shown(&rig), (20, Some(1)), "older than what is held, and taken for whom it names");
    // The right store is back, and only confirms the held state.
    rig.hear(provider.leased(v(1, 25), &groups(&["l1"]), at(20_000).wall));
    assert_eq!(shown(&rig), (25, None), "a lease of a newer version says itself who works here");
    rig.hear(told(Some(provider.sealed(v(1, 10), &items))));
    rig.hear(provider.snapshot("3", v(1, 30), &groups(&["l1"])));
    rig.say(Event::Kept);
    assert_eq!(shown(&rig), (30, None), "a state that is accepted says itself who works here");

    // A new epoch begins, and then a store from before it is restored.
    provider.state(&epoch(2));
    rig.say(Event::Closed { error: String::new() });
    rig.uptime += 3_600;
    rig.live(&provider);
    rig.hear(provider.snapshot("4", v(2, 1), &groups(&["l1"])));
    rig.say(Event::Kept);
    let now = at(rig.uptime).wall.as_unix() - accepted.as_unix();
    let items = Buckets::from_items([leaver(3, now)]);
    let seal = Some(provider.sealed(v(1, 40), &items));
    rig.hear(Inbound::Leavers { nonce: "5".into(), items: items.sorted(), last: true, seal });
    assert_eq!(shown(&rig), (1, Some(1)), "of an epoch that is over, the leavers");
}
