//! `init`: a configuration and a guardrail to fill in, and the next steps.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use entente_model::Guid;

use super::screen::{Done, Outcome};

/// The files to write. Values that the customer has to fill in are in capitals, which do not parse, so that no default
/// takes effect.
const FILES: [(&str, &str); 2] =
    [("agent.toml", include_str!("init/agent.toml")), ("guardrail.yaml", include_str!("init/guardrail.yaml"))];

pub(super) fn init(dir: &Path, tenant: Option<Guid>) -> Outcome {
    std::fs::create_dir_all(dir).map_err(|error| format!("cannot make the folder {}: {error}", dir.display()))?;
    let paths: Vec<PathBuf> = FILES.iter().map(|(name, _)| dir.join(name)).collect();
    if let Some(there) = paths.iter().find(|path| path.exists()) {
        return Err(format!("{} is there already; it is not written over", there.display()).into());
    }
    for ((_, template), path) in FILES.iter().zip(&paths) {
        let tenant = tenant.map_or_else(|| "TENANT".to_owned(), |tenant| tenant.to_string());
        // Fails if the file has been made meanwhile.
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        file.write_all(filled(template, &tenant).as_bytes())
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    print!("{}", next(&paths[0], &paths[1]));
    Ok(Done::Whole)
}

fn filled(template: &str, tenant: &str) -> String {
    template
        .replace("entraTenant: TENANT", &format!("entraTenant: {tenant}"))
        .replace("\"TENANT\"", &format!("\"{tenant}\""))
}

fn next(config: &Path, guardrail: &Path) -> String {
    let (config, guardrail) = (config.display(), guardrail.display());
    format!(
        "Written: {config} and {guardrail}. Fill in what stands in capitals, then:\n\
         \x20 entente-agent check-guardrail {guardrail}          every fault, or the text to consent to\n\
         \x20 entente-agent --config {config} permissions     what to grant its application in Microsoft, and no more\n\
         \x20 entente-agent --config {config} enroll --token FILE     with the file that the provider made\n\
         \x20 entente-agent --config {config} doctor          what keeps it from working, and what to do about it\n\
         \x20 entente-agent --config {config} run\n\
         \x20 entente-agent --config {config} status          what it sees, and whose move it is\n"
    )
}

#[cfg(test)]
mod tests {
    use entente_planner::guardrail::Guardrail;

    use super::*;
    use crate::config::Config;

    const TENANT: &str = "0c0de000-0000-4000-8000-000000000001";

    #[test]
    fn what_it_writes_is_refused_until_it_is_filled_in_and_then_read() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("entente");
        init(&dir, Some(TENANT.parse().unwrap())).unwrap();
        let read = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap();
        let text = read("guardrail.yaml");
        assert!(Guardrail::parse(&text).is_err(), "nothing works by a value that nobody has chosen");
        let text = [
            ("NAME,", "Contoso,"),
            ("owner: OWNER", "owner: ciso@contoso.example"),
            ("REVIEW", "2027-03-31"),
            ("HOME_TENANT", "0a0de000-0000-4000-8000-000000000002"),
            ("MAIL_DOMAIN", "nordwall.example"),
            ("STATE_KEY", &format!("ed25519:{}", "7f3c".repeat(16))),
        ]
        .iter()
        .fold(text, |text, (from, to)| text.replacen(from, to, 1));
        let guardrail = Guardrail::load(&text, TENANT.parse().unwrap()).unwrap();
        assert_eq!(guardrail.check(), []);
        let config = read("agent.toml").replace("CLIENT_ID", "0c11e000-0000-4000-8000-000000000001");
        std::fs::write(dir.join("agent.toml"), config).unwrap();
        Config::load(&dir.join("agent.toml"), |_| None).unwrap();
        let error = init(&dir, None).unwrap_err().to_string();
        assert!(error.contains("not written over"), "{error}");
    }
}
