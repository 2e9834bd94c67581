//! The reference as a page of Markdown, and the examples that stand in it.

use std::fmt::Write as _;

use super::{Key, Kind, Presence, TABLE};
use crate::capability::Capability;

/// What an example is for, and the file.
pub const EXAMPLES: [(&str, &str); 3] = [
    (
        "Look only: the agent reads and reports what it would do, and prints the scripts; it writes nothing.",
        include_str!("look-only.yaml"),
    ),
    ("Usual: analysts work in Sentinel and Defender; leavers are blocked at once.", include_str!("usual.yaml")),
    (
        "Strict: few people, for a short time each, no change over the holidays, and a colleague who is not to come.",
        include_str!("strict.yaml"),
    ),
];

const HEAD: &str = "\
# The guardrail, key by key

A file of YAML that the customer writes, and that binds the agent: nothing happens that it does not allow. What is left out is
denied, an unknown key is refused, and a file that cannot be used gives nothing while leavers go. It is read anew before each
plan, within seconds of a change. `entente-agent check-guardrail FILE` names every fault, or prints the text to consent to;
`--diff OLD` says what a change means; `entente-agent schema` prints a JSON schema for editors
([`guardrail.schema.json`](guardrail.schema.json)). Anchors, aliases and tags of YAML are refused, and files of more than 64 KiB.

The schema holds the form. What two keys say together, days that are past and rights of the file itself are
`check-guardrail`'s.

This page is made from code: `UPDATE_EXPECT=1 cargo test -p entente-planner --lib tests::keys`.

";

/// The whole page.
pub fn page() -> String {
    let mut out = HEAD.to_owned();
    let (top, below): (Vec<&Key>, Vec<&Key>) = TABLE.iter().partition(|key| key.place().0.is_empty());
    table(&mut out, "The file", &top);
    for section in TABLE.iter().filter(|key| matches!(key.kind, Kind::Section | Kind::Sections)) {
        let keys: Vec<&Key> =
            below.iter().copied().filter(|key| key.place().0.trim_end_matches("[]") == section.path).collect();
        table(&mut out, &format!("`{}`: {}", section.path, section.does), &keys);
    }
    out.push_str("## Capabilities\n\n| word | lets people |\n|---|---|\n");
    for capability in Capability::ALL {
        // Writing to a text never fails.
        let _ = writeln!(out, "| `{}` | {} |", capability.word(), capability.phrase());
    }
    out.push_str("\n## Examples\n");
    for (about, yaml) in EXAMPLES {
        let _ = write!(out, "\n{about}\n\n```yaml\n{yaml}```\n");
    }
    out
}

fn table(out: &mut String, title: &str, keys: &[&Key]) {
    let _ =
        write!(out, "## {title}\n\n| key | takes | left out | bound | does | narrower |\n|---|---|---|---|---|---|\n");
    for key in keys {
        let left_out = match key.presence {
            Presence::Required => "refused".to_owned(),
            Presence::Default(value) => format!("`{value}`"),
            Presence::Optional => "nothing".to_owned(),
        };
        // The words of `capabilities` have a table of their own.
        let takes = if key.path.starts_with("capabilities.") && !matches!(key.kind, Kind::List(Kind::Action)) {
            "list of [capabilities](#capabilities)".to_owned()
        } else {
            key.kind.text()
        };
        let (name, bound, does, narrower) = (key.place().1, key.bound, key.does, key.narrower);
        let _ = writeln!(out, "| `{name}` | {takes} | {left_out} | {bound} | {does} | {narrower} |");
    }
    out.push('\n');
}
