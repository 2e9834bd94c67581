//! How answers are printed: a table for people, JSON or YAML for programs.
//!
//! Much of what is printed was written by others: an agent in a customer's tenant, or a server. It is shown and never
//! obeyed: a terminal gets no control character but the ends of our own lines.

mod list;
mod obeyed;
mod table;
pub(crate) mod zone;

use std::io::Write;

use entente_model::Timestamp;
use prost_reflect::{
    DescriptorPool, DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage,
    SerializeOptions,
};
use serde_json::Value;

use crate::args::Format;
use crate::failure::Failure;

use self::obeyed::is_obeyed;

pub(crate) use self::list::{List, column, wide};
pub(crate) use self::obeyed::{plain, shown};
pub(crate) use self::table::{Screen, facts, table};

/// The document of a message, by the rules of protobuf's JSON; 64-bit numbers as numbers, and words as tables have them:
/// `CONVERGED`, not `TENANT_PHASE_CONVERGED`.
pub(crate) fn document<M: prost::Message + prost::Name>(message: &M) -> Value {
    // The descriptors are those that the message was generated from, so neither lookup nor decoding can fail.
    let descriptor = pool().get_message_by_name(&M::full_name()).expect("generated messages have descriptors");
    let dynamic = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice()).expect("encoded just now");
    let options = SerializeOptions::new().stringify_64_bit_integers(false).skip_default_fields(false);
    let mut document =
        dynamic.serialize_with_options(serde_json::value::Serializer, &options).expect("JSON takes any message");
    shorten(&dynamic.descriptor(), &mut document);
    document
}

/// Takes the names of enumerations from the words of them, through every message within. A code is left out: the word beside it
/// says the same, and a later one as it came.
fn shorten(message: &MessageDescriptor, document: &mut Value) {
    let Value::Object(members) = document else { return };
    for field in message.fields() {
        if is_code(&field) {
            members.remove(field.json_name());
        }
        let Some(value) = members.get_mut(field.json_name()) else { continue };
        let one = |value: &mut Value| match (field.kind(), &mut *value) {
            (Kind::Enum(of), Value::String(word)) => *word = word_of(&of, word),
            (Kind::Message(inner), value) => shorten(&inner, value),
            _ => {}
        };
        match value {
            Value::Array(all) if field.is_list() => all.iter_mut().for_each(one),
            value => one(value),
        }
    }
}

/// `state_code` beside a text `state`.
fn is_code(field: &FieldDescriptor) -> bool {
    let word = field.name().strip_suffix("_code").and_then(|name| field.parent_message().get_field_by_name(name));
    matches!(field.kind(), Kind::Enum(_)) && word.is_some_and(|word| word.kind() == Kind::String)
}

/// By the rule that the first part of each word is its enumeration's name (buf: ENUM_VALUE_PREFIX).
fn word_of(of: &EnumDescriptor, word: &str) -> String {
    let mut prefix = String::new();
    for c in of.name().chars() {
        if c.is_ascii_uppercase() && !prefix.is_empty() {
            prefix.push('_');
        }
        prefix.push(c.to_ascii_uppercase());
    }
    word.strip_prefix(&format!("{prefix}_")).unwrap_or(word).to_owned()
}

pub(crate) fn pool() -> &'static DescriptorPool {
    static POOL: std::sync::OnceLock<DescriptorPool> = std::sync::OnceLock::new();
    POOL.get_or_init(|| DescriptorPool::decode(entente_proto::DESCRIPTORS).expect("compiled from our own protos"))
}

/// Prints a document, or the table that stands for it.
pub(crate) fn print(format: Format, document: &Value, table: impl FnOnce() -> String) -> Result<(), Failure> {
    match format {
        Format::Table | Format::Wide => say(&table()),
        Format::Name | Format::Csv => Err(not_a_list()),
        Format::Json => say(&json(document)),
        Format::Yaml => say(&yaml(document)),
    }
}

/// The error for an output that a command does not have.
pub(crate) fn not_a_list() -> Failure {
    Failure::Usage("`--output name` and `csv` are of lists; ask for table, json or yaml here".into())
}

/// One line of JSON, for streams of documents.
pub(crate) fn json_line(document: &Value) -> Result<(), Failure> {
    stream(&escaped(&format!("{document}\n")))
}

fn json(document: &Value) -> String {
    escaped(&format!("{document:#}\n"))
}

/// JSON escapes some control characters by itself; this escapes the others, which stand nowhere but in its strings.
fn escaped(json: &str) -> String {
    let escape = |c: char| if is_obeyed(c) && c != '\n' { format!("\\u{:04x}", u32::from(c)) } else { c.into() };
    json.chars().map(escape).collect()
}

pub(crate) fn yaml(document: &Value) -> String {
    serde_saphyr::to_string(document).expect("YAML takes any JSON")
}

/// Says something beside the answer, on standard error: one line. A closed standard error is no failure.
pub(crate) fn aside(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", plain(text));
}

/// Writes to standard output, whole, without what a terminal would obey. A reader that went away (`| head`) ends the
/// printing, and not the command: its exit code still tells how it went.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    read_or_not(stream(text))
}

fn read_or_not(outcome: Result<(), Failure>) -> Result<(), Failure> {
    match outcome {
        Err(Failure::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

/// The same for what has no end of its own: a reader that went away ends it.
pub(crate) fn stream(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(shown(text).as_bytes())?;
    Ok(out.flush()?)
}

/// Says what comes before a question, on standard error: standard output holds the answer alone.
pub(crate) fn before(text: &str) {
    let _ = std::io::stderr().write_all(shown(text).as_bytes());
}

/// An instant in a table, in the zone that was chosen; a dash for none.
pub(crate) fn instant(at: &Option<prost_types::Timestamp>) -> String {
    at.as_ref().and_then(|at| zone::shown(at.seconds)).unwrap_or_else(|| utc(at))
}

/// The same in UTC, for programs and for days that are counted in UTC.
pub(crate) fn utc(at: &Option<prost_types::Timestamp>) -> String {
    at.as_ref().map_or_else(|| "-".into(), |at| entente_convert::time::from_proto(at).to_string())
}

/// By this machine's clock.
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// How long ago it was: `41s`, `12m`, `5h`, `3d`; a dash for none.
pub(crate) fn age(at: &Option<prost_types::Timestamp>, now: Timestamp) -> String {
    let Some(at) = at else { return "-".into() };
    length(now.as_unix().saturating_sub(at.seconds).max(0))
}

/// How long until then, `in 30d`, or since, `3h ago`; a dash for none.
pub(crate) fn until(at: &Option<prost_types::Timestamp>, now: Timestamp) -> String {
    match at.as_ref().map(|at| at.seconds.saturating_sub(now.as_unix())) {
        None => "-".into(),
        Some(left) if left >= 0 => format!("in {}", length(left)),
        Some(left) => format!("{} ago", length(left.saturating_neg())),
    }
}

fn length(seconds: i64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A dash for nothing.
pub(crate) fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_control_characters_are_not_obeyed() {
        let rows = [["a".to_owned(), "long".to_owned()], ["bbbb".to_owned(), "\u{1b}[31m".to_owned()]];
        assert_eq!(table(["X", "YY"], &rows), "X     YY\na     long\nbbbb  \u{fffd}[31m\n");
    }

    #[test]
    fn a_reader_that_went_away_ends_the_printing_and_not_the_command() {
        let failed = |kind| read_or_not(Err(Failure::Output(std::io::Error::from(kind))));
        failed(std::io::ErrorKind::BrokenPipe).unwrap();
        failed(std::io::ErrorKind::StorageFull).unwrap_err();
        read_or_not(Err(Failure::Incomplete("two are not proven".into()))).unwrap_err();
    }

    #[test]
    fn an_age_has_one_unit() {
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let now = Timestamp::from_unix(1_000_000);
        let ages = [1_000_001, 1_000_000 - 59, 1_000_000 - 60, 1_000_000 - 3_600, 1_000_000 - 172_800]
            .map(|it| age(&at(it), now));
        assert_eq!(ages, ["0s", "59s", "1m", "1h", "2d"]);
        assert_eq!(age(&None, now), "-");
        let untils = [1_000_000 + 3 * 86_400, 1_000_000, 1_000_000 - 7_200].map(|it| until(&at(it), now));
        assert_eq!(untils, ["in 3d", "in 0s", "2h ago"]);
        assert_eq!(until(&None, now), "-");
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_printed() {
        let evil = "\u{1b}]0;x\u{7}\u{9b}2J\u{7f}\r\u{202e}\u{2066}\u{2028}";
        assert!(!shown(evil).contains(is_obeyed) && !plain(&format!("a\n{evil}")).contains(is_obeyed));
        assert_eq!(shown("a\n\tb ü 漢\n"), "a\n\tb ü 漢\n");
        let document = serde_json::json!({ "detail": evil, "lines": "a\nb" });
        let of_ours = |text: String| text.replace('\n', "");
        assert!(!of_ours(json(&document)).contains(is_obeyed));
        assert_eq!(serde_json::from_str::<Value>(&json(&document)).unwrap(), document, "nothing is lost");
        assert!(!of_ours(shown(&yaml(&document))).contains(is_obeyed));
    }

    #[test]
    fn a_message_prints_by_its_field_names() {
        let status =
            entente_proto::fleet::v1::TenantStatus { tenant: "tenants/a".into(), items: 3, ..Default::default() };
        let document = document(&status);
        assert_eq!(document["tenant"], "tenants/a");
        assert_eq!(document["items"], 3);
        assert_eq!(document["phase"], "UNSPECIFIED");
        let access = entente_proto::fleet::v1::Access { state: "HELD".into(), state_code: 9, ..Default::default() };
        let access = super::document(&access);
        assert_eq!((&access["state"], access.get("stateCode")), (&"HELD".into(), None), "one spelling");
        let response = entente_proto::access::v1::ResourceChange {
            kind: entente_proto::access::v1::ChangeKind::Updated.into(),
            ..Default::default()
        };
        assert_eq!(super::document(&response)["kind"], "UPDATED");
    }
}
