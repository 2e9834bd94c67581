//! What the demo is told.

use std::path::PathBuf;

use clap::Parser;

use crate::{lag, prove};

/// A cloud, a control plane and six customers on this machine: access given, moved, taken away, and proven.
#[derive(Debug, Parser)]
#[command(name = "entente-demo", version, after_help = "Exit codes: 0 all is as it should be, 1 something is not.")]
pub struct Args {
    /// Leave everything running at the end, and print commands to try
    #[arg(long, conflicts_with = "prove")]
    pub(crate) keep: bool,
    /// Prove that somebody who leaves a hundred customers is gone from them, while things go wrong
    #[arg(long)]
    pub(crate) prove: bool,
    /// How many customers, each with an agent of its own
    #[arg(long, requires = "prove", default_value_t = 100, value_name = "N",
          value_parser = clap::value_parser!(u32).range(prove::TENANTS))]
    pub(crate) tenants: u32,
    /// How long the agents wait for Microsoft's replication between the two reads of a removal
    #[arg(long, requires = "prove", default_value_t = lag::PRODUCTION_SECONDS, value_name = "SECONDS",
          value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub(crate) lag: u32,
    /// Write how it went as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Write what a terminal would show as a picture, SVG
    #[arg(long, conflicts_with_all = ["prove", "keep"], value_name = "FILE")]
    pub(crate) picture: Option<PathBuf>,
}
