//! The machine at its boundary: every state by every event as one snapshot, stories, and an unreliable network.

mod matrix;
mod network;
mod provider;
mod stories;

use std::time::Duration;

use entente_model::desired::Version;
use entente_model::{GoAwayReason, Guid, Timestamp};
use entente_seal::PublicKey;

use super::state::{Live, Transfer};
use super::*;
use crate::held::Desired;
use provider::Provider;

/// The wall clock shows the provider's time; the dice show the middle.
pub(super) fn at(uptime: u64) -> Now {
    let wall = provider::START.plus(Duration::from_secs(uptime));
    Now { wall, uptime: Duration::from_secs(uptime), dice: u32::MAX / 2 }
}

pub(super) fn config() -> Config {
    Config {
        entra_tenant: provider::CONTOSO,
        root_key: Provider::root_key(),
        build: "test".into(),
        boot_id: "boot-1".into(),
        former: None,
    }
}

/// A session, the disk below it, and the time.
pub(super) struct Rig {
    pub session: Session,
    pub disk: Disk,
    pub uptime: u64,
}

/// What was stored.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    pub kept: Option<Kept>,
    pub statements: Vec<Signed>,
}

impl Rig {
    pub fn new() -> Self {
        Self::restarted(Disk::default()).0
    }

    pub fn restarted(disk: Disk) -> (Self, Vec<Effect>) {
        let (session, effects) = Session::new(config(), disk.statements.clone(), disk.kept.clone());
        (Self { session, disk, uptime: 0 }, effects)
    }

    /// Sends an event, and stores what should be stored without reporting that.
    pub fn say(&mut self, event: Event) -> Vec<Effect> {
        let effects = self.session.on(event, at(self.uptime));
        for effect in &effects {
            match effect {
                Effect::Keep(kept) | Effect::KeepLease(kept) => self.disk.kept = Some((**kept).clone()),
                Effect::KeepStatements(statements) => self.disk.statements.clone_from(statements),
                _ => {}
            }
        }
        effects
    }

    pub fn hear(&mut self, inbound: Inbound) -> Vec<Effect> {
        self.say(Event::Received(inbound))
    }

    pub fn dialled(&mut self) -> &mut Self {
        assert!(matches!(self.say(Event::Timer)[..], [Effect::Dial]));
        self
    }

    pub fn greeted(&mut self) -> Vec<Effect> {
        self.dialled();
        self.say(Event::Opened { guardrail_digest: "g".into() })
    }

    pub fn live(&mut self, provider: &Provider) -> Vec<Effect> {
        self.greeted();
        self.hear(Inbound::Welcome(provider.welcome(self.uptime)))
    }

    pub fn version(&self) -> Option<Version> {
        self.session.view(at(self.uptime)).desired.map(|desired| desired.version)
    }

    pub fn is_fresh(&self) -> bool {
        let now = at(self.uptime);
        self.session.view(now).fresh_until.is_some_and(|until| until > now.uptime)
    }
}

/// Effects in a few words.
pub(super) fn tell(effects: &[Effect]) -> String {
    let word = |effect: &Effect| match effect {
        Effect::Dial => "dial".into(),
        Effect::HangUp => "hang up".into(),
        Effect::Keep(_) => "keep state".into(),
        Effect::KeepLease(_) => "keep lease".into(),
        Effect::KeepStatements(all) => format!("keep {} statements", all.len()),
        Effect::Nudge => "nudge".into(),
        Effect::Plan { nonce } => format!("plan {nonce}"),
        Effect::Alarm(alarm) => format!("alarm: {alarm}"),
        Effect::Send(Outbound::Hello { version, digest, .. }) => {
            format!("Hello {version}{}", if digest.is_some() { " with items" } else { "" })
        }
        Effect::Send(Outbound::Ack { nonce, stage }) => format!("Ack {nonce} {stage:?}"),
        Effect::Send(Outbound::Nack { nonce, kind, errors }) => format!("Nack {nonce} {kind:?} {errors:?}"),
        Effect::Send(Outbound::Report { report, full }) => {
            let full = if *full { " full" } else { "" };
            format!("Report {}{full}: {} items", report.number, report.items.len())
        }
        Effect::Send(Outbound::Pong { number }) => format!("Pong {number}"),
        Effect::Send(Outbound::PlanResult { nonce, .. }) => format!("PlanResult {nonce}"),
    };
    effects.iter().map(word).collect::<Vec<_>>().join("; ")
}

pub(super) fn phase(session: &Session) -> String {
    let mut phase = match &session.link {
        Link::Waiting { until } => format!("Waiting({}s)", until.as_secs_f32()),
        Link::Dialling { .. } => "Dialling".into(),
        Link::Greeting { .. } => "Greeting".into(),
        Link::Live(Live { transfer: Transfer::Gathering(_), .. }) => "Live, gathering".into(),
        Link::Live(Live { parked: Some(_), .. }) => "Live, parked".into(),
        Link::Live(_) => "Live".into(),
        Link::Ended => "Ended".into(),
    };
    if session.keeping.is_some() {
        phase.push_str(", keeping");
    }
    phase
}

#[test]
fn now_moves_with_the_providers_clock() {
    assert_eq!(at(5).wall, Timestamp::from_unix(provider::START.as_unix() + 5));
}
