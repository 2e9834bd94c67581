//! What a state, a reason or a guardrail key means, and where the key stands in the customer's file.

use entente_model::report::advice::Move;
use entente_model::report::{ItemState, Reason};
use entente_planner::reference::{Key, Presence, TABLE};
use serde::Serialize;

use super::file::{File, Stands};
use crate::commands::screen::{self, rows};

/// A word and its meaning.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Word {
    word: String,
    kind: &'static str,
    means: String,
    #[serde(rename = "move", skip_serializing_if = "Option::is_none")]
    whose: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_do: Option<&'static str>,
    /// The values of a key, and its default.
    #[serde(skip_serializing_if = "Option::is_none")]
    takes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<String>,
    /// What follows when a key is made narrower.
    #[serde(skip_serializing_if = "Option::is_none")]
    narrower: Option<&'static str>,
    /// The key itself, or the keys that a reason comes from.
    guardrail: Vec<Stands>,
}

/// Finds the meanings of a word. Some words have two.
pub(super) fn known(text: &str, file: &File) -> Vec<Word> {
    let is = |word: &str| word.eq_ignore_ascii_case(text);
    let said = |word: &str, kind, means: &str, (whose, what): (Move, &'static str), keys: Vec<String>| Word {
        word: word.to_owned(),
        kind,
        means: means.to_owned(),
        whose: Some(whose.text()),
        to_do: Some(what),
        guardrail: keys.iter().map(|key| file.stands(key)).collect(),
        ..Word::default()
    };
    let state = ItemState::ALL.into_iter().find(|it| is(it.word()));
    let state = state.map(|it| said(it.word(), "state", it.meaning(), it.advice(), Vec::new()));
    let reason = Reason::ALL.iter().find(|it| is(it.word()));
    let reason = reason.map(|it| said(it.word(), "reason", it.meaning(), it.advice(), it.guardrail_keys(None)));
    let path = |key: &&Key| is(key.path) || is(&key.path.replace("[]", ""));
    // A name without its section may be a part of an item too, so such keys are searched after the items.
    let key = TABLE.iter().find(path).map(|it| of_key(it, file));
    [state, reason, key].into_iter().flatten().collect()
}

/// Keys with that last name, such as `scopes`.
pub(super) fn by_last_name(text: &str, file: &File) -> Vec<Word> {
    let named = TABLE.iter().filter(|key| key.place().1.eq_ignore_ascii_case(text));
    named.map(|key| of_key(key, file)).collect()
}

fn of_key(key: &Key, file: &File) -> Word {
    let bound = if key.bound.is_empty() { String::new() } else { format!(" ({})", key.bound) };
    let left_out = match key.presence {
        Presence::Required => Some("refused".to_owned()),
        Presence::Default(value) => Some(format!("`{value}`")),
        Presence::Optional => None,
    };
    Word {
        word: key.path.to_owned(),
        kind: "guardrail key",
        means: format!("{}{bound}", key.does),
        takes: Some(key.kind.text()),
        left_out,
        narrower: Some(key.narrower).filter(|it| !it.is_empty()),
        guardrail: vec![file.stands(key.path)],
        ..Word::default()
    }
}

impl Word {
    pub(super) fn text(&self) -> String {
        let all = [
            vec![format!("{} ({})", self.word, self.kind)],
            rows("means", [&self.means]),
            rows("whose move", self.whose),
            rows("to do", self.to_do),
            rows("takes", &self.takes),
            rows("left out", &self.left_out),
            rows("narrower", self.narrower),
            rows("your file", self.guardrail.iter().flat_map(Stands::texts)),
        ];
        screen::lines(&all.concat().join("\n"), screen::width())
    }
}
