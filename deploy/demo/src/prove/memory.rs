//! How much memory an agent needs, and how many have room. Works on Linux only.

use anyhow::{Result, ensure};
use entente_tests::Fleet;
use serde::Serialize;

/// How much an agent and its share of the simulator and the control plane grow from start to full work: measured, and
/// rounded up.
const GROWTH: u64 = 3;

/// Memory of the fleet's processes, in KiB. Shared memory counts once (Pss).
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Memory {
    pub agents: usize,
    pub agent_kib: u64,
    pub largest_agent_kib: u64,
    pub control_plane_kib: u64,
    /// This program, which is the simulator.
    pub simulator_kib: u64,
    pub free_kib: u64,
}

impl Memory {
    /// The current memory of the running agents.
    pub fn of(fleet: &mut Fleet) -> Option<Self> {
        let names: Vec<String> = fleet.customers.keys().cloned().collect();
        let ids = names.iter().filter_map(|name| fleet.agent(name).ok()?.id());
        let agents: Vec<u64> = ids.collect::<Vec<_>>().into_iter().filter_map(of_process).collect();
        let control_plane = fleet.control_plane().ok()?.id().and_then(of_process)?;
        Some(Self {
            agents: agents.len(),
            agent_kib: agents.iter().sum::<u64>().checked_div(agents.len() as u64)?,
            largest_agent_kib: agents.iter().copied().max()?,
            control_plane_kib: control_plane,
            simulator_kib: of_process(std::process::id())?,
            free_kib: field(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")?,
        })
    }

    /// The number of agents that have room, if each needs as much as these.
    pub fn room(&self) -> u64 {
        self.free_kib / (self.agent_kib * GROWTH).max(1)
    }

    /// Checks that this many more agents have room.
    pub fn ensure_room(&self, agents: usize) -> Result<()> {
        let (room, each) = (self.room(), self.agent_kib * GROWTH / 1024);
        ensure!(
            room >= agents as u64,
            "{agents} agents take up to {each} MiB each, and there is room for {room}: choose fewer with --tenants"
        );
        Ok(())
    }

    pub fn sentence(&self) -> String {
        let mib = |kib: u64| kib / 1024;
        format!(
            "Memory: {} agents take {} MiB each (the largest {}), the control plane {} MiB, the simulated cloud {} MiB; \
             {} MiB are free.",
            self.agents,
            mib(self.agent_kib),
            mib(self.largest_agent_kib),
            mib(self.control_plane_kib),
            mib(self.simulator_kib),
            mib(self.free_kib)
        )
    }
}

fn of_process(id: u32) -> Option<u64> {
    field(&std::fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?, "Pss:")
}

/// `Pss:   1234 kB`.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_said_with_what_does() {
        assert_eq!(field("Rss: 10 kB\nPss:     1234 kB\n", "Pss:"), Some(1234));
        let memory = Memory { agent_kib: 10 << 10, free_kib: 3 << 20, ..Memory::default() };
        assert_eq!(memory.room(), 102);
        memory.ensure_room(102).unwrap();
        let told = memory.ensure_room(300).unwrap_err().to_string();
        assert!(told.contains("room for 102"), "{told}");
    }
}
