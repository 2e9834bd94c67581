//! Contexts: which control plane, and which identity to use there. They are in a TOML file, paths relative to it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// The file, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contexts {
    /// The context that counts when none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<String>,
    #[serde(default)]
    pub(crate) contexts: BTreeMap<String, Context>,
}

/// One control plane and one certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Context {
    /// `HOST:PORT` of the API.
    pub(crate) server: String,
    /// The CA by which the server is known, PEM.
    pub(crate) ca: PathBuf,
    /// Our certificate, PEM.
    pub(crate) certificate: PathBuf,
    /// Its key, PEM.
    pub(crate) key: PathBuf,
}

/// Where the file is: as given, else in the user's configuration folder.
pub(crate) fn file(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(path) = given {
        return Ok(path.to_owned());
    }
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
    let folder = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home);
    let folder =
        folder.ok_or_else(|| Failure::Usage("HOME is not set; name the contexts file with --config".into()))?;
    Ok(folder.join("entente").join("config.toml"))
}

impl Contexts {
    /// Reads the file. One that is not there holds nothing.
    pub(crate) fn load(path: &Path) -> Result<Self, Failure> {
        match std::fs::read_to_string(path) {
            Ok(text) => toml::from_str(text.trim_start_matches('\u{feff}'))
                .map_err(|error| Failure::Failed(format!("{} is not a contexts file: {error}", path.display()))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Failure::Failed(format!("cannot read {}: {error}", path.display()))),
        }
    }

    /// Writes the file whole, or leaves the old one.
    pub(crate) fn save(&self, path: &Path) -> Result<(), Failure> {
        let failed = |error: std::io::Error| Failure::Failed(format!("cannot write {}: {error}", path.display()));
        let text = toml::to_string(self).map_err(|error| Failure::Failed(format!("cannot write contexts: {error}")))?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let fresh = path.with_extension("toml.new");
        std::fs::write(&fresh, text).and_then(|()| std::fs::rename(&fresh, path)).map_err(failed)
    }

    /// The context of that name, or the current one, its paths made to stand by themselves.
    pub(crate) fn choose(&self, name: Option<&str>, path: &Path) -> Result<Context, Failure> {
        let known = || self.contexts.keys().cloned().collect::<Vec<_>>().join(", ");
        let name = name.or(self.current.as_deref()).ok_or_else(|| {
            let text = format!("no context is chosen in {}; add one with `entente context add`", path.display());
            Failure::Usage(text)
        })?;
        let context = self.contexts.get(name).ok_or_else(|| {
            Failure::Usage(format!("{} has no context {name:?}; it has: {}", path.display(), known()))
        })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let at = |file: &Path| folder.join(file);
        Ok(Context {
            server: context.server.clone(),
            ca: at(&context.ca),
            certificate: at(&context.certificate),
            key: at(&context.key),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_context_is_found_and_its_paths_follow_the_file() {
        let text = "current = \"dev\"\n[contexts.dev]\nserver = \"localhost:7443\"\nca = \"ca.pem\"\ncertificate = \"/abs/a.pem\"\nkey = \"a.key\"\n";
        let contexts: Contexts = toml::from_str(text).unwrap();
        let context = contexts.choose(None, Path::new("/etc/entente/cli.toml")).unwrap();
        assert_eq!(context.ca, Path::new("/etc/entente/ca.pem"));
        assert_eq!(context.certificate, Path::new("/abs/a.pem"));
        assert!(contexts.choose(Some("prod"), Path::new("x")).unwrap_err().to_string().contains("it has: dev"));
    }

    #[test]
    fn a_file_that_is_not_there_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep").join("config.toml");
        let mut contexts = Contexts::load(&path).unwrap();
        assert!(contexts.choose(None, &path).is_err());
        contexts.current = Some("dev".into());
        contexts.save(&path).unwrap();
        assert_eq!(Contexts::load(&path).unwrap(), contexts);
    }
}
