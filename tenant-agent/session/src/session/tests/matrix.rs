//! Every state of the machine by every event: what it does and its next state, as a readable text.

use std::fmt::Write;

use expect_test::expect_file;

use super::provider::{groups, v};
use super::*;
use crate::message::Welcome;

/// Each way to a state. All are at 100 s of uptime.
fn rigs(provider: &Provider) -> Vec<(&'static str, Rig)> {
    let items = groups(&["l1", "l2"]);
    let mut rigs = Vec::new();
    let mut put = |name, make: &dyn Fn(&mut Rig)| {
        let mut rig = Rig::new();
        rig.uptime = 100;
        make(&mut rig);
        rigs.push((name, rig));
    };
    let keep = |rig: &mut Rig, version| {
        rig.hear(provider.snapshot("1", version, &items));
        rig.say(Event::Kept);
    };
    put("Waiting", &|rig| {
        rig.dialled().say(Event::Closed { error: String::new() });
    });
    put("Dialling", &|rig| {
        rig.dialled();
    });
    put("Greeting", &|rig| drop(rig.greeted()));
    put("Live, nothing held", &|rig| drop(rig.live(provider)));
    put("Live, 1.10 held", &|rig| {
        rig.live(provider);
        keep(rig, v(1, 10));
    });
    put("Live, gathering", &|rig| {
        rig.live(provider);
        keep(rig, v(1, 10));
        rig.hear(provider.parts("2", v(1, 20), &groups(&["l2", "l3"])).remove(0));
    });
    put("Live, keeping", &|rig| {
        rig.live(provider);
        rig.hear(provider.snapshot("1", v(1, 10), &items));
    });
    put("Live, parked", &|rig| {
        rig.greeted();
        rig.hear(Inbound::Welcome(Welcome { parked: Some("a copy".into()), ..provider.welcome(100) }));
    });
    put("Waiting, keeping", &|rig| {
        rig.live(provider);
        rig.hear(provider.snapshot("1", v(1, 10), &items));
        rig.say(Event::Closed { error: String::new() });
    });
    put("Ended", &|rig| {
        rig.live(provider);
        rig.hear(Inbound::GoAway { reason: GoAwayReason::Revoked, retry_after: Duration::ZERO });
    });
    rigs
}

fn events(provider: &Provider) -> Vec<(&'static str, Event)> {
    let (items, next) = (groups(&["l1", "l2"]), groups(&["l2", "l3"]));
    let mut events = vec![
        ("timer", Event::Timer),
        ("opened", Event::Opened { guardrail_digest: String::new() }),
        ("closed", Event::Closed { error: "reset".into() }),
        ("kept", Event::Kept),
        ("keep failed", Event::KeepFailed { error: "disk full".into() }),
        ("observed", Event::Observed(Arc::default())),
        ("planned", Event::Planned { nonce: "p".into(), result: Ok(Vec::new()) }),
        ("certificate renewed", Event::Renewed),
    ];
    let mut hear = |name, inbound| events.push((name, Event::Received(inbound)));
    let welcome = provider.welcome(100);
    hear("Welcome", Inbound::Welcome(welcome.clone()));
    hear("Welcome, protocol 2", Inbound::Welcome(Welcome { protocol: 2, ..welcome.clone() }));
    hear("Welcome, parked", Inbound::Welcome(Welcome { parked: Some("a copy".into()), ..welcome }));
    let mut parts = provider.parts("2", v(1, 20), &next);
    hear("last part of 1.20", parts.remove(1));
    hear("first part of 1.20", parts.remove(0));
    hear("snapshot 1.20", provider.snapshot("3", v(1, 20), &next));
    hear("snapshot 1.9", provider.snapshot("4", v(1, 9), &next));
    hear("snapshot 1.10, other content", provider.snapshot("5", v(1, 10), &next));
    hear("snapshot 1.10 again", provider.snapshot("6", v(1, 10), &items));
    hear("delta to 1.20", provider.delta("7", v(1, 20), &items, &next));
    hear("delta from elsewhere", provider.delta("8", v(1, 20), &groups(&["x"]), &next));
    hear("unreadable state", Inbound::Unreadable { nonce: Some("9".into()), error: "item ? is too large".into() });
    hear("unreadable message", Inbound::Unreadable { nonce: None, error: "an empty message".into() });
    hear("lease of 1.10", provider.leased(v(1, 12), &items, provider::START.plus(Duration::from_secs(3_700))));
    hear("lease of another", provider.leased(v(1, 12), &next, provider::START.plus(Duration::from_secs(3_700))));
    hear("plan request", Inbound::Plan { nonce: "p".into() });
    hear("compare request", Inbound::Compare);
    hear("report ack", Inbound::ReportAck { number: 1 });
    hear("ping", Inbound::Ping { number: 7 });
    for (name, reason) in [
        ("go away: shutdown", GoAwayReason::Shutdown),
        ("go away: displaced", GoAwayReason::Displaced),
        ("go away: revoked", GoAwayReason::Revoked),
        ("go away: clone", GoAwayReason::Clone),
    ] {
        hear(name, Inbound::GoAway { reason, retry_after: Duration::from_secs(5) });
    }
    events
}

#[test]
fn every_state_by_every_event() {
    let provider = Provider::new();
    let mut text = String::new();
    for state in 0..rigs(&provider).len() {
        let name = rigs(&provider)[state].0;
        writeln!(text, "== {name}").unwrap();
        for (event_name, event) in events(&provider) {
            let (_, mut rig) = rigs(&provider).remove(state);
            let before = phase(&rig.session);
            let effects = tell(&rig.say(event));
            let after = phase(&rig.session);
            let moved = if before == after { String::new() } else { format!(" -> {after}") };
            let effects = if effects.is_empty() { "nothing".into() } else { effects };
            writeln!(text, "{event_name}: {effects}{moved}").unwrap();
        }
    }
    expect_file!["matrix.txt"].assert_eq(&text);
}
