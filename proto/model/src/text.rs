//! Texts that people write and that appear elsewhere: signed items, logs, terminals, the customer's screens. They are
//! one line, and look like what they are.

/// Longest free text: a justification, a display name. Entra ID caps display names at 256 (Graph: group).
pub const MAX_TEXT_CHARS: usize = 256;

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    #[error("is longer than {MAX_TEXT_CHARS} characters; shorten it")]
    Long,
    #[error("holds a control character or a line break; write one line of plain text")]
    Control,
    #[error("holds an invisible character that changes the direction of the text; remove it")]
    Directing,
    #[error("holds a character that cannot be seen; remove it")]
    Unseen,
}

/// Checks a text.
pub fn check(text: &str) -> Result<(), TextError> {
    if text.chars().count() > MAX_TEXT_CHARS {
        return Err(TextError::Long);
    }
    plain(text)
}

/// As [`check`], for any length.
pub fn plain(text: &str) -> Result<(), TextError> {
    // Unicode does not count the separators of lines and paragraphs as control characters, but they break lines.
    if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err(TextError::Control);
    }
    if text.chars().any(is_directing) {
        return Err(TextError::Directing);
    }
    if text.chars().any(is_unseen) { Err(TextError::Unseen) } else { Ok(()) }
}

/// An error and its causes in one line, outermost first. Transparent errors repeat the text of their cause, so a
/// repeated text is left out.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    for cause in std::iter::successors(error.source(), |error| error.source()) {
        let next = cause.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
    }
    text
}

/// The file is UTF-16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is UTF-16, as PowerShell writes it; save it as UTF-8")]
pub struct Utf16;

/// The content of a file without the byte order mark that Windows editors put before UTF-8.
pub fn unmarked(bytes: &[u8]) -> Result<&[u8], Utf16> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Utf16);
    }
    Ok(bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes))
}

/// Characters that make a text look like another one (Unicode: UAX #9, explicit directional formatting).
fn is_directing(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Characters that make two texts look the same (Unicode: UAX #44, Default_Ignorable_Code_Point, without the joiners
/// and selectors that names of some scripts need).
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{00ad}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attacks_s03_a_text_is_one_line_and_looks_as_it_is() {
        for text in ["", "Maya Berg", "Björk O'Brien (SOC)", "मराठी क्‍ष", "日本", &"x".repeat(256)]
        {
            assert_eq!(check(text), Ok(()), "{text:?}");
        }
        for text in ["a\nb", "a\rb", "\u{1b}[2J", "a\u{85}b", "a\u{2028}b", "a\u{2029}b", "\0"] {
            assert_eq!(check(text), Err(TextError::Control), "{text:?}");
        }
        for text in ["a\u{202e}b", "a\u{2066}b", "\u{200f}"] {
            assert_eq!(check(text), Err(TextError::Directing), "{text:?}");
        }
        for text in ["a\u{200b}b", "\u{feff}a", "a\u{ad}b", "a\u{e0041}b", "a\u{2060}b"] {
            assert_eq!(check(text), Err(TextError::Unseen), "{text:?}");
        }
        assert_eq!(check(&"x".repeat(257)), Err(TextError::Long));
    }

    #[derive(Debug, thiserror::Error)]
    enum Failure {
        #[error("the file cannot be read")]
        Read(#[source] std::num::ParseIntError),
        #[error(transparent)]
        Whole(Box<Self>),
        #[error("it is not kept")]
        NotKept(#[source] Box<Self>),
    }

    #[test]
    fn an_error_is_told_with_each_of_its_causes_once() {
        let read = Failure::Read("x".parse::<u8>().unwrap_err());
        let error = Failure::NotKept(Box::new(Failure::Whole(Box::new(read))));
        assert_eq!(chain(&error), "it is not kept: the file cannot be read: invalid digit found in string");
    }
}
