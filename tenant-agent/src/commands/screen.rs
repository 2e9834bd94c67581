//! What people read, as wide as their terminal; as wide as it is where no terminal reads it.

use std::io::IsTerminal;

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};

/// Where values begin in a line of `status`: `provider   connected`.
const VALUES_AT: u16 = 11;

/// Between two columns.
const GAP: u16 = 2;

/// The terminal's, if standard output is one.
pub(super) fn width() -> Option<u16> {
    let size = std::io::stdout().is_terminal().then(terminal_size::terminal_size).flatten();
    size.map(|(terminal_size::Width(width), _)| width)
}

/// Below so many columns, a cell with two parts has them one below the other.
const NARROW: u16 = 100;

/// What stands between two parts of one cell.
pub(super) fn between(width: Option<u16>) -> char {
    if width.is_some_and(|width| width < NARROW) { '\n' } else { ' ' }
}

/// Wraps each line beside its name.
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

/// Rows under a header, which hold nothing that a terminal obeys but the ends of their own lines. Nothing is cut; what stands
/// last is wrapped.
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
