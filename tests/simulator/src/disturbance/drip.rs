//! A body that is sent a byte a second: slower than any limit between two bytes, longer than a limit on the whole.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Interval};

/// What goes out on a connection.
#[derive(Debug)]
pub enum Outgoing {
    AtOnce(Full<Bytes>),
    Dripping(Drip),
}

/// Bytes that leave one by one until the time is up, then together.
#[derive(Debug)]
pub struct Drip {
    left: Bytes,
    ticks: Interval,
    until: Instant,
}

impl Drip {
    pub fn new(bytes: Bytes, seconds: u64) -> Self {
        let ticks = tokio::time::interval(Duration::from_secs(1));
        Self { left: bytes, ticks, until: Instant::now() + Duration::from_secs(seconds) }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let drip = match self.get_mut() {
            Outgoing::AtOnce(body) => return Pin::new(body).poll_frame(context),
            Outgoing::Dripping(drip) => drip,
        };
        if drip.left.is_empty() {
            return Poll::Ready(None);
        }
        if drip.ticks.poll_tick(context).is_pending() {
            return Poll::Pending;
        }
        let size = if Instant::now() < drip.until { 1 } else { drip.left.len() };
        Poll::Ready(Some(Ok(Frame::data(drip.left.split_to(size)))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Outgoing::AtOnce(body) => body.is_end_stream(),
            Outgoing::Dripping(drip) => !drip.left.has_remaining(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Outgoing::AtOnce(body) => body.size_hint(),
            Outgoing::Dripping(drip) => SizeHint::with_exact(drip.left.len() as u64),
        }
    }
}
