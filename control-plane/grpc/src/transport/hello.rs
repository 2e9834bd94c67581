//! The first thing that a client says. Until all of it is there, the bytes are kept and nothing else is done: no turn
//! for a handshake is used before the whole ClientHello has arrived.

use std::io;

use rustls::server::{Accepted, Acceptor};
use tokio::net::TcpStream;

/// A hello with a post-quantum key share has some 1.8 KiB, and ours have less. A client that sends more is cut off, as
/// we would have to keep it: rustls alone would take 64 KiB of each.
const MAX_HELLO_BYTES: usize = 8 << 10;

/// Most that is read at once.
const READ_BYTES: usize = 2 << 10;

/// Waits for a whole ClientHello (RFC 8446, 4.1.2). What is none is answered with TLS's alert.
pub(super) async fn hello(tcp: &TcpStream) -> io::Result<Accepted> {
    let mut acceptor = Acceptor::default();
    let mut said = 0;
    while said <= MAX_HELLO_BYTES {
        tcp.readable().await?;
        said += match read(tcp, &mut acceptor) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(bytes) => bytes,
            // A new socket may look readable for a moment.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        };
        if let Some(accepted) = accept(tcp, &mut acceptor)? {
            return Ok(accepted);
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "a hello that is too long"))
}

/// All that was read is kept, as what follows a hello belongs to the handshake.
fn read(tcp: &TcpStream, acceptor: &mut Acceptor) -> io::Result<usize> {
    let mut buffer = [0; READ_BYTES];
    let read = tcp.try_read(&mut buffer)?;
    let mut said = &buffer[..read];
    while !said.is_empty() {
        acceptor.read_tls(&mut said)?;
    }
    Ok(read)
}

fn accept(tcp: &TcpStream, acceptor: &mut Acceptor) -> io::Result<Option<Accepted>> {
    acceptor.accept().map_err(|(error, mut alert)| {
        let mut bytes = Vec::new();
        // The alert is sent once, without waiting. If it cannot be written it is dropped.
        let _ = alert.write_all(&mut bytes).and_then(|()| tcp.try_write(&bytes));
        io::Error::new(io::ErrorKind::InvalidData, error)
    })
}
