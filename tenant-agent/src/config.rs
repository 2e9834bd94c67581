//! The configuration file. The agent reads and checks all of it before it touches anything.
//!
//! It holds no secrets, only the names of the files that do.

use std::path::{Path, PathBuf};
use std::time::Duration;

use entente_cloud::{Credential, Endpoints, ManagedIdentity, NationalCloud, Secret};
use entente_model::Guid;
use entente_planner::plan::Settings;
use entente_proto::proxy::Proxy;
use serde::Deserialize;

use crate::files::{self, FileError};

/// A configuration fills a screen; this is room for a hundred.
const MAX_BYTES: usize = 64 << 10;

/// What the customer wrote, checked.
#[derive(Debug, Clone)]
pub struct Config {
    pub entra_tenant: Guid,
    pub guardrail: PathBuf,
    pub state_dir: PathBuf,
    /// Overrides the address of the token file.
    pub address: Option<String>,
    pub settings: Settings,
    pub cloud: entente_cloud::Config,
    /// The proxy for the stream and enrolment; `cloud` has the same one for Microsoft.
    pub proxy: Proxy,
    /// What named the proxy: a key of the file, or the environment.
    pub proxy_from: Option<&'static str>,
    /// When the credential at Microsoft ends, if the customer wrote it down: a secret does not show it.
    pub credential_expires: Option<entente_model::Timestamp>,
}

/// Why the agent cannot use a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("there is no configuration file {0}: pass --config FILE or set ENTENTE_AGENT_CONFIG")]
    Missing(PathBuf),
    #[error("configuration {path}: {message}")]
    Form { path: PathBuf, message: String },
    #[error("configuration: {field} {fault}")]
    Field { field: &'static str, fault: String },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    entra_tenant: String,
    guardrail: PathBuf,
    state_dir: PathBuf,
    address: Option<String>,
    replication_lag_seconds: Option<u64>,
    unseen_seconds: Option<u64>,
    defender_lag_seconds: Option<u64>,
    entra_lag_seconds: Option<u64>,
    compare_seconds: Option<u64>,
    recheck_seconds: Option<u64>,
    #[serde(default)]
    cloud: CloudForm,
    credential: CredentialForm,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CloudForm {
    name: Option<String>,
    login: Option<String>,
    graph: Option<String>,
    arm: Option<String>,
    extra_ca: Option<PathBuf>,
    /// A file, because a proxy's address may hold a password.
    proxy_file: Option<PathBuf>,
    proxy: Option<String>,
    /// Hosts that the agent reaches without the proxy: `internal.example,10.0.0.0/8`.
    no_proxy: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CredentialForm {
    client_id: Option<String>,
    secret_file: Option<PathBuf>,
    certificate_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    federated_token_file: Option<PathBuf>,
    #[serde(default)]
    managed_identity: bool,
    /// `2027-03-31T12:00:00Z`.
    expires: Option<String>,
}

impl Config {
    /// Reads and checks the file. Relative paths start at its folder.
    pub fn load(path: &Path, env: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Self::read(path, env).map_err(|mut faults| faults.swap_remove(0))
    }

    /// Like [`Config::load`], but returns every fault of a file that parses, and at least one.
    pub fn read(path: &Path, env: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<ConfigError>> {
        let text = files::read_text(path, MAX_BYTES).map_err(|error| vec![error.into()])?;
        let text = text.ok_or_else(|| vec![ConfigError::Missing(path.into())])?;
        let form: Form = toml::from_str(&text).map_err(|error| {
            let line = error.span().map(|at| text[..at.start.min(text.len())].matches('\n').count() + 1);
            let line = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            vec![ConfigError::Form { path: path.into(), message: format!("{line}{}", error.message()) }]
        })?;
        let base = path.parent().unwrap_or(Path::new("."));
        form.check(base, env)
    }
}

/// The faults found so far.
struct Faults(Vec<ConfigError>);

impl Faults {
    fn keep<T>(&mut self, checked: Result<T, ConfigError>) -> Option<T> {
        checked.map_err(|fault| self.0.push(fault)).ok()
    }
}

impl Form {
    fn check(self, base: &Path, env: impl Fn(&str) -> Option<String>) -> Result<Config, Vec<ConfigError>> {
        let mut faults = Faults(Vec::new());
        let tenant = self.entra_tenant.parse::<Guid>().map_err(|error| field("entra_tenant", &error));
        let tenant = faults.keep(tenant);
        self.address.as_deref().map(|address| faults.keep(check_address(address)));
        let settings = self.settings(&mut faults);
        let endpoints = faults.keep(self.cloud.endpoints());
        let extra_ca = faults.keep(self.cloud.extra_ca(base));
        let way = faults.keep(self.cloud.way(base, &env));
        let expires = self.credential.expires.as_deref().map(str::parse).transpose();
        let expires = faults.keep(expires.map_err(|error| field("credential.expires", &error)));
        let credential = faults.keep(self.credential.check(base, &env));
        let (
            Some(entra_tenant),
            Some(endpoints),
            Some(extra_ca_pem),
            Some(way),
            Some(credential_expires),
            Some(credential),
        ) = (tenant, endpoints, extra_ca, way, expires, credential)
        else {
            return Err(faults.0);
        };
        if !faults.0.is_empty() {
            return Err(faults.0);
        }
        let settings = Settings { graph: endpoints.graph.clone(), ..settings };
        let mut cloud = entente_cloud::Config::new(entra_tenant.as_uuid(), endpoints, credential);
        (cloud.extra_ca_pem, cloud.proxy, cloud.no_proxy) = (extra_ca_pem, way.address, way.except);
        Ok(Config {
            entra_tenant,
            guardrail: base.join(self.guardrail),
            state_dir: base.join(self.state_dir),
            address: self.address,
            settings,
            cloud,
            proxy: way.proxy,
            proxy_from: way.from,
            credential_expires,
        })
    }

    fn settings(&self, faults: &mut Faults) -> Settings {
        let mut span = |name, given, default, range| {
            // A fault discards all settings, so the value does not matter.
            faults.keep(seconds(name, given, default, range)).unwrap_or_default()
        };
        Settings {
            replication_lag: span("replication_lag_seconds", self.replication_lag_seconds, 60, 0..=3_600),
            unseen_for: span("unseen_seconds", self.unseen_seconds, 86_400, 0..=2_592_000),
            defender_lag: span("defender_lag_seconds", self.defender_lag_seconds, 1_800, 0..=86_400),
            entra_lag: span("entra_lag_seconds", self.entra_lag_seconds, 300, 0..=86_400),
            recheck: span("recheck_seconds", self.recheck_seconds, 5, 1..=600),
            resync: span("compare_seconds", self.compare_seconds, 300, 1..=86_400),
            ..Settings::default()
        }
    }
}

/// The proxy in the forms that the stream and `cloud` take.
#[derive(Default)]
struct Way {
    proxy: Proxy,
    address: Option<Secret>,
    except: String,
    from: Option<&'static str>,
}

impl CloudForm {
    fn endpoints(&self) -> Result<Endpoints, ConfigError> {
        let name = self.name.as_deref().unwrap_or("global");
        let cloud: NationalCloud = name.parse().map_err(|error| field("cloud.name", &error))?;
        let mut endpoints = Endpoints::of(cloud);
        let put = |into: &mut String, from: &Option<String>| {
            if let Some(address) = from {
                into.clone_from(address);
            }
        };
        put(&mut endpoints.login, &self.login);
        put(&mut endpoints.graph, &self.graph);
        put(&mut endpoints.arm, &self.arm);
        Ok(endpoints)
    }

    fn extra_ca(&self, base: &Path) -> Result<Option<Vec<u8>>, ConfigError> {
        let Some(path) = &self.extra_ca else { return Ok(None) };
        let path = base.join(path);
        let pem = files::read_unmarked(&path, 1 << 20)?.ok_or_else(|| absent("cloud.extra_ca", &path))?;
        Ok(Some(pem.into_bytes()))
    }

    fn way(&self, base: &Path, env: &impl Fn(&str) -> Option<String>) -> Result<Way, ConfigError> {
        let (given, name) = match (&self.proxy, &self.proxy_file) {
            (Some(_), Some(_)) => return Err(fault("cloud.proxy", "stands beside cloud.proxy_file: name one")),
            (Some(address), None) if address.contains('@') => {
                return Err(fault("cloud.proxy", "holds a password: put the address into a file, cloud.proxy_file"));
            }
            (Some(address), None) => (Some(address.clone()), "cloud.proxy"),
            (None, Some(path)) => {
                let path = base.join(path);
                let text = files::read_unmarked(&path, 4_096)?.ok_or_else(|| absent("cloud.proxy_file", &path))?;
                (Some(text), "cloud.proxy_file")
            }
            (None, None) => (first(env, &HTTPS_PROXY), "the variable HTTPS_PROXY"),
        };
        let except = self.no_proxy.clone().or_else(|| first(env, &NO_PROXY)).unwrap_or_default();
        let Some(address) = given.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()) else {
            return Ok(Way::default());
        };
        let proxy = Proxy::new(&address, &except).map_err(|error| fault(name, &error.to_string()))?;
        let whole = if address.contains("://") { address } else { format!("http://{address}") };
        Ok(Way { proxy, address: Some(Secret::new(whole)), except, from: Some(name) })
    }
}

/// In curl's order: lower case first, and `https_proxy` before `all_proxy`.
pub(crate) const HTTPS_PROXY: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
pub(crate) const NO_PROXY: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The first variable that is set. An empty value means no proxy.
fn first(env: &impl Fn(&str) -> Option<String>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| env(name))
}

impl CredentialForm {
    fn check(self, base: &Path, env: impl Fn(&str) -> Option<String>) -> Result<Credential, ConfigError> {
        const ONE: &str =
            "must name one of secret_file, certificate_file with key_file, federated_token_file, managed_identity";
        let client_id = self.client_id.as_deref().map(str::parse::<Guid>).transpose();
        let client_id = client_id.map_err(|error| field("credential.client_id", &error))?.map(|id| id.as_uuid());
        let needed = || client_id.ok_or_else(|| fault("credential.client_id", "is missing: the application's id"));
        let at = |path: PathBuf| base.join(path);
        match (self.secret_file, self.certificate_file, self.key_file, self.federated_token_file, self.managed_identity)
        {
            (Some(secret), None, None, None, false) => {
                Ok(Credential::ClientSecret { client_id: needed()?, secret_file: at(secret) })
            }
            (None, Some(certificate), Some(key), None, false) => Ok(Credential::Certificate {
                client_id: needed()?,
                certificate_file: at(certificate),
                key_file: at(key),
            }),
            (None, None, None, Some(token), false) => {
                Ok(Credential::FederatedToken { client_id: needed()?, token_file: at(token) })
            }
            (None, None, None, None, true) => {
                Ok(Credential::ManagedIdentity { client_id, source: ManagedIdentity::detect(env) })
            }
            _ => Err(fault("credential", ONE)),
        }
    }
}

/// `HOST:PORT`.
pub(crate) fn check_address(address: &str) -> Result<(), ConfigError> {
    let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty()).and_then(|(_, port)| port.parse().ok());
    match port {
        Some(1..=u16::MAX) => Ok(()),
        _ => Err(fault("address", "is not HOST:PORT")),
    }
}

fn seconds(
    field: &'static str,
    given: Option<u64>,
    default: u64,
    range: std::ops::RangeInclusive<u64>,
) -> Result<Duration, ConfigError> {
    let value = given.unwrap_or(default);
    if range.contains(&value) {
        return Ok(Duration::from_secs(value));
    }
    Err(fault(field, &format!("is {value}; it may be {} to {}", range.start(), range.end())))
}

fn field(field: &'static str, error: &dyn std::error::Error) -> ConfigError {
    fault(field, &format!("is refused: {error}"))
}

fn absent(field: &'static str, path: &Path) -> ConfigError {
    fault(field, &format!("names {}, and there is no such file", path.display()))
}

fn fault(field: &'static str, fault: &str) -> ConfigError {
    ConfigError::Field { field, fault: fault.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        entra_tenant = "0c0de000-0000-4000-8000-000000000001"
        guardrail = "guardrail.yaml"
        state_dir = "state"
        [credential]
        client_id = "0a990000-0000-4000-8000-000000000001"
        secret_file = "secret"
    "#;

    fn load(text: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent.toml");
        std::fs::write(&path, text).unwrap();
        Config::load(&path, |_| None)
    }

    #[test]
    fn a_short_file_is_enough_and_paths_are_relative_to_it() {
        let config = load(GOOD).unwrap();
        assert!(config.guardrail.ends_with("guardrail.yaml") && config.guardrail.is_absolute());
        assert_eq!(config.settings.replication_lag, Duration::from_secs(60));
        assert_eq!(config.cloud.endpoints.graph, "https://graph.microsoft.com");
    }

    #[test]
    fn faults_name_the_field() {
        let with = |line: &str| load(&format!("{line}\n{GOOD}")).unwrap_err().to_string();
        assert!(with("colour = 1").contains("colour"));
        assert!(with("compare_seconds = 0").contains("compare_seconds"));
        assert!(with("address = \"nowhere\"").contains("address"));
        let two = GOOD.replace("secret_file", "managed_identity = true\nsecret_file");
        assert!(load(&two).unwrap_err().to_string().contains("must name one of"));
        let cloud = format!("{GOOD}\n[cloud]\nname = \"moon\"");
        assert!(load(&cloud).unwrap_err().to_string().contains("cloud.name"));
        let proxy = format!("{GOOD}\n[cloud]\nproxy = \"http://a:secret@b:1\"");
        let message = load(&proxy).unwrap_err().to_string();
        assert!(message.contains("cloud.proxy_file") && !message.contains("secret"));
    }

    #[test]
    fn every_fault_of_a_file_of_the_right_form_is_named_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent.toml");
        let text = GOOD.replace("0c0de000", "nonsense").replace("secret_file = \"secret\"", "expires = \"soon\"");
        let text =
            format!("compare_seconds = 0\naddress = \"x\"\n{text}\n[cloud]\nname = \"moon\"\nextra_ca = \"no.pem\"");
        std::fs::write(&path, text).unwrap();
        let faults = Config::read(&path, |_| None).unwrap_err();
        let told = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        for field in
            ["entra_tenant", "address", "compare_seconds", "cloud.name", "no.pem", "expires", "credential must"]
        {
            assert!(told.contains(field), "{field}: {told}");
        }
        assert_eq!(faults.len(), 7, "{told}");
        std::fs::write(&path, "entra_tenant = 1\n").unwrap();
        assert!(Config::load(&path, |_| None).unwrap_err().to_string().contains("line 1: "));
    }

    #[test]
    fn field_kind_17_a_mark_before_the_extra_ca_is_no_part_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let ca = rcgen::CertificateParams::new(vec!["ca".into()]).unwrap();
        let ca = ca.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        let path = dir.path().join("agent.toml");
        std::fs::write(&path, format!("{GOOD}\n[cloud]\nextra_ca = \"ca.pem\"")).unwrap();
        for pem in [ca.pem(), format!("\u{feff}{}", ca.pem()), format!("\u{feff}{}", ca.pem().replace('\n', "\r\n"))] {
            std::fs::write(dir.path().join("ca.pem"), &pem).unwrap();
            let config = Config::load(&path, |_| None).unwrap();
            assert!(entente_cloud::Cloud::new(config.cloud).is_ok(), "{pem:?}");
        }
    }

    #[test]
    fn the_proxy_of_the_environment_is_read_as_curl_reads_it_and_the_file_goes_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agent.toml");
        let with = |text: &str, env: &[(&str, &str)]| {
            std::fs::write(&path, text).unwrap();
            let find = |name: &str| env.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
            Config::load(&path, find)
        };
        let proxy = |text: &str, env: &[(&str, &str)]| {
            let cloud = with(text, env).unwrap().cloud;
            (cloud.proxy.map(|it| it.reveal().to_owned()).unwrap_or_default(), cloud.no_proxy)
        };
        let of = |proxy: &str, except: &str| (proxy.to_owned(), except.to_owned());
        let upper = [("HTTPS_PROXY", "http://upper:1"), ("NO_PROXY", "a.example"), ("HTTP_PROXY", "http://plain:1")];
        assert_eq!(proxy(GOOD, &upper), of("http://upper:1", "a.example"));
        let both = [upper.as_slice(), &[("https_proxy", "lower:2"), ("no_proxy", "b.example")]].concat();
        assert_eq!(proxy(GOOD, &both), of("http://lower:2", "b.example"));
        assert_eq!(proxy(GOOD, &[("https_proxy", ""), ("HTTPS_PROXY", "http://upper:1")]), of("", ""));
        assert_eq!(proxy(GOOD, &[("ALL_PROXY", "http://all:3")]), of("http://all:3", ""));
        let file = format!("{GOOD}\n[cloud]\nproxy = \"http://file:4\"\nno_proxy = \"c.example\"");
        assert_eq!(proxy(&file, &both), of("http://file:4", "c.example"));
        let message = with(GOOD, &[("HTTPS_PROXY", "socks5://u:secret@b:1")]).unwrap_err().to_string();
        assert!(message.contains("HTTPS_PROXY") && !message.contains("secret"), "{message}");
    }
}
