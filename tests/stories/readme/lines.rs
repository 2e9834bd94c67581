//! The README as a list of things to do: its shell lines below "Run it", each with the side that types it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// Who types the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Provider,
    Customer,
}

impl Side {
    pub fn word(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Customer => "customer",
        }
    }
}

/// One line, without its comment.
#[derive(Debug)]
pub struct Line {
    pub side: Side,
    pub text: String,
}

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}

fn readme() -> Result<String> {
    std::fs::read_to_string(repository().join("README.md")).context("the README")
}

/// Every shell line of the section, in the order of the page.
pub fn of_readme() -> Result<Vec<Line>> {
    let text = readme()?;
    let (_, section) = text.split_once("\n## Run it\n").context("README: Run it")?;
    let section = section.split("\n## ").next().unwrap_or(section);
    let (mut side, mut is_shell, mut found) = (None, false, Vec::new());
    for line in section.lines() {
        match line {
            "```" => is_shell = false,
            "```sh" => is_shell = true,
            _ if line.starts_with("**The service provider**") => side = Some(Side::Provider),
            _ if line.starts_with("**The customer**") => side = Some(Side::Customer),
            _ if is_shell => {
                let side = side.with_context(|| format!("nobody is said to type {line}"))?;
                found.push(Line { side, text: uncommented(line) });
            }
            _ => {}
        }
    }
    ensure!(!is_shell, "a block of shell does not end");
    Ok(found)
}

fn uncommented(line: &str) -> String {
    line.split(" #").next().unwrap_or(line).trim().to_owned()
}

/// The first block of a language that begins with this text.
pub fn block(language: &str, begins: &str) -> Result<String> {
    let text = readme()?;
    let opens = format!("```{language}\n");
    let mut blocks = text.split(&opens).skip(1).filter_map(|block| block.split("```").next());
    let found = blocks.find(|block| block.starts_with(begins)).map(str::to_owned);
    found.with_context(|| format!("the README has no block of {language} that begins with {begins:?}"))
}
