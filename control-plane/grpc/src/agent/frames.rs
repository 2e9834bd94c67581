//! What goes to an agent, as bytes that are ready for the wire: each message is encoded once, with its gRPC prefix,
//! and handed to HTTP/2 as it is.
//!
//! A generated response would keep a buffer of 8 KiB for each stream and each direction; ten thousand idle streams
//! are what this server is made of.

use bytes::{BufMut, Bytes, BytesMut};
use entente_app::Outgoing;
use entente_convert::seal::{item_to_proto, seal_to_proto};
use entente_proto::agent::v1 as wire;
use entente_proto::agent::v1::connect_response::Message;
use entente_seal::{Buckets, Seal, SealedItem};
use http::{HeaderMap, HeaderValue, header};
use http_body::{Body as HttpBody, Frame};
use prost::Message as _;
use tonic::Status;
use tonic::body::Body;
use tonic::codec::{BufferSettings, DecodeBuf, Decoder, Streaming};

use super::convert;

/// gRPC over HTTP/2: one byte for compression, four for the length.
const PREFIX_BYTES: usize = 5;

/// A part of a snapshot is closed when it reaches this: well below the 4 MiB that gRPC libraries take by default.
const CHUNK_BYTES: usize = 256 << 10;

/// Room for what an idle agent sends; grows for a report and stays with the stream that reported.
const INBOUND_BUFFER_BYTES: usize = 256;

/// A report of as many items as an agent may send at once, with a script for each: some 2 MiB.
const MAX_INBOUND_BYTES: usize = 4 << 20;

/// One message, framed.
pub(super) fn frame(message: &wire::ConnectResponse) -> Bytes {
    let length = message.encoded_len();
    let mut bytes = BytesMut::with_capacity(PREFIX_BYTES + length);
    bytes.put_u8(0);
    bytes.put_u32(length.try_into().expect("a message to an agent is bounded far below 4 GiB"));
    message.encode(&mut bytes).expect("the buffer has room for what was measured");
    bytes.freeze()
}

/// The frames of one outgoing message, encoded as they are asked for: a large state never stands in memory twice.
pub(super) struct Frames {
    ready: Option<Bytes>,
    snapshot: Option<Snapshot>,
}

struct Snapshot {
    nonce: String,
    /// What of it is to be taken.
    kind: fn(wire::SnapshotChunk) -> Message,
    items: std::iter::Peekable<std::vec::IntoIter<SealedItem>>,
    seal: wire::Seal,
}

impl Frames {
    pub(super) fn one(message: &wire::ConnectResponse) -> Self {
        Self { ready: Some(frame(message)), snapshot: None }
    }

    pub(super) fn of(outgoing: Outgoing) -> Self {
        match outgoing {
            Outgoing::Snapshot { nonce, items, seal } => Self::parts(Message::SnapshotChunk, nonce, &items, &seal),
            Outgoing::Leavers { nonce, items, seal } => Self::parts(Message::LeaversChunk, nonce, &items, &seal),
            other => Self::one(&convert::outgoing(other)),
        }
    }

    fn parts(kind: fn(wire::SnapshotChunk) -> Message, nonce: u64, items: &Buckets, seal: &Seal) -> Self {
        let (nonce, items) = (nonce.to_string(), items.sorted().into_iter().peekable());
        Self { ready: None, snapshot: Some(Snapshot { nonce, kind, items, seal: seal_to_proto(seal) }) }
    }
}

impl Iterator for Frames {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if let Some(bytes) = self.ready.take() {
            return Some(bytes);
        }
        let mut snapshot = self.snapshot.take()?;
        let items = snapshot.part();
        let last = snapshot.items.peek().is_none();
        let seal = last.then(|| snapshot.seal.clone());
        let chunk = wire::SnapshotChunk { nonce: snapshot.nonce.clone(), items, last, seal };
        let message = Some((snapshot.kind)(chunk));
        if !last {
            self.snapshot = Some(snapshot);
        }
        Some(frame(&wire::ConnectResponse { message }))
    }
}

impl Snapshot {
    fn part(&mut self) -> Vec<wire::Item> {
        let (mut part, mut size) = (Vec::new(), 0);
        while size < CHUNK_BYTES
            && let Some(item) = self.items.next()
        {
            size += item.key().len() + item.bytes().len();
            part.push(item_to_proto(&item));
        }
        part
    }
}

/// How a stream ends that has said why, if there was a why.
pub(super) fn trailers() -> Frame<Bytes> {
    let mut trailers = HeaderMap::new();
    trailers.insert(Status::GRPC_STATUS, HeaderValue::from_static("0"));
    Frame::trailers(trailers)
}

pub(super) fn respond<B>(body: B) -> http::Response<Body>
where
    B: HttpBody<Data = Bytes, Error = Status> + Send + 'static,
{
    let mut response = http::Response::new(Body::new(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

/// The messages of a request's body.
pub(super) fn inbound(body: Body) -> Streaming<wire::ConnectRequest> {
    Streaming::new_request(Requests, body, None, Some(MAX_INBOUND_BYTES))
}

struct Requests;

impl Decoder for Requests {
    type Item = wire::ConnectRequest;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<wire::ConnectRequest>, Status> {
        let message = wire::ConnectRequest::decode(bytes);
        message.map(Some).map_err(|_| Status::invalid_argument("the message is not a ConnectRequest"))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(INBOUND_BUFFER_BYTES, INBOUND_BUFFER_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use entente_seal::{Buckets, MAX_ITEM_BYTES, Path, Seal};

    use super::*;

    fn seal() -> Seal {
        let path = Path { index: 0, size: 1, siblings: Vec::new() };
        Seal { note: b"note"[..].into(), leaf: b"leaf"[..].into(), path }
    }

    /// What a client's gRPC library makes of a frame.
    fn unframed(frame: Bytes) -> wire::SnapshotChunk {
        let (prefix, message) = frame.split_at(PREFIX_BYTES);
        assert_eq!((prefix[0], u32::from_be_bytes(prefix[1..].try_into().unwrap()) as usize), (0, message.len()));
        match wire::ConnectResponse::decode(message).unwrap().message {
            Some(Message::SnapshotChunk(chunk)) => chunk,
            other => panic!("{other:?}"),
        }
    }

    fn chunks(items: &Buckets) -> Vec<wire::SnapshotChunk> {
        Frames::of(Outgoing::Snapshot { nonce: 7, items: items.clone(), seal: seal() })
            .inspect(|frame| assert!(frame.len() <= CHUNK_BYTES + MAX_ITEM_BYTES + 4_096, "{}", frame.len()))
            .map(unframed)
            .collect()
    }

    #[test]
    fn a_large_state_comes_in_bounded_parts_that_together_are_all_of_it() {
        let content = Bytes::from(vec![7; 1_000]);
        let item = |n: usize| SealedItem::received(&format!("new/kind/{n:05}"), content.clone()).unwrap();
        let items = Buckets::from_items((0..2_000).map(item));
        let chunks = chunks(&items);
        assert!(chunks.len() > 5, "{}", chunks.len());
        let (last, others) = chunks.split_last().unwrap();
        assert!(last.last && last.seal.is_some());
        assert!(others.iter().all(|chunk| !chunk.last && chunk.seal.is_none() && chunk.nonce == last.nonce));
        let keys: Vec<_> = chunks.iter().flat_map(|chunk| &chunk.items).map(|item| item.key.clone()).collect();
        assert_eq!(keys, items.sorted().iter().map(|item| item.key().to_owned()).collect::<Vec<_>>());
    }

    #[test]
    fn a_state_of_nothing_is_one_part() {
        let chunks = chunks(&Buckets::default());
        assert!(chunks.len() == 1 && chunks[0].last && chunks[0].items.is_empty() && chunks[0].seal.is_some());
    }
}
