//! Command-line arguments of the demo.

use std::path::PathBuf;

use clap::Parser;

use crate::{lag, prove};

/// Runs a simulated cloud, a control plane and six customers on this machine: gives access, changes it, removes it,
/// proves it
#[derive(Debug, Parser)]
#[command(name = "entente-demo", version, after_help = "Exit codes: 0 all is as it should be, 1 something is not.")]
pub struct Args {
    /// Keep everything running at the end, and print commands to try
    #[arg(long, conflicts_with = "prove")]
    pub(crate) keep: bool,
    /// Prove that a person who leaves a hundred customers has no access left, while things go wrong
    #[arg(long)]
    pub(crate) prove: bool,
    /// Number of customers, each with its own agent
    #[arg(long, requires = "prove", default_value_t = 100, value_name = "N",
          value_parser = clap::value_parser!(u32).range(prove::TENANTS))]
    pub(crate) tenants: u32,
    /// How long the agents wait for Microsoft's replication between the two reads of a removal
    #[arg(long, requires = "prove", default_value_t = lag::PRODUCTION_SECONDS, value_name = "SECONDS",
          value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub(crate) lag: u32,
    /// Write the results as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Write the terminal output as an SVG picture
    #[arg(long, conflicts_with_all = ["prove", "keep"], value_name = "FILE")]
    pub(crate) picture: Option<PathBuf>,
}
