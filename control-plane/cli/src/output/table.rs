//! Rows under a header: as wide as the terminal, or as wide as they are where no terminal reads them.

use std::io::IsTerminal;
use std::sync::OnceLock;

use comfy_table::{Cell, Color, ColumnConstraint, ContentArrangement, Row, Table, presets};

use super::plain;

/// Above so many rows each is one line, and what does not fit is cut; fewer are wrapped and shown whole.
const MAX_WRAPPED: usize = 30;

/// Between two columns.
const GAP: u16 = 2;

/// What the last column has at least, where the others are whole: two words a line.
const MIN_LAST: u16 = 12;

/// Where the answer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Screen {
    /// In columns; `None` where nothing is cut or wrapped.
    pub(crate) width: Option<u16>,
    pub(crate) colour: bool,
}

static SCREEN: OnceLock<Screen> = OnceLock::new();

impl Screen {
    /// The terminal, if standard output is one. `wide`: its width does not matter.
    pub(crate) fn choose(wide: bool) {
        let is_terminal = std::io::stdout().is_terminal();
        let width = Table::new().width().filter(|_| is_terminal && !wide);
        let colour = is_terminal && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
        // Chosen once, before anything is printed.
        let _ = SCREEN.set(Self { width, colour });
    }

    pub(crate) fn chosen() -> Self {
        SCREEN.get().copied().unwrap_or_default()
    }
}

/// Rows under a header, for the screen that was chosen.
pub(crate) fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.to_vec()).collect();
    on(Screen::chosen(), &header, &rows)
}

/// The same, with any number of columns, for any screen.
pub(super) fn on(screen: Screen, header: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = empty(screen);
    table.set_header(header);
    for row in rows {
        let cells = row.iter().map(|cell| coloured(&plain(cell)));
        let mut row = Row::from(cells.collect::<Vec<_>>());
        if rows.len() > MAX_WRAPPED {
            row.max_height(1);
        }
        table.add_row(row);
    }
    table.set_truncation_indicator("…");
    // What names a row is never cut; where there is room, only the last column is, which says the most.
    let whole = whole(&table, screen);
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, GAP));
        if at < whole {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table.trim_fmt() + "\n"
}

/// Names and what there is to say of each, one below the other; what is long is wrapped beside its name.
pub(crate) fn facts(screen: Screen, facts: &[(&str, String)]) -> String {
    let mut table = empty(screen);
    for (name, value) in facts {
        table.add_row([(*name).to_owned(), plain(value)]);
    }
    for (column, padding) in table.column_iter_mut().zip([(GAP, GAP), (0, 0)]) {
        column.set_padding(padding);
        if padding.0 > 0 {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    if facts.is_empty() { String::new() } else { table.trim_fmt() + "\n" }
}

fn empty(screen: Screen) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    match screen.width {
        Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    if screen.colour {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table
}

/// How many columns are shown as wide as they are.
fn whole(table: &Table, screen: Screen) -> usize {
    let widths = table.column_max_content_widths();
    let Some((_, others)) = widths.split_last() else { return 0 };
    // Others wrote what is in them, and wide columns hold all of it: together more than any screen has.
    let taken = others.iter().fold(MIN_LAST, |taken, width| taken.saturating_add(*width).saturating_add(GAP));
    match screen.width {
        Some(width) if width < taken => 1,
        _ => others.len(),
    }
}

/// Words of states, by what they ask for.
fn coloured(text: &str) -> Cell {
    let colour = match text {
        "CONVERGED" | "APPLIED" | "REMOVED" | "PROVEN" | "ALLOWED" => Color::Green,
        "CONVERGING" | "WAITING" | "PENDING" | "HELD" | "PAUSED" | "NEEDS_APPROVAL" | "UNENROLLED" => Color::Yellow,
        "PARTIAL"
        | "REFUSED"
        | "FAILED"
        | "DRIFTED"
        | "RESIDUAL"
        | "UNPROVEN"
        | "UNSUPPORTED"
        | "PARKED"
        | "OFFLINE"
        | "BLOCKED_BY_CUSTOMER"
        | "AGENT_REVOKED"
        | "REVOKE_ALL_RUNNING"
        | "REVOKE_ALL_DONE"
        | "GUARDRAIL_FAULT"
        | "REVIEW_PAST"
        | "CANNOT_SIGN_IN"
        | "CLOUD_UNREACHABLE" => Color::Red,
        _ => return Cell::new(text),
    };
    Cell::new(text).fg(colour)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table_of(width: Option<u16>, rows: usize) -> String {
        let row = |at: usize| {
            vec![format!("tenant-{at}"), "PARTIAL".into(), "the guardrail does not allow: runPlaybooks".into()]
        };
        let rows: Vec<_> = (0..rows).map(row).collect();
        on(Screen { width, colour: false }, &["TENANT", "PHASE", "WHY"], &rows)
    }

    #[test]
    fn a_table_is_as_wide_as_it_is_where_no_terminal_reads_it() {
        assert_eq!(
            table_of(None, 1),
            "TENANT    PHASE    WHY\ntenant-0  PARTIAL  the guardrail does not allow: runPlaybooks\n"
        );
    }

    #[test]
    fn a_short_table_is_wrapped_and_a_long_one_cut_to_the_width() {
        let short = table_of(Some(40), 2);
        assert!(short.lines().all(|line| line.chars().count() <= 40), "{short}");
        assert!(short.contains("runPlaybooks"), "{short}");
        let long = table_of(Some(40), MAX_WRAPPED + 1);
        assert_eq!(long.lines().count(), MAX_WRAPPED + 2, "{long}");
        assert!(long.lines().all(|line| line.chars().count() <= 40) && long.contains('…'), "{long}");
        assert!(long.contains("tenant-30"), "{long}");
    }

    #[test]
    fn a_table_is_shown_whatever_the_width_of_its_columns() {
        let row =
            [40 << 10, 16 << 10, 21 << 10, 3].map(|length| "xxx ".repeat(length / 4).trim_end().to_owned()).to_vec();
        let text = on(Screen::default(), &["A", "B", "C", "D"], std::slice::from_ref(&row));
        let told = text.chars().filter(|c| *c == 'x').count();
        assert_eq!(told, row.iter().map(|cell| cell.matches('x').count()).sum::<usize>());
    }

    #[test]
    fn only_words_of_states_have_a_colour_and_only_where_it_is_wanted() {
        let row = [vec!["contoso".to_owned(), "CONVERGED".to_owned()]];
        let coloured = on(Screen { width: None, colour: true }, &["TENANT", "PHASE"], &row);
        assert!(coloured.contains("\u{1b}[") && coloured.contains("CONVERGED"), "{coloured}");
        assert!(!on(Screen::default(), &["TENANT", "PHASE"], &row).contains('\u{1b}'));
    }
}
