//! Agents: enrolment, renewal, revocation. A tenant has at most one that may connect.

use std::time::Duration;

use entente_model::desired::Digest;
use entente_model::{AgentName, PrincipalName, TenantName, Timestamp};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::audit::Entry;
use crate::caller::{ApiRole, Caller};
use crate::displacement::Vouch;
use crate::error::AppError;
use crate::page::{Page, PageRequest};
use crate::pki::{Peer, RequestedKey, Serial};
use crate::principals::wrong_request;
use crate::registry::RegistryChange;
use crate::replay::{Options, Request};
use crate::rows;
use crate::tokens::{self, TokenRow, Used};
use crate::writer::Draft;

/// What is kept of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AgentRow {
    pub(crate) enrolled: Timestamp,
    pub(crate) serial: Serial,
    /// Of the certificate before: an agent that stops before it has written the new one comes back with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<Serial>,
    /// When the certificate before was last exchanged for this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) renewed: Option<Timestamp>,
    pub(crate) expires: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revoked: Option<Timestamp>,
    /// It has enrolled, and has not been heard of yet. Rows from before this was kept count as heard of.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) awaited: bool,
    /// Who made the token that it enrolled with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) admitted_by: Option<PrincipalName>,
    /// The live agent whose place it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) displaced: Option<AgentName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) vouched: Option<Vouch>,
    /// An admin has seen that it took another's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) acknowledged: Option<Vouch>,
}

impl AgentRow {
    /// Whether it may speak for its tenant, and has: to put another in its place is to revoke it.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && !self.awaited && now < self.expires
    }

    /// Whether it took the place of a live one, and no admin has said a word about it.
    pub(crate) fn is_alarm(&self) -> bool {
        self.displaced.is_some() && self.vouched.is_none() && self.acknowledged.is_none()
    }

    /// Whether a certificate is one of those that this row knows, or is younger than all of them and from before
    /// `begun`, when a person began the present epoch. Only this authority makes such a one, for an agent that showed one
    /// before it: a restored backup has forgotten it. Until the person has spoken, it is not known here.
    pub(crate) fn accepts(&self, leaf: Leaf, begun: Timestamp) -> bool {
        let is_named = self.serial == leaf.serial || self.previous == Some(leaf.serial);
        self.revoked.is_none() && (is_named || (self.is_forgotten(leaf) && leaf.not_before < begun))
    }

    /// Whether it was made after all that this row knows of. What is older was replaced, and has ended by that.
    pub(crate) fn is_forgotten(&self, leaf: Leaf) -> bool {
        self.revoked.is_none() && leaf.not_before > self.renewed.unwrap_or(self.enrolled)
    }
}

/// Of a certificate, what says whether it is accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leaf {
    pub(crate) serial: Serial,
    pub(crate) not_before: Timestamp,
}

impl From<&Peer> for Leaf {
    fn from(peer: &Peer) -> Self {
        Self { serial: peer.serial, not_before: peer.not_before }
    }
}

/// Between two renewals with one certificate. The answer to the first may have been lost, and then an agent comes back
/// after minutes; what asks more often is at fault, and each answer is a signature, a row and a record.
const RENEWAL_PAUSE: Duration = Duration::from_secs(60);

/// When a certificate is renewed: in the second half of its life, in which an agent has days of trying. One that could
/// be renewed at once would let whoever holds it make certificates without an end.
fn renewable_from(peer: &Peer, row: &AgentRow) -> Timestamp {
    let half = peer.not_after.since(peer.not_before) / 2;
    let repeated = row.renewed.filter(|_| row.previous == Some(peer.serial));
    peer.not_before.plus(half).max(repeated.map_or(Timestamp::default(), |last| last.plus(RENEWAL_PAUSE)))
}

/// An enrolled agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    pub name: AgentName,
    pub enrolled: Timestamp,
    pub serial: Serial,
    pub expires: Timestamp,
    pub revoked: Option<Timestamp>,
    pub connected: bool,
    pub last_seen: Option<Timestamp>,
    /// Who made the token that it enrolled with.
    pub admitted_by: Option<PrincipalName>,
    /// The live agent whose place it took.
    pub displaced: Option<AgentName>,
    /// An admin says that it is the customer's.
    pub vouched: Option<Vouch>,
    /// An admin has seen that it took another's place.
    pub acknowledged: Option<Vouch>,
}

/// What an agent sends to enrol.
#[derive(Clone, Copy)]
pub struct EnrollRequest<'a> {
    pub token: &'a str,
    pub csr_pem: &'a str,
    pub entra_tenant: &'a str,
}

impl std::fmt::Debug for EnrollRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EnrollRequest({})", self.entra_tenant)
    }
}

/// What it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    pub agent: AgentName,
    /// Its certificate and the CA's.
    pub certificate_pem: String,
    pub ca_pem: String,
    /// Ed25519.
    pub root_key: [u8; 32],
}

/// A newer certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewed {
    /// The agent's and the CA's.
    pub certificate_pem: String,
    pub ca_pem: String,
}

impl App {
    /// Any agent.
    pub fn get_agent(&self, caller: &Caller, name: &AgentName) -> Result<Agent, AppError> {
        caller.needs(ApiRole::Viewer)?;
        let row = self.inner.registry.tables().agents.get(name).cloned();
        row.map(|row| self.agent(name, &row)).ok_or_else(|| AppError::not_found(name))
    }

    /// Agents by name, of one tenant or of all; revoked ones included.
    pub fn list_agents(
        &self,
        caller: &Caller,
        tenant: Option<&TenantName>,
        page: &PageRequest,
    ) -> Result<Page<Agent>, AppError> {
        caller.needs(ApiRole::Viewer)?;
        let after = page.after::<AgentName>()?;
        let rows = {
            let tables = self.inner.registry.tables();
            let all = tables.agents.iter().filter(|(name, _)| {
                after.as_ref().is_none_or(|after| *name > after) && tenant.is_none_or(|tenant| name.tenant == *tenant)
            });
            Page::of(all.map(|(name, row)| (name.clone(), row.clone())), page.limit(), |(name, _)| name.clone())
        };
        // Revoked agents stay listed after the tenant of which they were.
        if let Some(tenant) = tenant.filter(|_| rows.items.is_empty()) {
            self.world().needs_tenant("parent", tenant)?;
        }
        Ok(rows.map(|(name, row)| self.agent(&name, &row)))
    }

    fn agent(&self, name: &AgentName, row: &AgentRow) -> Agent {
        let presence = self.inner.desks.presence(name);
        Agent {
            name: name.clone(),
            enrolled: row.enrolled,
            serial: row.serial,
            expires: row.expires,
            revoked: row.revoked,
            connected: presence.connected,
            last_seen: presence.last_seen,
            admitted_by: row.admitted_by.clone(),
            displaced: row.displaced.clone(),
            vouched: row.vouched.clone(),
            acknowledged: row.acknowledged.clone(),
        }
    }

    /// Notes that an agent has come for the first time: from now on only an admin puts another in its place. Durable
    /// before it is let in, so that no restart takes a live agent for one that never came.
    pub(crate) async fn note_first_sight(&self, name: &AgentName) -> Result<(), AppError> {
        if !self.inner.registry.tables().agents.get(name).is_some_and(|row| row.awaited) {
            return Ok(());
        }
        let name = name.clone();
        let note = move |draft: &mut Draft<'_>| {
            let row: AgentRow = draft.read(&rows::agent(&name))?.ok_or(AppError::Unauthenticated)?;
            if row.revoked.is_some() {
                return Err(AppError::Unauthenticated);
            }
            if row.awaited {
                put(draft, &name, AgentRow { awaited: false, ..row });
            }
            Ok(())
        };
        self.commit(note).await?;
        Ok(())
    }

    /// Its certificates are refused from now on, and its stream is cut. Twice is the same as once. Whoever revokes it
    /// has seen whom it displaced.
    pub async fn revoke_agent(&self, caller: &Caller, name: &AgentName, options: &Options) -> Result<Agent, AppError> {
        caller.needs(ApiRole::Admin)?;
        let (wanted, request) = (name.clone(), Request::of(caller, options, name));
        let entry = Entry {
            actor: caller.principal.to_string(),
            method: options.method,
            request_id: options.request_id,
            resources: vec![name.to_string()],
            summary: format!("{name} revoked"),
        };
        let by = caller.clone();
        let revoke = move |draft: &mut Draft<'_>| {
            draft.check(&by)?;
            if let Some(()) = request.first_answer(draft)? {
                return Ok(());
            }
            let row: AgentRow = draft.read(&rows::agent(&wanted))?.ok_or_else(|| AppError::not_found(&wanted))?;
            if row.revoked.is_none() {
                let seen = row.is_alarm().then(|| Vouch { by: by.principal.clone(), at: draft.now });
                let acknowledged = row.acknowledged.clone().or(seen);
                put(draft, &wanted, AgentRow { revoked: Some(draft.now), acknowledged, ..row });
                draft.record(entry.clone());
            }
            request.answered(draft, &());
            Ok(())
        };
        self.commit(revoke).await?;
        self.get_agent(caller, name)
    }

    /// Exchanges a token and a signing request for a certificate. The same token and key get the same one again.
    pub async fn enroll(&self, request: &EnrollRequest<'_>) -> Result<Enrolled, AppError> {
        let key = RequestedKey::from_csr_pem(request.csr_pem).map_err(|error| wrong_request(&error))?;
        let Some((token, secret)) = tokens::parse_secret(request.token) else { return Err(self.refused("malformed")) };
        // Looked up here first: anybody may send anything, and the writer is everybody's.
        let known = self.inner.registry.tables().tokens.get(&token).is_some_and(|row| row.secret == secret);
        if !known {
            return Err(self.refused("unknown"));
        }
        let agent_id = tokens::random_text(4)?;
        let enrolment =
            Enrolment { app: self.clone(), key, token, secret, entra: request.entra_tenant.into(), agent_id };
        let (_, used) = self.commit(move |draft| enrolment.decide(draft)).await?;
        Ok(Enrolled {
            agent: used.agent,
            certificate_pem: used.certificate_pem,
            ca_pem: self.ca_pem().to_owned(),
            root_key: *self.inner.root_key.as_bytes(),
        })
    }

    /// Exchanges a certificate that still counts for a newer one, in the second half of its life. It may be exchanged
    /// again, for an agent that lost the answer: the certificate from before then ends.
    pub async fn renew(&self, peer: &Peer, csr_pem: &str) -> Result<Renewed, AppError> {
        let name = self.check_agent(peer)?;
        let key = RequestedKey::from_csr_pem(csr_pem).map_err(|error| wrong_request(&error))?;
        let (app, peer) = (self.clone(), peer.clone());
        let renew = move |draft: &mut Draft<'_>| {
            let row: AgentRow = draft.read(&rows::agent(&name))?.ok_or(AppError::Unauthenticated)?;
            if !row.accepts(Leaf::from(&peer), app.inner.epoch_begun) {
                return Err(AppError::Unauthenticated);
            }
            let from = renewable_from(&peer, &row);
            if draft.now < from {
                return Err(AppError::RenewalEarly { from });
            }
            let serial = Serial::random().map_err(AppError::internal)?;
            let lifetime = app.inner.config.agent_certificate;
            let issued = app.inner.ca.agent(&name, &key, serial, draft.now, lifetime).map_err(AppError::internal)?;
            // The one that was shown stays good beside the new one; any other ends here.
            let (previous, renewed, expires) = (Some(peer.serial), Some(draft.now), issued.not_after);
            put(draft, &name, AgentRow { serial, previous, renewed, expires, awaited: false, ..row });
            draft.record(by_agent(&name, "Renew", "certificate renewed"));
            Ok(issued.certificate_pem)
        };
        let (_, certificate_pem) = self.commit(renew).await?;
        Ok(Renewed { certificate_pem, ca_pem: self.ca_pem().to_owned() })
    }

    fn refused(&self, reason: &'static str) -> AppError {
        self.count_refused(match reason {
            "malformed" => "enrolment_malformed",
            "unknown" => "enrolment_unknown",
            "expired" => "enrolment_expired",
            "other_key" => "enrolment_other_key",
            "maker_gone" => "enrolment_maker_gone",
            "displaces" => "enrolment_displaces",
            _ => "enrolment_other_tenant",
        });
        AppError::EnrolmentRefused
    }
}

struct Enrolment {
    app: App,
    key: RequestedKey,
    token: entente_model::TokenName,
    secret: Digest,
    entra: String,
    agent_id: String,
}

impl Enrolment {
    fn decide(&self, draft: &mut Draft<'_>) -> Result<Used, AppError> {
        let refused = |reason| self.app.refused(reason);
        let row: Option<TokenRow> = draft.read(&rows::token(&self.token))?;
        let row = row.filter(|row| row.secret == self.secret).ok_or_else(|| refused("unknown"))?;
        if row.expires <= draft.now {
            return Err(refused("expired"));
        }
        let tenant = draft.stand.world.fleet.intent().tenants.get(&row.tenant).cloned();
        if tenant.is_none_or(|tenant| !tenant.entra_tenant.to_string().eq_ignore_ascii_case(&self.entra)) {
            return Err(refused("other_tenant"));
        }
        match &row.used {
            Some(used) => self.again(draft, used),
            None => self.first(draft, row),
        }
    }

    fn again(&self, draft: &Draft<'_>, used: &Used) -> Result<Used, AppError> {
        let agent: Option<AgentRow> = draft.read(&rows::agent(&used.agent))?;
        let same = used.key.0 == *self.key.digest() && agent.is_some_and(|agent| agent.revoked.is_none());
        if same { Ok(used.clone()) } else { Err(self.app.refused("other_key")) }
    }

    fn first(&self, draft: &mut Draft<'_>, row: TokenRow) -> Result<Used, AppError> {
        let present = present(draft, &row.tenant)?;
        let displaced = self.may_enrol(draft, &row, &present)?;
        let name = AgentName::new(row.tenant.clone(), &self.agent_id).expect("hexadecimal digits make an id");
        let serial = Serial::random().map_err(AppError::internal)?;
        let (ca, lifetime): (_, Duration) = (&self.app.inner.ca, self.app.inner.config.agent_certificate);
        let issued = ca.agent(&name, &self.key, serial, draft.now, lifetime).map_err(AppError::internal)?;
        let entry = enrolment(&name, &self.token, &row, &present, displaced.as_ref());
        revoke_all(draft, &row.tenant)?;
        let agent =
            AgentRow { displaced, admitted_by: row.by.clone(), ..AgentRow::new(serial, draft.now, issued.not_after) };
        put(draft, &name, agent);
        let (time, key) = (draft.now, Digest(*self.key.digest()));
        let used = Used { time, agent: name.clone(), key, certificate_pem: issued.certificate_pem };
        tokens::put(draft, &self.token, Some(TokenRow { used: Some(used.clone()), ..row }));
        draft.record(entry);
        Ok(used)
    }

    /// Decided again here, whatever held when the token was made: its maker may have gone, or another agent come. Says
    /// which live agent is displaced.
    fn may_enrol(&self, draft: &Draft<'_>, row: &TokenRow, present: &Present) -> Result<Option<AgentName>, AppError> {
        let maker = row.maker(draft)?;
        if row.by.is_some() && maker.is_none() {
            return Err(self.app.refused("maker_gone"));
        }
        let Some(live) = live(present, draft.now) else { return Ok(None) };
        if !row.replaces || maker.is_none_or(|maker| maker.role < ApiRole::Admin) {
            tracing::warn!(token = %self.token, agent = %live, "refused: this token may not displace a live agent");
            return Err(self.app.refused("displaces"));
        }
        Ok(Some(live.clone()))
    }
}

impl AgentRow {
    fn new(serial: Serial, enrolled: Timestamp, expires: Timestamp) -> Self {
        let (previous, renewed, revoked, awaited) = (None, None, None, true);
        let (admitted_by, displaced, vouched, acknowledged) = (None, None, None, None);
        Self {
            enrolled,
            serial,
            previous,
            renewed,
            expires,
            revoked,
            awaited,
            admitted_by,
            displaced,
            vouched,
            acknowledged,
        }
    }
}

/// In the audit log, an enrolment names whoever loses its place by it.
fn enrolment(
    name: &AgentName,
    token: &entente_model::TokenName,
    row: &TokenRow,
    present: &Present,
    displaced: Option<&AgentName>,
) -> Entry {
    let mut entry = by_agent(name, "Enroll", &format!("enrolled with {token}"));
    if let Some(by) = &row.by {
        entry.summary.push_str(&format!(", made by {by}"));
        entry.resources.push(by.to_string());
    }
    for (former, _) in present.iter().filter(|(_, row)| row.revoked.is_none()) {
        let what = if displaced == Some(former) { "displaced the live agent" } else { "took the place of" };
        entry.summary.push_str(&format!("; {what} {former}"));
        entry.resources.push(former.to_string());
    }
    if displaced.is_some() {
        entry.resources.push(name.tenant.to_string());
    }
    entry
}

fn by_agent(name: &AgentName, method: &'static str, summary: &str) -> Entry {
    let (actor, resources) = (name.to_string(), vec![name.to_string()]);
    Entry { actor, method, request_id: None, resources, summary: summary.to_owned() }
}

pub(crate) fn put(draft: &mut Draft<'_>, name: &AgentName, row: AgentRow) {
    draft.put(rows::agent(name), rows::encode(&row));
    draft.register(RegistryChange::Agent(name.clone(), Some(row)));
}

/// A tenant's agents, as they are stored.
pub(crate) type Present = Vec<(AgentName, AgentRow)>;

pub(crate) fn present(draft: &Draft<'_>, tenant: &TenantName) -> Result<Present, AppError> {
    let rows = draft.rows::<AgentRow>(&format!("{}{}/", rows::AGENT, tenant.id()))?;
    let name = |id: &str| AgentName::new(tenant.clone(), id).map_err(AppError::internal);
    rows.into_iter().map(|(id, row)| Ok((name(&id)?, row))).collect()
}

/// The one that speaks for the tenant.
pub(crate) fn live(present: &Present, now: Timestamp) -> Option<&AgentName> {
    present.iter().find(|(_, row)| row.is_live(now)).map(|(name, _)| name)
}

/// Revokes whatever agents a tenant has: before another one enrols, and when the tenant goes.
pub(crate) fn revoke_all(draft: &mut Draft<'_>, tenant: &TenantName) -> Result<(), AppError> {
    for (name, row) in present(draft, tenant)? {
        if row.revoked.is_none() {
            put(draft, &name, AgentRow { revoked: Some(draft.now), ..row });
        }
    }
    Ok(())
}
