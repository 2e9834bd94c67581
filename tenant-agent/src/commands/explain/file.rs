//! The customer's guardrail file as it is now, and where a key stands in it.

use std::path::PathBuf;

use entente_planner::guardrail::Guardrail;
use entente_planner::guardrail::lines::{Line, Lines};
use entente_planner::reference::{Presence, TABLE};
use entente_seal::KeyId;
use serde::Serialize;

use crate::config::Config;
use crate::guardrail_file::{GuardrailFile, read_text};

/// Keys that can only deny. A key that is absent does not decide.
const DENY: [&str; 6] =
    ["people.barred", "protected", "protected.users", "protected.groups", "protected.agentHome", "limits.longestGrant"];

/// The file as it was read once.
#[derive(Debug)]
pub(super) struct File {
    path: Option<PathBuf>,
    /// The text, or why it cannot be read.
    text: Result<String, String>,
    /// The content, if the file parses.
    pub(super) content: Option<Guardrail>,
    /// Why an agent gives nothing by this file, if so.
    pub(super) fault: Option<String>,
}

/// Where a key stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stands {
    pub(super) key: String,
    pub(super) lines: Vec<Place>,
    /// If there is no line: what to add, or why the lines are unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remark: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Place {
    pub(super) file: String,
    pub(super) line: u64,
    pub(super) text: String,
}

impl File {
    /// `root`: the key that the agent enrolled with; `None` before enrolment.
    pub(super) fn read(config: &Config, root: Option<KeyId>) -> Self {
        let path = Some(config.guardrail.clone());
        let (text, content) = match read_text(&config.guardrail) {
            Ok((_, text)) => (Ok(text.clone()), Guardrail::parse(&text)),
            Err(unreadable) => (Err(unreadable.words()), Err(unreadable)),
        };
        let fault = match root {
            Some(root) => GuardrailFile::read(&config.guardrail, config.entra_tenant, root).fault(),
            None => content.as_ref().err().map(|unreadable| unreadable.words()),
        };
        Self { path, text, content: content.ok(), fault }
    }

    /// A file whose path is unknown.
    pub(super) fn not_known(why: String) -> Self {
        Self { path: None, text: Err(why), content: None, fault: None }
    }

    #[cfg(test)]
    pub(super) fn of(path: &str, text: &str) -> Self {
        let content = Guardrail::parse(text);
        let fault = content.as_ref().err().map(|unreadable| unreadable.words());
        Self { path: Some(path.into()), text: Ok(text.to_owned()), content: content.ok(), fault }
    }

    pub(super) fn name(&self) -> String {
        self.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default()
    }

    /// Finds the lines of a key with those below it, or says why there are none.
    pub(super) fn stands(&self, key: &str) -> Stands {
        let found = |found: Vec<Line>| -> Vec<Place> {
            let place = |it: Line| Place { file: self.name(), line: it.number, text: it.text };
            found.into_iter().map(place).collect()
        };
        let (lines, remark) = match self.text.as_ref().map(|text| Lines::of(text)) {
            Err(why) => (Vec::new(), Some(format!("not known: {why}"))),
            Ok(Err(unreadable)) => (Vec::new(), Some(format!("not known: {}", unreadable.words()))),
            Ok(Ok(lines)) => {
                let lines = found(lines.at(key));
                let remark = lines.is_empty().then(|| absent(key));
                (lines, remark)
            }
        };
        Stands { key: key.to_owned(), lines, remark }
    }

    /// Whether a key can deny something, as far as is known.
    pub(super) fn can_deny(&self, key: &str) -> bool {
        let stands = self.stands(key);
        let is_empty_list = |content: &Guardrail| key == "people.barred" && content.people.barred.is_empty();
        if self.content.as_ref().is_some_and(is_empty_list) {
            return false;
        }
        !DENY.contains(&key) || !stands.lines.is_empty() || self.content.is_none()
    }
}

/// Says what to add for a key that is absent.
fn absent(key: &str) -> String {
    let add = match key.rsplit_once('.') {
        Some((section, name)) => format!("add `{name}` under `{section}`"),
        None => format!("add `{key}`"),
    };
    let left_out = TABLE.iter().find(|it| it.path == key).map(|it| it.presence);
    match left_out {
        Some(Presence::Default(value)) => format!("no line: {add}; left out it is `{value}`"),
        Some(Presence::Required | Presence::Optional) | None => format!("no line: {add}"),
    }
}

impl Stands {
    /// One line of text per line of the file.
    pub(super) fn texts(&self) -> Vec<String> {
        let lines = self.lines.iter().map(|it| format!("{}:{}: {}", it.file, it.line, it.text));
        lines.chain(self.remark.iter().map(|remark| format!("{}: {remark}", self.key))).collect()
    }
}
