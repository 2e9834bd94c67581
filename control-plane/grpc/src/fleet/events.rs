//! What happened in tenants, as messages and back.

use entente_app::{AppError, Event, EventFilter, EventKind, EventStart, EventWatch, TenantPhase};
use entente_convert::time;
use entente_model::violation::Fault;
use entente_proto::fleet::v1 as wire;
use futures::Stream;
use tonic::Status;

use super::convert;
use crate::call::CallId;
use crate::parse::{fault, optional_name};
use crate::status::status;

const KINDS: [EventKind; 12] = [
    EventKind::PhaseChanged,
    EventKind::GuardrailChanged,
    EventKind::ItemRefused,
    EventKind::DriftFound,
    EventKind::DriftMended,
    EventKind::AccountCameBack,
    EventKind::AgentEnrolled,
    EventKind::AgentDisplaced,
    EventKind::AgentRevoked,
    EventKind::TenantParked,
    EventKind::RevokeAllBegun,
    EventKind::RevokeAllDone,
];

fn kind(kind: EventKind) -> wire::EventKind {
    match kind {
        EventKind::PhaseChanged => wire::EventKind::PhaseChanged,
        EventKind::GuardrailChanged => wire::EventKind::GuardrailChanged,
        EventKind::ItemRefused => wire::EventKind::ItemRefused,
        EventKind::DriftFound => wire::EventKind::DriftFound,
        EventKind::DriftMended => wire::EventKind::DriftMended,
        EventKind::AccountCameBack => wire::EventKind::AccountCameBack,
        EventKind::AgentEnrolled => wire::EventKind::AgentEnrolled,
        EventKind::AgentDisplaced => wire::EventKind::AgentDisplaced,
        EventKind::AgentRevoked => wire::EventKind::AgentRevoked,
        EventKind::TenantParked => wire::EventKind::TenantParked,
        EventKind::RevokeAllBegun => wire::EventKind::RevokeAllBegun,
        EventKind::RevokeAllDone => wire::EventKind::RevokeAllDone,
        EventKind::Later => wire::EventKind::Unspecified,
    }
}

pub(super) fn event(it: Event) -> wire::Event {
    let phase = |word: Option<&String>| {
        let phase = word.and_then(|word| TenantPhase::of(word)).map(convert::phase);
        phase.unwrap_or(wire::TenantPhase::Unspecified).into()
    };
    wire::Event {
        number: i64::try_from(it.number).unwrap_or(i64::MAX),
        tenant: it.tenant.to_string(),
        kind: kind(it.kind).into(),
        record_time: Some(time::to_proto(it.time)),
        occur_time: time::to_proto_opt(it.happened),
        from_phase: phase(it.from.as_ref()),
        to_phase: phase(it.to.as_ref()),
        text: it.text,
        item: it.item.unwrap_or_default(),
    }
}

pub(super) fn filter(tenant: &str, kinds: &[i32]) -> Result<EventFilter, AppError> {
    let known = |number: &i32| KINDS.into_iter().find(|it| kind(*it) as i32 == *number);
    let unknown = |number| fault("kinds", Fault::Malformed, format!("{number} is no kind of event of this version"));
    let kinds = kinds.iter().map(|number| known(number).ok_or_else(|| unknown(number))).collect::<Result<_, _>>()?;
    Ok(EventFilter { tenant: optional_name("tenant", tenant)?, since: None, kinds })
}

pub(super) fn start(asked: &wire::WatchEventsRequest) -> Result<EventStart, AppError> {
    Ok(match (asked.after_number, &asked.since_time) {
        (Some(number), _) => {
            let negative = |_| fault("after_number", Fault::Malformed, "is negative; 0 means all that are kept");
            EventStart::After(u64::try_from(number).map_err(negative)?)
        }
        (None, Some(since)) => EventStart::Since(time::from_proto(since)),
        (None, None) => EventStart::Now,
    })
}

/// Ends after an error, which the reader is told.
pub(super) fn stream(
    watch: EventWatch,
    call: CallId,
) -> impl Stream<Item = Result<wire::WatchEventsResponse, Status>> + Send {
    futures::stream::unfold(Some(watch), move |watch| async move {
        let mut watch = watch?;
        match watch.next().await? {
            Ok(it) => Some((Ok(wire::WatchEventsResponse { event: Some(event(it)) }), Some(watch))),
            Err(error) => Some((Err(status(&error, call)), None)),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_kind_has_a_word_of_its_own_and_a_word_of_a_later_version_is_not_known() {
        let words: BTreeSet<_> = KINDS.into_iter().map(|it| kind(it) as i32).collect();
        assert_eq!(words, (1..=12).collect());
        assert_eq!(wire::EventKind::try_from(13).ok(), None, "a kind of the API that no event is of");
        let (number, tenant) = (7, "tenants/contoso".parse().unwrap());
        let (time, happened) = (entente_model::Timestamp::from_unix(9), Some(entente_model::Timestamp::from_unix(3)));
        let (from, to) = (Some("DREAMING".into()), Some("PAUSED".into()));
        let (kind, text) = (EventKind::PhaseChanged, "words".into());
        let event = event(Event { number, tenant, kind, time, happened, text, item: None, from, to });
        assert_eq!((event.from_phase(), event.to_phase()), (wire::TenantPhase::Unspecified, wire::TenantPhase::Paused));
        assert_eq!((event.record_time.unwrap().seconds, event.occur_time.unwrap().seconds), (9, 3));
    }
}
