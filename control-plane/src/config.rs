//! `config.toml`: everything that a server is told, read completely before anything is touched.
//!
//! Unknown keys are refused, so that a slip of the pen is not a default. Paths are relative to the file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use entente_grpc::Rate;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::files;

/// The file, as it is written, its paths made to stand by themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// SPIFFE trust domain of all certificates: a name of the service provider's, such as `nordwall.example`.
    pub trust_domain: String,
    /// Folder of the store.
    pub data: PathBuf,
    #[serde(default)]
    pub listen: Listen,
    pub agents: Agents,
    pub tls: KeyPair,
    pub ca: KeyPair,
    pub signing: Signing,
    #[serde(default)]
    pub timing: Timing,
    #[serde(default)]
    pub log: Log,
}

/// Addresses of the three ports. Port 0 lets the system choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    pub api: SocketAddr,
    pub agents: SocketAddr,
    pub metrics: SocketAddr,
}

impl Default for Listen {
    fn default() -> Self {
        let any = |port| SocketAddr::from(([0, 0, 0, 0], port));
        Self { api: any(7443), agents: any(7444), metrics: any(9443) }
    }
}

/// What agents are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agents {
    /// `HOST:PORT` at which agents reach this server: token files carry it. Port 0 means the port that is bound.
    pub address: String,
    /// How many streams may begin per second; more are told when to come back.
    #[serde(default = "streams_per_second")]
    pub streams_per_second: u32,
    /// How many may begin at once after a quiet time.
    #[serde(default = "streams_at_once")]
    pub streams_at_once: u32,
}

fn streams_per_second() -> u32 {
    Rate::default().per_second
}

fn streams_at_once() -> u32 {
    Rate::default().burst
}

impl Agents {
    pub fn at(address: String) -> Self {
        Self { address, streams_per_second: streams_per_second(), streams_at_once: streams_at_once() }
    }
}

/// A certificate and its private key, PEM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyPair {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// What desired states are signed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signing {
    /// The online key, PEM.
    pub key: PathBuf,
    /// The offline root's public key, 32 bytes in hex. Customers pin it.
    pub root_public_key: String,
    /// Folder of what the root key has signed: delegations, revocations, epochs.
    pub statements: PathBuf,
}

macro_rules! timing {
    ($($(#[$doc:meta])* $name:ident = $default:literal,)*) => {
        /// How long things take. Each has a default that suits a fleet of any size.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Timing {
            $($(#[$doc])* pub $name: u32,)*
        }

        impl Default for Timing {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl Timing {
            /// Zero is no time for anything.
            fn zero(&self) -> Option<&'static str> {
                [$((stringify!($name), self.$name),)*].into_iter().find(|(_, value)| *value == 0).map(|(name, _)| name)
            }
        }
    };
}

timing! {
    /// How long an agent may go on granting while it is cut off.
    lease_seconds = 3_600,
    /// A stream without a word for three of these is dead.
    ping_seconds = 60,
    /// How long an agent gathers changes before it reports.
    report_milliseconds = 1_000,
    /// How long a state that an agent could not use is kept back.
    retry_backoff_milliseconds = 10_000,
    /// An older stream that still answers this long after a newer one took over is a clone.
    clone_window_milliseconds = 30_000,
    /// How long an agent may take to make a plan.
    plan_patience_seconds = 30,
    /// Life of an agent's certificate; it renews at two thirds.
    agent_certificate_days = 30,
    /// Life of a principal's certificate.
    principal_certificate_days = 365,
    /// How long calls and streams may take to end when the server stops.
    drain_seconds = 20,
}

/// What is logged, to standard error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`, or directives such as `info,entente_grpc=debug`.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".into() }
    }
}

/// For people, or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

impl Config {
    /// Reads the file and checks what can be checked without opening any other.
    pub fn load(path: &Path) -> Result<Self, Failure> {
        let text = files::read(path)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let config = Self::parse(&text, folder);
        config.map_err(|text| Failure::Usage(format!("{}: {text}", path.display())))
    }

    fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        let mut config: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        config.check()?;
        config.paths().into_iter().for_each(|path| *path = folder.join(&*path));
        Ok(config)
    }

    fn paths(&mut self) -> [&mut PathBuf; 7] {
        let (tls, ca, signing) = (&mut self.tls, &mut self.ca, &mut self.signing);
        let keys = [&mut tls.certificate, &mut tls.key, &mut ca.certificate, &mut ca.key, &mut signing.key];
        let [a, b, c, d, e] = keys;
        [&mut self.data, &mut signing.statements, a, b, c, d, e]
    }

    fn check(&self) -> Result<(), String> {
        let (lease, longest) = (self.timing.lease_seconds, entente_seal::MAX_LEASE.as_secs());
        if u64::from(lease) > longest {
            return Err(format!("timing.lease_seconds is {lease}; agents believe no lease of more than {longest} s"));
        }
        if let Some(name) = self.timing.zero() {
            return Err(format!("timing.{name} is 0; leave it out for the default"));
        }
        if self.agents.address.contains('*') {
            return Err(format!(
                "agents.address {:?} is of many machines: write the name of this one",
                self.agents.address
            ));
        }
        match self.agents.address.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {}
            _ => return Err(format!("agents.address {:?} is not HOST:PORT", self.agents.address)),
        }
        self.root_public_key().map(drop)
    }

    pub(crate) fn root_public_key(&self) -> Result<entente_seal::PublicKey, String> {
        let wrong = || "signing.root_public_key is not 64 hexadecimal digits; `init` prints it".to_owned();
        let bytes = hex::decode(&self.signing.root_public_key).map_err(|_| wrong())?;
        entente_seal::PublicKey::from_bytes(&bytes).map_err(|_| wrong())
    }

    /// What agents are told, now that the port is known.
    pub(crate) fn agent_address(&self, bound: SocketAddr) -> String {
        match self.agents.address.strip_suffix(":0") {
            Some(host) => format!("{host}:{}", bound.port()),
            None => self.agents.address.clone(),
        }
    }

    pub(crate) fn rate(&self) -> Rate {
        Rate { per_second: self.agents.streams_per_second, burst: self.agents.streams_at_once }
    }

    pub(crate) fn app(&self, agent_address: String) -> entente_app::Config {
        const DAY: Duration = Duration::from_secs(86_400);
        let seconds = |value: u32| Duration::from_secs(value.into());
        let milliseconds = |value: u32| Duration::from_millis(value.into());
        let timing = &self.timing;
        entente_app::Config {
            lease: seconds(timing.lease_seconds),
            ping: seconds(timing.ping_seconds),
            report_interval: milliseconds(timing.report_milliseconds),
            retry_backoff: milliseconds(timing.retry_backoff_milliseconds),
            clone_window: milliseconds(timing.clone_window_milliseconds),
            plan_patience: seconds(timing.plan_patience_seconds),
            agent_certificate: DAY * timing.agent_certificate_days,
            principal_certificate: DAY * timing.principal_certificate_days,
            ..entente_app::Config::new(agent_address)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALLEST: &str = r#"
        trust_domain = "nordwall.example"
        data = "data"
        agents.address = "control.nordwall.example:7444"
        tls = { certificate = "server.crt", key = "/keys/server.key" }
        ca = { certificate = "ca.crt", key = "ca.key" }
        [signing]
        key = "signing.key"
        statements = "statements"
        root_public_key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    "#;

    fn fault(text: &str) -> String {
        Config::parse(text, Path::new("/etc/entente")).unwrap_err()
    }

    #[test]
    fn the_smallest_file_has_defaults_and_its_paths_follow_it() {
        let config = Config::parse(SMALLEST, Path::new("/etc/entente")).unwrap();
        assert_eq!(config.listen.api.port(), 7443);
        assert_eq!(config.data, Path::new("/etc/entente/data"));
        assert_eq!(config.tls.key, Path::new("/keys/server.key"));
        assert_eq!(config.app("a:1".into()).lease, Duration::from_secs(3_600));
    }

    #[test]
    fn an_unknown_key_is_named_with_those_that_are_known() {
        let text = fault(&format!("{SMALLEST}\n[timing]\nleas_seconds = 5\n"));
        assert!(text.contains("unknown field `leas_seconds`, expected one of `lease_seconds`"), "{text}");
    }

    #[test]
    fn what_cannot_be_is_said_by_its_name() {
        assert!(fault(&SMALLEST.replace("0102", "xx")).contains("root_public_key is not 64 hexadecimal digits"));
        assert!(fault(&SMALLEST.replace(":7444", "")).contains("is not HOST:PORT"));
        assert!(fault(&SMALLEST.replace("control.nord", "*.nord")).contains("is of many machines"));
        assert!(fault(&format!("{SMALLEST}\n[timing]\nping_seconds = 0\n")).contains("timing.ping_seconds is 0"));
        assert!(fault(&format!("{SMALLEST}\n[timing]\nlease_seconds = 86401\n")).contains("more than 86400 s"));
        assert!(fault(&format!("{SMALLEST}\n[log]\nformat = \"xml\"\n")).contains("text"));
    }

    #[test]
    fn port_0_is_filled_in_with_the_port_that_is_bound() {
        let mut config = Config::parse(SMALLEST, Path::new(".")).unwrap();
        let bound = "127.0.0.1:4711".parse().unwrap();
        assert_eq!(config.agent_address(bound), "control.nordwall.example:7444");
        config.agents.address = "localhost:0".into();
        assert_eq!(config.agent_address(bound), "localhost:4711");
    }
}
