//! Microsoft's replication lag: how long it really is in the simulated cloud, and for how long the agents believe it to be.

/// What an agent waits in production between the two reads of a removal, in seconds.
pub const PRODUCTION_SECONDS: u32 = 60;

/// One play's lag.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lag {
    /// What the agents wait, in seconds.
    pub agents: u32,
    /// The mean of reads by id, in seconds. One object's is up to half more, and lists lag twice as long.
    pub simulated: f64,
}

impl Lag {
    /// As simulated as may be for agents that wait so long: a quarter, so that the longest is three quarters.
    pub fn below(agents: u32) -> Self {
        Self { agents, simulated: f64::from(agents) / 4.0 }
    }

    /// What a viewer has to know of it.
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
