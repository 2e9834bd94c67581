//! Microsoft's replication lag: the real one in the simulated cloud, and the one that the agents wait for.

/// How long an agent in production waits between the two reads of a removal, in seconds.
pub const PRODUCTION_SECONDS: u32 = 60;

/// The lag of one run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lag {
    /// How long the agents wait, in seconds.
    pub agents: u32,
    /// The mean lag of reads by id, in seconds. One object's lag is up to half more, and lists lag twice as long.
    pub simulated: f64,
}

impl Lag {
    /// The longest simulated lag for agents that wait this long: a quarter of it, so the longest lag is three quarters.
    pub fn below(agents: u32) -> Self {
        Self { agents, simulated: f64::from(agents) / 4.0 }
    }

    /// What a viewer has to know about it.
    pub fn sentence(self) -> String {
        let Self { agents, simulated } = self;
        let told = format!("Simulated lag {simulated} s, agents wait {agents} s");
        match agents {
            PRODUCTION_SECONDS => format!("{told}, as in production."),
            _ => format!("{told}; production waits {PRODUCTION_SECONDS} s."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shortened_is_said() {
        let short = Lag { agents: 3, simulated: 1.0 };
        assert_eq!(short.sentence(), "Simulated lag 1 s, agents wait 3 s; production waits 60 s.");
        assert_eq!(Lag::below(60).sentence(), "Simulated lag 15 s, agents wait 60 s, as in production.");
    }

    #[test]
    fn the_longest_simulated_lag_is_shorter_than_what_agents_wait() {
        for agents in [1, 3, 60] {
            assert!(Lag::below(agents).simulated * 1.5 * 2.0 < f64::from(agents));
        }
    }
}
