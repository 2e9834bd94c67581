//! Many tenants: a summary, then a row for each, what needs action first.

use entente_model::Timestamp;
use entente_proto::fleet::v1 as wire;
use wire::{TenantPhase, TenantStatus};

use crate::args::SortBy;
use crate::output::{self, List, column, instant, or_dash, wide};

/// Phases that need a person come first, then agents that are at work or not there yet.
const URGENCY: [TenantPhase; 15] = [
    TenantPhase::AgentRevoked,
    TenantPhase::GuardrailFault,
    TenantPhase::CannotSignIn,
    TenantPhase::Offline,
    TenantPhase::Parked,
    TenantPhase::RevokeAllRunning,
    TenantPhase::RevokeAllDone,
    TenantPhase::Paused,
    TenantPhase::ReviewPast,
    TenantPhase::CloudUnreachable,
    TenantPhase::Partial,
    TenantPhase::Waiting,
    TenantPhase::Converging,
    TenantPhase::Unenrolled,
    TenantPhase::Converged,
];

/// Longest sentence in a table of many, in characters: what Microsoft says of one tenant would push the others off the screen.
const MAX_WHY: usize = 200;

fn rank(status: &TenantStatus) -> usize {
    // A phase of a later server comes before what is known to be well.
    URGENCY.iter().position(|it| *it == status.phase()).unwrap_or(URGENCY.len() - 2)
}

pub(super) fn sort(all: &mut [TenantStatus], by: SortBy) {
    let seconds = |at: &Option<prost_types::Timestamp>| at.as_ref().map_or(i64::MAX, |at| at.seconds);
    // By name where nothing else tells them apart.
    all.sort_by(|a, b| a.tenant.cmp(&b.tenant));
    match by {
        SortBy::Name => {}
        SortBy::Urgency => all.sort_by_key(rank),
        SortBy::Since => all.sort_by_key(|it| seconds(&it.phase_time)),
        // Never seen is the longest unseen; who is connected is seen now.
        SortBy::Seen => {
            all.sort_by_key(
                |it| if it.connected { i64::MAX } else { it.last_seen_time.as_ref().map_or(0, |at| at.seconds) },
            )
        }
    }
}

/// `66 tenants: 58 CONVERGED, 3 PARTIAL`.
pub(super) fn summary(all: &[TenantStatus]) -> String {
    let mut phases: Vec<(usize, &str, usize)> = Vec::new();
    for status in all {
        let (rank, word) = (rank(status), phase(status));
        match phases.iter_mut().find(|it| it.1 == word) {
            Some(it) => it.2 += 1,
            None => phases.push((rank, word, 1)),
        }
    }
    phases.sort();
    let each: Vec<_> = phases.iter().map(|(_, word, count)| format!("{count} {word}")).collect();
    let noun = if all.len() == 1 { "tenant" } else { "tenants" };
    format!("{} {noun}: {}\n", all.len(), or_dash(&each.join(", ")))
}

pub(crate) fn phase(status: &TenantStatus) -> &'static str {
    status.phase().as_str_name().trim_start_matches("TENANT_PHASE_")
}

/// Items that are as they should be, of those that are desired.
pub(super) fn done(status: &TenantStatus) -> String {
    let done = status.done_items.map_or_else(|| "?".to_owned(), |done| done.to_string());
    format!("{done}/{}", status.items)
}

pub(super) fn list(all: &[TenantStatus], now: Timestamp) -> List {
    let mut list = List::new([
        column("TENANT"),
        column("PHASE"),
        column("FOR"),
        column("SEEN"),
        column("DONE"),
        column("WHY"),
        wide("BEHIND"),
        wide("SINCE"),
        wide("LAST SEEN"),
        wide("CERTIFICATE ENDS"),
    ]);
    for it in all {
        let seen = if it.connected { "now".to_owned() } else { output::age(&it.last_seen_time, now) };
        let row = list.row(
            &it.tenant,
            [
                it.tenant.trim_start_matches("tenants/").to_owned(),
                phase(it).to_owned(),
                output::age(&it.phase_time, now),
                seen,
                done(it),
                or_dash(&it.explanation),
                it.revisions_behind.to_string(),
                instant(&it.phase_time),
                instant(&it.last_seen_time),
                instant(&it.credential_expire_time),
            ],
        );
        // Of one tenant it is said whole.
        if all.len() > 1 {
            row.brief("WHY", &it.explanation, MAX_WHY);
        }
    }
    list
}

/// The summary, and the rows for people.
pub(super) fn many(all: &[TenantStatus], is_wide: bool, now: Timestamp) -> String {
    format!("{}\n{}", summary(all), list(all, now).shown(is_wide))
}
