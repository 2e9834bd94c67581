//! Text without what a terminal would obey.

/// What a terminal obeys, or what makes it show text in another order than it stands in.
pub(super) fn is_obeyed(c: char) -> bool {
    let turns = ['\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}'];
    c.is_control()
        || turns.contains(&c)
        || ('\u{202a}'..='\u{202e}').contains(&c)
        || ('\u{2066}'..='\u{2069}').contains(&c)
}

/// Lines of text, with a mark for each character that a terminal would obey.
pub(crate) fn shown(text: &str) -> String {
    text.replace(|c| is_obeyed(c) && !matches!(c, '\n' | '\t'), "\u{fffd}")
}

/// The same for what others wrote within one line of ours.
pub(crate) fn plain(text: &str) -> String {
    text.replace(is_obeyed, "\u{fffd}")
}
