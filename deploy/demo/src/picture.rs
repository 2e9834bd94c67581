//! The picture of a run: the terminal's content at the end, as SVG. Of terminals, it knows only the inks of
//! `screen.rs`.

use std::fmt::Write as _;

/// Height of a line, in pixels. A letter of a fixed-width font is three fifths as wide as it is high.
const LINE: usize = 17;
const LETTER: usize = 13;

/// A terminal of 80 columns.
const COLUMNS: usize = 80;

/// Readable on a white and on a dark page, because the background is drawn too.
const STYLE: &str = "text{font-family:ui-monospace,Menlo,Consolas,monospace;white-space:pre;fill:#d0d7de}\
                     .b{font-weight:bold;fill:#fff}.d{fill:#8b949e}.r{fill:#ff7b72}.g{fill:#56d364}.y{fill:#e3b341}";

/// What has been printed so far.
#[derive(Debug, Default)]
pub struct Picture {
    text: String,
    /// The start of the table that the next one replaces.
    table: Option<usize>,
}

impl Picture {
    pub fn write(&mut self, text: &str) {
        self.table = None;
        self.text.push_str(text);
    }

    pub fn table(&mut self, text: &str) {
        let begins = self.table.unwrap_or(self.text.len());
        self.text.truncate(begins);
        self.text.push_str(text);
        self.table = Some(begins);
    }

    pub fn end_table(&mut self) {
        self.table = None;
    }

    pub fn svg(&self) -> String {
        let lines: Vec<&str> = self.text.trim().lines().collect();
        let (width, height) = (COLUMNS * LETTER * 3 / 5 + 2 * LINE, (lines.len() + 2) * LINE);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" xml:space=\"preserve\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             font-size=\"{LETTER}\">\n<style>{STYLE}</style>\n<rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"#0d1117\"/>\n"
        );
        for (number, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
            // Writing to a string never fails.
            let _ = writeln!(out, "<text x=\"{LINE}\" y=\"{}\">{}</text>", (number + 2) * LINE - 4, inked(line));
        }
        out + "</svg>\n"
    }
}

/// A line with its inks as classes.
fn inked(line: &str) -> String {
    let mut parts = line.split("\x1b[");
    let mut out = escaped(parts.next().unwrap_or_default());
    for part in parts {
        let (code, text) = part.split_once('m').unwrap_or(("0", part));
        let class = match code {
            "1" => "b",
            "2" => "d",
            "31" => "r",
            "32" => "g",
            "33" => "y",
            _ => "",
        };
        match class {
            "" => out.push_str(&escaped(text)),
            class => out.push_str(&format!("<tspan class=\"{class}\">{}</tspan>", escaped(text))),
        }
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_the_last_table_alone_and_every_ink() {
        let mut picture = Picture::default();
        picture.write("\x1b[1mThe <intent>\x1b[0m\n\n");
        picture.table("contoso pending\n");
        picture.table("contoso \x1b[32mconverged\x1b[0m & well\n");
        picture.end_table();
        picture.write("end\n");
        let svg = picture.svg();
        assert!(!svg.contains("pending") && !svg.contains('\x1b'), "{svg}");
        assert!(svg.contains("<tspan class=\"b\">The &lt;intent&gt;</tspan>"), "{svg}");
        assert!(svg.contains("contoso <tspan class=\"g\">converged</tspan> &amp; well"), "{svg}");
        assert_eq!(svg.matches("<text ").count(), 3);
    }
}
