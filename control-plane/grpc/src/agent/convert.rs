//! The stream's messages, from and to what `entente-app` speaks. Items, reports and plans are the business of
//! `entente_convert`.

use std::time::Duration;

use entente_app::{Hello, Incoming, Outgoing, Welcome};
use entente_convert::agent::{change_from_proto, report_from_proto};
use entente_convert::seal::{item_to_proto, seal_to_proto, signed_to_proto};
use entente_convert::{go_away_to_proto, time};
use entente_model::GoAwayReason;
use entente_model::desired::{Digest, Version};
use entente_model::report::Accepted;
use entente_proto::agent::v1 as wire;
use entente_proto::agent::v1::connect_request::Message as Said;
use entente_proto::agent::v1::connect_response::Message;
use entente_seal::{Delta, Seal};

/// Most errors of a Nack that are kept, and most changes of a plan: what the API says is taken.
const MAX_ERRORS: usize = 16;
const MAX_CHANGES: usize = 5_000;

/// Longest error of a Nack that is kept.
const MAX_ERROR_CHARS: usize = 1_000;

/// Why a message means nothing here.
#[derive(Debug, thiserror::Error)]
pub(super) enum MessageError {
    #[error("{0} does not have 32 bytes")]
    Digest(&'static str),
    #[error("the nonce {0:?} was never sent")]
    Nonce(String),
    #[error("the stage of an Ack, or the kind of a Nack, is not known")]
    Unspecified,
    #[error(transparent)]
    Word(#[from] entente_convert::agent::UnknownWord),
    #[error("the message is empty, or of a kind that is not known")]
    Unknown,
    #[error("Hello was sent twice")]
    SecondHello,
}

pub(super) fn hello(said: &wire::Hello) -> Result<Hello, MessageError> {
    let version = Version { epoch: said.epoch, revision: said.revision };
    let root = digest("root", &said.root)?;
    let digest = digest("digest", &said.digest)?;
    let held = root.zip(digest).map(|(root, digest)| Accepted { version, root, digest });
    Ok(Hello {
        protocol_min: said.protocol_min,
        protocol_max: said.protocol_max,
        build: said.build.clone(),
        boot_id: said.boot_id.clone(),
        held,
        version,
        guardrail: said.guardrail_digest.clone(),
    })
}

fn digest(field: &'static str, bytes: &[u8]) -> Result<Option<Digest>, MessageError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    bytes.try_into().map(|bytes| Some(Digest(bytes))).map_err(|_| MessageError::Digest(field))
}

pub(super) fn incoming(message: wire::ConnectRequest) -> Result<Incoming, MessageError> {
    Ok(match message.message.ok_or(MessageError::Unknown)? {
        Said::Hello(_) => return Err(MessageError::SecondHello),
        Said::Ack(ack) => {
            let nonce = nonce(&ack.nonce)?;
            match ack.stage() {
                wire::AckStage::Received => Incoming::Received { nonce },
                wire::AckStage::Accepted => Incoming::Accepted { nonce },
                wire::AckStage::Unspecified => return Err(MessageError::Unspecified),
            }
        }
        Said::Nack(nack) => {
            let permanent = match nack.kind() {
                wire::NackKind::Permanent => true,
                wire::NackKind::Retry => false,
                wire::NackKind::Unspecified => return Err(MessageError::Unspecified),
            };
            let shortened = |error: String| error.chars().take(MAX_ERROR_CHARS).collect();
            let errors = nack.errors.into_iter().take(MAX_ERRORS).map(shortened).collect();
            Incoming::Nack { nonce: nonce(&nack.nonce)?, permanent, errors }
        }
        Said::Report(report) => Incoming::Report { report: report_from_proto(&report)?, full: report.full },
        Said::Pong(pong) => Incoming::Pong { number: pong.number },
        Said::PlanResult(result) => Incoming::PlanResult { nonce: nonce(&result.nonce)?, result: plan(&result)? },
    })
}

fn plan(result: &wire::PlanResult) -> Result<Result<Vec<entente_model::plan::PlannedChange>, String>, MessageError> {
    if !result.error.is_empty() {
        return Ok(Err(result.error.chars().take(MAX_ERROR_CHARS).collect()));
    }
    let changes = result.changes.iter().take(MAX_CHANGES).map(change_from_proto);
    Ok(Ok(changes.collect::<Result<_, _>>()?))
}

/// Nonces travel as decimal text.
fn nonce(text: &str) -> Result<u64, MessageError> {
    text.parse().map_err(|_| MessageError::Nonce(text.chars().take(40).collect()))
}

fn response(message: Message) -> wire::ConnectResponse {
    wire::ConnectResponse { message: Some(message) }
}

pub(super) fn welcome(welcome: &Welcome) -> wire::ConnectResponse {
    response(Message::Welcome(wire::Welcome {
        protocol: welcome.protocol,
        epoch: welcome.epoch,
        head: welcome.head,
        server_time: Some(time::to_proto(welcome.server_time)),
        statements: welcome.statements.iter().map(signed_to_proto).collect(),
        ping_seconds: u32::try_from(welcome.ping.as_secs()).unwrap_or(u32::MAX),
        report_batch: welcome.report_batch,
        report_milliseconds: milliseconds(welcome.report_interval),
        parked: welcome.parked.is_some(),
        parked_reason: welcome.parked.clone().unwrap_or_default(),
        resend_reports: welcome.resend_reports,
    }))
}

/// Everything but a snapshot, which is more than one message.
pub(super) fn outgoing(outgoing: Outgoing) -> wire::ConnectResponse {
    response(match outgoing {
        Outgoing::Snapshot { .. } | Outgoing::Leavers { .. } => unreachable!("frames.rs sends snapshots in parts"),
        Outgoing::Delta { nonce, from, delta, seal } => Message::Delta(changes(nonce, from, &delta, &seal)),
        Outgoing::Lease(lease) => Message::Lease(wire::Lease { seal: Some(seal_to_proto(&lease)) }),
        Outgoing::PlanRequest { nonce } => Message::PlanRequest(wire::PlanRequest { nonce: nonce.to_string() }),
        Outgoing::Compare => Message::CompareRequest(wire::CompareRequest {}),
        Outgoing::ReportAck { number } => Message::ReportAck(wire::ReportAck { number }),
        Outgoing::Ping { number } => Message::Ping(wire::Ping { number }),
        Outgoing::GoAway { reason, retry_after } => return go_away(reason, retry_after),
    })
}

fn changes(nonce: u64, from: Digest, delta: &Delta, by: &Seal) -> wire::Delta {
    wire::Delta {
        nonce: nonce.to_string(),
        from_digest: from.0.to_vec().into(),
        upserts: delta.upserts.iter().map(item_to_proto).collect(),
        removals: delta.removed.iter().map(|key| key.to_string()).collect(),
        seal: Some(seal_to_proto(by)),
    }
}

pub(super) fn go_away(reason: GoAwayReason, retry_after: Duration) -> wire::ConnectResponse {
    let reason = go_away_to_proto(reason).into();
    response(Message::GoAway(wire::GoAway { reason, retry_after_milliseconds: milliseconds(retry_after) }))
}

fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
