//! `init`: everything that a first server needs, in one folder and one command.
//!
//! The root key is made here because it has to be made somewhere; it belongs offline, and no server reads it.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use entente_app::pki::{self, CertificateAuthority, RequestedKey, Serial, Who};
use entente_app::{ApiRole, provision};
use entente_model::{PrincipalName, Timestamp};
use entente_seal::{OnlineKey, RootKey, Statement, generate_pkcs8};
use entente_store_embedded::{Sizes, SledStore};
use ring::rand::SystemRandom;
use uuid::Uuid;

use crate::config::{Agents, Config, KeyPair, Listen, Log, Signing, Timing};
use crate::failure::Failure;
use crate::statements::Statements;
use crate::{files, statements};

const DAY: Duration = Duration::from_secs(86_400);

/// A CA outlives what it issues by far: replacing it means touching every agent.
const CA_LIFETIME: Duration = Duration::from_secs(10 * 365 * 86_400);

/// A year: replaced by SIGHUP, without a restart.
const SERVER_LIFETIME: Duration = Duration::from_secs(365 * 86_400);

/// Short, so that a stolen signing key is worth little without the root key.
pub(crate) const DELEGATION_LIFETIME: Duration = Duration::from_secs(30 * 86_400);

/// What `init` is told.
#[derive(Debug, Clone)]
pub struct Init {
    /// A folder that is empty or not there.
    pub dir: PathBuf,
    /// DNS names and IP addresses of the server; the first is the one that agents are told.
    pub hosts: Vec<String>,
    pub trust_domain: String,
    /// Id of the first administrator.
    pub admin: String,
    pub listen: Listen,
    pub timing: Timing,
}

/// What was made.
#[derive(Debug, Clone)]
pub struct Initialised {
    pub config: PathBuf,
    /// For the command line: a contexts file with one context.
    pub context: PathBuf,
    /// Belongs offline.
    pub root_key: PathBuf,
    /// What a customer's guardrail pins: `ed25519:HEX`.
    pub root_key_id: String,
    pub ca_certificate: PathBuf,
    pub admin_certificate: PathBuf,
    pub admin_key: PathBuf,
}

/// Makes keys, certificates, statements, the store with its first administrator, and the configuration.
///
/// # Errors
/// The folder is not empty, or something cannot be made; what was made until then is left for a look.
pub async fn init(asked: &Init, now: Timestamp) -> Result<Initialised, Failure> {
    let admin = PrincipalName::from_id(&asked.admin).map_err(|error| Failure::Usage(error.to_string()))?;
    asked.hosts.iter().try_for_each(|host| is_host(host))?;
    let hosts = names(&asked.hosts);
    empty_folder(&asked.dir)?;
    let folder = Folder(&asked.dir);
    let root = folder.signing(now)?;
    let ca = folder.ca(&asked.trust_domain, now)?;
    let (server, server_key) = ca.server(&hosts, serial()?, now, SERVER_LIFETIME).map_err(pki_failed)?;
    files::write_new(&folder.at("server.crt"), &server.certificate_pem)?;
    files::write_secret(&folder.at("server.key"), server_key.expose())?;
    let root_public_key = hex::encode(root.public().as_bytes());
    let config = config(asked, &hosts, root_public_key);
    let store = open_store(&folder.at("data"))?;
    let imported = |error| Failure::because("cannot keep the root key's statements", error);
    for (signed, _) in &Statements::load(&folder.at("statements"), root.public())?.all {
        provision::import(&store, root.public(), signed).await.map_err(imported)?;
    }
    let lifetime = DAY * asked.timing.principal_certificate_days;
    put_admin(&store, &ca, &admin, now, lifetime, (&folder.at("admin.crt"), &folder.at("admin.key"))).await?;
    write_config(&folder.at("config.toml"), &config)?;
    write_context(&folder.at("cli.toml"), &own_name(&hosts[0], asked.listen.api), asked.listen.api)?;
    Ok(Initialised {
        config: folder.at("config.toml"),
        context: folder.at("cli.toml"),
        root_key: folder.at("root.key"),
        root_key_id: root.id().to_string(),
        ca_certificate: folder.at("ca.crt"),
        admin_certificate: folder.at("admin.crt"),
        admin_key: folder.at("admin.key"),
    })
}

struct Folder<'a>(&'a Path);

impl Folder<'_> {
    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The root key, the online key, and what the first says of the second.
    fn signing(&self, now: Timestamp) -> Result<RootKey, Failure> {
        let failed = |error| Failure::because("cannot make a key", error);
        let (root, online) = (new_key()?, new_key()?);
        files::write_secret(&self.at("root.key"), &files::key_pem(&root))?;
        files::write_secret(&self.at("signing.key"), &files::key_pem(&online))?;
        let root = RootKey::from_pkcs8(root.expose()).map_err(failed)?;
        let online = OnlineKey::from_pkcs8(online.expose()).map_err(failed)?;
        let folder = self.at("statements");
        fs::create_dir(&folder).map_err(Failure::writing(&folder))?;
        let delegation = statements::delegation(online.public(), now, DELEGATION_LIFETIME);
        statements::write(&folder, &root, &delegation, now)?;
        statements::write(&folder, &root, &Statement::Epoch { epoch: 1, reason: "the first history".into() }, now)?;
        Ok(root)
    }

    fn ca(&self, trust_domain: &str, now: Timestamp) -> Result<CertificateAuthority, Failure> {
        let made = pki::create_ca(trust_domain, now, CA_LIFETIME).map_err(pki_failed)?;
        files::write_new(&self.at("ca.crt"), &made.certificate_pem)?;
        files::write_secret(&self.at("ca.key"), made.key_pem.expose())?;
        CertificateAuthority::load(&made.certificate_pem, made.key_pem.expose(), trust_domain).map_err(pki_failed)
    }
}

pub(crate) fn new_key() -> Result<entente_seal::Secret, Failure> {
    generate_pkcs8(&SystemRandom::new()).map_err(|error| Failure::because("cannot make a key", error))
}

pub(crate) fn serial() -> Result<Serial, Failure> {
    Serial::random().map_err(pki_failed)
}

pub(crate) fn pki_failed(error: pki::PkiError) -> Failure {
    Failure::because("cannot make a certificate", error)
}

/// Opens the store, which only its owner may enter from then on: it holds personal data, and a backup's socket.
pub(crate) fn open_store(folder: &Path) -> Result<SledStore, Failure> {
    let store = SledStore::open(folder, Uuid::new_v4(), Sizes::FLEET);
    let store = store.map_err(|error| Failure::because("cannot open the store", error))?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(Failure::writing(folder))?;
    Ok(store)
}

/// Gives a new certificate to an administrator, new or known, in a store that no server has open.
pub(crate) async fn put_admin(
    store: &SledStore,
    ca: &CertificateAuthority,
    name: &PrincipalName,
    now: Timestamp,
    lifetime: Duration,
    (certificate, key): (&Path, &Path),
) -> Result<(), Failure> {
    let (key_pem, csr_pem) = pki::create_key_and_csr().map_err(pki_failed)?;
    let requested = RequestedKey::from_csr_pem(&csr_pem).map_err(pki_failed)?;
    let issued = ca.client(&Who::Principal(name.clone()), &requested, serial()?, now, lifetime).map_err(pki_failed)?;
    files::write_secret(key, key_pem.expose())?;
    files::write_new(certificate, &issued.certificate_pem)?;
    provision::put_principal(store, name, ApiRole::Admin, issued.serial, issued.not_after, now)
        .await
        .map_err(|error| Failure::because(format!("cannot keep {name}"), error))
}

/// A certificate may be for more than one machine, and an address that agents are told may not.
fn is_host(host: &str) -> Result<(), Failure> {
    let label = |it: &str| {
        (1..=63).contains(&it.len())
            && it.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !it.starts_with('-')
            && !it.ends_with('-')
    };
    let is_name =
        host.len() <= 253 && host.split('.').all(label) && !host.split('.').next_back().is_some_and(all_digits);
    if host.parse::<IpAddr>().is_ok() || is_name {
        return Ok(());
    }
    let text = "write a DNS name without wildcards, or an IP address without brackets, and no port";
    Err(Failure::Usage(format!("--host {host:?} is not the name of one machine: {text}")))
}

/// As in an IPv4 address that is none: no top-level domain is a number (RFC 3696, 2).
fn all_digits(label: &str) -> bool {
    label.chars().all(|c| c.is_ascii_digit())
}

/// Where a server listens that nobody has told anything: on its own machine alone, and by IPv6 if it is known by such an
/// address. Who opens it to a network says so.
pub(crate) fn loopback(hosts: &[String]) -> IpAddr {
    match hosts.first().map(|host| host.parse::<Ipv6Addr>()) {
        Some(Ok(_)) => Ipv6Addr::LOCALHOST.into(),
        _ => Ipv4Addr::LOCALHOST.into(),
    }
}

/// Where this machine's own command line finds the API: by the server's name, unless nothing listens there.
fn own_name(host: &str, api: SocketAddr) -> String {
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if api.ip().is_loopback() && !is_here { "localhost".into() } else { host.into() }
}

/// The names asked for, and those by which a machine knows itself.
fn names(hosts: &[String]) -> Vec<String> {
    let mut names = hosts.to_vec();
    for own in ["localhost", "127.0.0.1", "::1"] {
        if !names.iter().any(|name| name == own) {
            names.push(own.to_owned());
        }
    }
    names
}

fn empty_folder(dir: &Path) -> Result<(), Failure> {
    match fs::read_dir(dir).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => {
            let text = format!("{} is not empty; name a folder that is empty or not there", dir.display());
            Err(Failure::Usage(text))
        }
        Err(_) => fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(Failure::writing(dir)),
    }
}

fn config(asked: &Init, hosts: &[String], root_public_key: String) -> Config {
    let pair = |name: &str| KeyPair { certificate: format!("{name}.crt").into(), key: format!("{name}.key").into() };
    Config {
        trust_domain: asked.trust_domain.clone(),
        data: "data".into(),
        listen: asked.listen.clone(),
        agents: Agents::at(address(&hosts[0], asked.listen.agents)),
        tls: pair("server"),
        ca: pair("ca"),
        signing: Signing { key: "signing.key".into(), root_public_key, statements: "statements".into() },
        timing: asked.timing,
        log: Log::default(),
    }
}

/// `HOST:PORT`, with brackets around an IPv6 address.
fn address(host: &str, bound: SocketAddr) -> String {
    if host.contains(':') { format!("[{host}]:{}", bound.port()) } else { format!("{host}:{}", bound.port()) }
}

fn write_config(path: &Path, config: &Config) -> Result<(), Failure> {
    let text = toml::to_string(config).expect("a configuration is a table");
    let head =
        "# A control plane. Paths are relative to this file. `entente-control-plane check-config` explains it.\n\n";
    files::write_new(path, &format!("{head}{text}"))
}

fn write_context(path: &Path, host: &str, api: SocketAddr) -> Result<(), Failure> {
    let server = address(host, api);
    let text = format!(
        "current = \"default\"\n\n[contexts.default]\nserver = \"{server}\"\nca = \"ca.crt\"\ncertificate = \
         \"admin.crt\"\nkey = \"admin.key\"\n"
    );
    files::write_new(path, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_kind_17_a_host_is_one_machine() {
        for host in ["localhost", "control.nordwall.example", "xn--nrd-0na.example", "10.0.0.1", "::1", "fd00::7", "a"]
        {
            assert!(is_host(host).is_ok(), "{host}");
        }
        for host in
            ["*.nordwall.example", "*", "", "a..b", "[::1]", "a:7443", "-a.example", "a b", "nordwäll.example", "1.2.3"]
        {
            let failure = is_host(host).unwrap_err();
            assert!(
                failure.exit_code() == 2 && failure.to_string().contains("is not the name of one machine"),
                "{host}"
            );
        }
    }

    #[test]
    fn field_kind_17_a_server_that_is_known_by_an_ipv6_address_listens_there() {
        let at = |hosts: &[&str]| loopback(&hosts.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()).to_string();
        assert_eq!(at(&["::1"]), "::1");
        assert_eq!(at(&["fd00::7", "control.nordwall.example"]), "::1");
        assert_eq!(at(&["control.nordwall.example", "10.0.0.1"]), "127.0.0.1");
    }

    #[test]
    fn the_command_line_finds_a_server_that_listens_on_its_own_machine_alone() {
        let at = |host: &str, api: &str| own_name(host, api.parse().unwrap());
        assert_eq!(at("control.nordwall.example", "127.0.0.1:7443"), "localhost");
        assert_eq!(at("control.nordwall.example", "0.0.0.0:7443"), "control.nordwall.example");
        assert_eq!((at("127.0.0.1", "127.0.0.1:1"), at("::1", "[::1]:1")), ("127.0.0.1".into(), "::1".into()));
    }
}
