//! The output: headings, sentences, and a table. A terminal shows the table redrawn in place; elsewhere, changes are
//! printed line by line. Never wider than 80 columns. Knows nothing about tenants except their rows.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};

use crate::picture::Picture;

const WIDTH: usize = 79;

/// The column of the text beside a label.
const INDENT: usize = 13;

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Row {
    pub tenant: String,
    /// One word, in lower case.
    pub phase: String,
    /// `12/14`.
    pub done: String,
    /// How long it took to settle.
    pub seconds: Option<f64>,
    pub why: String,
}

/// Standard output.
#[derive(Debug)]
pub struct Screen {
    is_terminal: bool,
    has_colour: bool,
    /// Lines of the table that the next one replaces.
    drawn: usize,
    /// Where nothing is redrawn: the last printed phase of each tenant, and whether it has settled.
    said: BTreeMap<String, (String, bool)>,
    /// The same output again, to save.
    picture: Option<Picture>,
}

#[derive(Debug, Clone, Copy)]
enum Ink {
    Bold,
    Dim,
    Green,
    Yellow,
    Red,
}

impl Screen {
    pub fn new() -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        let has_colour = is_terminal && std::env::var_os("NO_COLOR").is_none();
        Self { is_terminal, has_colour, drawn: 0, said: BTreeMap::new(), picture: None }
    }

    /// Also draws everything from now on.
    pub fn draw(&mut self) {
        self.picture = Some(Picture::default());
    }

    pub fn picture(&self) -> Option<&Picture> {
        self.picture.as_ref()
    }

    pub fn heading(&mut self, text: &str) {
        let text = self.ink(Ink::Bold, text);
        self.write(&format!("\n{text}\n\n"));
    }

    /// A paragraph.
    pub fn say(&mut self, text: &str) {
        self.write(&wrapped(text, 2));
    }

    /// A line as a person would type it.
    pub fn command(&mut self, text: &str) {
        let text = self.ink(Ink::Dim, &format!("$ {text}"));
        self.write(&format!("  {text}\n"));
    }

    /// A line to copy: uncut, however long.
    pub fn code(&mut self, text: &str) {
        self.write(&format!("    {text}\n"));
    }

    /// A number and what it counts.
    pub fn figure(&mut self, number: &str, what: &str) {
        let number = self.ink(Ink::Bold, &format!("{number:>6}"));
        self.write(&format!("  {number}  {what}\n"));
    }

    /// A change in a file.
    pub fn change(&mut self, text: &str) {
        let ink = if text.starts_with('-') { Ink::Red } else { Ink::Green };
        let text = self.ink(ink, text);
        self.write(&format!("  {text}\n"));
    }

    /// A label and a text.
    pub fn note(&mut self, label: &str, text: &str) {
        let body = wrapped(text, INDENT);
        let label = format!("{label:<width$}", width = INDENT - 2);
        self.write(&format!("  {}{}", label, body.trim_start()));
    }

    pub fn good(&mut self, text: &str) {
        let mark = self.ink(Ink::Green, "✓");
        self.write(&format!("\n  {mark} {}", wrapped(text, 4).trim_start()));
    }

    pub fn bad(&mut self, text: &str) {
        let mark = self.ink(Ink::Red, "✗");
        self.write(&format!("\n  {mark} {}", wrapped(text, 4).trim_start()));
    }

    pub fn gap(&mut self) {
        self.write("\n");
    }

    /// Draws the table over the previous one. Without a terminal, prints what has changed.
    pub fn table(&mut self, rows: &[Row]) {
        let header = line("tenant", "phase", "done", "time", "");
        let mut table = format!("{}\n", self.ink(Ink::Dim, header.trim_end()));
        for row in rows {
            table.push_str(&format!("{}\n", self.row(row)));
        }
        if let Some(picture) = &mut self.picture {
            picture.table(&table);
        }
        if !self.is_terminal {
            return self.tell(rows);
        }
        let before = match self.drawn {
            0 => String::new(),
            lines => format!("\x1b[{lines}F\x1b[J"),
        };
        self.drawn = rows.len() + 1;
        self.print(&(before + &table));
    }

    /// Keeps the table as it is. The next one starts below.
    pub fn end_table(&mut self) {
        (self.drawn, self.said) = (0, BTreeMap::new());
        if let Some(picture) = &mut self.picture {
            picture.end_table();
        }
    }

    fn tell(&mut self, rows: &[Row]) {
        let mut text = String::new();
        for row in rows {
            let now = (row.phase.clone(), row.seconds.is_some());
            if self.said.insert(row.tenant.clone(), now.clone()) != Some(now) {
                text.push_str(&format!("{}\n", self.row(row)));
            }
        }
        self.print(&text);
    }

    fn row(&self, row: &Row) -> String {
        let time = row.seconds.map(|seconds| format!("{seconds:.1} s")).unwrap_or_default();
        let plain = line(&row.tenant, &row.phase, &row.done, &time, &row.why);
        let ink = match row.phase.as_str() {
            "converged" => Ink::Green,
            "partial" | "waiting" => Ink::Yellow,
            "parked" => Ink::Red,
            _ => Ink::Dim,
        };
        plain.replacen(&row.phase, &self.ink(ink, &row.phase), 1)
    }

    fn ink(&self, ink: Ink, text: &str) -> String {
        let code = match ink {
            Ink::Bold => 1,
            Ink::Dim => 2,
            Ink::Red => 31,
            Ink::Green => 32,
            Ink::Yellow => 33,
        };
        let is_inked = self.has_colour || self.picture.is_some();
        if is_inked { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn write(&mut self, text: &str) {
        self.end_table();
        if let Some(picture) = &mut self.picture {
            picture.write(text);
        }
        self.print(text);
    }

    fn print(&self, text: &str) {
        let text = if self.has_colour { text.to_owned() } else { uninked(text) };
        let mut out = std::io::stdout().lock();
        // The reader is gone. The rest is still done.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

/// Without the inks. Codes that move the cursor stay.
fn uninked(text: &str) -> String {
    ["0", "1", "2", "31", "32", "33"]
        .iter()
        .fold(text.to_owned(), |text, code| text.replace(&format!("\x1b[{code}m"), ""))
}

fn line(tenant: &str, phase: &str, done: &str, time: &str, why: &str) -> String {
    let whole = format!("  {tenant:<10} {phase:<11} {done:>5} {time:>7}  {why}");
    let cut: String = whole.trim_end().chars().take(WIDTH).collect();
    if cut.chars().count() < whole.trim_end().chars().count() {
        return cut.chars().take(WIDTH - 1).chain(['…']).collect();
    }
    cut
}

/// Words in lines that start `indent` columns in. A word wider than a line is cut.
fn wrapped(text: &str, indent: usize) -> String {
    let room = WIDTH - indent;
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let word: String = word.chars().take(room).collect();
        let last = lines.last_mut().expect("it begins with one");
        if last.is_empty() {
            *last = word;
        } else if last.chars().count() + 1 + word.chars().count() > room {
            lines.push(word);
        } else {
            last.push(' ');
            last.push_str(&word);
        }
    }
    let margin = " ".repeat(indent);
    lines.iter().map(|line| format!("{margin}{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        let long = "word ".repeat(60);
        for text in [&long, &"x".repeat(200)] {
            assert!(wrapped(text, INDENT).lines().all(|line| line.chars().count() <= WIDTH));
        }
        let row = line("northwind", "converging", "12/14", "123.4 s", &long);
        assert_eq!(row.chars().count(), WIDTH);
        assert!(row.ends_with('…'));
    }

    #[test]
    fn a_short_row_is_left_whole() {
        assert_eq!(line("contoso", "converged", "9/9", "1.0 s", ""), "  contoso    converged     9/9   1.0 s");
    }
}
