//! Keeps `docs/ten-tasks.md` true: each command is one that this command line takes, and the counts are counted.

use clap::Parser;

use crate::args::Args;

const PAGE: &str = include_str!("../../../docs/ten-tasks.md");

/// A row of the table with its counts, from its own commands.
fn counted(row: &str) -> String {
    let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
    let [task, edit, commands, ..] = cells.as_slice() else { panic!("a row has five cells: {row}") };
    let all: Vec<&str> = commands.split('`').skip(1).step_by(2).collect();
    assert!(!all.is_empty(), "a task takes a command: {row}");
    for command in &all {
        // A shell keeps what is behind the arrow for itself.
        let words = command.split(" > ").next().unwrap_or_default().split(' ');
        if let Err(error) = Args::try_parse_from(words) {
            panic!("{command}: {error}");
        }
    }
    let keys: usize = all.iter().map(|command| command.chars().count() + 1).sum();
    format!("| {task} | {edit} | {commands} | {} | {keys} |", all.len()).replace("|  |", "| |")
}

#[test]
fn the_ten_tasks_are_ten_and_cost_what_the_page_says() {
    let is_row = |line: &&str| line.starts_with('|') && !line.starts_with("| task") && !line.starts_with("|---");
    assert_eq!(PAGE.lines().filter(is_row).count(), 10);
    let page: String =
        PAGE.lines().map(|line| if is_row(&line) { counted(line) } else { line.to_owned() } + "\n").collect();
    expect_test::expect_file!["../../../docs/ten-tasks.md"].assert_eq(&page);
}
