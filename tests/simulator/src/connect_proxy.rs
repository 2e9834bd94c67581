//! The proxy of a customer's network: HTTP `CONNECT` on loopback, as the only way out; or one that inspects TLS.
//!
//! It knows nothing about Microsoft: all of an agent's connections go through it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::lock::locked;
use crate::tls;

/// The longest request that is read; ours are some two hundred bytes.
const MAX_HEAD_BYTES: usize = 8 * 1024;

/// A running proxy. Ends when it is dropped, with what is open through it.
#[derive(Debug)]
pub struct ConnectProxy {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

/// A request to be connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// `HOST:PORT`.
    pub target: String,
    /// The value of `Proxy-Authorization`; empty without.
    pub authorization: String,
}

impl ConnectProxy {
    /// Lets everything through, unread.
    pub async fn start() -> io::Result<Self> {
        Self::with(None).await
    }

    /// Answers every TLS handshake itself, with a certificate of an authority of its own.
    pub async fn inspecting() -> io::Result<Self> {
        tls::install_provider();
        let (_, identity) = tls::self_made().map_err(io::Error::other)?;
        Self::with(Some(tls::server_config(&identity).map_err(io::Error::other)?.into())).await
    }

    async fn with(inspects: Option<TlsAcceptor>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let log = asked.clone();
        let task = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                open.spawn(serve(client, log.clone(), inspects.clone()));
                while open.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, asked, task })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that was asked so far, in order.
    pub fn asked(&self) -> Vec<Asked> {
        locked(&self.asked).clone()
    }

    /// Whether a client was connected to that address.
    pub fn has_seen(&self, target: &str) -> bool {
        self.asked().iter().any(|asked| asked.target == target)
    }
}

impl Drop for ConnectProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Ignores how a connection ends: its two ends handle that.
async fn serve(mut client: TcpStream, log: Arc<Mutex<Vec<Asked>>>, inspects: Option<TlsAcceptor>) {
    let Ok(Some(asked)) = read(&mut client).await else { return };
    let target = asked.target.clone();
    locked(&log).push(asked);
    let opened = b"HTTP/1.1 200 Connection established\r\n\r\n";
    if let Some(acceptor) = inspects {
        if client.write_all(opened).await.is_ok() {
            acceptor.accept(client).await.ok();
        }
        return;
    }
    let answer: &[u8] = match TcpStream::connect(&target).await {
        Ok(mut server) => {
            if client.write_all(opened).await.is_ok() {
                copy_bidirectional(&mut client, &mut server).await.ok();
            }
            return;
        }
        Err(_) => b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
    };
    client.write_all(answer).await.ok();
}

/// RFC 9110, 9.3.6. `None` if it is not a `CONNECT`.
async fn read(client: &mut TcpStream) -> io::Result<Option<Asked>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < MAX_HEAD_BYTES {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let target = lines.next().and_then(|line| line.strip_prefix("CONNECT ")?.split(' ').next().map(str::to_owned));
    let authorization = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("proxy-authorization").then(|| value.trim().to_owned())
    });
    Ok(target.map(|target| Asked { target, authorization: authorization.unwrap_or_default() }))
}
