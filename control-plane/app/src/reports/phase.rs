//! How a tenant stands, in one word, from facts alone: the first phase of a printed order that holds, since when, whose
//! move it is, and what that one does. Pure. Where the facts come from is [`super::view`]'s.
//!
//! A fact that was not told makes no phase, and none of these is healthy for want of it.

use std::collections::BTreeSet;

use entente_model::report::{Finding, ItemState, MicrosoftState, Reason, RevokeAllState, Standing};
use entente_model::{AgentName, PlaneMode, TenantName, Timestamp};

use super::whose::{self, Found, Open, Party};
use crate::tenant_phase::TenantPhase;

/// Everything that a phase follows from.
#[derive(Debug, Clone)]
pub(crate) struct Facts<'a> {
    pub(crate) tenant: &'a TenantName,
    pub(crate) now: Timestamp,
    /// When the certificate ends of the agent that may connect; none if none may.
    pub(crate) certificate: Option<Timestamp>,
    /// The agent of this tenant that was revoked last, and when.
    pub(crate) revoked: Option<(AgentName, Timestamp)>,
    /// When the last unused enrolment token ends.
    pub(crate) token: Option<Timestamp>,
    pub(crate) parked: Option<&'a str>,
    pub(crate) connected: bool,
    pub(crate) last_seen: Option<Timestamp>,
    /// Newer contents that are not accepted.
    pub(crate) behind: u64,
    /// Whether the agent has compared the tenant with the newest content.
    pub(crate) compared: bool,
    /// What the agent that may connect, or else the one that was revoked, last said of itself.
    pub(crate) standing: Option<&'a Standing>,
    /// Planes on which something is desired.
    pub(crate) wanted: BTreeSet<&'static str>,
    pub(crate) open: Open,
}

/// A phase and what there is to say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) phase: TenantPhase,
    pub(crate) since: Option<Timestamp>,
    pub(crate) party: Party,
    /// Why, and what that party does; empty when converged.
    pub(crate) explanation: String,
}

/// What holds, before it is made a sentence.
struct Holds {
    since: Option<Timestamp>,
    party: Party,
    why: String,
    todo: String,
}

/// The first phase of the order that holds.
pub(crate) fn phase(facts: &Facts<'_>) -> Said {
    let first = TenantPhase::PRECEDENCE.iter().find_map(|phase| Some((*phase, holds(*phase, facts)?)));
    let Some((phase, Holds { since, party, why, todo })) = first else {
        return Said { phase: TenantPhase::Converged, since: None, party: Party::Nobody, explanation: String::new() };
    };
    let stale = phase.is_by_the_agents_word() && !facts.connected && facts.certificate.is_some();
    let heard = match stale {
        true => format!(
            "; as last said: the agent is not connected since {}, and nothing new reaches it, no leaver either",
            seen(facts)
        ),
        false => String::new(),
    };
    Said { phase, since, party, explanation: format!("{why}{heard}; {}: {todo}", party.whose_move()) }
}

fn holds(phase: TenantPhase, facts: &Facts<'_>) -> Option<Holds> {
    match phase {
        TenantPhase::AgentRevoked => revoked(facts),
        TenantPhase::RevokeAllRunning => revoke_all(facts, RevokeAllState::Running),
        TenantPhase::RevokeAllDone => revoke_all(facts, RevokeAllState::Done),
        TenantPhase::Parked => parked(facts),
        TenantPhase::Paused => paused(facts),
        TenantPhase::GuardrailFault => guardrail_fault(facts),
        TenantPhase::ReviewPast => review_past(facts),
        TenantPhase::CannotSignIn => cannot_sign_in(facts),
        TenantPhase::CloudUnreachable => unreachable(facts),
        TenantPhase::Offline => offline(facts),
        TenantPhase::Unenrolled => unenrolled(facts),
        TenantPhase::Converging => converging(facts),
        TenantPhase::Partial => items(facts, TenantPhase::Partial).or_else(|| found(facts)),
        TenantPhase::Waiting => items(facts, TenantPhase::Waiting).or_else(|| not_read(facts)),
        TenantPhase::Converged => None,
    }
}

fn revoked(facts: &Facts<'_>) -> Option<Holds> {
    let (agent, at) = facts.revoked.as_ref().filter(|_| facts.certificate.is_none())?;
    let there = |((state, _), count): (&(ItemState, _), &u32)| {
        let is_there = !matches!(state, ItemState::Removed | ItemState::Pending);
        if is_there { *count } else { 0 }
    };
    let left: u32 = facts.open.iter().map(there).sum();
    let (party, todo) = token(facts);
    let why = format!(
        "{agent} was revoked on {at}, and no other has enrolled: {} which it reported may still be there, and no agent \
         removes leavers",
        whose::count_of(left.into(), "item", "items"),
    );
    Some(Holds { since: Some(*at), party, why, todo })
}

fn revoke_all(facts: &Facts<'_>, state: RevokeAllState) -> Option<Holds> {
    let it = facts.standing?.revoke_all.as_ref().filter(|it| it.state == state)?;
    let (why, party, todo) = match state {
        RevokeAllState::Running => (
            format!("since {} the customer takes back everything that was given", it.since),
            Party::Agent,
            "nothing is given meanwhile, nor after it, until the customer says `entente-agent resume`",
        ),
        RevokeAllState::Done => (
            format!("the customer took back everything that was given; read back empty twice by {}", it.since),
            Party::Customer,
            "nothing is given until the customer says `entente-agent resume`",
        ),
    };
    Some(Holds { since: Some(it.since), party, why, todo: todo.into() })
}

fn parked(facts: &Facts<'_>) -> Option<Holds> {
    // Of a tenant without an agent nothing is held back.
    let why = facts.parked.filter(|_| facts.certificate.is_some())?.to_owned();
    let todo = "nothing but leavers is sent until a person here has acted on that".into();
    Some(Holds { since: None, party: Party::Provider, why, todo })
}

fn paused(facts: &Facts<'_>) -> Option<Holds> {
    let standing = facts.standing.filter(|it| it.paused)?;
    let since = standing.paused_since;
    let why = format!(
        "the customer paused the agent{}: nothing is given or taken away, leavers neither; end dates take effect",
        whose::since(since)
    );
    Some(Holds { since, party: Party::Customer, why, todo: "`entente-agent resume`".into() })
}

fn guardrail_fault(facts: &Facts<'_>) -> Option<Holds> {
    let standing = facts.standing?;
    let fault = standing.guardrail_fault.as_ref()?;
    let since = standing.guardrail_fault_since;
    let fault = bare(fault);
    let why = format!("the guardrail cannot be used{}: {fault}; nothing is given, leavers go", whose::since(since));
    Some(Holds { since, party: Party::Customer, why, todo: "mend or restore the file".into() })
}

/// What is wrong with a guardrail, without the words that say that it cannot be used: older agents send them too.
pub(crate) fn bare(fault: &str) -> &str {
    fault.strip_prefix("the guardrail cannot be used: ").unwrap_or(fault)
}

fn review_past(facts: &Facts<'_>) -> Option<Holds> {
    let ended = facts.standing?.review_ends.filter(|ends| *ends <= facts.now)?;
    let why = format!("the guardrail's day of review ended on {ended}: nothing new is given, removals go on");
    let todo = "review the file, and write a later `reviewBy`".into();
    Some(Holds { since: Some(ended), party: Party::Customer, why, todo })
}

fn cannot_sign_in(facts: &Facts<'_>) -> Option<Holds> {
    let standing = facts.standing?;
    let said = standing.microsoft.as_ref().filter(|it| it.state == MicrosoftState::Refused);
    // Of an agent that has no word for it but this.
    let found = |it: &&Finding| it.reason == Reason::CredentialRefused;
    let finding = || standing.findings.iter().find(found).map(|it| (None, it.detail.clone()));
    let (since, detail) = said.map(|it| (Some(it.since), it.detail.clone())).or_else(finding)?;
    let why = format!("the agent cannot sign in at Microsoft{}: {detail}", whose::since(since));
    let todo = "see to the agent's application and credential in Entra ID".into();
    Some(Holds { since, party: Party::Customer, why, todo })
}

fn unreachable(facts: &Facts<'_>) -> Option<Holds> {
    let said = facts.standing?.microsoft.as_ref().filter(|it| it.state == MicrosoftState::Unreachable)?;
    let why = format!("Microsoft does not answer the agent since {}: {}", said.since, said.detail);
    let todo = "it goes on by itself; if it lasts, the customer looks at the agent's way to the Internet".into();
    Some(Holds { since: Some(said.since), party: Party::Microsoft, why, todo })
}

fn offline(facts: &Facts<'_>) -> Option<Holds> {
    let ends = facts.certificate.filter(|_| !facts.connected)?;
    let why = format!(
        "the agent is not connected{}; while it runs, end dates and removals that it was told of take effect there; \
         nothing new arrives, no leaver either",
        match facts.last_seen {
            Some(seen) => format!(" since {seen}"),
            None => ", and never was since it enrolled".into(),
        }
    );
    let (party, todo) = match ends <= facts.now {
        true => (Party::Provider, format!("its certificate ended on {ends}; {}", token(facts).1)),
        false => (Party::Customer, "see that the agent runs and reaches us".into()),
    };
    Some(Holds { since: facts.last_seen, party, why, todo })
}

fn unenrolled(facts: &Facts<'_>) -> Option<Holds> {
    if facts.certificate.is_some() {
        return None;
    }
    let (party, todo) = token(facts);
    let made = if facts.token.is_some() { "" } else { ", and no unused token is there" };
    Some(Holds { since: None, party, why: format!("no agent has enrolled{made}"), todo })
}

/// How an agent comes to a tenant that has none.
fn token(facts: &Facts<'_>) -> (Party, String) {
    match facts.token {
        Some(ends) => (Party::Customer, format!("enrol with the token that was made; unused, it ends on {ends}")),
        None => {
            (Party::Provider, format!("`entente tokens create {}`, for the customer to enrol with", facts.tenant.id()))
        }
    }
}

fn converging(facts: &Facts<'_>) -> Option<Holds> {
    let pending: u32 =
        facts.open.iter().filter(|((state, _), _)| *state == ItemState::Pending).map(|(_, count)| count).sum();
    let why = match () {
        () if facts.behind > 0 => {
            format!("{} not accepted yet", whose::count_of(facts.behind, "newer state is", "newer states are"))
        }
        () if !facts.compared => "its agent has not compared the tenant with the newest state yet".into(),
        () if pending > 0 => format!("{pending} {}", ItemState::Pending.word()),
        () => return None,
    };
    Some(Holds { since: None, party: Party::Agent, why, todo: whose::GOES_ON.into() })
}

/// Items that are in that phase, by state and reason.
fn items(facts: &Facts<'_>, phase: TenantPhase) -> Option<Holds> {
    let open: Open =
        facts.open.iter().filter(|((state, _), _)| phase_of(*state) == phase).map(|(it, n)| (*it, *n)).collect();
    let (party, todo) = whose::of_items(&open, facts.tenant)?;
    Some(Holds { since: None, party, why: whose::summary(&open), todo })
}

/// The agent's findings, which are about things beside the items.
fn found(facts: &Facts<'_>) -> Option<Holds> {
    let found = Found::of(facts.standing?)?;
    Some(Holds { since: None, party: found.party, why: found.why(), todo: found.todo() })
}

/// What is done and was not read back is not known to be done.
fn not_read(facts: &Facts<'_>) -> Option<Holds> {
    let standing = facts.standing?;
    let read: BTreeSet<&str> =
        standing.planes.iter().filter(|it| it.verified.is_some()).map(|it| it.plane.word()).collect();
    let failing = standing.planes.iter().filter(|it| it.unread_since.is_some() && it.mode != PlaneMode::None);
    let failing: BTreeSet<&str> = failing.map(|it| it.plane.word()).collect();
    let unread: BTreeSet<&str> = facts.wanted.iter().copied().filter(|it| !read.contains(it)).chain(failing).collect();
    let (party, todo) = (Party::Agent, "it is tried again".to_owned());
    if !unread.is_empty() {
        let planes = unread.into_iter().collect::<Vec<_>>().join(", ");
        return Some(Holds { since: None, party, why: format!("not read back whole: {planes}"), todo });
    }
    match &standing.microsoft {
        Some(it) if it.state == MicrosoftState::SignedIn => None,
        Some(it) => {
            let why = format!("its agent says of Microsoft {}, which is not known here", it.state);
            Some(Holds { since: Some(it.since), party: Party::Provider, why, todo: "update the control plane".into() })
        }
        // An older agent does not say; that it has read all that is wanted says it.
        None if !facts.wanted.is_empty() => None,
        None => {
            let why = "nothing was read, and its agent does not say whether it can sign in at Microsoft".into();
            Some(Holds { since: None, party, why, todo })
        }
    }
}

/// Whether the agent tries by itself to read what it could not.
pub(crate) fn is_read_again(facts: &Facts<'_>) -> bool {
    not_read(facts).is_some() || unreachable(facts).is_some()
}

fn seen(facts: &Facts<'_>) -> String {
    facts.last_seen.map_or_else(|| "it enrolled".into(), |seen| seen.to_string())
}

/// How far a tenant is, by one item. What the agent does not bring about by itself is partial, as is a state that is not known here.
fn phase_of(state: ItemState) -> TenantPhase {
    match state {
        ItemState::Pending => TenantPhase::Converging,
        ItemState::Waiting | ItemState::NeedsApproval => TenantPhase::Waiting,
        ItemState::Applied | ItemState::Removed => TenantPhase::Converged,
        ItemState::Failed
        | ItemState::Refused
        | ItemState::Held
        | ItemState::Drifted
        | ItemState::Partial
        | ItemState::BlockedByCustomer
        | ItemState::Residual
        | ItemState::Unproven
        | ItemState::Unsupported
        | ItemState::Later(_) => TenantPhase::Partial,
    }
}
