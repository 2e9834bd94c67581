//! Commands to try while everything keeps running, and what remains at the end.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use entente_tests::{Fleet, role::Role};

use crate::intent;
use crate::screen::Screen;

/// The folder with the programs by their names, for any shell, script and folder.
const PROGRAMS: &str = "bin";

pub fn print(screen: &mut Screen, fleet: &Fleet) -> Result<()> {
    let bin = programs(&fleet.dir.join(PROGRAMS))?;
    screen.heading("Try it; Ctrl-C ends the demo");
    screen.say("In another terminal, as a person of the SOC:");
    for line in soc(fleet, &bin) {
        screen.code(&line);
    }
    screen.gap();
    screen.say("As contoso. Its agent follows its guardrail and these commands, with or without the provider:");
    for line in customer(fleet) {
        screen.code(&line);
    }
    screen.gap();
    screen.say(
        "Now with a tenant of your own: the README's \"Run it\" has each step of both sides; `entente-control-plane init` \
         prints the next ones.",
    );
    Ok(())
}

fn soc(fleet: &Fleet, bin: &Path) -> Vec<String> {
    let contexts = fleet.control_plane_dir().join("cli.toml");
    let dir = fleet.dir.join(intent::FOLDER);
    let (bin, contexts, dir) = (bin.display(), contexts.display(), dir.display());
    vec![
        format!("export PATH={bin}:$PATH ENTENTE_CONFIG={contexts}"),
        "entente status --watch".into(),
        "entente who --operator maya".into(),
        "entente explain tailspin playbook".into(),
        format!("$EDITOR {dir}/40-squads.yaml"),
        format!("entente apply -f {dir}/40-squads.yaml --dry-run"),
        "entente operators leave li".into(),
        "entente audit list".into(),
    ]
}

fn customer(fleet: &Fleet) -> Vec<String> {
    let agent = fleet.customer_dir("contoso").join("agent.toml");
    vec![
        format!("export ENTENTE_AGENT_CONFIG={}", agent.display()),
        "entente-agent who".into(),
        "entente-agent status".into(),
        "entente-agent plan".into(),
        "entente-agent pause; entente-agent resume".into(),
        "entente-agent revoke-all".into(),
    ]
}

/// Tells what remains after Ctrl-C.
pub fn left(screen: &mut Screen, dir: &Path) {
    screen.say(
        "Stopped. Kept: a log for each process, guardrails, intent, and the keys of this demo. Delete the folder when you \
         are done:",
    );
    screen.code(&format!("rm -r {}", dir.display()));
}

/// This program again, under the names of the programs that it can act as.
fn programs(bin: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(bin).context("cannot make a folder for the programs")?;
    let this = std::env::current_exe().context("cannot find this program")?;
    for role in [Role::ControlPlane, Role::Agent, Role::Cli] {
        let path = bin.join(role.program());
        let quoted = this.display().to_string().replace('\'', r"'\''");
        let script = format!("#!/bin/sh\nexec '{quoted}' {} \"$@\"\n", role.word());
        std::fs::write(&path, script).with_context(|| format!("cannot write {}", path.display()))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
            .with_context(|| format!("cannot make {} executable", path.display()))?;
    }
    Ok(bin.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_d20_programs_are_found_by_their_names_from_any_folder() {
        let folder = tempfile::tempdir().unwrap();
        let bin = programs(&folder.path().join("it's here")).unwrap();
        for name in ["entente", "entente-agent", "entente-control-plane"] {
            let script = std::fs::read_to_string(bin.join(name)).unwrap();
            let program = script.split('\'').nth(1).unwrap();
            assert!(Path::new(program).is_absolute(), "{script}");
            let mode = std::fs::metadata(bin.join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o111, 0o111, "{name}");
        }
    }
}
