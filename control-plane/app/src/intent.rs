//! Changes of intent: every one of them, from one field to a thousand manifests, goes through [`Intents::change`].
//!
//! Authorise, look for a first answer, check shapes, and decide on the store's writer: apply, validate, name removals,
//! compile what is touched, sign, write the audit record, all in one commit. A set that changes nothing commits
//! nothing but its answer, if the request has an id. [`crate::history`] publishes a change, [`prepare`] makes manifests
//! from masks, [`impact`] counts, [`guard`] refuses what a principal may not do in its own case and says which principals end.

mod diff;
mod guard;
mod impact;
mod outlook;
mod own;
mod prepare;
mod rights;

use std::collections::BTreeSet;
use std::sync::Arc;

use entente_compiler::{Advance, Edit};
use entente_model::intent::{Intent, Manifest, Operator, OperatorState, ResourceName};
use entente_model::revocation::{Cause, Revocation};
use entente_model::violation::{Fault, Violation};
use entente_model::{OperatorName, PrincipalName, Timestamp};
use serde::{Deserialize, Serialize};

use crate::api_role::ApiRole;
use crate::caller::{Caller, Options};
use crate::channel::Channels;
use crate::error::{AppError, Result};
use crate::history::{AuditEntry, ChangeKind, Decision, History, Meta, ResourceChange, Snapshot, Stored, kept};
use crate::identities;
use crate::identity::{Registry, RegistryChange};
use crate::recollection::Recollection;
use crate::reports::Reports;
use crate::request_log::Request;
use crate::running;

use guard::{Books, guard};
pub use impact::Impact;
pub use outlook::{Outlook, TenantOutlook};
use prepare::Prepared;
pub use prepare::{Change, Delete, Put};
pub use rights::{Right, RightsChange};

/// What a change of intent is worked out with.
#[derive(Debug)]
pub struct Intents {
    pub(crate) history: Arc<History>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) channels: Arc<Channels>,
    pub(crate) reports: Arc<Reports>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    /// The store revision at which it holds; without a change, the present one.
    pub revision: u64,
    /// Puts in order of the request, then deletions.
    pub changes: Vec<ResourceChange>,
    pub impact: Impact,
    /// The resource afterwards, if the change was about one.
    pub resource: Option<Stored>,
    /// Ids of the removals of those who leave by it. A leave that is repeated names those of the first.
    #[serde(default)]
    pub removals: Vec<String>,
    /// Of a dry run: what agents last said of the like of it.
    #[serde(default)]
    pub outlook: Option<Outlook>,
}

/// What is asked, with what only some operations ask.
#[derive(Debug, Clone, Serialize)]
enum Asked {
    Change(Change),
    Leave(OperatorName),
    Rejoin(OperatorName),
}

impl Intents {
    /// Puts and deletes resources of intent, all or none.
    pub async fn change(self: &Arc<Self>, caller: &Caller, change: Change, options: &Options) -> Result<Applied> {
        self.carry_out(caller, Asked::Change(change), options).await
    }

    /// Ends an operator's access everywhere. Twice is the same as once.
    pub async fn leave_operator(
        self: &Arc<Self>,
        caller: &Caller,
        name: &OperatorName,
        options: &Options,
    ) -> Result<Applied> {
        self.carry_out(caller, Asked::Leave(name.clone()), options).await
    }

    /// Takes back an operator's leaving.
    pub async fn rejoin_operator(
        self: &Arc<Self>,
        caller: &Caller,
        name: &OperatorName,
        options: &Options,
    ) -> Result<Applied> {
        self.carry_out(caller, Asked::Rejoin(name.clone()), options).await
    }

    async fn carry_out(self: &Arc<Self>, caller: &Caller, asked: Asked, options: &Options) -> Result<Applied> {
        caller.needs(ApiRole::Editor)?;
        if let Asked::Change(change) = &asked {
            prepare::check_size(change)?;
        }
        let (intents, caller, options) = (self.clone(), caller.clone(), *options);
        if options.validate_only {
            return running::compute(&self.history.running, move || intents.dry_run(&caller, &asked)).await?;
        }
        let request = Request::of(&caller, &options, &asked);
        let (_, applied) = self
            .history
            .commit(move |decision| {
                decision.check(&caller)?;
                match request.first_answer(decision)? {
                    Some(first) => Ok(first),
                    None => decide(&intents, decision, &caller, &asked, &options, &request),
                }
            })
            .await?;
        Ok(applied)
    }

    fn dry_run(&self, caller: &Caller, asked: &Asked) -> Result<Applied> {
        let snapshot = self.history.snapshot();
        let (now, number) = (self.history.time(), snapshot.revision + 1);
        let outcome = Outcome::of(self, &Books::Published(&self.registry), &snapshot, caller, asked, now, number)?;
        let outlook = Some(Outlook::of(&self.reports, &outcome.advance.batch));
        Ok(Applied { outlook, ..outcome.answer(&snapshot, snapshot.revision)? })
    }
}

fn decide(
    intents: &Intents,
    decision: &mut Decision<'_>,
    caller: &Caller,
    asked: &Asked,
    options: &Options,
    request: &Request,
) -> Result<Applied> {
    let before = decision.committed.snapshot.clone();
    let (now, number) = (decision.now, decision.revision);
    let outcome = Outcome::of(intents, &Books::Decision(decision), &before, caller, asked, now, number)?;
    if outcome.is_nothing() {
        let answer = outcome.answer(&before, before.revision)?;
        // Or it would become a change, if it is repeated once there is something to change.
        request.answered(decision, &answer.to_keep());
        return Ok(answer);
    }
    let entry = outcome.entry(caller, options);
    let mut answer = outcome.answer(&before, decision.revision)?;
    decision.record_changes(entry, kept(&outcome.changes));
    // Their certificates are refused from now on, and so are the tokens that they made.
    outcome.ending.iter().for_each(|name| decision.register(RegistryChange::Principal(name.clone(), None)));
    for tenant in &outcome.advance.batch.gone {
        identities::revoke_agents(decision, tenant)?;
    }
    decision.install(outcome.advance);
    if let Some(resource) = &mut answer.resource {
        // Written just now, so the revision and the times are the row's own.
        let meta = decision.committed.snapshot.metas.get(&resource.manifest.name());
        resource.meta = meta.map_or_else(|| resource.meta.clone(), |meta| Meta::clone(meta));
    }
    request.answered(decision, &answer.to_keep());
    Ok(answer)
}

/// Largest answer that is kept whole, in bytes of field changes: with the rest it stays below what a store takes as
/// one value.
const MAX_KEPT_FIELD_BYTES: usize = 256 * 1024;

impl Applied {
    /// What a repeated request gets: the same, but for the single fields of a change that is too large for one row.
    fn to_keep(&self) -> Self {
        let mut kept = self.clone();
        let fields = self.changes.iter().flat_map(|change| &change.fields);
        if fields.map(|it| it.path.len() + it.before.len() + it.after.len()).sum::<usize>() > MAX_KEPT_FIELD_BYTES {
            kept.changes.iter_mut().for_each(|change| change.fields.clear());
        }
        kept
    }
}

/// A change worked out, on some snapshot, and not carried out.
struct Outcome {
    advance: Advance,
    changes: Vec<ResourceChange>,
    now: Timestamp,
    /// The one resource that the change is about.
    subject: Option<ResourceName>,
    /// Principals of people who work no more.
    ending: BTreeSet<PrincipalName>,
    /// Whose leave was asked for, and who leaves by a manifest.
    leaves: BTreeSet<OperatorName>,
}

impl Outcome {
    fn of(
        intents: &Intents,
        books: &Books<'_, '_>,
        snapshot: &Arc<Snapshot>,
        caller: &Caller,
        asked: &Asked,
        now: Timestamp,
        number: u64,
    ) -> Result<Self> {
        let Prepared { puts, deletes, rejoins, subject } = match asked {
            Asked::Change(change) => prepare::prepare(snapshot, change)?,
            Asked::Leave(name) => leaving(snapshot, name)?,
            Asked::Rejoin(name) => rejoining(snapshot, name)?,
        };
        let changes = diff::changes(snapshot, &puts, &deletes);
        let still_there = intents.channels.sightings(snapshot, &puts, &deletes);
        let actor = caller.principal.to_string();
        let memory = Recollection::of(&intents.registry, &intents.channels, snapshot);
        let edit = Edit { puts, deletes, rejoins, still_there, memory, actor, now, number, ..Edit::default() };
        let advance = snapshot.fleet.advance(&edit).map_err(AppError::of_whole)?;
        let ending = guard(books, caller, snapshot, &edit, &advance)?;
        // Checked here, so that a dry run is refused too.
        if !advance.batch.tenants.is_empty() {
            intents.history.ensure_signs()?;
        }
        let leaves = match asked {
            Asked::Leave(name) => [name.clone()].into(),
            _ => leavers(snapshot, &advance),
        };
        Ok(Self { advance, changes, now, subject, ending, leaves })
    }

    fn is_nothing(&self) -> bool {
        let advance = &self.advance;
        let rows = advance.changed.len() + advance.revocation_puts.len() + advance.revocation_deletes.len();
        let nothing = rows == 0 && advance.batch.tenants.is_empty() && advance.batch.gone.is_empty();
        nothing && self.ending.is_empty()
    }

    fn answer(&self, before: &Snapshot, revision: u64) -> Result<Applied> {
        let changed = self.subject.as_ref().is_some_and(|name| self.advance.changed.contains(name));
        let stored = |name: &ResourceName| {
            let manifest = self.advance.fleet.intent().get(name)?;
            let meta = before.metas.get(name).map(|meta| &**meta);
            let written = || Meta::written(meta, revision, self.now);
            let meta = meta.filter(|_| !changed).cloned().unwrap_or_else(written);
            Some(Stored { manifest, meta })
        };
        Ok(Applied {
            revision,
            changes: self.changes.clone(),
            impact: Impact {
                ended_principals: self.ending.iter().cloned().collect(),
                ..Impact::of(&before.fleet, &self.advance, self.now)
            },
            resource: self.subject.as_ref().and_then(stored),
            removals: self.leaves.iter().flat_map(|operator| self.removals(operator)).collect(),
            outlook: None,
        })
    }

    /// Those that this leave names; of one that only says again what was said, those of the leave that it repeats, with what was
    /// seen since.
    fn removals(&self, operator: &OperatorName) -> Vec<String> {
        let rows = self.advance.fleet.intent().revocations.values();
        let theirs = rows.filter(|row| row.operator == *operator && row.cause == Cause::Left);
        let is_new = self.advance.changed.contains(&ResourceName::Operator(operator.clone()));
        let is_of_it = |row: &Revocation| {
            if is_new { row.time == self.now } else { row.tenants.values().any(|it| !it.of_earlier_leave) }
        };
        theirs.filter(|row| is_of_it(row)).map(|row| row.id.clone()).collect()
    }

    fn entry(&self, caller: &Caller, options: &Options) -> AuditEntry {
        let count = |kind| self.changes.iter().filter(|change| change.kind == kind).count();
        let counts = [ChangeKind::Created, ChangeKind::Updated, ChangeKind::Deleted].map(|kind| (count(kind), kind));
        let parts = counts.into_iter().filter(|(count, _)| *count > 0);
        let parts: Vec<_> = parts.map(|(count, kind)| format!("{count} {}", kind.word().to_lowercase())).collect();
        let changed = self.advance.changed.iter().map(ToString::to_string);
        let mut summary = format!("{}; {} tenants touched", parts.join(", "), self.advance.batch.tenants.len());
        if !self.ending.is_empty() {
            let ending: Vec<_> = self.ending.iter().map(ToString::to_string).collect();
            summary.push_str(&format!("; ended {}", ending.join(", ")));
        }
        AuditEntry {
            actor: caller.principal.to_string(),
            method: options.method,
            request_id: options.request_id,
            resources: changed.chain(self.ending.iter().map(ToString::to_string)).collect(),
            summary,
        }
    }
}

/// Those whose manifest says from now on that they have left.
fn leavers(snapshot: &Snapshot, advance: &Advance) -> BTreeSet<OperatorName> {
    let (before, after) = (snapshot.fleet.intent(), advance.fleet.intent());
    let has_left = |intent: &Intent, name| intent.operators.get(name).map(|it| it.state == OperatorState::Left);
    let changed = advance.changed.iter().filter_map(|name| match name {
        ResourceName::Operator(name) => Some(name),
        _ => None,
    });
    changed
        .filter(|name| has_left(after, name) == Some(true) && has_left(before, name) == Some(false))
        .cloned()
        .collect()
}

fn operator(snapshot: &Snapshot, name: &OperatorName) -> Result<Operator> {
    match snapshot.fleet.intent().get(&ResourceName::Operator(name.clone())) {
        Some(Manifest::Operator(operator)) => Ok(operator),
        _ => Err(snapshot.missing("name", &ResourceName::Operator(name.clone()))),
    }
}

fn leaving(snapshot: &Snapshot, name: &OperatorName) -> Result<Prepared> {
    let operator = Operator { state: OperatorState::Left, ..operator(snapshot, name)? };
    Ok(Prepared::of_one(Manifest::Operator(operator), Vec::new()))
}

fn rejoining(snapshot: &Snapshot, name: &OperatorName) -> Result<Prepared> {
    let operator = operator(snapshot, name)?;
    if operator.state != OperatorState::Left {
        let text = format!("is {}, and only who has LEFT can rejoin", operator.state.word());
        return Err(AppError::Contradicts(vec![Violation::new(format!("{name}: state"), Fault::Conflict, text)]));
    }
    let operator = Operator { state: OperatorState::Active, ..operator };
    Ok(Prepared::of_one(Manifest::Operator(operator), vec![name.clone()]))
}
