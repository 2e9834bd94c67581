//! One program, several roles: what a process is when it is started as part of a fleet.

use std::ffi::OsString;
use std::process::ExitCode;

/// What a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    ControlPlane,
    Agent,
    Cli,
}

impl Role {
    const ALL: [Self; 3] = [Self::ControlPlane, Self::Agent, Self::Cli];

    /// The first argument, by which a program knows that it is to play this role.
    pub fn word(self) -> &'static str {
        match self {
            Self::ControlPlane => "as-control-plane",
            Self::Agent => "as-agent",
            Self::Cli => "as-entente",
        }
    }

    /// Its name as a program of its own.
    pub fn program(self) -> &'static str {
        match self {
            Self::ControlPlane => "entente-control-plane",
            Self::Agent => "entente-agent",
            Self::Cli => "entente",
        }
    }

    fn run(self, args: impl IntoIterator<Item = OsString>) -> ExitCode {
        match self {
            Self::ControlPlane => entente_control_plane::main_with_args(args),
            Self::Agent => entente_agent::main_with_args(args),
            Self::Cli => entente_cli::main_with_args(args),
        }
    }
}

/// Plays the role that the first argument names, if it names one. To be called first thing in `main`.
pub fn play(args: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut args = args.into_iter();
    args.next()?;
    let word = args.next()?;
    let role = Role::ALL.into_iter().find(|role| word == role.word())?;
    // Under its own name, so that its help shows what a person types.
    Some(role.run(std::iter::once(OsString::from(role.program())).chain(args)))
}
