//! How many connections each port takes, from which peers, and how long a peer may take to show who it is. Every number
//! has its reason.

use std::time::Duration;

use super::port::Port;

/// Twice the fleet that is foreseen for one server, so that a reconnecting fleet fits beside what it replaces.
const MAX_AGENT_CONNECTIONS: usize = 16_000;

/// A SOC has hundreds of people, pipelines and consoles, and each has a connection or two.
const MAX_API_CONNECTIONS: usize = 4_096;

/// A few scrapers, each with a connection or two.
const MAX_METRICS_CONNECTIONS: usize = 64;

/// What the process has open beside connections: the store, the log, sockets, signals and timers are 19 when it has
/// started, and a backup or a scrape takes a few more.
const OWN_DESCRIPTORS: usize = 64;

/// The API's part of the descriptors, where there are too few for all: of 1,024 it has 240 connections, which is a
/// SOC's working day. The agents get the rest.
const API_PART: usize = 4;

/// Connections with one certificate, over all ports, so that no peer takes the places of all. An agent needs one, and a
/// second while it renews or reconnects; a principal may be a pipeline that runs the command line many times at once. Counted by
/// certificate and not by name: connections of a certificate that has ended must not cut its successor's.
const MAX_OF_ONE_CERTIFICATE: usize = 64;

/// Without a certificate an agent only enrols, which is rare: strangers must not take the places of the fleet.
const MAX_ANONYMOUS: usize = 256;

/// From one address or network: a service provider that prepares many agents in one place enrols a few at a time; and
/// it takes eight addresses to reach the bound of all.
const MAX_ANONYMOUS_OF_ONE_SOURCE: usize = 32;

/// Enrolling takes a few seconds.
const ANONYMOUS_FOR: Duration = Duration::from_secs(60);

/// A handshake costs one signature. Running more of them at once only slows all of them.
const CONCURRENT_HANDSHAKES: usize = 64;

/// The longest that a handshake keeps others from beginning theirs: our work is a fraction of a millisecond, and the
/// rest is the way to the client and back. One that is farther away goes on beside the next, so that clients who
/// never answer hold a turn for no longer than this.
const TURN: Duration = Duration::from_millis(100);

/// Our own clients give up after ten seconds, and where a whole fleet comes back at once they may need them: the slowest
/// handshake over a poor link took 2 s. It is counted from its turn, so that a busy server does not time
/// clients out. No other client waits meanwhile.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// As long. A client says hello at once, a lost packet is sent again after one second and after three, and a machine
/// that starts many clients takes seconds to come to each. Who is silent costs a place that others can have.
const HELLO_TIMEOUT: Duration = Duration::from_secs(10);

/// How many connections each port takes. Each is a file descriptor, so together they are bounded by the process's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    pub api: usize,
    pub agents: usize,
    pub metrics: usize,
}

impl Default for Places {
    fn default() -> Self {
        Self { api: MAX_API_CONNECTIONS, agents: MAX_AGENT_CONNECTIONS, metrics: MAX_METRICS_CONNECTIONS }
    }
}

impl Places {
    /// The descriptors of a process that takes all connections it is meant to.
    pub fn descriptors_wanted() -> usize {
        OWN_DESCRIPTORS + MAX_API_CONNECTIONS + MAX_METRICS_CONNECTIONS + MAX_AGENT_CONNECTIONS
    }

    /// Shares out what a process may have open. The API's and the metrics port's part is theirs alone: however many
    /// agents come, there are descriptors for the people who have to see to it.
    pub fn within(descriptors: usize) -> Self {
        let left = descriptors.saturating_sub(OWN_DESCRIPTORS);
        let api = (left / API_PART).clamp(1, MAX_API_CONNECTIONS);
        let metrics = (left / API_PART / API_PART).clamp(1, MAX_METRICS_CONNECTIONS);
        let agents = left.saturating_sub(api + metrics).clamp(1, MAX_AGENT_CONNECTIONS);
        Self { api, agents, metrics }
    }

    pub(super) fn of(self, port: Port) -> usize {
        match port {
            Port::Api => self.api,
            Port::Agents => self.agents,
            Port::Metrics => self.metrics,
        }
    }
}

/// What the ports take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub places: Places,
    /// How many with one certificate. A newer one ends the oldest.
    pub of_one_certificate: usize,
    /// How many may be without a client certificate, in all and from one source, and for how long. A newer one ends
    /// the oldest.
    pub anonymous: usize,
    pub anonymous_of_one_source: usize,
    pub anonymous_for: Duration,
    pub hello_timeout: Duration,
    /// How many handshakes are begun at a time.
    pub handshakes: usize,
    pub handshake_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            places: Places::default(),
            of_one_certificate: MAX_OF_ONE_CERTIFICATE,
            anonymous: MAX_ANONYMOUS,
            anonymous_of_one_source: MAX_ANONYMOUS_OF_ONE_SOURCE,
            anonymous_for: ANONYMOUS_FOR,
            hello_timeout: HELLO_TIMEOUT,
            handshakes: CONCURRENT_HANDSHAKES,
            handshake_timeout: HANDSHAKE_TIMEOUT,
        }
    }
}

impl Limits {
    /// From one source, without a finished handshake. Three quarters of a port's places: a whole fleet may come back
    /// at once through one address, and places are left for other sources without any connection losing its own.
    pub(super) fn unfinished_of_one_source(&self, port: Port) -> usize {
        (self.places.of(port) / 4 * 3).max(1)
    }

    /// How long a handshake keeps its turn.
    pub(super) fn turn(&self) -> Duration {
        TURN.min(self.handshake_timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_enough_descriptors_every_port_has_all_its_places() {
        assert_eq!(Places::within(Places::descriptors_wanted()), Places::default());
        assert_eq!(Places::within(1 << 20), Places::default());
    }

    #[test]
    fn with_few_descriptors_agents_leave_some_to_the_people() {
        for descriptors in [80, 256, 1_024, 4_096, 20_000] {
            let places = Places::within(descriptors);
            assert!(OWN_DESCRIPTORS + places.api + places.agents + places.metrics <= descriptors, "{places:?}");
            assert!(places.api * API_PART >= (descriptors - OWN_DESCRIPTORS).min(MAX_API_CONNECTIONS), "{places:?}");
        }
        assert!(Places::within(20_000).agents >= 15_000, "10,000 agents fit, and half of them twice");
        assert_eq!(Places::within(0), Places { api: 1, agents: 1, metrics: 1 });
    }
}
