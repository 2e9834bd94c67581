//! The beginning of a stream: which agents are let in, whether an agent comes from this history, what it holds, and which stream
//! was here before.

use std::sync::Arc;
use std::time::Duration;

use entente_model::desired::Version;
use entente_model::report::Accepted;
use entente_model::{AgentName, GoAwayReason, Timestamp};
use entente_seal::Signed;

use super::Streams;
use super::inbox::Inbox;
use super::outbox::Outbox;
use crate::channel::{Channel, Connection, LONG_RETRY, Parked, Refused};
use crate::error::{AppError, Result};
use crate::history::{Decision, EventKind, Happening};
use crate::identity::{AgentRow, RegistryChange, count_refused};
use crate::pki::{Peer, Who};
use crate::rows;

/// The protocol that this server speaks.
const PROTOCOL: u32 = 1;

/// Longest text of a `Hello`: a UUID, a version, a hash, each with room to grow.
const MAX_HELLO_TEXT: usize = 128;

/// How long an agent stays away when it or we cannot go on at once.
const RETRY: Duration = Duration::from_secs(5);

/// What an agent is, and where it stands.
#[derive(Debug, Clone)]
pub struct Hello {
    pub protocol_min: u32,
    pub protocol_max: u32,
    pub build: String,
    /// Of this run of the agent.
    pub boot_id: String,
    /// The state that it holds.
    pub held: Option<Accepted>,
    /// As moved by leases; also when nothing is held any more.
    pub version: Version,
    /// SHA-256 of the guardrail file, in hex.
    pub guardrail: String,
}

/// The answer to `Hello`.
#[derive(Debug, Clone)]
pub struct Welcome {
    pub protocol: u32,
    pub epoch: u64,
    /// The newest store revision.
    pub head: u64,
    pub server_time: Timestamp,
    pub statements: Arc<[Signed]>,
    pub ping: Duration,
    pub report_batch: u32,
    pub report_interval: Duration,
    /// Why nothing will be sent until a person acts.
    pub parked: Option<String>,
    /// Whether the agent should report every item anew.
    pub resend_reports: bool,
}

/// A stream that was admitted.
#[derive(Debug)]
pub struct Connected {
    pub welcome: Welcome,
    pub inbox: Inbox,
    pub outbox: Outbox,
}

impl Streams {
    /// Admits an agent's stream, displacing an older one of the same tenant.
    pub(crate) async fn connect(self: &Arc<Self>, peer: &Peer, hello: Hello) -> Result<Connected, Refused> {
        let refused = |reason, retry_after| Refused { reason, retry_after };
        let agent = self.admit_agent(peer)?;
        if self.history.running.stop.is_cancelled() {
            return Err(refused(GoAwayReason::Shutdown, RETRY));
        }
        if !(hello.protocol_min..=hello.protocol_max).contains(&PROTOCOL) || !hello.is_well_formed() {
            return Err(refused(GoAwayReason::Protocol, LONG_RETRY));
        }
        self.note_first_sight(&agent).await.map_err(|error| match error {
            AppError::Unauthenticated => self.admit_agent(peer).err().unwrap_or(refused(GoAwayReason::NotKnown, RETRY)),
            error => {
                tracing::error!(%agent, ?error, "that an agent has come cannot be kept");
                refused(GoAwayReason::Overloaded, RETRY)
            }
        })?;
        let channel = self.channels.get(&agent.tenant).ok_or(refused(GoAwayReason::NotKnown, LONG_RETRY))?;
        let strange = self.strange(&hello).await.map_err(|error| {
            tracing::error!(%agent, ?error, "a root cannot be looked up");
            refused(GoAwayReason::Overloaded, RETRY)
        })?;
        let now = self.history.now();
        let base = hello.held.as_ref().filter(|_| strange.is_none()).map(|held| (held.version, held.digest));
        let leaf = (peer.into(), peer.not_after);
        let connection = Arc::new(Connection::new(agent, leaf, hello.boot_id.clone(), base, now));
        let parked = strange.clone().map(Parked::History).and_then(|parked| channel.lock().news_of(&parked));
        let welcome = self.admit(&channel, &connection, strange, hello.held, now);
        if let Some(why) = parked {
            self.reports.note(&channel, Happening::new(EventKind::TenantParked, &why)).await;
        }
        // Revoked between the check and now: a revocation looks at the channels after its row is durable.
        if let Err(refused) = self.admit_agent(peer) {
            connection.send_away(refused.reason, refused.retry_after);
        }
        metrics::gauge!("entente_connected_agents").increment(1.0);
        metrics::counter!("entente_streams_total").increment(1);
        self.channels.watchers.changed(&channel.tenant);
        let (streams, running) = (self.clone(), self.history.running.token());
        let inbox = Inbox { streams: streams.clone(), channel: channel.clone(), connection: connection.clone() };
        Ok(Connected { welcome, inbox, outbox: Outbox { streams, channel, connection, _running: running } })
    }

    /// Why an agent cannot be from this history. An older epoch is over by a person's word, so nothing is asked of it.
    async fn strange(&self, hello: &Hello) -> Result<Option<String>> {
        let (held, version) = (hello.held.as_ref(), hello.version);
        let head = self.history.store.revision().0;
        let remedy = "restore the right store, or begin a new epoch with `entente-control-plane new-epoch`";
        if version.epoch > self.history.epoch {
            return Ok(Some(format!(
                "the agent is in epoch {}, this store in {}: {remedy}",
                version.epoch, self.history.epoch
            )));
        }
        if version.epoch < self.history.epoch || version == Version::default() {
            return Ok(None);
        }
        if version.revision > head {
            return Ok(Some(format!(
                "the agent holds revision {}, this store ends at {head}: {remedy}",
                version.revision
            )));
        }
        let Some(held) = held else { return Ok(None) };
        let known = self.history.store.get(&rows::root(held.root)).await?.is_some();
        let text =
            || format!("the agent's state {version} was signed under a root that is not in this store: {remedy}");
        Ok((!known).then(text))
    }

    fn admit(
        &self,
        channel: &Channel,
        connection: &Arc<Connection>,
        strange: Option<String>,
        held: Option<Accepted>,
        now: Timestamp,
    ) -> Welcome {
        let mut state = channel.lock();
        state.displace(connection, now, self.config.clone_window);
        state.parked = match (strange, state.parked.take()) {
            (Some(text), _) => {
                tracing::error!(tenant = %channel.tenant, reason = text, "tenant parked: unknown history");
                Some(Parked::History(text))
            }
            (None, Some(Parked::Clone(text))) => Some(Parked::Clone(text)),
            (None, _) => None,
        };
        if state.parked.is_none() {
            state.reported.accepted = held.clone();
        }
        state.reported.last_seen = Some(now);
        if state.needs_lease(now, self.config.lease / 2) {
            self.channels.leases.add(&channel.tenant);
        }
        let reported = &state.reported;
        let knows = reported.reporter.as_ref() == Some(&connection.agent) && reported.unreadable.is_empty();
        Welcome {
            protocol: PROTOCOL,
            epoch: self.history.epoch,
            head: self.history.store.revision().0,
            server_time: now,
            statements: self.history.stated().statements.clone(),
            ping: self.config.ping,
            report_batch: self.config.report_batch,
            report_interval: self.config.report_interval,
            parked: state.parked.as_ref().map(|parked| parked.reason().to_owned()),
            resend_reports: held.is_some() && !knows,
        }
    }

    /// Which agent connects; or, if it is refused, whether it is to come back: an agent that was revoked, or replaced, is not.
    pub(crate) fn admit_agent(&self, peer: &Peer) -> Result<AgentName, Refused> {
        let revoked = Refused { reason: GoAwayReason::Revoked, retry_after: LONG_RETRY };
        let not_known = Refused { reason: GoAwayReason::NotKnown, ..revoked };
        let refused = |reason, refused| {
            count_refused(reason);
            Err(refused)
        };
        let Who::Agent(name) = &peer.who else { return refused("not_an_agent", revoked) };
        let row = self.registry.tables().agents.get(name).cloned();
        match row {
            None => {
                self.channels.note_unknown(&name.tenant);
                refused("unknown_agent", not_known)
            }
            Some(row) if row.accepts(peer.into(), self.history.epoch_begun) => {
                let is_over = self.history.now() >= peer.not_after;
                if is_over { refused("expired_certificate", not_known) } else { Ok(name.clone()) }
            }
            Some(row) if row.is_forgotten(peer.into()) => {
                self.channels.note_forgotten(name, peer.not_before);
                refused("unknown_certificate", not_known)
            }
            Some(_) => refused("revoked_certificate", revoked),
        }
    }

    /// Notes that an agent has come for the first time: from now on only an admin puts another in its place. Durable
    /// before it is let in, so that no restart takes a live agent for one that never came.
    pub(crate) async fn note_first_sight(&self, name: &AgentName) -> Result<()> {
        if !self.registry.tables().agents.get(name).is_some_and(|row| row.awaited) {
            return Ok(());
        }
        let name = name.clone();
        let note = move |decision: &mut Decision<'_>| {
            let row: AgentRow = decision.read(&rows::agent(&name))?.ok_or(AppError::Unauthenticated)?;
            if row.revoked.is_some() {
                return Err(AppError::Unauthenticated);
            }
            if row.awaited {
                let row = AgentRow { awaited: false, ..row };
                decision.register(RegistryChange::Agent(name.clone(), Some(row)));
            }
            Ok(())
        };
        self.history.commit(note).await?;
        Ok(())
    }
}

impl Hello {
    fn is_well_formed(&self) -> bool {
        let texts = [&self.build, &self.boot_id, &self.guardrail];
        !self.boot_id.is_empty() && texts.iter().all(|text| text.len() <= MAX_HELLO_TEXT)
    }
}
