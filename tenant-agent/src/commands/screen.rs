//! How a command ends and what it prints: wrapped to the terminal's width, unwrapped where the output is no terminal.

use std::error::Error;
use std::io::{self, BufRead, IsTerminal, Write};
use std::process::ExitCode;

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};
use serde::Serialize;

use crate::args::Output;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    Whole,
    /// Something is left to do.
    Incomplete,
    /// The command found and printed faults.
    Faulty,
    /// The person did not confirm.
    NotAgreed,
}

impl From<Done> for ExitCode {
    fn from(done: Done) -> Self {
        Self::from(match done {
            Done::Whole => 0,
            Done::Faulty => 1,
            Done::NotAgreed => 2,
            Done::Incomplete => 3,
        })
    }
}

pub(crate) type Outcome = Result<Done, Box<dyn Error>>;

/// Column in which values begin in a line of `status`: `provider   connected`.
const VALUES_AT: u16 = 11;

/// Spaces between two columns.
const GAP: u16 = 2;

/// The terminal's width, if standard output is a terminal.
pub(super) fn width() -> Option<u16> {
    let size = std::io::stdout().is_terminal().then(terminal_size::terminal_size).flatten();
    size.map(|(terminal_size::Width(width), _)| width)
}

/// On narrower terminals, the two parts of a cell go one below the other.
const NARROW: u16 = 100;

/// Separates the two parts of a cell.
pub(super) fn between(width: Option<u16>) -> char {
    if width.is_some_and(|width| width < NARROW) { '\n' } else { ' ' }
}

/// Wraps each line to the right of its name.
pub(super) fn lines(text: &str, width: Option<u16>) -> String {
    let fits = |line: &str| width.is_none_or(|width| line.chars().count() <= usize::from(width));
    text.lines().map(|line| if fits(line) { format!("{line}\n") } else { wrapped(line, width) }).collect()
}

fn wrapped(line: &str, width: Option<u16>) -> String {
    let (name, value) = match line.split_at_checked(usize::from(VALUES_AT)) {
        Some((name, value)) if name.ends_with(' ') => (name.trim_end(), value),
        _ => ("", line),
    };
    let mut table = empty(width);
    table.add_row([name, value.trim_start()]);
    let names = if name.is_empty() { GAP } else { VALUES_AT };
    for (column, padding) in table.column_iter_mut().zip([0, GAP]) {
        column.set_padding((0, 0)).set_cell_alignment(CellAlignment::Left);
        if padding == 0 {
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(names)));
        }
    }
    table.trim_fmt() + "\n"
}

/// Formats rows under a header. The rows hold nothing that a terminal obeys, except their own line breaks. Nothing is
/// cut; the last column wraps.
pub(super) fn table<const N: usize>(header: [&str; N], rows: &[[String; N]], width: Option<u16>) -> String {
    let mut table = empty(width);
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, GAP));
        if at + 1 < N {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table.trim_fmt() + "\n"
}

fn empty(width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    match width {
        Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    table
}

/// Prints a document as JSON or YAML, or its text.
pub(super) fn print(
    output: Output,
    document: &impl Serialize,
    text: impl FnOnce() -> String,
) -> Result<(), Box<dyn Error>> {
    match output {
        Output::Json => println!("{}", serde_json::to_string_pretty(document)?),
        // Through JSON, so that both have the same field names.
        Output::Yaml => print!("{}", serde_saphyr::to_string(&serde_json::to_value(document)?)?),
        Output::Text => print!("{}", text()),
    }
    Ok(())
}

/// A line for each value, the first with the name. Empty values are left out.
pub(super) fn rows<T: AsRef<str>>(name: &str, values: impl IntoIterator<Item = T>) -> Vec<String> {
    let values = values.into_iter().filter(|value| !value.as_ref().is_empty());
    let name = |at| if at == 0 { name } else { "" };
    values.enumerate().map(|(at, value)| plain(&format!("{:10} {}", name(at), value.as_ref()))).collect()
}

/// Replaces what a terminal obeys in lines of text: names and details come from the service provider and from
/// Microsoft.
pub(super) fn shown(text: &str) -> String {
    text.replace(|c: char| c != '\n' && is_obeyed(c), "\u{fffd}")
}

/// The same for text that has to stay on one line.
pub(super) fn plain(text: &str) -> String {
    text.replace(is_obeyed, "\u{fffd}")
}

/// Control characters, and characters that change the order in which a terminal shows text.
fn is_obeyed(c: char) -> bool {
    let turns = ['\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}'];
    c.is_control() || turns.contains(&c) || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Asks the person at the terminal to type `yes`. Without a terminal the answer is no.
pub(super) fn agreed(question: &str) -> io::Result<bool> {
    let agreed = io::stdin().is_terminal() && asked(question)?;
    if !agreed {
        eprintln!("entente-agent: nothing was done: type yes when asked, or pass --yes");
    }
    Ok(agreed)
}

fn asked(question: &str) -> io::Result<bool> {
    print!("{question} Type yes: ");
    io::stdout().flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim() == "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_shown_and_never_obeyed() {
        let evil = "x/\u{1b}[2J\u{202e}\nguardrail  valid";
        assert_eq!(shown(evil), "x/\u{fffd}[2J\u{fffd}\nguardrail  valid");
        assert_eq!(plain(evil), "x/\u{fffd}[2J\u{fffd}\u{fffd}guardrail  valid");
    }
}
