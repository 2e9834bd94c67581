//! Lists: the same rows as a table, as a wide one, as names or as CSV.

use std::collections::BTreeMap;

use super::{Format, Screen, plain, say, table};
use crate::failure::Failure;

/// One column. A wide one is shown with `-o wide` and in CSV alone: people seldom need it.
pub(crate) struct Column {
    title: &'static str,
    is_wide: bool,
}

pub(crate) const fn column(title: &'static str) -> Column {
    Column { title, is_wide: false }
}

pub(crate) const fn wide(title: &'static str) -> Column {
    Column { title, is_wide: true }
}

/// One row with all its columns, and where a column says it otherwise than in the wide table.
pub(crate) struct Row {
    name: String,
    cells: Vec<String>,
    in_csv: BTreeMap<&'static str, String>,
    brief: BTreeMap<&'static str, String>,
}

impl Row {
    /// What a program reads in that column: a time, where people read an age.
    pub(crate) fn in_csv(&mut self, title: &'static str, cell: String) -> &mut Self {
        self.in_csv.insert(title, cell);
        self
    }

    /// At most so many characters in that column of the table; `-o wide` and CSV have the whole.
    pub(crate) fn brief(&mut self, title: &'static str, cell: &str, most: usize) -> &mut Self {
        if let Some((end, _)) = cell.char_indices().nth(most) {
            let end = cell[..end].rfind(' ').unwrap_or(end);
            self.brief.insert(title, format!("{} ..", &cell[..end]));
        }
        self
    }
}

/// Rows of the same columns.
pub(crate) struct List {
    columns: Vec<Column>,
    rows: Vec<Row>,
}

impl List {
    pub(crate) fn new<const N: usize>(columns: [Column; N]) -> Self {
        Self { columns: columns.into(), rows: Vec::new() }
    }

    /// Of rows that begin with their name, and have no wide column.
    pub(crate) fn of<const N: usize>(header: [&'static str; N], rows: impl IntoIterator<Item = [String; N]>) -> Self {
        let mut list = Self::new(header.map(column));
        for row in rows {
            list.row(&row[0].clone(), row);
        }
        list
    }

    /// `name`: as other commands take it.
    pub(crate) fn row<const N: usize>(&mut self, name: &str, cells: [String; N]) -> &mut Row {
        let (in_csv, brief) = (BTreeMap::new(), BTreeMap::new());
        self.rows.push(Row { name: name.to_owned(), cells: cells.into(), in_csv, brief });
        let last = self.rows.len() - 1;
        &mut self.rows[last]
    }

    /// As a table, for the screen that was chosen.
    pub(crate) fn shown(&self, is_wide: bool) -> String {
        self.on(Screen::chosen(), is_wide)
    }

    pub(crate) fn on(&self, screen: Screen, is_wide: bool) -> String {
        let kept: Vec<usize> = (0..self.columns.len()).filter(|at| is_wide || !self.columns[*at].is_wide).collect();
        let header: Vec<&str> = kept.iter().map(|at| self.columns[*at].title).collect();
        let cell = |row: &Row, at: usize| {
            let brief = row.brief.get(self.columns[at].title).filter(|_| !is_wide);
            brief.unwrap_or(&row.cells[at]).clone()
        };
        let rows: Vec<Vec<String>> =
            self.rows.iter().map(|row| kept.iter().map(|at| cell(row, *at)).collect()).collect();
        table::on(screen, &header, &rows)
    }

    /// One name a line.
    fn names(&self) -> String {
        self.rows.iter().map(|row| format!("{}\n", plain(&row.name))).collect()
    }

    /// Every column, under names that a spreadsheet may keep: `CERTIFICATE ENDS` is `certificate_ends`.
    pub(crate) fn csv(&self) -> Result<String, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::Failed(format!("cannot write CSV: {error}"));
        let mut writer = csv::Writer::from_writer(Vec::new());
        let title = |column: &Column| column.title.to_lowercase().replace(' ', "_");
        writer.write_record(self.columns.iter().map(title)).map_err(|error| failed(&error))?;
        for row in &self.rows {
            let cells = self.columns.iter().zip(&row.cells);
            let cells = cells.map(|(column, cell)| row.in_csv.get(column.title).unwrap_or(cell));
            writer.write_record(cells.map(|cell| harmless(&plain(cell)))).map_err(|error| failed(&error))?;
        }
        let bytes = writer.into_inner().map_err(|error| failed(&error))?;
        String::from_utf8(bytes).map_err(|error| failed(&error))
    }

    /// Prints the rows as asked, a document otherwise; `beside` is what only people read, before and after the table.
    pub(crate) fn print(
        &self,
        format: Format,
        document: &serde_json::Value,
        beside: (&str, &str),
    ) -> Result<(), Failure> {
        match format {
            Format::Table | Format::Wide => {
                say(&format!("{}{}{}", beside.0, self.shown(format == Format::Wide), beside.1))
            }
            Format::Name => say(&self.names()),
            Format::Csv => say(&self.csv()?),
            Format::Json | Format::Yaml => super::print(format, document, String::new),
        }
    }
}

/// A spreadsheet takes a cell that begins so for a formula, and others wrote much of this text. Some take a semicolon for the
/// end of a cell, whatever the quotes say, and some pass over what is blank before the sign. A dash alone means that there is
/// no value; it is not a formula.
fn harmless(cell: &str) -> String {
    cell.split(';')
        .map(|part| if is_formula(part) { format!("'{part}") } else { part.to_owned() })
        .collect::<Vec<_>>()
        .join(";")
}

fn is_formula(part: &str) -> bool {
    let begun = part.trim_start_matches(|c: char| c.is_whitespace() || c == '"' || c == '\u{fffd}');
    // The wide forms are what a Japanese spreadsheet reads as the same signs.
    begun.len() > 1 && begun.starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> List {
        let mut list = List::new([column("TENANT"), column("WHY"), wide("CERTIFICATE ENDS")]);
        list.row("tenants/contoso", ["contoso".into(), "=cmd, \"quoted\"".into(), "-".into()]);
        list
    }

    #[test]
    fn wide_columns_are_shown_only_where_they_are_asked_for() {
        assert_eq!(list().shown(false), "TENANT   WHY\ncontoso  =cmd, \"quoted\"\n");
        assert!(
            list().shown(true).starts_with("TENANT   WHY             CERTIFICATE ENDS\n"),
            "{}",
            list().shown(true)
        );
    }

    #[test]
    fn a_long_cell_is_cut_in_the_table_alone_and_csv_has_what_a_program_reads() {
        let mut list = List::new([column("WHY"), column("READ")]);
        let long = "Microsoft does not answer: ßßßß ßßßß";
        list.row("a", [long.into(), "3m".into()]).brief("WHY", long, 30).in_csv("READ", "2026-12-01T11:57:00Z".into());
        assert_eq!(list.shown(false), "WHY                            READ\nMicrosoft does not answer: ..  3m\n");
        assert!(list.shown(true).contains(long), "{}", list.shown(true));
        assert_eq!(list.csv().unwrap(), format!("why,read\n{long},2026-12-01T11:57:00Z\n"));
        list.row("b", ["short".into(), "-".into()]).brief("WHY", "short", 30);
        assert!(list.shown(false).contains("short  "), "{}", list.shown(false));
    }

    #[test]
    fn no_cell_of_csv_is_a_formula_in_any_spreadsheet() {
        for (cell, written) in [
            ("=1+1", "'=1+1"),
            ("  =1+1", "'  =1+1"),
            ("a;=1+1", "a;'=1+1"),
            ("a; @x;b", "a;' @x;b"),
            ("a;\"+1", "a;'\"+1"),
            ("\u{ff1d}1", "'\u{ff1d}1"),
            ("\u{fffd}=1", "'\u{fffd}=1"),
            ("-", "-"),
            ("a-b; c=d", "a-b; c=d"),
        ] {
            assert_eq!(harmless(cell), written);
        }
    }

    #[test]
    fn csv_has_every_column_and_no_formula_and_names_are_alone() {
        assert_eq!(list().csv().unwrap(), "tenant,why,certificate_ends\ncontoso,\"'=cmd, \"\"quoted\"\"\",-\n");
        assert_eq!(list().names(), "tenants/contoso\n");
    }
}
