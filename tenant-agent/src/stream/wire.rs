//! Converts between the stream's protobuf and the session's types. What cannot be converted becomes
//! [`Inbound::Unreadable`], so that the session refuses it by name.

use std::time::Duration;

use entente_convert::seal::{digest, items_from_proto, seal_from_proto, signed_from_proto};
use entente_convert::{agent as convert, go_away_from_proto, time};
use entente_model::desired::Digest;
use entente_proto::agent::v1 as wire;
use entente_proto::agent::v1::connect_request::Message as Out;
use entente_proto::agent::v1::connect_response::Message as In;
use entente_seal::Delta;
use entente_session::{Inbound, NackKind, Outbound, PROTOCOL, Stage, Welcome};

pub fn inbound(message: wire::ConnectResponse) -> Inbound {
    match message.message {
        None => Inbound::Unreadable { nonce: None, error: "a message of a kind that is not known here".into() },
        Some(In::Welcome(welcome)) => Inbound::Welcome(welcome_from(welcome)),
        Some(In::SnapshotChunk(chunk)) => {
            let nonce = chunk.nonce.clone();
            chunk_from(chunk).unwrap_or_else(|error| unreadable(Some(nonce), &*error))
        }
        Some(In::LeaversChunk(chunk)) => leavers_from(chunk).unwrap_or_else(|error| unreadable(None, &*error)),
        Some(In::Delta(delta)) => {
            let nonce = delta.nonce.clone();
            delta_from(delta).unwrap_or_else(|error| unreadable(Some(nonce), &*error))
        }
        Some(In::Lease(lease)) => match lease.seal.map(seal_from_proto) {
            Some(Ok(seal)) => Inbound::Lease(seal),
            _ => Inbound::Unreadable { nonce: None, error: "a lease without a seal".into() },
        },
        Some(In::PlanRequest(request)) => Inbound::Plan { nonce: request.nonce },
        Some(In::CompareRequest(_)) => Inbound::Compare,
        Some(In::ReportAck(ack)) => Inbound::ReportAck { number: ack.number },
        Some(In::Ping(ping)) => Inbound::Ping { number: ping.number },
        Some(In::GoAway(away)) => Inbound::GoAway {
            reason: go_away_from_proto(away.reason()),
            retry_after: Duration::from_millis(away.retry_after_milliseconds.into()),
        },
    }
}

fn unreadable(nonce: Option<String>, error: &dyn std::error::Error) -> Inbound {
    Inbound::Unreadable { nonce, error: crate::guardrail_file::chain(error) }
}

fn welcome_from(welcome: wire::Welcome) -> Welcome {
    Welcome {
        protocol: welcome.protocol,
        epoch: welcome.epoch,
        server_time: welcome.server_time.as_ref().map(time::from_proto).unwrap_or_default(),
        statements: welcome.statements.into_iter().map(signed_from_proto).collect(),
        ping: Duration::from_secs(welcome.ping_seconds.into()),
        report_batch: welcome.report_batch as usize,
        report_after: Duration::from_millis(welcome.report_milliseconds.into()),
        parked: welcome.parked.then_some(welcome.parked_reason),
        resend_reports: welcome.resend_reports,
    }
}

fn chunk_from(chunk: wire::SnapshotChunk) -> Result<Inbound, Box<dyn std::error::Error>> {
    let items = items_from_proto(&chunk.items)?;
    let seal = chunk.seal.map(seal_from_proto).transpose()?;
    Ok(Inbound::Chunk { nonce: chunk.nonce, items, last: chunk.last, seal })
}

fn leavers_from(chunk: wire::SnapshotChunk) -> Result<Inbound, Box<dyn std::error::Error>> {
    let items = items_from_proto(&chunk.items)?;
    let seal = chunk.seal.map(seal_from_proto).transpose()?;
    Ok(Inbound::Leavers { nonce: chunk.nonce, items, last: chunk.last, seal })
}

fn delta_from(delta: wire::Delta) -> Result<Inbound, Box<dyn std::error::Error>> {
    let from = digest(&delta.from_digest).ok_or("the delta's from_digest is malformed")?;
    let upserts = items_from_proto(&delta.upserts)?;
    let removed = delta.removals.into_iter().map(Into::into).collect();
    let seal = delta.seal.map(seal_from_proto).transpose()?;
    Ok(Inbound::Delta { nonce: delta.nonce, from, delta: Delta { upserts, removed }, seal })
}

pub fn outbound(message: Outbound) -> wire::ConnectRequest {
    let message = match message {
        Outbound::Hello { build, boot_id, version, root, digest, guardrail_digest } => Out::Hello(wire::Hello {
            protocol_min: PROTOCOL,
            protocol_max: PROTOCOL,
            build,
            boot_id,
            epoch: version.epoch,
            revision: version.revision,
            root: bytes_of(root),
            digest: bytes_of(digest),
            guardrail_digest,
        }),
        Outbound::Ack { nonce, stage } => Out::Ack(wire::Ack { nonce, stage: stage_to(stage).into() }),
        Outbound::Nack { nonce, kind, errors } => Out::Nack(wire::Nack { nonce, kind: kind_to(kind).into(), errors }),
        Outbound::Report { report, full } => Out::Report(convert::report_to_proto(&report, full)),
        Outbound::Pong { number } => Out::Pong(wire::Pong { number }),
        Outbound::PlanResult { nonce, result } => {
            let (changes, error) = match result {
                Ok(changes) => (changes.iter().map(convert::change_to_proto).collect(), String::new()),
                Err(error) => (Vec::new(), error),
            };
            Out::PlanResult(wire::PlanResult { nonce, changes, error })
        }
    };
    wire::ConnectRequest { message: Some(message) }
}

fn stage_to(stage: Stage) -> wire::AckStage {
    match stage {
        Stage::Received => wire::AckStage::Received,
        Stage::Accepted => wire::AckStage::Accepted,
    }
}

fn kind_to(kind: NackKind) -> wire::NackKind {
    match kind {
        NackKind::Permanent => wire::NackKind::Permanent,
        NackKind::Retry => wire::NackKind::Retry,
    }
}

fn bytes_of(digest: Option<Digest>) -> bytes::Bytes {
    digest.map(|digest| bytes::Bytes::copy_from_slice(&digest.0)).unwrap_or_default()
}
