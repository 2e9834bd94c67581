//! Power cuts. A program commits and is killed at a chosen system call, and only what a disk would still have is left.
//! Then every acknowledged commit must exist, and none in part.
//!
//! The program runs unmodified under a shim (`tests/crash/shim.c` at the top of the workspace, which defines the
//! model). This binary runs itself as that program (`program.rs`, with what it commits). `power.rs` runs it and takes
//! the image. `CRASH_CHAINS=50` in the environment runs more cuts than usual.
#![allow(clippy::unwrap_used)] // A test says by panicking that something it needs failed.

mod full;
mod power;
mod program;
mod scenarios;

use std::panic::catch_unwind;
use std::process::ExitCode;
use std::thread;

/// A scenario checks, and returns in numbers what it has been through.
type Scenario = (&'static str, fn() -> String);

const SCENARIOS: [Scenario; 8] = [
    ("every_acknowledged_commit_survives_a_power_cut_whole", scenarios::acknowledged_survives),
    ("without_fdatasync_acknowledged_commits_are_lost", scenarios::lost_without_fdatasync),
    ("after_a_failed_fdatasync_nothing_is_acknowledged", scenarios::fails_closed),
    ("a_full_disk_refuses_by_name_and_room_lets_the_store_go_on", scenarios::full_disk),
    (
        "a_sync_that_finds_no_room_acknowledges_nothing_and_room_lets_the_store_go_on",
        scenarios::full_disk_found_by_the_sync,
    ),
    ("after_a_failed_sync_a_restart_reads_what_is_on_disk", scenarios::restart_after_failed_sync),
    ("commits_are_refused_while_the_disk_is_stuck", scenarios::stuck_disk),
    ("a_restore_that_is_cut_off_leaves_the_whole_store_or_none", scenarios::restore_is_whole),
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Some((mode, rest)) = args.split_first()
        && program::run(mode, rest)
    {
        return ExitCode::SUCCESS;
    }
    let filters: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let chosen = SCENARIOS
        .into_iter()
        .filter(|(name, _)| filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str())));
    if args.iter().any(|arg| arg == "--list") {
        chosen.for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    // In parallel, because they mostly wait for the disk.
    let running: Vec<_> = chosen.map(|(name, run)| (name, thread::spawn(move || catch_unwind(run)))).collect();
    let failed = running.into_iter().fold(false, |failed, (name, thread)| {
        let outcome = thread.join().unwrap();
        match &outcome {
            Ok(counts) => println!("test {name} ... ok ({counts})"),
            Err(_) => println!("test {name} ... FAILED"),
        }
        failed | outcome.is_err()
    });
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
