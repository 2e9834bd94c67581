//! What goes by itself: first answers after a day, tokens and agents long after their end, rows of tenants that are
//! gone. Each bound here is why something stored cannot grow for ever.

use std::sync::Arc;
use std::time::Duration;

use entente_model::desired::{ItemKey, UserKey};
use entente_model::{TenantName, Timestamp};
use entente_store::{Commit, Entry, Key, MAX_PAGE_ENTRIES, StoreExt};
use serde::de::IgnoredAny;

use super::dispatch::Dispatch;
use crate::channel::{Account, Channels};
use crate::error::{AppError, Result};
use crate::history::{self, Decision, History};
use crate::identity::{Registry, RegistryChange};
use crate::request_log::RequestRow;
use crate::rows;

/// A client that has not heard by then asks a person.
const REQUEST_AGE: Duration = Duration::from_secs(86_400);

/// Most first answers that are kept: one a second for a day.
const MAX_REQUESTS: usize = 86_400;

/// Most bytes of them: a large manifest's answer names all that it holds, and a pipeline may apply it every minute.
const MAX_REQUEST_BYTES: usize = 64 * 1024 * 1024;

/// Time for a person with the root key to come by.
const DELEGATION_ALARM: Duration = Duration::from_secs(14 * 86_400);

/// Tokens and agents stay in sight for a while after their end, for those who look into something.
const AFTERLIFE: Duration = Duration::from_secs(30 * 86_400);

/// What the cleanup needs.
#[derive(Debug)]
pub(crate) struct CleanUp {
    pub(super) history: Arc<History>,
    pub(super) registry: Arc<Registry>,
    pub(super) channels: Arc<Channels>,
    pub(super) dispatch: Arc<Dispatch>,
}

impl CleanUp {
    /// Looks once.
    pub(crate) async fn look(&self) -> Result<()> {
        self.watch_delegation();
        self.forget_requests().await?;
        let stale = self.stale();
        if !stale.is_empty() {
            let forget = move |decision: &mut Decision<'_>| {
                stale.iter().for_each(|row| decision.register(row.clone()));
                Ok(())
            };
            self.history.commit(forget).await?;
        }
        self.forget_known().await?;
        self.forget_gone_tenants().await?;
        self.forget_gone_events().await
    }

    /// What was known of people who are no longer ours, and whose removal is over.
    async fn forget_known(&self) -> Result<()> {
        for channel in self.channels.all() {
            // Between a report's rows and its memory nothing is forgotten.
            let _one_by_one = channel.reporting.lock().await;
            // Read anew for each channel: a person may have come back, and been reported, meanwhile.
            let snapshot = self.history.snapshot();
            let is_stale = |(home, object_id): &Account| !snapshot.fleet.has_account(home, *object_id);
            let stale: Vec<_> =
                channel.lock().known.keys().filter(|it| is_stale(it)).take(MAX_PAGE_ENTRIES).cloned().collect();
            if stale.is_empty() {
                continue;
            }
            let key = |(home, object_id): &Account| {
                let user = ItemKey::User(UserKey { home: home.clone(), object_id: *object_id });
                rows::known(&channel.tenant, &user)
            };
            self.history.store.commit(stale.iter().fold(Commit::new(), |commit, it| commit.delete(key(it)))).await?;
            stale.iter().for_each(|account| drop(channel.lock().known.remove(account)));
        }
        Ok(())
    }

    /// When it ends, agents refuse what is signed: a person has to act before, offline.
    fn watch_delegation(&self) {
        let left = self.history.stated().delegated_until.since(self.history.now());
        metrics::gauge!("entente_delegation_seconds_left").set(left.as_secs_f64());
        if left < DELEGATION_ALARM {
            let ends = self.history.stated().delegated_until;
            tracing::warn!(%ends, "the delegation of the online key ends soon: run `entente-control-plane delegate`, then send SIGHUP");
        }
    }

    async fn forget_requests(&self) -> Result<()> {
        let now = self.history.now();
        let mut answers = Vec::new();
        let each = |key: &str, entry: &Entry| {
            let row: RequestRow = rows::decode(key, &entry.value)?;
            answers.push((row.time, entry.value.len(), key.into()));
            Ok::<_, AppError>(())
        };
        self.history.store.scan_all(rows::REQUEST, each).await?;
        for some in beyond(answers, now, MAX_REQUEST_BYTES).chunks(MAX_PAGE_ENTRIES) {
            let delete = |commit: Commit, key: &Key| commit.delete(key.clone());
            self.history.store.commit(some.iter().fold(Commit::new(), delete)).await?;
        }
        Ok(())
    }

    /// Rows of tokens and agents that have stayed long enough.
    fn stale(&self) -> Vec<RegistryChange> {
        let (now, tables) = (self.history.now(), self.registry.tables());
        let over = |end: Timestamp| end.plus(AFTERLIFE) < now;
        let tokens = tables.tokens.iter().filter(|(_, row)| over(row.expires));
        let agents =
            tables.agents.iter().filter(|(_, row)| row.revoked.is_some() && !row.is_alarm() && over(row.expires));
        let tokens = tokens.map(|(name, _)| RegistryChange::Token(name.clone(), None));
        tokens.chain(agents.map(|(name, _)| RegistryChange::Agent(name.clone(), None))).take(MAX_PAGE_ENTRIES).collect()
    }

    /// Rows of reports outlive their tenant, because they may be too many for the commit that deletes it.
    async fn forget_gone_tenants(&self) -> Result<()> {
        for (id, _) in rows::all::<IgnoredAny>(&*self.history.store, rows::STANDING).await? {
            let tenant = TenantName::from_id(&id).map_err(AppError::internal)?;
            while self.channels.get(&tenant).is_none() && !self.forget(&tenant, reports).await? {}
        }
        Ok(())
    }

    /// Events of tenants that are gone: also of those whose agents never reported. Goes from tenant to tenant.
    async fn forget_gone_events(&self) -> Result<()> {
        let mut after: Option<String> = None;
        loop {
            let page = self.history.store.scan(rows::EVENT, after.as_deref(), 1).await?;
            let Some((key, _)) = page.entries.first() else { return Ok(()) };
            let id = key[rows::EVENT.len()..].split('/').next().unwrap_or_default();
            let tenant = TenantName::from_id(id).map_err(AppError::internal)?;
            if self.channels.get(&tenant).is_none() {
                while !self.forget(&tenant, events).await? {}
            }
            // Behind every number of it.
            after = Some(format!("{}~", rows::events_of(&tenant)));
        }
    }

    /// Deletes some rows of a tenant that is gone. Says whether these were the last, or the tenant was made anew.
    async fn forget(
        &self,
        tenant: &TenantName,
        some: fn(&mut Decision<'_>, &TenantName) -> Result<bool>,
    ) -> Result<bool> {
        let tenant = tenant.clone();
        let forget = move |decision: &mut Decision<'_>| {
            let is_here = decision.committed.snapshot.fleet.intent().tenants.contains_key(&tenant);
            if is_here { Ok(true) } else { some(decision, &tenant) }
        };
        Ok(self.history.commit(forget).await?.1)
    }
}

/// Which first answers go: what is too old, and the oldest of what is too much.
fn beyond(mut answers: Vec<(Timestamp, usize, Key)>, now: Timestamp, most: usize) -> Vec<Key> {
    answers.sort_by(|one, other| other.cmp(one));
    let (mut count, mut bytes) = (0, 0);
    let stays = |(time, len, _): &(Timestamp, usize, Key)| {
        count += 1;
        bytes += len;
        now.since(*time) <= REQUEST_AGE && count <= MAX_REQUESTS && bytes <= most
    };
    answers.into_iter().skip_while(stays).map(|(_, _, key)| key).collect()
}

/// A page of a tenant's events.
fn events(decision: &mut Decision<'_>, tenant: &TenantName) -> Result<bool> {
    let page = decision.view.scan(&rows::events_of(tenant), None, MAX_PAGE_ENTRIES)?;
    let keys = page.entries.iter().flat_map(|(key, entry)| history::forget(key, &entry.value));
    keys.for_each(|key| decision.delete(key));
    Ok(page.next.is_none())
}

/// A page of what a tenant's agents reported.
fn reports(decision: &mut Decision<'_>, tenant: &TenantName) -> Result<bool> {
    let mut is_last = true;
    for prefix in [format!("{}{}/", rows::STATUS, tenant.id()), rows::known_in(tenant)] {
        let page = decision.view.scan(&prefix, None, MAX_PAGE_ENTRIES)?;
        page.entries.iter().for_each(|(key, _)| decision.delete(key.to_string()));
        is_last &= page.next.is_none();
    }
    if is_last {
        decision.delete(rows::standing(tenant));
    }
    Ok(is_last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_answers_go_when_they_are_too_old_or_too_much() {
        let at = Timestamp::from_unix;
        let key = |name: &str| Key::from(name);
        let answers = vec![(at(10), 40, key("b")), (at(20), 40, key("c")), (at(0), 1, key("a"))];
        assert_eq!(beyond(answers.clone(), at(20), 100), Vec::<Key>::new());
        assert_eq!(beyond(answers.clone(), at(20), 79), [key("b"), key("a")]);
        assert_eq!(beyond(answers, at(86_405), 100), [key("a")]);
    }
}
