//! What to try while everything is left running.

use std::path::{Path, PathBuf};

use entente_tests::Fleet;

use crate::intent;
use crate::screen::Screen;

pub fn print(screen: &mut Screen, fleet: &Fleet) -> anyhow::Result<()> {
    let program = shown(std::env::current_exe()?);
    let contexts = shown(fleet.control_plane_dir().join("cli.toml"));
    let agent = shown(fleet.customer_dir("contoso").join("agent.toml"));
    let dir = shown(fleet.dir.join(intent::FOLDER));
    screen.heading("Yours to try; Ctrl-C ends it");
    screen.say("In another terminal, as somebody of the SOC:");
    for line in [
        format!("export ENTENTE_CONFIG={contexts}"),
        format!("alias entente='{program} as-entente'"),
        "entente status --watch".into(),
        "entente who --operator maya".into(),
        "entente items tailspin --state REFUSED".into(),
        "entente plan tailspin".into(),
        format!("$EDITOR {dir}/40-squads.yaml"),
        format!("entente apply -f {dir}/40-squads.yaml --dry-run"),
        "entente operators leave li".into(),
        "entente audit list".into(),
    ] {
        screen.code(&line);
    }
    screen.gap();
    screen.say("As contoso, whose agent obeys its guardrail and these commands, with or without us:");
    for line in [
        format!("alias agent='{program} as-agent --config {agent}'"),
        "agent status".into(),
        "agent plan".into(),
        "agent pause; agent resume".into(),
        "agent revoke-all".into(),
    ] {
        screen.code(&line);
    }
    screen.gap();
    screen.say(&format!(
        "`cargo run --release -p entente-cli --bin entente -- status` is the same command line. Everything is kept in \
         {}: state, guardrails, and a log for each process.",
        fleet.dir.display()
    ));
    Ok(())
}

/// From here, if that is shorter.
fn shown(path: PathBuf) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let short: &Path = path.strip_prefix(&here).unwrap_or(&path);
    short.display().to_string()
}
