//! An honest provider behind a network that loses, repeats, delays and cuts messages, and an agent that is killed now
//! and then.

use entente_seal::Buckets;
use proptest::prelude::*;

use super::provider::{groups, v};
use super::*;

/// What happens to a message, or to the agent.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Arrives,
    Lost,
    Twice,
    /// It arrives after the next one.
    Late,
    /// The stream breaks instead.
    Cut,
    /// The agent is killed once it has arrived: what is not on disk is gone.
    Killed,
    /// The disk is full when it arrives.
    DiskFull,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::Arrives), 1 => Just(Fate::Lost), 1 => Just(Fate::Twice), 1 => Just(Fate::Late),
        1 => Just(Fate::Cut), 1 => Just(Fate::Killed), 1 => Just(Fate::DiskFull),
    ]
}

struct World {
    provider: Provider,
    rig: Rig,
    newest: Version,
    /// States by revision, and revisions that were acknowledged as accepted.
    states: Vec<Buckets>,
    late: Option<Inbound>,
    disk_full: bool,
}

impl World {
    fn new(states: Vec<Buckets>) -> Self {
        let provider = Provider::new();
        Self { provider, rig: Rig::new(), newest: Version::default(), states, late: None, disk_full: false }
    }

    /// Sends an event and acts as the disk. Checks what must always hold.
    fn say(&mut self, event: Event) {
        let before = self.rig.disk.clone();
        let effects = self.rig.say(event);
        if effects.iter().any(|effect| matches!(effect, Effect::Keep(_))) {
            if std::mem::take(&mut self.disk_full) {
                self.rig.disk = before;
                self.say(Event::KeepFailed { error: "full".into() });
            } else {
                self.say(Event::Kept);
            }
        }
        self.check();
    }

    fn check(&mut self) {
        let Some(desired) = self.rig.session.view(at(self.rig.uptime)).desired else { return };
        assert!(desired.version >= self.newest, "never back: {} after {}", desired.version, self.newest);
        self.newest = desired.version;
        let state = &self.states[usize::try_from(desired.version.revision).unwrap() - 1];
        assert_eq!(desired.digest, state.digest(), "only what the provider sealed at {}", desired.version);
    }

    fn hear(&mut self, inbound: Inbound) {
        self.say(Event::Received(inbound));
    }

    fn kill(&mut self) {
        self.rig = Rig::restarted(self.rig.disk.clone()).0;
        self.late = None;
    }

    /// Brings up a live stream.
    fn connect(&mut self) {
        while !self.rig.session.view(at(self.rig.uptime)).connected {
            self.rig.uptime += 60;
            self.say(Event::Timer);
            self.say(Event::Opened { guardrail_digest: String::new() });
            self.hear(Inbound::Welcome(self.provider.welcome(self.rig.uptime)));
        }
    }

    fn befall(&mut self, inbound: Inbound, fate: Fate) {
        match fate {
            Fate::Arrives => self.hear(inbound),
            Fate::Lost => {}
            Fate::Twice => {
                self.hear(inbound.clone());
                self.hear(inbound);
            }
            Fate::Late => return self.late = Some(inbound),
            Fate::Cut => self.say(Event::Closed { error: "cut".into() }),
            Fate::Killed => {
                self.hear(inbound);
                self.kill();
            }
            Fate::DiskFull => {
                self.disk_full = true;
                self.hear(inbound);
                self.disk_full = false;
            }
        }
        if let Some(late) = self.late.take() {
            self.hear(late);
        }
    }
}

fn states() -> impl Strategy<Value = Vec<Buckets>> {
    let names = ["a", "b", "c", "d", "e"];
    let state = proptest::sample::subsequence(names.to_vec(), 1..=5);
    proptest::collection::vec(state.prop_map(|names| groups(&names)), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn nothing_but_the_providers_states_is_believed_and_a_quiet_network_brings_the_newest(
        states in states(),
        fates in proptest::collection::vec(fate(), 0..60),
        deltas: bool,
    ) {
        let mut world = World::new(states.clone());
        let mut fates = fates.into_iter();
        for (n, state) in states.iter().enumerate() {
            world.connect();
            let version = v(1, n as u64 + 1);
            let messages = match n.checked_sub(1) {
                Some(before) if deltas => vec![world.provider.delta("d", version, &states[before], state)],
                _ => world.provider.parts("s", version, state),
            };
            let lease = world.provider.leased(version, state, Timestamp::from_unix(1_000_000));
            for message in messages.into_iter().chain([lease]) {
                world.befall(message, fates.next().unwrap_or(Fate::Arrives));
                world.connect();
            }
        }
        let last = v(1, states.len() as u64);
        world.say(Event::Closed { error: String::new() });
        world.connect();
        world.hear(world.provider.snapshot("end", last, states.last().unwrap()));
        prop_assert_eq!(world.rig.version(), Some(last));
    }
}
