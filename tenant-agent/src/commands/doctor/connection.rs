//! Whether the provider takes this agent. A handshake does not say it: who was revoked is turned away after it. A stream of
//! the doctor's own would take the place of the agent's, so that the agent that runs is asked, by what it wrote of itself.

use std::path::Path;

use super::check::Check;
use crate::socket;
use crate::status_file::{AgentStatus, StatusFile};

const NAME: &str = "connection";

/// `None` where nothing was enrolled that could be taken.
pub(super) async fn look(state_dir: &Path, enrolled: bool) -> Option<Check> {
    if !enrolled {
        return None;
    }
    let Ok(Some(running)) = socket::listener(state_dir).await else {
        let detail = "whether the provider takes this agent is known only while the agent runs";
        return Some(Check::unknown(NAME, detail, "start the agent, and run entente-agent doctor again"));
    };
    // What another process wrote is of another time.
    let status = StatusFile::read(state_dir).ok().flatten().filter(|status| running.is(status.pid));
    Some(told(status.as_ref()))
}

fn told(status: Option<&AgentStatus>) -> Check {
    match status {
        Some(status) if status.connected => Check::ok(NAME, "the agent is connected: the provider takes it"),
        Some(status) => {
            let last = status.last_connected.map_or_else(|| "never".to_owned(), |at| at.to_string());
            let detail =
                format!("whether the provider takes this agent is not known: it is not connected, last {last}");
            let remedy = "see the agent's log; if it goes on, ask the provider whether this agent was revoked";
            Check::unknown(NAME, detail, remedy)
        }
        None => Check::unknown(
            NAME,
            "whether the provider takes this agent is not known: the agent that runs has not written how it stands",
            "run entente-agent doctor again when it has looked at the tenant once",
        ),
    }
}
