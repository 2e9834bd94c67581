//! The connection to the service provider: its name, the network, and TLS by the CA that enrolment pinned.

use std::sync::Arc;
use std::time::Duration;

use entente_proto::channel;

use super::check::Check;
use crate::config::Config;
use crate::guardrail_file::chain;
use crate::identity::Identity;

const NAME: &str = "provider";

/// Longer than a resolver takes to ask three servers in turn.
const RESOLVE: Duration = Duration::from_secs(10);

pub(super) async fn look(config: &Config, identity: Option<&Identity>) -> Check {
    let pinned = identity.map(|identity| identity.pinned.address.clone());
    let Some(address) = config.address.clone().or(pinned) else {
        let detail = "its address is not known before enrolment";
        return Check::unknown(NAME, detail, "enrol this agent, and run entente-agent doctor again");
    };
    // Both addresses were checked to be HOST:PORT when they were read.
    let (host, port) = address.rsplit_once(':').unwrap_or((&address, ""));
    let way = config.proxy.way(host, port.parse().unwrap_or_default());
    if way.is_none()
        && let Err(why) = resolve(&address).await
    {
        let remedy = format!("let this machine resolve {host}, or name a proxy (cloud.proxy)");
        return Check::fault(NAME, format!("{host} cannot be resolved: {why}"), remedy);
    }
    let Some(identity) = identity else {
        let detail = format!("{address} was not spoken to: enrolment pins the CA by which it is known");
        return Check::unknown(NAME, detail, "enrol this agent, and run entente-agent doctor again");
    };
    let tls = match identity.client_config() {
        Ok(tls) => Arc::new(tls),
        Err(error) => return Check::fault(NAME, chain(&error), "enrol again with a new token"),
    };
    let through = way.map(|way| format!(", through the proxy {way}")).unwrap_or_default();
    match channel::handshake(&address, tls, &config.proxy).await {
        Ok(()) => {
            let detail = format!("{address} answers, and its certificate is right: it is of the pinned CA{through}");
            Check::ok(NAME, detail)
        }
        Err(error) => {
            let remedy = format!(
                "let this machine reach {address} outward, with nothing in between that opens TLS; if it moved, name the \
                 new one as address in the configuration"
            );
            Check::fault(NAME, format!("{address} is not reached{through}: {}", chain(&error)), remedy)
        }
    }
}

async fn resolve(address: &str) -> Result<(), String> {
    match tokio::time::timeout(RESOLVE, tokio::net::lookup_host(address)).await {
        Ok(Ok(mut found)) => found.next().map(drop).ok_or_else(|| "the name has no address".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer in {} s", RESOLVE.as_secs())),
    }
}
